r"""Koopmons on spheres: Hamiltonian trajectories of classical spins with correlations beyond Ehrenfest.

$$h=\sum_aw_a\mathrm{Tr}\,\hat\rho_a\hat H(n_a)+\frac{i\hbar\kappa}2\int_{S^2}\frac1{\bar D}\,
\mathrm{Tr}\big([\bar{\mathcal P},\bar{\mathcal N}^j]\,\hat X_H^j\big)\,d\Omega,\qquad
\bar{\mathcal P}=\sum_bw_bK_b\hat\rho_b,\quad\bar{\mathcal N}=\sum_bw_bn_bK_b\hat\rho_b,\quad
\bar D=\mathrm{Tr}\bar{\mathcal P}$$

$$\dot n_a=\frac1{w_a}\frac{\partial h}{\partial n_a}\times n_a,\qquad
i\hbar\dot\psi_a=\frac1{w_a}\frac{\partial h}{\partial\psi_a^*},\qquad
K_b(n)=\frac{\kappa\,e^{\kappa(n\cdot n_b-1)}}{2\pi(1-e^{-2\kappa})},\qquad\hat X_H=\nabla\hat H\times n$$

The energy of eqs. (40), (41) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems" (with the
sign of section 4.1), on the koopmons of eqs. (14)–(16) of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure
models in mixed quantum-classical dynamics": $\mathcal P=\sum_aw_a\hat\rho_a\delta(n-n_a)$, smoothed in the second
term. Several spins, and spins with orbital motion, as in section 4.3: products of kernels, and $\hat X_H^j$ over all
Poisson blocks. On spheres of length $\mathcal J$ every bracket is divided by $\mathcal J$.

**One formula for all blocks.** With $u=(\sqrt\kappa\,n,\;q/\alpha_q,\;p/\alpha_p)$ every kernel is
$e^{-|u-u_b|^2/2}$ times a constant, for $\kappa(n\cdot n_b-1)=-\frac\kappa2|n-n_b|^2$. Its derivative along
$\hat X_H$ is $(u_b-u)\cdot\hat Y$, $\hat Y$ being $\hat X_H$ in the same units, and the u in it falls out of the
commutator.
"""

import abc
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.integrators import ImplicitMidpoint
from brackish.manifolds import Canonical, Manifold, PhasePoint, Product, ProductPoint, Spheres
from brackish.observables import Observable
from brackish.promises import ENERGY, NORM
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float, Point, RealScalar

EMPTY = 1e-140
"""Where the smoothed density is below this (its square can still be divided by) there is nothing: every term is bounded
by a kernel, so leaving it out changes nothing."""
LIGHTEST = 1e-60
"""A koopmon of weight 0 is a tracer: it moves as if it had this weight, and nothing feels it."""
BLOCK = 2**19
"""Pairs of a node and a koopmon that are worked on at once: a kernel matrix of four megabytes."""
SAMPLE = 512
"""Draws from which open choices of kernel widths are made."""


class SpinKoopmonState(eqx.Module):
    r"""`point`: (N, spins, 3) unit vectors, or a `ProductPoint` with leading axis N. `psi`: (N, d, r) amplitudes, such
    that $\hat\rho_a=\psi_a\psi_a^\dagger$ has unit trace; r = 1 for pure states. `weight`: (N,), summing to 1.
    """

    point: Point
    psi: Complex[Array, "N d r"]
    weight: Float[Array, " N"]


# -- where the integral is taken -----------------------------------------------------------------------------


class Nodes(eqx.Module):
    """`point`: G points of the manifold. `share`: (G,), their shares, see `Quadrature.measure`."""

    point: Point
    share: Float[Array, " G"]


class Quadrature(eqx.Module):
    """How the integral over the manifold is taken."""

    @abc.abstractmethod
    def check(self, manifold: Manifold) -> None:
        """Raise `UnsupportedHamiltonian` unless it covers this manifold."""

    @abc.abstractmethod
    def settled(self, concentration: np.ndarray) -> "Quadrature":
        """The same, fine enough for kernels of this concentration where that was left open."""

    @abc.abstractmethod
    def nodes(self, concentration: Array, y: SpinKoopmonState) -> Nodes:
        """The nodes and their shares."""

    @abc.abstractmethod
    def measure(self, share: Float[Array, " G"], density: Float[Array, " G"]) -> Float[Array, " G"]:
        """What a function of the smoothed fields is multiplied with at each node before it is summed; `density`:
        the kernels there, without their constant, summed with their weights, and positive.
        """


class SphereQuadrature(Quadrature):
    r"""Fixed nodes on one sphere: Gauss–Legendre in the polar cosine times twice as many azimuths.

    `polar`: how many polar angles; None: $4\sqrt\kappa+16$, for a relative error of 1e-6. The energy is conserved
    exactly whatever the number; rotations are symmetries as far as the integral is exact.
    """

    polar: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        whole = isinstance(self.polar, int | np.integer) and not isinstance(self.polar, bool)
        if self.polar is not None and not (whole and self.polar >= 1):
            raise InvalidInput(f"Argument `polar` must be a whole number of at least 1, got {self.polar!r}.")

    def check(self, manifold):
        if not isinstance(manifold, Spheres) or manifold.count != 1:
            raise UnsupportedHamiltonian(
                f"SphereQuadrature covers one sphere, got {manifold.describe()}; use KoopmonNodes()."
            )

    def refined(self):
        """The same with a third more nodes along each axis; a number that was left open stays open."""
        return SphereQuadrature(None if self.polar is None else -(-4 * self.polar // 3))

    def settled(self, concentration):
        enough = int(np.ceil(4 * np.sqrt(np.max(concentration)) + 16))
        return SphereQuadrature(enough if self.polar is None else self.polar)

    def nodes(self, concentration, y):
        if self.polar is None:
            raise InvalidInput(_open("the number of `polar` angles"))
        cosine, share = np.polynomial.legendre.leggauss(self.polar)
        azimuth = np.pi / self.polar * np.arange(2 * self.polar)
        sine = np.sqrt(1 - cosine**2)[:, None]
        x, y_, z = np.broadcast_arrays(sine * np.cos(azimuth), sine * np.sin(azimuth), cosine[:, None])
        directions = np.stack([x, y_, z], axis=-1).reshape(-1, 1, 3)
        areas = np.repeat(np.pi / self.polar * share, 2 * self.polar)
        kappa = jnp.reshape(concentration, ())
        normalisation = kappa / (-2 * jnp.pi * jnp.expm1(-2 * kappa))
        return Nodes(jnp.asarray(directions), normalisation * areas)

    def measure(self, share, density):
        return share


class KoopmonNodes(Quadrature):
    r"""The koopmons themselves as nodes, for any number of spins and coordinates: $N^2$ work, N memory.

    $\sum_cw_cK_c/\bar D=1$ makes an integral a sum over koopmons, here with one node each, at the koopmon: a
    Hamiltonian closure in its own right, in which constants of the kernels cancel. Exactly covariant under rotations
    and translations.
    """

    def check(self, manifold):
        pass

    def settled(self, concentration):
        return self

    def nodes(self, concentration, y):
        return Nodes(y.point, y.weight)

    def measure(self, share, density):
        return share / density


# -- the theory ----------------------------------------------------------------------------------------------


def _one_or_more(value) -> np.ndarray | Array | None:
    return value if value is None or isinstance(value, Array) else np.asarray(value, dtype=float)


class SpinKoopmons(Theory):
    r"""Koopmons on spheres, and on spheres with orbital motion.

    `concentration`: $\kappa$ of the kernels, one number or one per sphere; their width is $\kappa^{-1/2}$. With orbital
    motion also `position_width` (bohr) and `momentum_width`: the standard deviations of Gaussian kernels, one number
    or one per coordinate. None: taken from the start, as concentrated as the cloud of spins (from 4 to 25), half as
    wide as that of positions, one and a half times as wide as that of momenta. `quadrature`: `SphereQuadrature(polar)`
    or `KoopmonNodes()`; None: the first for one sphere, the second for anything else. `planck`: the size of hbar.

    The widths are a part of the model: converge in the number of koopmons at fixed widths, then vary the widths.
    $\kappa\to0$, $\kappa\to\infty$ at a fixed number, a single koopmon and equal quantum states all give Ehrenfest.

    Conserves the energy h (not the mean energy alone), all lengths, the spectrum of every $\hat\rho_a$, and for a
    Hamiltonian without preferred direction the vector $\sum_aw_a(\mathcal Jn_a+\frac\hbar2s_a)$; covariant under
    constant unitaries. General canonical maps are no symmetries, for kernels stay round.
    """

    concentration: Float[np.ndarray | Array, "*spins"] | None = eqx.field(
        converter=_one_or_more, default=None
    )
    position_width: Annotated[Float[np.ndarray | Array, "*n"] | None, "length"] = eqx.field(
        converter=_one_or_more, default=None
    )
    momentum_width: Annotated[Float[np.ndarray | Array, "*n"] | None, "momentum"] = eqx.field(
        converter=_one_or_more, default=None
    )
    quadrature: Quadrature | None = None
    planck: float = 1.0
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    mixed: ClassVar[bool] = True

    def __check_init__(self):
        for name in ("concentration", "position_width", "momentum_width", "planck"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray | int | float) and not np.all(np.isfinite(value) & (value > 0)):
                raise InvalidInput(
                    f"Argument `{name}` must be positive and finite, got {np.asarray(value).tolist()}."
                )
            if isinstance(value, np.ndarray) and value.ndim > 1:
                raise InvalidInput(
                    f"Argument `{name}` must be one number or one for each of them, got shape {value.shape}."
                )

    def requirements(self):
        return Requirements(manifolds=(Spheres, Product))

    def promises(self, hamiltonian):
        return ENERGY, NORM

    def default_integrator(self, hamiltonian):
        # norms are as exact as the implicit equation is solved, and the last sweep costs little
        return ImplicitMidpoint(tolerance=1e-14)

    def resolve(self, hamiltonian, preparation, times):
        manifold = hamiltonian.manifold
        spheres, canonical = _blocks(manifold)
        orbital = 0 if canonical is None else canonical.coordinates
        sizes = {"concentration": spheres.count, "position_width": orbital, "momentum_width": orbital}
        for name, size in sizes.items():
            value = getattr(self, name)
            if value is not None and value.shape not in ((), (1,), (size,)):
                raise InvalidInput(
                    f"Argument `{name}` must be one number or {size} for {manifold.describe()}, got {value.size}."
                )
            if value is not None and size == 0:
                raise InvalidInput(f"Argument `{name}` has no meaning on {manifold.describe()}.")
        chosen = {name: getattr(self, name) for name, size in sizes.items() if size > 0}
        if any(value is None for value in chosen.values()):
            found = _widths_of_start(hamiltonian, preparation)
            chosen = {name: found[name] if value is None else value for name, value in chosen.items()}
        quadrature = self.quadrature
        if quadrature is None:
            quadrature = SphereQuadrature() if _is_one_sphere(manifold) else KoopmonNodes()
        quadrature.check(manifold)
        return SpinKoopmons(
            **chosen, quadrature=quadrature.settled(chosen["concentration"]), planck=self.planck
        )

    def prepare(self, hamiltonian, preparation, index, key):
        start = jax.vmap(preparation.draw, in_axes=(None, 0, 0))(hamiltonian, index, key)
        weight = start.weight / jnp.sum(start.weight)
        psi = start.psi if start.psi.ndim == 3 else start.psi[:, :, None]
        return SpinKoopmonState(start.point, psi, weight), jnp.ones(())

    def energy(self, hamiltonian, y):
        """The energy h, of which everything follows: `mean_energy` + `correlation_energy`."""
        return self.mean_energy(hamiltonian, y) + self.correlation_energy(hamiltonian, y)

    def mean_energy(self, hamiltonian, y) -> RealScalar:
        r"""$\sum_aw_a\mathrm{Tr}\,\hat\rho_a\hat H(n_a)$: the energy of Ehrenfest, which is not conserved here."""
        columns = jax.vmap(hamiltonian.expect, in_axes=(None, 1))
        return jnp.sum(y.weight[:, None] * jax.vmap(columns)(y.point, y.psi))

    def correlation_energy(self, hamiltonian, y) -> RealScalar:
        """The second term of h, by blocks of nodes of which nothing is kept for its derivative."""
        quadrature = self.quadrature
        if quadrature is None:
            raise InvalidInput(_open("the `quadrature`"))
        scales = self._scales(hamiltonian.manifold)
        middle = _middle(y)
        nodes = quadrature.nodes(jnp.asarray(self.concentration), y)
        density = _density(y.psi)
        koopmons = _Smoothed(jax.vmap(_scaled, in_axes=(0, None, None))(y.point, middle, scales), density)

        def field(point):
            values = hamiltonian.interaction_field(point)
            parts = jax.tree_util.tree_map(lambda x, scale: x * scale[..., None, None], values, scales)
            return jnp.concatenate(
                [x.reshape(-1, *x.shape[-2:]) for x in jax.tree_util.tree_leaves(parts)], axis=0
            )

        places = jax.vmap(_scaled, in_axes=(0, None, None))(nodes.point, middle, scales)
        sources = _sources(koopmons, y.weight)

        def block_energy(block):
            u, operators, share = block
            fields = _kernels(u, koopmons.place) @ sources
            smoothed = _hermitian(fields.reshape(u.shape[0], 1 + u.shape[1], *density.shape[1:]))
            total = jnp.trace(smoothed[:, 0], axis1=1, axis2=2).real
            there = total > EMPTY
            total = jnp.where(there, total, 1.0)
            # i Tr([P, N] Y) = -2 Im Tr(P N Y) for Hermitian matrices
            moved = jnp.sum(smoothed[:, 1:, :, :, None] * operators[:, :, None, :, :], axis=(1, 3))
            traces = jnp.sum(smoothed[:, 0] * jnp.swapaxes(moved, 1, 2), axis=(1, 2)).imag
            return -jnp.sum(jnp.where(there, quadrature.measure(share, total) * traces / total, 0.0))

        blocks = (places, jax.vmap(field)(nodes.point), nodes.share)
        return self.planck * _sum_over_blocks(block_energy, blocks, max(8, BLOCK // y.weight.shape[0]))

    def flow(self, hamiltonian, t, y):
        """One gradient of h through the bracket; h is extended off the spheres as a function of n/|n| and
        of states of unit trace, so that the midpoint rule is the symplectic spherical one.
        """
        manifold = hamiltonian.manifold
        weight = jnp.maximum(y.weight, LIGHTEST)

        def energy(point, psi):
            unit = psi / jnp.sqrt(_traces(psi))[:, None, None]
            return self.energy(hamiltonian, SpinKoopmonState(jax.vmap(manifold.project)(point), unit, weight))

        by_point, by_psi = jax.grad(energy, argnums=(0, 1))(y.point, y.psi)
        by_point = jax.tree_util.tree_map(lambda x: x / _along(weight, x), by_point)
        # JAX returns 2 dh/dpsi of a real h, so dh/dpsi* is half its conjugate
        turn = -0.5j / self.planck * jnp.conj(by_psi) / weight[:, None, None]
        return SpinKoopmonState(
            jax.vmap(manifold.hamiltonian_field)(by_point, y.point), turn, jnp.zeros_like(y.weight)
        )

    def suggested_step(self, hamiltonian):
        """Half the step that the Hamiltonian suggests: correlations between neighbours are faster than either side."""
        step = hamiltonian.suggested_step()
        return None if step is None else 0.5 * step

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def classical_points(self, hamiltonian, y):
        return Weighted(y.point, _density(y.psi), y.weight)

    def check(self, hamiltonian, y):
        traces = _traces(y.psi)
        finite = jax.tree_util.tree_reduce(
            lambda well, leaf: well & jnp.all(jnp.isfinite(leaf)), y.point, jnp.all(jnp.isfinite(traces))
        )
        lost = jnp.where(jnp.any(jnp.abs(traces - 1) > 1e-6), Status.lost_norm, Status.fine)
        return jnp.where(finite, lost, Status.not_finite)

    def _scales(self, manifold: Manifold) -> Point:
        r"""What coordinates are multiplied with, a tree like a point: $\sqrt\kappa$, $1/\alpha_q$, $1/\alpha_p$."""
        spheres, canonical = _blocks(manifold)
        if self.concentration is None:
            raise InvalidInput(_open("the `concentration`"))
        root = jnp.sqrt(jnp.broadcast_to(jnp.asarray(self.concentration), (spheres.count,)))
        directions = jnp.broadcast_to(root[:, None], (spheres.count, 3))
        if canonical is None:
            return directions
        if self.position_width is None or self.momentum_width is None:
            raise InvalidInput(_open("`position_width` or `momentum_width`"))
        shape = (canonical.coordinates,)
        position, momentum = (
            1 / jnp.broadcast_to(jnp.asarray(width), shape)
            for width in (self.position_width, self.momentum_width)
        )
        return ProductPoint(PhasePoint(position, momentum), directions)


class _Smoothed(eqx.Module):
    """Koopmons in the units of their kernels: `place` (N, m), `density` (N, d, d)."""

    place: Float[Array, "N m"]
    density: Complex[Array, "N d d"]


def _density(psi: Complex[Array, "N d r"]) -> Complex[Array, "N d d"]:
    return jnp.sum(psi[:, :, None, :] * jnp.conj(psi)[:, None, :, :], axis=-1)


def _traces(psi: Complex[Array, "N d r"]) -> Float[Array, " N"]:
    return jnp.sum(psi.real**2 + psi.imag**2, axis=(1, 2))


def _along(weight: Array, leaf: Array) -> Array:
    return weight.reshape(weight.shape + (1,) * (leaf.ndim - 1))


def _middle(y: SpinKoopmonState) -> Point:
    """The middle of positions and momenta, a tree like a point; zero for directions.

    Nothing depends on it, so nothing is differentiated: it keeps large coordinates from costing digits.
    """
    if not isinstance(y.point, ProductPoint):
        return jnp.zeros(y.point.shape[1:])
    mean = jax.tree_util.tree_map(lambda x: jnp.sum(_along(y.weight, x) * x, axis=0), y.point.canonical)
    return ProductPoint(lax.stop_gradient(mean), jnp.zeros(y.point.spheres.shape[1:]))


def _scaled(point: Point, middle: Point, scales: Point) -> Float[Array, " m"]:
    """A point in the units of the kernels, all blocks in one vector (m,)."""
    parts = jax.tree_util.tree_map(lambda x, x0, scale: (x - x0) * scale, point, middle, scales)
    return jnp.concatenate([x.ravel() for x in jax.tree_util.tree_leaves(parts)])


def _kernels(nodes: Float[Array, "G m"], places: Float[Array, "N m"]) -> Float[Array, "G N"]:
    """exp(-|u - u_b|^2 / 2), by one matrix product."""
    squares = jnp.sum(nodes**2, axis=1)[:, None] + jnp.sum(places**2, axis=1)[None, :]
    return jnp.exp(nodes @ places.T - 0.5 * squares)


def _sources(koopmons: _Smoothed, weight: Float[Array, " N"]) -> Float[Array, "N fields"]:
    r"""What the kernels smooth, one row a koopmon: $w\hat\rho$ and $wu^j\hat\rho$, each as d^2 real numbers.

    A Hermitian matrix A + iB is kept as the real one A + B, whose symmetric part is A and whose antisymmetric part
    is B.
    """
    packed = weight[:, None, None] * (koopmons.density.real + koopmons.density.imag)
    ones = jnp.ones((weight.shape[0], 1))
    factors = jnp.concatenate([ones, koopmons.place], axis=1)
    return (factors[:, :, None, None] * packed[:, None]).reshape(weight.shape[0], -1)


def _hermitian(packed: Float[Array, "*many d d"]) -> Complex[Array, "*many d d"]:
    """The Hermitian matrices kept in real ones, see `_sources`."""
    turned = jnp.swapaxes(packed, -1, -2)
    return lax.complex(0.5 * (packed + turned), 0.5 * (packed - turned))


def _sum_over_blocks(function, nodes, size: int) -> RealScalar:
    """The sum of `function(nodes)` over blocks of `size` nodes; what fills the last block has share 0.

    Backwards each block is made once more, so that memory does not grow with the number of nodes.
    """
    leaves = jax.tree_util.tree_leaves(nodes)
    count = leaves[0].shape[0]
    blocks = -(-count // size)
    size = -(-count // blocks)

    def cut(leaf):
        filled = jnp.pad(leaf, [(0, blocks * size - count)] + [(0, 0)] * (leaf.ndim - 1))
        return filled.reshape(blocks, size, *leaf.shape[1:])

    def add(total, block):
        return total + function(block), None

    total, _ = lax.scan(
        jax.checkpoint(add, prevent_cse=False), jnp.zeros(()), jax.tree_util.tree_map(cut, nodes)
    )
    return total


# -- choices that were left open -----------------------------------------------------------------------------


def _open(what: str) -> str:
    return (
        f"SpinKoopmons leaves {what} open: give it, or call theory.resolve(hamiltonian, preparation, times), as "
        "simulate does."
    )


def _blocks(manifold: Manifold) -> tuple[Spheres, Canonical | None]:
    if isinstance(manifold, Product):
        return manifold.spheres, manifold.canonical
    assert isinstance(manifold, Spheres)
    return manifold, None


def _is_one_sphere(manifold: Manifold) -> bool:
    return isinstance(manifold, Spheres) and manifold.count == 1


def _widths_of_start(hamiltonian, preparation) -> dict[str, np.ndarray]:
    """Kernel widths that fit the cloud at the start, to two digits."""
    count = preparation.count() or SAMPLE
    keys = jax.random.split(jax.random.key(0), count)
    start = jax.vmap(preparation.draw, in_axes=(None, 0, 0))(hamiltonian, jnp.arange(count), keys)
    directions = start.point.spheres if isinstance(start.point, ProductPoint) else start.point
    # the concentration of a von Mises-Fisher density with this mean (A. Banerjee et al., J. Mach. Learn. Res. 6,
    # 1345 (2005))
    mean = np.linalg.norm(np.mean(np.asarray(directions), axis=0), axis=-1)
    concentration = mean * (3 - mean**2) / np.maximum(1 - mean**2, 1e-9)
    widths = {"concentration": _two_digits(np.clip(concentration, 4.0, 25.0))}
    if isinstance(start.point, ProductPoint):
        for name, factor in (("position", 0.5), ("momentum", 1.5)):
            spread = np.std(np.asarray(getattr(start.point.canonical, name)), axis=0)
            if np.any(spread == 0):
                raise InvalidInput(
                    f"Argument `{name}_width` cannot be taken from a start without spread; give it."
                )
            widths[f"{name}_width"] = _two_digits(factor * spread)
    return widths


def _two_digits(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.2g}") for value in values])


_SECTION = "Gay-Balmaz and Tronci, Dynamics of mixed quantum-classical spin systems, section 4.1"


def _mean_energy(theory, hamiltonian, y):
    return theory.mean_energy(hamiltonian, y)


def _correlation_energy(theory, hamiltonian, y):
    return theory.correlation_energy(hamiltonian, y)


_OBSERVABLES = (
    Observable("mean_energy", _mean_energy, (), "hartree", "mean energy without correlations", _SECTION),
    Observable(
        "correlation_energy", _correlation_energy, (), "hartree", "energy of the correlations", _SECTION
    ),
)
