r"""The mean-field model as fields: a classical density and one quantum state.

$$\partial_tD+\{D,\langle\hat H\rangle\}=0,\qquad i\hbar\,\dot{\hat\rho}=\Big[\int D\hat
H\,dq\,dp,\;\hat\rho\Big],\qquad\langle\hat H\rangle=\mathrm{Tr}\,\hat\rho\hat H$$

Eq. (2) of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in mixed quantum-classical dynamics". The
density is carried by a Koopman wavefunction, $D=\chi^2$, so that it cannot become negative.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from brackish.errors import UnsupportedHamiltonian
from brackish.grids import FieldGrid, hybrid_fields
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import RungeKutta4, Strang
from brackish.manifolds import Canonical, Spheres
from brackish.promises import ENERGY_OF_FIELD, NORM_OF_FIELD, PURITY
from brackish.quantum import dagger, product, propagator, trace_product
from brackish.theories.fields._on_grid import (
    advected,
    check_grid,
    field_status,
    grid_of,
    points_of_operator,
    starting_density,
    starting_operator,
    step_of_parts_or_flow,
)
from brackish.theory import Requirements, Theory
from brackish.typing import Array, Complex, Float, Inexact


class HybridMeanFieldState(eqx.Module):
    """`amplitude`: the square root of the classical density at the nodes, (*grid), real. `density`: (d, d)."""

    amplitude: Float[Array, "*grid"]
    density: Complex[Array, "d d"]


class HybridMeanField(Theory):
    r"""The mean-field model on a grid: what `MeanField` tends to for many trajectories.

    Conserves the spectrum of $\hat\rho$ (hence its purity), the norm and the energy
    $\int D\,\mathrm{Tr}\hat\rho\hat H$; the density is never negative. Interaction does not decohere, and the
    packet does not split. `grid`: a grid of the manifold. `planck`: the size of hbar.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1)

    def promises(self, hamiltonian):
        return ENERGY_OF_FIELD, NORM_OF_FIELD, PURITY

    def default_integrator(self, hamiltonian):
        return Strang() if isinstance(hamiltonian, SeparableHamiltonian) else RungeKutta4()

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
        amplitude = jnp.sqrt(starting_density(hamiltonian, preparation, self.nodes))
        density = self.nodes.integrate(starting_operator(hamiltonian, preparation, self.nodes))
        return HybridMeanFieldState(amplitude, density), jnp.ones(())

    def flow(self, hamiltonian, t, y):
        """Eq. (2), with the density as the square of an amplitude that moves as a half-density."""
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)
        velocity = fields.classical_flow + _mean(fields.operator_flow, y.density)
        moved = advected(grid, velocity, y.amplitude[None], grid.gradient(y.amplitude[None]))[0]
        mean = grid.integrate((y.amplitude**2)[None, None] * fields.operator)
        turned = -1j / self.planck * product(mean, y.density)
        return HybridMeanFieldState(grid.dealias(moved), turned + dagger(turned))

    def parts(self, hamiltonian):
        """For kinetic energy plus V(q): the drift, the kick of the mean force, the turn of rho; each is exact."""
        if not isinstance(hamiltonian, SeparableHamiltonian):
            raise UnsupportedHamiltonian(
                f"HybridMeanField has exact parts for kinetic energy plus a potential V(q) only, got "
                f"{type(hamiltonian).__name__}; use RungeKutta4."
            )
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)
        along_q, along_p = (jnp.asarray(k) for k in grid.odd_wavenumbers())

        def drift(duration):
            phase = jnp.exp(-1j * duration * along_q[:, None] * fields.classical_flow[0])

            def flow(y):
                waves = phase * jnp.fft.fft(y.amplitude, axis=0)
                return HybridMeanFieldState(jnp.fft.ifft(waves, axis=0).real, y.density)

            return flow

        def kick(duration):
            def flow(y):
                force = fields.classical_flow[1] + _mean(fields.operator_flow[1:], y.density)[0]
                waves = jnp.exp(-1j * duration * along_p[None] * force) * jnp.fft.fft(y.amplitude)
                return HybridMeanFieldState(jnp.fft.ifft(waves).real, y.density)

            return flow

        def turn(duration):
            def flow(y):
                mean = grid.integrate((y.amplitude**2)[None, None] * fields.operator)
                unitary = propagator(mean, duration / self.planck)
                return HybridMeanFieldState(
                    y.amplitude, product(product(unitary, y.density), dagger(unitary))
                )

            return flow

        return drift, kick, turn

    def energy(self, hamiltonian, y):
        fields = hybrid_fields(hamiltonian, self.nodes)
        mean = self.nodes.integrate((y.amplitude**2)[None, None] * fields.operator)
        return self.nodes.integrate(y.amplitude**2 * fields.classical) + trace_product(mean, y.density)

    def quantum_density(self, hamiltonian, y):
        return y.density

    def classical_points(self, hamiltonian, y):
        axes = [1] * y.amplitude.ndim
        return points_of_operator(
            self.nodes, (y.amplitude**2)[None, None] * y.density.reshape(*y.density.shape, *axes)
        )

    def check(self, hamiltonian, y):
        norm = self.nodes.integrate(y.amplitude**2) * jnp.trace(y.density).real
        return field_status(self.nodes, y.amplitude, norm)


def _mean(
    operators: Inexact[Array, "components d d *grid"], density: Complex[Array, "d d"]
) -> Float[Array, "components *grid"]:
    """Tr(rho X^j) at each node."""
    turned = density.T.reshape(1, *density.shape, *([1] * (operators.ndim - 3)))
    return jnp.sum(operators * turned, axis=(1, 2)).real
