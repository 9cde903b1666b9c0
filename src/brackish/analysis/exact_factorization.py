r"""An exact wavefunction taken apart: a fluid of nuclei whose every element carries a quantum state of the electrons.

$$\Psi(x)=\psi(x)\,|u(x)\rangle,\quad\langle u|u\rangle=1:\qquad
n=\Psi^\dagger\Psi,\quad \pi_k=\mathrm{Im}\,\Psi^\dagger\partial_k\Psi/n,\quad
w_k=-\tfrac12\partial_k\ln n,\quad \hat\rho=\Psi\Psi^\dagger/n\qquad(\hbar=1)$$

$$\frac{dn}{dt}=-n\,\partial_jv^j,\qquad i\frac{d\hat\rho}{dt}=[\hat H_{el}+\delta\hat H_{en},\hat\rho],\qquad
\frac{d\pi_k}{dt}=-\mathrm{Tr}(\hat\rho\,\partial_k\hat H_{el})-\frac1n\xi^{ij}\partial_i(n\,g_{kj})
+\frac1{4n}\xi^{ij}\partial_i(n\,\partial_j\partial_k\ln n)$$

along the flow $d/dt=\partial_t+v^j\partial_j$, $v^j=\xi^{jk}\pi_k$, with the inverse mass tensor $\xi^{ij}$: eqs.
(37) and (66)-(68) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems". All
equation numbers below are of that paper.

How $\Psi$ is split into $\psi$ and $|u\rangle$ is a matter of phases that mean nothing, so neither is ever made.
Everything follows from $\Psi$ and its covariant slope $\chi_k=\partial_k\Psi-\Psi(\Psi^\dagger\partial_k\Psi)/n$,
the part of $\partial_k\Psi$ that leads out of $\hat\rho$:
$n\,\partial_k\hat\rho=\chi_k\Psi^\dagger+\Psi\chi_k^\dagger$ and $n\,q_{kj}=\chi_k^\dagger\chi_j$. Products with
the density n are smooth and finite also where n vanishes; they are formed and differentiated first, and divided by
n last.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.analysis.geometry import adiabatic_energy, berry_curvature, fubini_study_metric
from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import Grid
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.identity import jit_by_content
from brackish.quantum import dagger, eigensystem, product
from brackish.typing import Array, Bool, Complex, Float, Inexact, RealScalar

SOURCE = "Martinazzo and Burghardt, Quantum hydrodynamics of coupled electron-nuclear systems"

FLOOR = 1e-6
"""Fields are given where the density is above this part of its largest value."""

NOTHING = 1e-100
"""A density at which even products with the density are zero: its square is still a number."""


class Factorization(eqx.Module):
    r"""The fields of one wavefunction. Made by `factorize`; arrays have the grid trailing.

    `psi`: (d, *grid), diabatic basis. `inverse_mass`: $\xi^{ij}$, (n, n), inverse electron masses. `potential`:
    the matrix $\hat H_{el}$ at the nodes, (d, d, *grid), hartree; `potential_slope`: $\partial_k\hat H_{el}$, (n,
    d, d, *grid), hartree per bohr; `potential_curvature`: $\partial_k\partial_j\hat H_{el}$, (n, n, d, d, *grid).
    `floor`: fields are zero where the density is below this part of its largest value; `resolved` says where.

    Momenta in hbar/bohr, forces in hartree/bohr. Indices k of a field of vectors lead: (n, *grid).
    """

    grid: Grid
    psi: Complex[Array, "d *grid"]
    inverse_mass: Float[Array, "n n"]
    potential: Inexact[Array, "d d *grid"]
    potential_slope: Inexact[Array, "n d d *grid"]
    potential_curvature: Inexact[Array, "n n d d *grid"]
    floor: Float[Array, ""]

    # the nuclear fluid

    @property
    def density(self) -> Float[Array, "*grid"]:
        r"""$n=\Psi^\dagger\Psi$, in bohr^-n."""
        return jnp.sum(self.psi.real**2 + self.psi.imag**2, axis=0)

    @property
    def resolved(self) -> Bool[Array, "*grid"]:
        """Where the density is large enough to divide by."""
        return self.density > self.floor * jnp.max(self.density)

    @property
    def slope(self) -> Complex[Array, "n d *grid"]:
        r"""$\partial_k\Psi$."""
        return self.grid.gradient(self.psi)

    @property
    def second_slope(self) -> Complex[Array, "n n d *grid"]:
        r"""$\partial_k\partial_j\Psi$."""
        return self.grid.gradient(self.slope)

    @property
    def rate(self) -> Complex[Array, "d *grid"]:
        r"""$\partial_t\Psi=-i\hat H\Psi$, of the Schroedinger equation."""
        kinetic = -0.5 * jnp.einsum("ij,ija...->a...", self.inverse_mass, self.second_slope)
        return -1j * (kinetic + jnp.sum(self.potential * self.psi[None], axis=1))

    @property
    def density_slope(self) -> Float[Array, "n *grid"]:
        r"""$\partial_kn$."""
        return 2 * self._overlap_slope.real

    @property
    def current(self) -> Float[Array, "n *grid"]:
        r"""$n\pi_k$, the first moment $\mathcal M^{(1)}_k$ of the momentum (70)."""
        return self._overlap_slope.imag

    @property
    def momentum(self) -> Float[Array, "n *grid"]:
        r"""$\pi_k$ (10)."""
        return self._over_density(self.current)

    @property
    def osmotic_momentum(self) -> Float[Array, "n *grid"]:
        r"""$w_k=-\tfrac12\partial_k\ln n$ (11)."""
        return -0.5 * self._over_density(self.density_slope)

    @property
    def velocity(self) -> Float[Array, "n *grid"]:
        r"""$v^j=\xi^{jk}\pi_k$."""
        return self._raised(self.momentum)

    @property
    def osmotic_velocity(self) -> Float[Array, "n *grid"]:
        r"""$u^j=\xi^{jk}w_k$."""
        return self._raised(self.osmotic_momentum)

    @property
    def quantum_pressure(self) -> Float[Array, "*grid"]:
        r"""$P_q=-\tfrac14\xi^{ij}\partial_i\partial_jn$ (46); it may be negative."""
        return -0.25 * self._traced(self._density_curvature)

    @property
    def quantum_potential(self) -> Float[Array, "*grid"]:
        r"""$Q=-\tfrac12\xi^{ij}\partial_i\partial_j\sqrt n/\sqrt n$ (39), from $nQ=P_q+\tfrac12n\,u^kw_k$."""
        return self._over_density(
            self.quantum_pressure + 0.125 * self._traced(self._density_slopes_over_density)
        )

    @property
    def stress(self) -> Float[Array, "n n *grid"]:
        r"""The quantum stress $\sigma^j_k=-\delta^j_kP_q-n\,u^jw_k$ (46), indices (j, k).

        Its divergence $\partial_j\sigma^j_k$ is the density of the quantum force, $n$ times `Forces.quantum`.
        """
        identity = jnp.eye(self.grid.coordinates)
        pressure = jnp.einsum("jk,...->jk...", identity, self.quantum_pressure)
        raised = jnp.einsum("ji,ik...->jk...", self.inverse_mass, self._density_slopes_over_density)
        return -pressure - 0.25 * raised

    @property
    def second_moment(self) -> Float[Array, "n n *grid"]:
        r"""$\mathcal M^{(2)}_{kj}=n\pi_k\pi_j-\tfrac14n\,\partial_k\partial_j\ln n$, the closure (72) of a pure
        state.
        """
        flow = self.current[:, None] * self.current[None] / self._divisor[None, None]
        return flow - 0.25 * self._density_log_curvature

    # the quantum state that each element carries

    @property
    def conditional_density(self) -> Complex[Array, "d d *grid"]:
        r"""$\hat\rho=\Psi\Psi^\dagger/n$, the conditional density operator in the diabatic basis; zero where not
        resolved.
        """
        return self._over_density(_dyad(self.psi, self.psi))

    @property
    def conditional_slope(self) -> Complex[Array, "n d d *grid"]:
        r"""$\partial_k\hat\rho$."""
        return self._over_density(self._turning)

    @property
    def quantum_geometric_tensor(self) -> Complex[Array, "n n *grid"]:
        r"""$q_{kj}=\mathrm{Tr}(\hat\rho\,\partial_k\hat\rho\,\partial_j\hat\rho)$ (73), in bohr^-2."""
        return self._over_density(self._geometry)

    @property
    def metric(self) -> Float[Array, "n n *grid"]:
        r"""The Fubini-Study metric
        $g_{kj}=\mathrm{Re}\,q_{kj}=\tfrac12\mathrm{Tr}(\partial_k\hat\rho\,\partial_j\hat\rho)$.
        """
        return self.quantum_geometric_tensor.real

    @property
    def berry_curvature(self) -> Float[Array, "n n *grid"]:
        r"""The pseudo-magnetic field $B_{kj}=-2\,\mathrm{Im}\,q_{kj}$; $\partial_k\pi_j-\partial_j\pi_k=-B_{kj}$."""
        return -2 * self.quantum_geometric_tensor.imag

    @property
    def electric_field(self) -> Float[Array, "n *grid"]:
        r"""The pseudo-electric field $E_k=-2\,\mathrm{Im}\langle\partial_ku|\hat Q\,\partial_tu\rangle$ (58),
        hartree/bohr: the electron-dynamical force. The time derivative is that of the Schroedinger equation.
        """
        leading_out = self._out_of_state(self.rate[None])
        return -2 * self._over_density(jnp.sum(jnp.conj(self._covariant_slope) * leading_out, axis=1).imag)

    @property
    def coupling(self) -> Complex[Array, "d d *grid"]:
        r"""$\delta\hat H_{en}=-\tfrac1{2n}\xi^{ij}\partial_i(n\,\partial_j\hat\rho)$ (67), hartree: what the
        neighbouring elements do to the quantum state.
        """
        return -0.5 * self._over_density(self._divergence(lambda fields: fields._turning))

    @property
    def electronic_energy(self) -> Float[Array, "*grid"]:
        r"""$\mathrm{Tr}(\hat\rho\hat H_{el})$, hartree."""
        return self._over_density(self._expect(self.potential))

    @property
    def fubini_study_potential(self) -> Float[Array, "*grid"]:
        r"""$\phi_{FS}=\tfrac12\xi^{ij}g_{ij}$, hartree."""
        return 0.5 * self._traced(self.metric)

    @property
    def scalar_potential(self) -> Float[Array, "*grid"]:
        r"""$\mathcal V=\mathrm{Tr}(\hat\rho\hat H_{el})+\phi_{FS}$ (58), hartree: the gauge-invariant part of the
        time-dependent potential energy surface.
        """
        return self.electronic_energy + self.fubini_study_potential

    @property
    def adiabatic_population(self) -> Float[Array, "d *grid"]:
        r"""$\langle\phi_m|\hat\rho|\phi_m\rangle$ of the eigenstates of $\hat H_{el}(x)$, lowest first.

        Where two levels are equal it depends on which eigenvectors are taken, and has no slope.
        """
        return jnp.moveaxis(jnp.diagonal(self._in_eigenstates).real, -1, 0)

    @property
    def adiabatic_coherence(self) -> Float[Array, "d d *grid"]:
        r"""$|\langle\phi_l|\hat\rho|\phi_m\rangle|$: its phase would be that of the eigenvectors, and means
        nothing.
        """
        return jnp.abs(self._in_eigenstates)

    # forces, and the whole

    @eqx.filter_jit
    def forces(self) -> "Forces":
        """Every force on an element of the fluid."""
        turning = self.conditional_slope
        magnetic = jnp.einsum("kj...,j...->k...", self.berry_curvature, self.velocity)
        mean = -self._over_density(self._expect(self.potential_slope))
        response = _trace(turning, self.potential)
        return Forces(
            born_oppenheimer=mean - response,
            born_oppenheimer_correction=response,
            mean=mean,
            electric=-self.slope_of(lambda fields: fields.fubini_study_potential),
            electric_correction=_trace(turning, self.coupling),
            fubini_study=-self._over_density(self._divergence(lambda fields: fields._geometry.real)),
            magnetic=magnetic,
            electron_dynamical=self.electric_field,
            quantum=0.25 * self._over_density(self._divergence(lambda fields: fields._density_log_curvature)),
        )

    @property
    def electronic_density(self) -> Complex[Array, "d d"]:
        r"""$\hat\gamma_{el}=\int n\hat\rho\,dx$ (65), the density operator of the electrons alone."""
        return self._integral(_dyad(self.psi, self.psi))

    @property
    def electronic_density_rate(self) -> Complex[Array, "d d"]:
        r"""$\partial_t\hat\gamma_{el}=-i\int n[\hat H_{el},\hat\rho]dx$ (74): $\delta\hat H_{en}$ moves nothing on
        the whole.
        """
        acted = _dyad(jnp.sum(self.potential * self.psi[None], axis=1), self.psi)
        acted = self._integral(acted)
        return -1j * (acted - jnp.conj(acted.T))

    @property
    def energy(self) -> RealScalar:
        r"""$\int n\big[\tfrac12\xi^{ij}(\pi_i\pi_j+w_iw_j+g_{ij})+\mathrm{Tr}\hat\rho\hat H_{el}\big]dx$: motion,
        quantum pressure, Fubini-Study energy and electrons; the mean of $\hat H$.
        """
        quadratic = jnp.einsum("kj,ka...,ja...->...", self.inverse_mass, jnp.conj(self.slope), self.slope)
        return self._integral(0.5 * quadratic.real + self._expect(self.potential))

    # how fields move

    def rate_of(self, field: Callable[["Factorization"], Array]) -> Array:
        r"""$\partial_tf$ of a field, by the Schroedinger equation: $\Psi$ moves, the potential does not."""
        return self._along(field, self.rate)

    def slope_of(self, field: Callable[["Factorization"], Array]) -> Array:
        r"""$\partial_jf$, (n, ...), of a field that is made of $\Psi$, the potential and its slope; what is made of the
        `potential_curvature` has no slope here, and gives NaN.

        Such a field is moved when $\Psi$ and the potential are moved, so that its derivative is that along
        $\partial_j\Psi$ and $\partial_j\hat H_{el}$: no wave of the grid ever meets the edge of where the field is
        resolved.
        """
        unknown = jnp.full_like(self.potential_curvature, jnp.nan)
        along_axes = zip(self.slope, self.potential_slope, self.potential_curvature, strict=True)
        return jnp.stack(
            [self._along(field, psi, (matrix, slope, unknown)) for psi, matrix, slope in along_axes]
        )

    def material_rate_of(self, field: Callable[["Factorization"], Array]) -> Array:
        r"""$df/dt=\partial_tf+v^j\partial_jf$ of a field, by the Schroedinger equation: independent of the hydrodynamic
        equations, which can be held against it.
        """
        rate, slopes = self.rate_of(field), self.slope_of(field)
        return rate + sum(
            self._beside(v, rate) * slope for v, slope in zip(self.velocity, slopes, strict=True)
        )

    def circulation(self, first: int = 0, second: int = 1) -> "Circulation":
        """The circulation around every cell of the grid in the plane of two coordinates, in the sense from the `first`
        to the `second`; zero unless all four corners are resolved. Each array (*grid), at the corner with the lowest
        indices.

        That of a loop of grid points is the sum over the cells that it encloses.
        """

        def corners(values, axis):
            right, up = (jnp.roll(values, -1, axis=axis + k) for k in (first, second))
            return jnp.stack([values, right, jnp.roll(right, -1, axis=axis + second), up])

        around = circulation(corners(self.psi, 1))
        seen = jnp.all(corners(self.resolved, 0), axis=0)
        return jax.tree_util.tree_map(lambda values: jnp.where(seen, values, 0), around)

    # products with the density, finite everywhere

    @property
    def _divisor(self) -> Float[Array, "*grid"]:
        return jnp.where(self.density > NOTHING, self.density, 1.0)

    @property
    def _overlap_slope(self) -> Complex[Array, "n *grid"]:
        r"""$\Psi^\dagger\partial_k\Psi=n(i\pi_k-w_k)$."""
        return jnp.sum(jnp.conj(self.psi)[None] * self.slope, axis=1)

    def _out_of_state(self, vectors: Complex[Array, "m d *grid"]) -> Complex[Array, "m d *grid"]:
        """What leads out of the state at each node."""
        along = jnp.sum(jnp.conj(self.psi)[None] * vectors, axis=1) / self._divisor[None]
        return vectors - along[:, None] * self.psi[None]

    @property
    def _covariant_slope(self) -> Complex[Array, "n d *grid"]:
        r"""$\chi_k$."""
        return self._out_of_state(self.slope)

    @property
    def _turning(self) -> Complex[Array, "n d d *grid"]:
        r"""$n\,\partial_k\hat\rho$."""
        half = jax.vmap(_dyad, in_axes=(0, None))(self._covariant_slope, self.psi)
        return half + jnp.conj(jnp.swapaxes(half, 1, 2))

    @property
    def _geometry(self) -> Complex[Array, "n n *grid"]:
        r"""$n\,q_{kj}$."""
        return jnp.einsum("ka...,ja...->kj...", jnp.conj(self._covariant_slope), self._covariant_slope)

    @property
    def _density_curvature(self) -> Float[Array, "n n *grid"]:
        r"""$\partial_k\partial_jn$."""
        slopes = jnp.einsum("ka...,ja...->kj...", jnp.conj(self.slope), self.slope)
        return 2 * (slopes + jnp.einsum("a...,kja...->kj...", jnp.conj(self.psi), self.second_slope)).real

    @property
    def _density_slopes_over_density(self) -> Float[Array, "n n *grid"]:
        r"""$\partial_kn\,\partial_jn/n$, no larger than $4|\partial_k\Psi||\partial_j\Psi|$."""
        return self.density_slope[:, None] * self.density_slope[None] / self._divisor[None, None]

    @property
    def _density_log_curvature(self) -> Float[Array, "n n *grid"]:
        r"""$n\,\partial_k\partial_j\ln n$."""
        return self._density_curvature - self._density_slopes_over_density

    # small operations

    def _beside(self, values: Array, other: Array) -> Array:
        """One value per node, shaped to multiply an array on the grid."""
        return values.reshape((1,) * (other.ndim - values.ndim) + values.shape)

    def _over_density(self, values: Array) -> Array:
        """Values divided by the density where it is resolved, zero elsewhere."""
        quotient = values / self._beside(self._divisor, values)
        return jnp.where(self._beside(self.resolved, values), quotient, 0.0)

    def _raised(self, vector: Array) -> Array:
        return jnp.einsum("ij,j...->i...", self.inverse_mass, vector)

    def _traced(self, tensor: Array) -> Array:
        return jnp.einsum("ij,ij...->...", self.inverse_mass, tensor)

    def _divergence(self, flux: Callable[["Factorization"], Array]) -> Array:
        r"""$\xi^{ij}\partial_iT_{j\ldots}$ of a flux."""
        return jnp.einsum("ij,ij...->...", self.inverse_mass, self.slope_of(flux))

    def _expect(self, matrix: Array) -> Array:
        r"""$\Psi^\dagger A\Psi$ of a Hermitian A, (d, d, *grid) or (n, d, d, *grid): real."""
        return _trace(_dyad(self.psi, self.psi), matrix)

    def _integral(self, values: Array) -> Array:
        return jnp.sum(values, axis=self.grid.axes) * self.grid.cell

    def _along(self, field, change: Array, change_of_potential: tuple[Array, Array, Array] | None = None):
        """The derivative of a field when the wavefunction changes, and the potential with its derivatives."""

        def of(psi, electrons):
            potential, slope, curvature = electrons
            return field(
                dataclasses.replace(
                    self, psi=psi, potential=potential, potential_slope=slope, potential_curvature=curvature
                )
            )

        here = self.potential, self.potential_slope, self.potential_curvature
        if change_of_potential is None:
            return jax.jvp(lambda psi: of(psi, here), (self.psi,), (change,))[1]
        return jax.jvp(of, (self.psi, here), (change, change_of_potential))[1]

    @property
    def _in_eigenstates(self) -> Complex[Array, "d d *grid"]:
        """The conditional density operator in the eigenstates of the potential, up to their phases."""

        def at_node(matrix, density):
            _, vectors = eigensystem(matrix)
            return product(dagger(vectors), product(density, vectors))

        # where nothing is resolved the potential may be anything, also degenerate, and its eigenstates have no slope
        apart = jnp.diag(jnp.arange(self.psi.shape[0], dtype=float))
        matrices = _nodes_leading(self.potential, 2)
        matrices = jnp.where(self.resolved.reshape(-1, 1, 1), matrices, apart[None])
        flat = (matrices, _nodes_leading(self.conditional_density, 2))
        turned = jax.vmap(at_node)(*flat)
        return jnp.moveaxis(turned, 0, -1).reshape(self.conditional_density.shape)


class Forces(eqx.Module):
    r"""Every force on an element of the fluid, (n, *grid) each, hartree/bohr: Table I with the forces of (58)-(64)
    and (68). $\langle\cdot\rangle=\mathrm{Tr}(\hat\rho\,\cdot)$.

    `born_oppenheimer`: $-\partial_k\langle\hat H_{el}\rangle$; `born_oppenheimer_correction`:
    $\mathrm{Tr}(\hat H_{el}\partial_k\hat\rho)$, the response of the electrons (60); `mean`: their sum
    $-\langle\partial_k\hat H_{el}\rangle$ (62), the force of Ehrenfest.
    `electric`: $-\partial_k\phi_{FS}$; `electric_correction`: $\mathrm{Tr}(\delta\hat H_{en}\partial_k\hat\rho)$
    (61); `fubini_study`: their sum $-\tfrac1n\xi^{ij}\partial_i(n\,g_{kj})$ (63).
    `magnetic`: $v^jB_{kj}$. `electron_dynamical`: $E_k$ (59), by the Schroedinger equation.
    `quantum`: $-\partial_kQ=\tfrac1{4n}\xi^{ij}\partial_i(n\,\partial_j\partial_k\ln n)$ (42).
    """

    born_oppenheimer: Float[Array, "n *grid"]
    born_oppenheimer_correction: Float[Array, "n *grid"]
    mean: Float[Array, "n *grid"]
    electric: Float[Array, "n *grid"]
    electric_correction: Float[Array, "n *grid"]
    fubini_study: Float[Array, "n *grid"]
    magnetic: Float[Array, "n *grid"]
    electron_dynamical: Float[Array, "n *grid"]
    quantum: Float[Array, "n *grid"]

    @property
    def classical(self) -> Float[Array, "n *grid"]:
        r"""$F_k$ of (64): without any magnetic force, for the electron-dynamical force cancels it along the flow."""
        return self.mean + self.fubini_study

    @property
    def total(self) -> Float[Array, "n *grid"]:
        r"""$d\pi_k/dt$ (68)."""
        return self.classical + self.quantum


class AdiabaticForces(eqx.Module):
    r"""What the forces of Table I would be if every element carried one eigenstate, (n, *grid) each, hartree/bohr.

    `born_oppenheimer`: $-\partial_kE$; `electric`: $-\partial_k\tfrac12\xi^{ij}g^0_{ij}$; `magnetic`: $v^jB^0_{kj}$.
    """

    born_oppenheimer: Float[Array, "n *grid"]
    electric: Float[Array, "n *grid"]
    magnetic: Float[Array, "n *grid"]


class Circulation(eqx.Module):
    r"""Around closed loops: $\oint\pi_kdx^k+\oint A_kdx^k=2\pi\,m$ with a whole number m (12).

    `momentum`: $\oint\pi_kdx^k$; `flux`: $\oint A_kdx^k$, the flux of $B$ through the loop, between $-\pi$ and $\pi$;
    `winding`: m, which is not zero only around a node of the wavefunction. In units of $\hbar$.
    """

    momentum: Float[Array, "*loops"]
    flux: Float[Array, "*loops"]
    winding: Float[Array, "*loops"]


def circulation(psi: Complex[Array, "M d *loops"]) -> Circulation:
    r"""The circulation from the wavefunction at M consecutive points of each closed loop, no phase of which matters.

    $\oint\pi_kdx^k\approx\sum_a\arg\Psi_a^\dagger\Psi_{a+1}$, with an error of the second order in the distance of
    the points; the whole number is exact. Neighbouring points must be so near that no step turns the phase by half
    a turn, and the loop so small that $|\oint A_kdx^k|<\pi$; a large one is the sum of its cells.
    """
    steps = jnp.angle(jnp.sum(jnp.conj(psi) * jnp.roll(psi, -1, axis=0), axis=1))
    momentum = jnp.sum(steps, axis=0)
    winding = jnp.round(momentum / (2 * jnp.pi))
    return Circulation(momentum, 2 * jnp.pi * winding - momentum, winding)


def factorize(
    hamiltonian: HybridHamiltonian,
    grid: Grid,
    psi: Inexact[np.ndarray | Array, "d *grid"],
    *,
    floor: float = FLOOR,
    inverse_mass: Float[np.ndarray | Array, "n n"] | None = None,
) -> Factorization:
    r"""Take a wavefunction apart. `psi`: (d, *grid), diabatic basis, as `Exact` has it.

    `floor`: where the density is below this part of its largest value, every quotient by the density is zero.
    `inverse_mass`: a constant symmetric $\xi^{ij}$ in the place of the Hamiltonian's masses.

    Raises `InvalidInput` if shapes do not fit, `UnsupportedHamiltonian` without a potential V(q).
    """
    if not isinstance(hamiltonian, SeparableHamiltonian):
        name = type(hamiltonian).__name__
        raise UnsupportedHamiltonian(
            f"factorize needs a potential V(q) on positions and momenta, got {name}."
        )
    expected = (hamiltonian.levels, *grid.points)
    if grid.coordinates != hamiltonian.manifold.coordinates or psi.shape != expected:
        raise InvalidInput(
            f"Argument `psi` of factorize must have the shape (levels, *grid), {expected} with one axis for each of "
            f"{hamiltonian.manifold.coordinates} coordinates, got {psi.shape}."
        )
    if not 0 < floor < 1:
        raise InvalidInput(f"Argument `floor` of factorize must be between 0 and 1, got {floor}.")
    if inverse_mass is None:
        inverse_mass = jnp.diag(1 / jnp.asarray(hamiltonian.manifold.masses))
    elif inverse_mass.shape != 2 * (grid.coordinates,):
        raise InvalidInput(
            f"Argument `inverse_mass` of factorize must have the shape {2 * (grid.coordinates,)}, "
            f"got {inverse_mass.shape}."
        )
    matrices = _electronic_matrices(hamiltonian, jnp.asarray(grid.nodes()))
    potential, slope, curvature = (_grid_trailing(values, grid) for values in matrices)
    return Factorization(
        grid,
        jnp.asarray(psi, complex),
        jnp.asarray(inverse_mass, float),
        potential,
        slope,
        curvature,
        jnp.asarray(floor, float),
    )


def _wavefunction_grid(run: Any) -> Grid:
    """The grid of a run of `Exact`, from the dataset alone. Raises `InvalidInput` if it has none."""
    theory = json.loads(run.attrs.get("theory", "{}"))
    box = theory.get("grid") or {}
    if not {"lower", "upper", "points"} <= set(box):
        raise InvalidInput(
            f"A wavefunction comes from one run of Exact, but this dataset is of {theory.get('type', 'no theory')}."
        )
    return Grid(box["lower"], box["upper"], box["points"])


def factorize_run(
    hamiltonian: SeparableHamiltonian, run: Any, time: float, *, floor: float = FLOOR
) -> Factorization:
    """Take the wavefunction of a run apart at one of its save times (atomic units).

    `run`: the dataset of `simulate(hamiltonian, Exact(), ..., observables=(wavefunction(),))`.
    Raises `InvalidInput` if it holds no wavefunction, or none at this time.
    """
    grid = _wavefunction_grid(run)
    if "wavefunction" not in run:
        raise InvalidInput(
            "This dataset holds no wavefunction; run with observables=(bk.observables.wavefunction(),)."
        )
    times = run["time"].values
    nearest = int(np.argmin(np.abs(times - time)))
    if abs(times[nearest] - time) > 1e-9 * max(1.0, abs(time)):
        raise InvalidInput(
            f"Argument `time` must be a time at which the run was saved; {time:g} is not, "
            f"the nearest is {times[nearest]:g}."
        )
    return factorize(hamiltonian, grid, run["wavefunction"].values[nearest], floor=floor)


def conditional_fields(
    hamiltonian: SeparableHamiltonian,
    run: Any,
    times: Sequence[float] | None = None,
    *,
    floor: float = FLOOR,
) -> Any:
    """The fields of a run as a labelled dataset, ready for the figures `bk.plot.forces` and `bk.plot.bloch`.

    `run`, `floor`: as in `factorize_run`. `times`: save times (all by default). Raises as `factorize_run` does.
    Fields are zero where `resolved` says that the density is too small to divide by.
    """
    import xarray

    grid = _wavefunction_grid(run)
    chosen = run["time"].values if times is None else np.asarray(times, dtype=float)
    tables = [_tabulated(factorize_run(hamiltonian, run, float(time), floor=floor)) for time in chosen]
    nodes = tuple(f"node_{axis}" for axis in range(grid.coordinates))
    variables: dict[str, Any] = {}
    for name, (_, dims, units, long_name) in tables[0].items():
        values = np.stack([np.asarray(table[name][0]) for table in tables])
        label = {"units": units, "long_name": long_name, "source": SOURCE}
        variables[name] = (("time", *dims, *nodes), values, label)
    coordinates = {"time": ("time", chosen, run["time"].attrs)}
    for name, positions in zip(nodes, grid.positions(), strict=True):
        coordinates[name] = (name, positions, {"units": "bohr", "long_name": "position"})
    return xarray.Dataset(variables, coordinates, run.attrs)


@eqx.filter_jit
def _tabulated(fields: Factorization) -> dict[str, Any]:
    """Values, leading dimensions, units and meaning of what is worth looking at, by name."""
    forces, vector, operator = fields.forces(), ("coordinate",), ("level", "level_")
    levels = jax.vmap(jnp.linalg.eigvalsh)(_nodes_leading(fields.potential, 2))
    force = "hartree/bohr"
    return {
        "density": (fields.density, (), "1/bohr per coordinate", "probability density"),
        "resolved": (fields.resolved, (), "1", "whether the density is large enough to divide by"),
        "flow_momentum": (fields.momentum, vector, "hbar/bohr", "momentum of the flow"),
        "osmotic_momentum": (fields.osmotic_momentum, vector, "hbar/bohr", "osmotic momentum"),
        "conditional_density": (fields.conditional_density, operator, "1", "conditional density operator"),
        "conditional_population": (fields.adiabatic_population, ("level",), "1", "adiabatic population"),
        "metric": (fields.metric, (*vector, "coordinate_"), "1/bohr^2", "Fubini-Study metric"),
        "berry_curvature": (
            fields.berry_curvature,
            (*vector, "coordinate_"),
            "hbar/bohr^2",
            "pseudo-magnetic field",
        ),
        "adiabatic_energy": (_grid_trailing(levels, fields.grid), ("level",), "hartree", "adiabatic energy"),
        "electronic_energy": (fields.electronic_energy, (), "hartree", "mean electronic energy"),
        "scalar_potential": (fields.scalar_potential, (), "hartree", "time-dependent potential"),
        "quantum_potential": (fields.quantum_potential, (), "hartree", "quantum potential"),
        "mean_force": (forces.mean, vector, force, "mean force"),
        "fubini_study_force": (forces.fubini_study, vector, force, "Fubini-Study force"),
        "quantum_force": (forces.quantum, vector, force, "quantum force"),
        "total_force": (forces.total, vector, force, "total force"),
    }


@jit_by_content
def adiabatic_forces(hamiltonian: SeparableHamiltonian, fields: Factorization, level: int) -> AdiabaticForces:
    """The second column of Table I: the forces of eigenstate number `level`, at the velocities of the fluid; zero where
    the density is not resolved.
    """

    def energy(position):
        return adiabatic_energy(hamiltonian, position, level) + hamiltonian.harmonic(position)

    def turning(position):
        metric = fubini_study_metric(hamiltonian, position, level)
        return 0.5 * jnp.sum(fields.inverse_mass * metric)

    def at_node(position):
        return (
            -jax.grad(energy)(position),
            -jax.grad(turning)(position),
            berry_curvature(hamiltonian, position, level),
        )

    everywhere = jax.vmap(at_node)(jnp.asarray(fields.grid.nodes()))
    uphill, electric, curvature = (_grid_trailing(values, fields.grid) for values in everywhere)
    magnetic = jnp.einsum("kj...,j...->k...", curvature, fields.velocity)
    seen = fields.resolved[None]
    return AdiabaticForces(*(jnp.where(seen, force, 0.0) for force in (uphill, electric, magnetic)))


@jit_by_content
def _electronic_matrices(
    hamiltonian: SeparableHamiltonian, nodes: Float[Array, "G n"]
) -> tuple[Array, Array, Array]:
    """V(q) with the harmonic energy that trajectories move exactly, (G, d, d), and its first and second derivatives,
    (G, n, d, d) and (G, n, n, d, d).
    """

    def matrix(position):
        return hamiltonian.potential(position) + hamiltonian.harmonic(position) * jnp.eye(hamiltonian.levels)

    slope = jax.jacfwd(matrix)
    curvature = jnp.moveaxis(jax.vmap(jax.jacfwd(slope))(nodes), (-2, -1), (1, 2))
    return jax.vmap(matrix)(nodes), jnp.moveaxis(jax.vmap(slope)(nodes), -1, 1), curvature


def _grid_trailing(values: Array, grid: Grid) -> Array:
    """Values at the nodes, (G, ...), as a field (..., *grid)."""
    return jnp.moveaxis(values, 0, -1).reshape(*values.shape[1:], *grid.points)


def _nodes_leading(field: Array, leading: int) -> Array:
    """A field with `leading` axes before the grid as values at the nodes."""
    return jnp.moveaxis(field.reshape(*field.shape[:leading], -1), -1, 0)


def _dyad(left: Complex[Array, "d *grid"], right: Complex[Array, "d *grid"]) -> Complex[Array, "d d *grid"]:
    """|left><right| at each node."""
    return left[:, None] * jnp.conj(right)[None]


def _trace(left: Array, right: Array) -> Array:
    """Re Tr(A B) at each node; one of the two may have an index of coordinates in front."""
    if left.ndim < right.ndim:
        left, right = right, left
    if left.ndim > right.ndim:
        return jnp.einsum("kab...,ba...->k...", left, right).real
    return jnp.einsum("ab...,ba...->...", left, right).real
