r"""The Aleksandrov–Gerasimenko equation: quantum mechanics with the first order of the Moyal bracket alone.

$$\partial_t\hat{\mathcal P}=-\frac i\hbar[\hat H,\hat{\mathcal P}]
+\frac12\big(\{\hat H,\hat{\mathcal P}\}-\{\hat{\mathcal P},\hat H\}\big)$$

I. V. Aleksandrov, Z. Naturforsch. 36a, 902 (1981); V. I. Gerasimenko, Theor. Math. Phys. 50, 49 (1982); the order of
operators in $\{\hat A,\hat B\}=\partial_q\hat A\,\partial_p\hat B-\partial_p\hat A\,\partial_q\hat B$ is kept.
Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems", section 4.2, print the sum of the two
brackets; that sum vanishes for a classical H, the difference is right.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.errors import UnsupportedHamiltonian
from brackish.grids import FieldGrid, hybrid_fields
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import BlanesMoan, RungeKutta4
from brackish.manifolds import Canonical, Spheres
from brackish.promises import ENERGY_OF_FIELD, NORM
from brackish.quantum import field_dagger, field_product, field_trace_product, propagator
from brackish.theories.fields._on_grid import (
    check_grid,
    field_status,
    grid_of,
    hermitian_divergence,
    hermitian_gradient,
    packed,
    points_of_operator,
    starting_operator,
    step_of_parts_or_flow,
    unpacked,
)
from brackish.theory import Requirements, Theory
from brackish.typing import Array, Complex


class HybridOperatorState(eqx.Module):
    r"""`operator`: $\hat{\mathcal P}$ at the nodes, (d, d, *grid), Hermitian, of unit $\mathrm{Tr}\int$; a density on
    phase space in units of 1/hbar, on the sphere of 1/steradian.
    """

    operator: Complex[Array, "d d *grid"]


class AleksandrovGerasimenko(Theory):
    r"""The Aleksandrov–Gerasimenko (quantum–classical Liouville) equation on a grid.

    Exact quantum mechanics, with $\hat{\mathcal P}$ the partial Wigner function, where H is at most quadratic in
    (q, p) and its operator-valued part at most linear. Conserves $\mathrm{Tr}\int\hat{\mathcal P}$ and the energy
    $\mathrm{Tr}\int\hat H\hat{\mathcal P}$; it does **not** keep $\hat\rho=\int\hat{\mathcal P}$ or the classical
    density $\mathrm{Tr}\hat{\mathcal P}$ positive. `grid`: a grid of the manifold. `planck`: the size of hbar.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1)

    def promises(self, hamiltonian):
        return ENERGY_OF_FIELD, NORM

    def default_integrator(self, hamiltonian):
        return BlanesMoan() if isinstance(hamiltonian, SeparableHamiltonian) else RungeKutta4()

    def suggested_step(self, hamiltonian):
        return step_of_parts_or_flow(hamiltonian, self.nodes, self.planck)

    def resolve(self, hamiltonian, preparation, times):
        check_grid(self, hamiltonian, preparation)
        return self

    @property
    def nodes(self):
        """The grid. Raises `InvalidInput` if there is none."""
        return grid_of(self)

    def prepare(self, hamiltonian, preparation, index, key):
        return HybridOperatorState(starting_operator(hamiltonian, preparation, self.nodes)), jnp.ones(())

    def flow(self, hamiltonian, t, y):
        r"""The equation with $\frac12(\{\hat H,\hat{\mathcal P}\}-\{\hat{\mathcal P},\hat H\})=-\frac12(\hat
        X^j\partial_j\hat{\mathcal P}+\partial_j\hat{\mathcal P}\hat X^j)$, half of it in conservative form, as the
        divergence of $\hat X$ is zero.
        """
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)

        def symmetric(flow, classical_flow, operator):
            half = 0.5 * field_product(flow, operator)
            return half + field_dagger(half) + classical_flow[None, None] * operator

        along = jax.vmap(symmetric)
        gradient = hermitian_gradient(grid, y.operator)
        moved = jnp.sum(along(fields.operator_flow, fields.classical_flow, gradient), axis=0)
        same = jnp.broadcast_to(y.operator, gradient.shape)
        moved = moved + hermitian_divergence(grid, along(fields.operator_flow, fields.classical_flow, same))
        turned = -1j / self.planck * field_product(fields.operator, y.operator)
        change = packed(turned + field_dagger(turned) - 0.5 * moved)
        return HybridOperatorState(unpacked(grid.dealias(change)))

    def parts(self, hamiltonian):
        r"""For kinetic energy plus V(q): the potential, exact for each q and each wavenumber s of p; the drift.

        With $\partial_p\to is$ the potential gives $\hat{\mathcal P}\to e^{-i(V-\hbar sV'/2)t/\hbar}\,\hat{\mathcal
        P}\,e^{i(V+\hbar sV'/2)t/\hbar}$: quantum mechanics with V replaced by its tangent.
        """
        if not isinstance(hamiltonian, SeparableHamiltonian):
            raise UnsupportedHamiltonian(
                f"AleksandrovGerasimenko has exact parts for kinetic energy plus a potential V(q) only, got "
                f"{type(hamiltonian).__name__}; use RungeKutta4."
            )
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)
        along_q, along_p = (jnp.asarray(k) for k in grid.odd_wavenumbers())
        force, operator_force = fields.classical_flow[1], fields.operator_flow[1]

        def potential(duration):
            tangent = fields.operator + 0.5 * self.planck * along_p[None, None, None] * operator_force
            flat = jnp.moveaxis(tangent.reshape(*tangent.shape[:2], -1), -1, 0)
            left = jax.vmap(lambda matrix: propagator(matrix, duration / self.planck))(flat)
            left = jnp.moveaxis(left, 0, -1).reshape(tangent.shape)
            # the other side is the same at -s, daggered
            right = field_dagger(jnp.roll(jnp.flip(left, axis=-1), 1, axis=-1))
            pushed = jnp.exp(-1j * duration * along_p[None] * force)

            def flow(y):
                waves = jnp.fft.fft(y.operator)
                waves = pushed[None, None] * field_product(field_product(left, waves), right)
                return HybridOperatorState(jnp.fft.ifft(waves))

            return flow

        def drift(duration):
            phase = jnp.exp(-1j * duration * along_q[:, None] * fields.classical_flow[0])

            def flow(y):
                waves = phase[None, None] * jnp.fft.fft(y.operator, axis=-2)
                return HybridOperatorState(jnp.fft.ifft(waves, axis=-2))

            return flow

        return potential, drift

    def energy(self, hamiltonian, y):
        fields = hybrid_fields(hamiltonian, self.nodes)
        density = fields.classical * jnp.trace(y.operator).real
        return self.nodes.integrate(density + field_trace_product(fields.operator, y.operator))

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(y.operator)

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, y.operator)

    def check(self, hamiltonian, y):
        norm = self.nodes.integrate(jnp.trace(y.operator).real)
        return field_status(self.nodes, y.operator, norm)
