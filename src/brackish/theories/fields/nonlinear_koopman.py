r"""The nonlinear Koopman model: Hamiltonian quantum–classical dynamics with the correlations that Ehrenfest leaves out.

$$\partial_tD+\nabla\!\cdot(D\mathcal X)=0,\qquad i\hbar(\partial_t+\mathcal X\!\cdot\!\nabla)P=[\hat{\mathcal H},P]$$

$$\mathcal X=\langle\hat X_H\rangle+\tfrac\hbar2\mathrm{Tr}\big(\hat X_H\!\cdot\!\nabla\hat\Xi-\hat\Xi\cdot\!\nabla\hat
X_H+\{\ln D,\hat H\}\,\hat\Xi\big),\qquad\hat\Xi^k=iJ^{kl}[P,\partial_lP]$$

$$\hat{\mathcal H}=\hat H+i\hbar\big(\{P,\hat H\}+\{\hat H,P\}+\tfrac12[P,\{\ln D,\hat H\}]\big)$$

Eqs. (4) and (5) of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in mixed quantum-classical
dynamics"; eqs. (42)–(44) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems", with signs and
factors as they follow from the energy $h=\int\mathrm{Tr}(\hat{\mathcal P}\hat H)+\frac{i\hbar}2\int
D^{-1}\mathrm{Tr}([\hat{\mathcal P},\partial_j\hat{\mathcal P}]\hat X_H^j)$, $\hat{\mathcal P}=DP$; some of those
in print differ (see the page of this theory).

**In terms of a Koopman spinor** $\Upsilon=\sqrt D\,\psi$, $P=\psi\psi^\dagger$, the same equations read

$$\partial_t\Upsilon=-\tfrac12[\mathcal X\!\cdot\!\nabla\Upsilon+\nabla\!\cdot(\mathcal X\Upsilon)]-(1-P)\Big[\tfrac
i\hbar\hat H\Upsilon+(\hat X_H^j-\langle\hat X_H^j\rangle)\,(\partial_j-iA_j)\Upsilon\Big],\qquad
A_j=\mathrm{Im}\,\langle\psi|\partial_j\psi\rangle$$

$$D\mathcal X=\mathrm{Tr}(\hat X_H\hat{\mathcal D})+X_e,\qquad
\hat{\mathcal D}=\hat{\mathcal P}+\tfrac\hbar2\partial_k(D\,\hat\Xi^k),\qquad
e=\hbar\,\mathrm{Im}\,\langle\Upsilon|\hat X_H^j(\partial_j-iA_j)\Upsilon\rangle$$

in which nothing but $\mathcal X$ is divided by D, nothing is differentiated twice, and $\hat{\mathcal
P}=\Upsilon\Upsilon^\dagger$ is positive by construction (the second line holds in two dimensions: on the plane and on a
sphere).
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.grids import FieldGrid, HybridFields, hybrid_fields
from brackish.integrators import RungeKutta4
from brackish.manifolds import Canonical, Spheres
from brackish.observables import Observable
from brackish.promises import ENERGY_OF_FIELD, NORM_OF_FIELD
from brackish.quantum import field_apply, field_dagger, field_expect, field_outer, field_trace_product
from brackish.theories.fields._on_grid import (
    advected,
    check_grid,
    explicit_step,
    field_status,
    grid_of,
    hermitian_divergence,
    points_of_operator,
    starting_wave,
)
from brackish.theory import Requirements, Status, Theory
from brackish.typing import Array, Complex, Float, RealScalar


class KoopmanSpinorState(eqx.Module):
    r"""`psi`: the Koopman spinor $\Upsilon=\sqrt D\,\psi$ at the nodes, (d, *grid); its phase means nothing."""

    psi: Complex[Array, "d *grid"]


class _Correlations(eqx.Module):
    """What follows from the spinor and its derivatives, (*grid) trailing: see the equations above."""

    inverse_density: Array
    gradient: Array
    covariant: Array
    moved: Array  # X^j (d_j - iA_j) psi
    energy_density: Array
    operator: Array  # the hybrid operator


class NonlinearKoopman(Theory):
    r"""The nonlinear Koopman model on a grid, for short times.

    The continuum equations are **ill-posed** (in Hadamard's sense): where $\nabla\psi\neq0$, waves of number k grow at
    a rate $\propto\hbar k^2$. So this is a reference for smooth data and short times, on the waves below the cutoff of
    the `grid` alone. The dataset records the share of the spinor in the highest of them (`highest_wave_content`) and
    the rate at which it grows (`growth_rate`); a run ends with an error where that share passes `largest_content`.
    Koopmons are the regularised theory.

    Where D is below `smallest_density` times its largest value, round-off over density is no velocity: correlations
    end there.

    Conserves the energy h as far as the grid resolves the fields, the norm, and positivity of D and
    $\hat\rho$ always; covariant under constant unitaries. `planck`: the size of hbar.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    largest_content: float = 1e-6
    smallest_density: float = 1e-8
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1)

    def promises(self, hamiltonian):
        return ENERGY_OF_FIELD, NORM_OF_FIELD

    def default_integrator(self, hamiltonian):
        return RungeKutta4()

    def suggested_step(self, hamiltonian):
        return explicit_step(hamiltonian, self.nodes, self.planck)

    def resolve(self, hamiltonian, preparation, times):
        check_grid(self, hamiltonian, preparation)
        return self

    @property
    def nodes(self):
        """The grid. Raises `InvalidInput` if there is none."""
        return grid_of(self)

    def prepare(self, hamiltonian, preparation, index, key):
        return KoopmanSpinorState(starting_wave(hamiltonian, preparation, self.nodes)), jnp.ones(())

    def flow(self, hamiltonian, t, y):
        """The equation of the spinor, on the waves below the cutoff."""
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)
        terms = self._correlations(fields, y.psi)
        moved = advected(grid, self._velocity(fields, y.psi, terms), y.psi, terms.gradient)
        mean_flow = _means(fields.operator_flow, y.psi) * terms.inverse_density[None]
        turned = 1j / self.planck * field_apply(fields.operator, y.psi) + terms.moved
        turned = turned - jnp.sum(mean_flow[:, None] * terms.covariant, axis=0)
        along = jnp.sum(jnp.conj(y.psi) * turned, axis=0) * terms.inverse_density
        return KoopmanSpinorState(grid.dealias(moved - turned + along[None] * y.psi))

    def velocity(self, hamiltonian, y) -> Float[Array, "components *grid"]:
        r"""The velocity $\mathcal X$ of the classical density at each node, eq. (5)."""
        fields = hybrid_fields(hamiltonian, self.nodes)
        return self._velocity(fields, y.psi, self._correlations(fields, y.psi))

    def hybrid_operator(self, hamiltonian, y) -> Complex[Array, "d d *grid"]:
        r"""$\hat{\mathcal D}=\hat{\mathcal P}+\frac\hbar2\partial_k(D\,\hat\Xi^k)$: Hermitian, of no sign, with
        $\mathrm{Tr}\hat{\mathcal D}=D$, $\int\hat{\mathcal D}=\hat\rho$, $\partial_tD=\mathrm{Tr}\{\hat H,\hat{\mathcal
        D}\}$ and $i\hbar\,\dot{\hat\rho}=\int[\hat H,\hat{\mathcal D}]$.
        """
        return self._correlations(hybrid_fields(hamiltonian, self.nodes), y.psi).operator

    def effective_hamiltonian(self, hamiltonian, y) -> Complex[Array, "d d *grid"]:
        r"""$\hat{\mathcal H}=\delta h/\delta\hat{\mathcal P}$ without its classical part, up to a multiple of the
        identity; its commutator with P moves P.
        """
        fields = hybrid_fields(hamiltonian, self.nodes)
        terms = self._correlations(fields, y.psi)
        mean_flow = _means(fields.operator_flow, y.psi) * terms.inverse_density[None]
        transverse = terms.moved - jnp.sum(mean_flow[:, None] * terms.covariant, axis=0)
        along = jnp.sum(jnp.conj(y.psi) * transverse, axis=0) * terms.inverse_density
        transverse = transverse - along[None] * y.psi
        # what acts on psi as -i hbar times `transverse`, made Hermitian
        correlation = -1j * self.planck * field_outer(transverse, terms.inverse_density[None] * y.psi)
        return fields.operator + correlation + field_dagger(correlation)

    def _correlations(self, fields: HybridFields, psi: Array) -> _Correlations:
        grid = self.nodes
        density = jnp.sum(jnp.abs(psi) ** 2, axis=0)
        smallest = self.smallest_density * jnp.max(density)
        inverse = density / (density**2 + smallest**2)
        gradient = grid.gradient(psi)
        connection = jnp.sum(jnp.conj(psi)[None] * gradient, axis=1).imag * inverse[None]
        covariant = gradient - 1j * connection[:, None] * psi[None]
        moved = jnp.sum(jax.vmap(field_apply)(fields.operator_flow, covariant), axis=0)
        energy_density = self.planck * jnp.sum(jnp.conj(psi) * moved, axis=0).imag
        half = 1j * jax.vmap(field_outer, in_axes=(None, 0))(psi, covariant)
        current = half + jax.vmap(field_dagger)(half)  # D i[P, d_l P]
        spread = hermitian_divergence(grid, grid.vector_field(current))
        operator = field_outer(psi, psi) + 0.5 * self.planck * spread
        return _Correlations(inverse, gradient, covariant, moved, energy_density, operator)

    def _velocity(self, fields: HybridFields, psi: Array, terms: _Correlations) -> Array:
        grid = self.nodes
        flux = jax.vmap(field_trace_product, in_axes=(0, None))(fields.operator_flow, terms.operator)
        flux = flux + grid.vector_field(grid.gradient(terms.energy_density))
        return fields.classical_flow + flux * terms.inverse_density[None]

    # -- energies and other observables ---------------------------------------------------------------------

    def energy(self, hamiltonian, y):
        r"""$h=\int D\langle\hat H\rangle+\int e$: what is conserved, $\mathrm{Tr}\int\hat H\hat{\mathcal D}$."""
        return self.mean_energy(hamiltonian, y) + self.correlation_energy(hamiltonian, y)

    def mean_energy(self, hamiltonian, y) -> RealScalar:
        r"""$\int D\langle\hat H\rangle$: the energy in the usual sense, which is not conserved."""
        fields = hybrid_fields(hamiltonian, self.nodes)
        classical = fields.classical * jnp.sum(jnp.abs(y.psi) ** 2, axis=0)
        return self.nodes.integrate(classical + field_expect(fields.operator, y.psi))

    def correlation_energy(self, hamiltonian, y) -> RealScalar:
        r"""$\frac{i\hbar}2\int D\,\mathrm{Tr}([P,\partial_jP]\hat X_H^j)$.

        The same as $-\int D\langle\psi|i\hbar\tilde F\cdot\nabla\psi\rangle$ with the fluctuation force, or torque,
        $\tilde F$ (section 4.1 of the paper on spins).
        """
        fields = hybrid_fields(hamiltonian, self.nodes)
        return self.nodes.integrate(self._correlations(fields, y.psi).energy_density)

    def fluctuation_force(self, hamiltonian, y) -> Float[Array, " components"]:
        r"""Root mean square $[\int D(\langle\hat X^j\hat X^j\rangle-\langle\hat X^j\rangle^2)]^{1/2}$ of the
        fluctuation $\hat X_H^j-\langle\hat X_H^j\rangle$ of velocity and force, or of the torque on a direction.
        """
        fields = hybrid_fields(hamiltonian, self.nodes)
        density = jnp.sum(jnp.abs(y.psi) ** 2, axis=0)
        inverse = jnp.where(density > 0, 1 / jnp.where(density > 0, density, 1.0), 0.0)
        acted = jax.vmap(field_apply, in_axes=(0, None))(fields.operator_flow, y.psi)
        square = jnp.sum(jnp.abs(acted) ** 2, axis=1)
        mean = _means(fields.operator_flow, y.psi)
        return jnp.sqrt(jnp.maximum(self.nodes.integrate(square - mean**2 * inverse[None]), 0.0))

    def highest_wave_content(self, hamiltonian, y) -> RealScalar:
        """The share of the spinor in the highest waves that are kept."""
        return self.nodes.integrate(jnp.sum(jnp.abs(self.nodes.highest_waves(y.psi)) ** 2, axis=0))

    def growth_rate(self, hamiltonian, y) -> RealScalar:
        """Half the logarithmic derivative of `highest_wave_content`: at which rate the highest waves grow now."""
        highest = self.nodes.highest_waves(y.psi)
        change = self.nodes.highest_waves(self.flow(hamiltonian, 0.0, y).psi)
        content = self.nodes.integrate(jnp.sum(jnp.abs(highest) ** 2, axis=0))
        gained = self.nodes.integrate(jnp.sum((jnp.conj(highest) * change).real, axis=0))
        return jnp.where(content > 0, gained / jnp.where(content > 0, content, 1.0), 0.0)

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(field_outer(y.psi, y.psi))

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, field_outer(y.psi, y.psi))

    def check(self, hamiltonian, y):
        norm = self.nodes.integrate(jnp.sum(jnp.abs(y.psi) ** 2, axis=0))
        status = field_status(self.nodes, y.psi, norm)
        dominated = self.highest_wave_content(hamiltonian, y) > self.largest_content
        return jnp.where((status != Status.not_finite) & dominated, Status.highest_waves_grew, status)


def _means(operators: Array, psi: Array) -> Float[Array, "components *grid"]:
    """<psi|X^j|psi> at each node."""
    return jax.vmap(field_expect, in_axes=(0, None))(operators, psi)


_SECTION = "Gay-Balmaz and Tronci, Dynamics of mixed quantum-classical spin systems, section 4.1"


def _mean_energy(theory, hamiltonian, y):
    return theory.mean_energy(hamiltonian, y)


def _correlation_energy(theory, hamiltonian, y):
    return theory.correlation_energy(hamiltonian, y)


def _fluctuation_force(theory, hamiltonian, y):
    return theory.fluctuation_force(hamiltonian, y)


def _highest_wave_content(theory, hamiltonian, y):
    return theory.highest_wave_content(hamiltonian, y)


def _growth_rate(theory, hamiltonian, y):
    return theory.growth_rate(hamiltonian, y)


_OBSERVABLES = (
    Observable("mean_energy", _mean_energy, (), "hartree", "mean energy without correlations", _SECTION),
    Observable(
        "correlation_energy", _correlation_energy, (), "hartree", "energy of the correlations", _SECTION
    ),
    Observable(
        "fluctuation_force",
        _fluctuation_force,
        ("component",),
        "atomic units",
        "root mean square fluctuation of velocity and force, or of the torque",
        _SECTION,
    ),
    Observable(
        "highest_wave_content",
        _highest_wave_content,
        (),
        "1",
        "share of the spinor in the highest waves that are kept",
    ),
    Observable(
        "growth_rate", _growth_rate, (), "hartree/hbar", "rate of growth of the highest waves that are kept"
    ),
)
