r"""Mixed states of electrons and nuclei: the electronic moments of an ensemble of exact wavefunctions.

$$\hat\rho(x,x')=\sum_\alpha w_\alpha\Psi_\alpha(x)\Psi_\alpha^\dagger(x'),\qquad
\hat Q_{k\ldots j}=\frac{p_k+p_k'^*}2\cdots\frac{p_j+p_j'^*}2\,\hat\rho(x,x')\Big|_{x=x'}$$

With $n=\mathrm{Tr}\,\hat Q$ and $\pi_k=\mathrm{Tr}\,\hat Q_k/n$ the moments (79)-(81) of Martinazzo and Burghardt,
"Quantum hydrodynamics of coupled electron-nuclear systems", are

$$\hat M^{(0)}=\frac{\hat Q}n,\qquad\hat M^{(1)}_k=\frac{\hat Q_k}n-\pi_k\hat M^{(0)},\qquad
\hat M^{(2)}_{kj}=\frac{\hat Q_{kj}}n-\big(\pi_k\pi_j-\tfrac14\partial_k\partial_j\ln n\big)\hat M^{(0)}
  -\pi_j\hat M^{(1)}_k-\pi_k\hat M^{(1)}_j$$

($\hbar=1$). In this form they are free of any gauge, and the equations (78), (85), (86) and (88) hold for every
mixture, not only for those of a single nuclear wavefunction. In (88) as printed one term is not Hermitian:
$\tfrac{i\hbar}2(\partial_k\partial_i\ln n)\hat M^{(1)}_j$ stands where
$\tfrac{\hbar^2}4(\partial_k\partial_i\ln n)\,\partial_j\hat M^{(0)}$ belongs.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.analysis.exact_factorization import FLOOR, Factorization, factorize
from brackish.analysis.momentum_moments import operator_moments
from brackish.errors import InvalidInput
from brackish.grids import Grid
from brackish.hamiltonians import SeparableHamiltonian
from brackish.typing import Array, Bool, Complex, Float, Inexact


class ElectronicMoments(eqx.Module):
    r"""The fluid of a mixture and the moments of the electrons at each place, zero where the density is not resolved.

    `density`: n, (*grid). `momentum`: $\pi_k$, (n, *grid). `log_curvature`: $\partial_k\partial_j\ln n$, (n, n, *grid).
    `zeroth`: $\hat M^{(0)}$, the conditional density operator, (d, d, *grid); `zeroth_slope`:
    $\partial_k\hat M^{(0)}$. `first`: $\hat M^{(1)}_k$, (n, d, d, *grid). `second`: $\hat M^{(2)}_{kj}$,
    (n, n, d, d, *grid).

    Rates and slopes of all of these have the same form, slopes with one more index in front.
    """

    density: Float[Array, "..."]
    momentum: Float[Array, "..."]
    log_curvature: Float[Array, "..."]
    zeroth: Complex[Array, "..."]
    zeroth_slope: Complex[Array, "..."]
    first: Complex[Array, "..."]
    second: Complex[Array, "..."]


class Mixture(eqx.Module):
    r"""An ensemble of wavefunctions. Made by `mixture`.

    `members`: (members, d, *grid). `weights`: (members,). `setting`: the first member taken apart, with the matrix
    $\hat H_{el}$, its slopes and the inverse mass tensor $\xi^{ij}$ on the grid.
    """

    members: Complex[Array, "members d *grid"]
    weights: Float[Array, " members"]
    setting: Factorization

    @property
    def moments(self) -> ElectronicMoments:
        """The moments at the nodes."""
        return self._moments_of(self.members)

    @property
    def resolved(self) -> Bool[Array, "*grid"]:
        """Where the density is large enough to divide by."""
        density = self.moments.density
        return density > self.setting.floor * jnp.max(density)

    @property
    def purity(self) -> Float[Array, "*grid"]:
        r"""$\mathrm{Tr}\,(\hat M^{(0)})^2$: how pure the electrons are at each place; zero where not resolved."""
        return jnp.sum(jnp.abs(self.moments.zeroth) ** 2, axis=(0, 1))

    @property
    def metric(self) -> Float[Array, "n n *grid"]:
        r"""$g^{av}_{kj}=\mathrm{Tr}\,\hat M^{(2)}_{kj}$, eq. (89): it does not follow from $\hat M^{(0)}$."""
        return _trace(self.moments.second, self.setting.grid.coordinates)

    @property
    def rates(self) -> ElectronicMoments:
        """How the moments change at each node, by the Schroedinger equation of the members."""

        def of_member(psi):
            return eqx.tree_at(lambda setting: setting.psi, self.setting, psi).rate

        return self._along(jax.vmap(of_member)(self.members))

    @property
    def slopes(self) -> ElectronicMoments:
        r"""$\partial_i$ of all moments, i in front: as the members move over the grid, so do the moments."""
        return jax.vmap(self._along)(self.setting.grid.gradient(self.members))

    @property
    def material_rates(self) -> ElectronicMoments:
        r"""$d/dt=\partial_t+v^i\partial_i$ of all moments, by the Schroedinger equation of the members.

        Independent of the equations of motion below, which can be held against it.
        """
        velocity = self._velocity

        def carried(rate, slopes):
            return rate + jnp.sum(_beside(velocity, slopes) * slopes, axis=0)

        return jax.tree_util.tree_map(carried, self.rates, self.slopes)

    # equations of motion

    @property
    def momentum_rate(self) -> Float[Array, "n *grid"]:
        r"""$\frac{d\pi_k}{dt}=-\overline{\partial_kH_{el}}-\frac1n\xi^{ij}\partial_i(ng^{av}_{kj})
        +\frac1{4n}\xi^{ij}\partial_i(n\,\partial_j\partial_k\ln n)$, eq. (78).
        """
        moments, slopes, count = self.moments, self.slopes, self.setting.grid.coordinates
        tensor = _trace(moments.second, count) - 0.25 * moments.log_curvature
        slope = _trace(slopes.second, count) - 0.25 * slopes.log_curvature
        return -self._mean_slope - self._divergence_over_density(tensor, slope)

    @property
    def zeroth_rate(self) -> Complex[Array, "d d *grid"]:
        r"""$\frac{d\hat M^{(0)}}{dt}=-i[\hat H_{el},\hat M^{(0)}]-\frac1n\xi^{ij}\partial_i(n\hat M^{(1)}_j)$ (85)."""
        turned = _commutator(self.setting.potential, self.moments.zeroth)
        return -1j * turned - self._divergence_over_density(self.moments.first, self.slopes.first)

    @property
    def first_rate(self) -> Complex[Array, "n d d *grid"]:
        r"""Eq. (88), corrected:
        $$\begin{aligned}\frac{d\hat M^{(1)}_k}{dt}=&-i[\hat H_{el},\hat M^{(1)}_k]
        -\tfrac12[\partial_k\hat H_{el}-\overline{\partial_kH_{el}},\hat M^{(0)}]_+
        +\frac1n\xi^{ij}\partial_i(ng^{av}_{kj})\hat M^{(0)}-\frac1n\xi^{ij}\partial_i(n\hat M^{(2)}_{kj})\\
        &-\xi^{ij}B_{ki}\hat M^{(1)}_j+\tfrac14\xi^{ij}(\partial_k\partial_i\ln n)\,\partial_j\hat M^{(0)}
        -(\partial_kv^j)\hat M^{(1)}_j\end{aligned}$$
        """
        moments, slopes = self.moments, self.slopes
        inverse_mass, count = self.setting.inverse_mass, self.setting.grid.coordinates
        metric, slope_of_metric = _trace(moments.second, count), _trace(slopes.second, count)
        levels = self.members.shape[1]
        identity = jnp.eye(levels).reshape(1, levels, levels, *[1] * count)
        fluctuation = self.setting.potential_slope - _beside_matrix(self._mean_slope, count) * identity
        raised = jnp.einsum("ij,jab...->iab...", inverse_mass, moments.first)
        return (
            -1j * _commutator(self.setting.potential, moments.first)
            - 0.5 * _anticommutator(fluctuation, moments.zeroth)
            + _beside_matrix(self._divergence_over_density(metric, slope_of_metric), count)
            * moments.zeroth[None]
            - self._divergence_over_density(moments.second, slopes.second)
            - jnp.einsum("ki...,iab...->kab...", self.magnetic, raised)
            + 0.25
            * jnp.einsum("ij,ki...,jab...->kab...", inverse_mass, moments.log_curvature, moments.zeroth_slope)
            - jnp.einsum("ki...,iab...->kab...", slopes.momentum, raised)
        )

    @property
    def electronic_density(self) -> Complex[Array, "d d"]:
        r"""$\hat\gamma_{el}=\int n\hat M^{(0)}$, eq. (87): the density operator of the electrons alone."""
        whole = operator_moments(self.setting.grid, self.members, self.weights, order=0)[0]
        return jnp.sum(whole, axis=self.setting.grid.axes) * self.setting.grid.cell

    @property
    def electronic_density_rate(self) -> Complex[Array, "d d"]:
        r"""$\partial_t\hat\gamma_{el}=-i\int n[\hat H_{el},\hat M^{(0)}]$, eq. (86)."""
        whole = operator_moments(self.setting.grid, self.members, self.weights, order=0)[0]
        turned = _commutator(self.setting.potential, whole)
        return -1j * jnp.sum(turned, axis=self.setting.grid.axes) * self.setting.grid.cell

    @property
    def magnetic(self) -> Float[Array, "n n *grid"]:
        r"""$B_{kj}=\partial_j\pi_k-\partial_k\pi_j$: for mixtures it does not follow from $\hat M^{(0)}$ either."""
        slopes = self.slopes.momentum
        return jnp.swapaxes(slopes, 0, 1) - slopes

    @property
    def coupling(self) -> Complex[Array, "d d *grid"]:
        r"""$\delta\hat H_{en}=-\frac1{2n}\xi^{ij}\partial_i(n\,\partial_j\hat M^{(0)})$, eq. (67).

        For a type-n mixture $-i[\hat H_{el}+\delta\hat H_{en},\hat M^{(0)}]$ is $d\hat M^{(0)}/dt$ at that instant,
        with the mean density $n$ as it is: no logarithmic average. The form of a type-n mixture does not last.
        """
        return -0.5 * self._divergence_over_density(self.moments.zeroth_slope, self.slopes.zeroth_slope)

    # what these are made of

    @property
    def _velocity(self):
        return jnp.einsum("ij,j...->i...", self.setting.inverse_mass, self.moments.momentum)

    @property
    def _mean_slope(self):
        """The mean of d_k H_el at each place."""
        return jnp.einsum("kab...,ba...->k...", self.setting.potential_slope, self.moments.zeroth).real

    def _divergence_over_density(self, tensor, slope):
        """xi^ij d_i(n T_..j)/n for the index j in front (the tensors here are symmetric), from T and its slopes."""
        moments, inverse_mass = self.moments, self.setting.inverse_mass
        density = jnp.where(moments.density > 0, moments.density, 1.0)
        of_log = jnp.einsum("ij,i...->j...", inverse_mass, self.slopes.density / density[None])
        of_log = jnp.where(self.resolved[None], of_log, 0.0)
        return jnp.tensordot(inverse_mass, slope, axes=2) + jnp.sum(_beside(of_log, tensor) * tensor, axis=0)

    def _along(self, change):
        """The derivative of the moments when the members change."""
        return jax.jvp(self._moments_of, (self.members,), (change,))[1]

    def _moments_of(self, members):
        grid, floor = self.setting.grid, self.setting.floor
        whole, flux, flux_of_flux = operator_moments(grid, members, self.weights)
        count = grid.coordinates
        density = _trace(whole, count)
        resolved = density > floor * jnp.max(density)

        def over_density(field):
            quotient = field / jnp.where(resolved, density, 1.0)[(None,) * (field.ndim - density.ndim)]
            return jnp.where(resolved[(None,) * (field.ndim - density.ndim)], quotient, 0.0)

        slope = grid.gradient(density)
        of_log = over_density(slope)
        log_curvature = over_density(grid.gradient(slope)) - of_log[:, None] * of_log[None]
        momentum = over_density(_trace(flux, count))
        zeroth = over_density(whole)
        first = over_density(flux) - _beside_matrix(momentum, count) * zeroth[None]
        streaming = momentum[:, None] * momentum[None] - 0.25 * log_curvature
        one_way = _beside_matrix(momentum, count)[None] * first[:, None]
        second = over_density(flux_of_flux) - _beside_matrix(streaming, count) * zeroth[None, None]
        second = second - one_way - jnp.swapaxes(one_way, 0, 1)
        zeroth_slope = over_density(grid.gradient(whole)) - _beside_matrix(of_log, count) * zeroth[None]
        return ElectronicMoments(density, momentum, log_curvature, zeroth, zeroth_slope, first, second)


def mixture(
    hamiltonian: SeparableHamiltonian,
    grid: Grid,
    members: Inexact[np.ndarray | Array, "members d *grid"],
    weights: Float[np.ndarray | Array, " weights"],
    *,
    floor: float = FLOOR,
    inverse_mass: Float[np.ndarray | Array, "n n"] | None = None,
) -> Mixture:
    r"""An ensemble of wavefunctions, (members, d, *grid), in the diabatic basis as `Exact` has them.

    `weights`: of the members, positive. `floor`: where the density is below this part of its largest value, every
    quotient by it is zero. `inverse_mass`: a constant symmetric $\xi^{ij}$ in the place of the Hamiltonian's masses.

    Raises `InvalidInput` if shapes do not fit or a weight is not positive.
    """
    if len(members) != len(weights) or not len(members):
        raise InvalidInput(
            f"Argument `weights` of mixture must have one number for each of {len(members)} members, got "
            f"{len(weights)}."
        )
    if not np.all(np.asarray(weights) > 0):
        raise InvalidInput(
            f"Argument `weights` of mixture must be positive, got {np.asarray(weights).tolist()}."
        )
    setting = factorize(hamiltonian, grid, members[0], floor=floor, inverse_mass=inverse_mass)
    return Mixture(jnp.asarray(members, complex), jnp.asarray(weights), setting)


def type_n(
    nuclear: Inexact[np.ndarray | Array, "members *grid"], electronic: Inexact[np.ndarray | Array, "d *grid"]
) -> Complex[Array, "members d *grid"]:
    r"""Members $\psi_\alpha(x)|u(x)\rangle$: nuclei in a mixed state, with electrons that are pure at each place."""
    return jnp.asarray(nuclear, complex)[:, None] * jnp.asarray(electronic)[None]


def type_e(
    nuclear: Inexact[np.ndarray | Array, "*grid"], electronic: Inexact[np.ndarray | Array, "members d *grid"]
) -> Complex[Array, "members d *grid"]:
    r"""Members $\psi(x)|u_\alpha(x)\rangle$, eq. (75): nuclei in a pure state, with electrons in a mixed one."""
    return jnp.asarray(nuclear, complex)[None, None] * jnp.asarray(electronic)


# -- closures ---------------------------------------------------------------------------------------------------


def pure_first_moment(moments: ElectronicMoments) -> Complex[Array, "n d d *grid"]:
    r"""$\tfrac i2[\hat M^{(0)},\partial_k\hat M^{(0)}]$: the first moment of a pure state, and wrong for a mixed one.

    The other choice that needs nothing but $\hat M^{(0)}$ is none at all, $\hat M^{(1)}_k=0$: Ehrenfest for mixtures.
    """
    return -0.5j * _commutator(moments.zeroth_slope, moments.zeroth)


def pure_second_moment(
    moments: ElectronicMoments, slopes: ElectronicMoments
) -> Complex[Array, "n n d d *grid"]:
    r"""$\tfrac12(\partial_k\hat M\,\hat M\,\partial_j\hat M+\partial_j\hat M\,\hat M\,\partial_k\hat M)
    -\tfrac14\partial_k\partial_j\hat M$ with $\hat M=\hat M^{(0)}$: exact for a pure state.
    """
    slope = moments.zeroth_slope
    product = jnp.einsum("kab...,bc...,jcd...->kjad...", slope, moments.zeroth, slope)
    return 0.5 * (product + jnp.swapaxes(product, 0, 1)) - 0.25 * slopes.zeroth_slope


def metric_second_moment(moments: ElectronicMoments) -> Complex[Array, "n n d d *grid"]:
    r"""$g^{av}_{kj}\hat M^{(0)}$: the smallest second moment with the right trace."""
    count = moments.density.ndim
    return _beside_matrix(_trace(moments.second, count), count) * moments.zeroth[None, None]


# -- matrices at each node --------------------------------------------------------------------------------------


def _trace(field, coordinates: int):
    """The real trace of (..., d, d, *grid)."""
    return jnp.trace(field, axis1=-coordinates - 2, axis2=-coordinates - 1).real


def _beside_matrix(field, coordinates: int):
    """Numbers (..., *grid), shaped to multiply matrices."""
    return jnp.expand_dims(field, (-coordinates - 2, -coordinates - 1))


def _beside(vector, field):
    """One vector (n, *grid), shaped to multiply a field of vectors (n, ..., *grid)."""
    return vector.reshape(vector.shape[0], *[1] * (field.ndim - vector.ndim), *vector.shape[1:])


def _product(left, right):
    """A B at each node; one of the two may have an index in front."""
    more = (left.ndim > right.ndim, right.ndim > left.ndim)
    first, second = ("k" if extra else "" for extra in more)
    return jnp.einsum(f"{first}ab...,{second}bc...->{first}{second}ac...", left, right)


def _commutator(left, right):
    return _product(left, right) - _product(right, left)


def _anticommutator(left, right):
    return _product(left, right) + _product(right, left)
