r"""Quantum hydrodynamics of one surface, without a wavefunction: a classical fluid with one more energy.

$$h=\int n\,H(x,p)\,dx+E_Q[n],\qquad E_Q=\frac{\hbar^2}8\int\xi^{ij}\,\frac{\partial_in\,\partial_jn}n\,dx,\qquad
n(x(a),t)=\frac{n_0(a)}{\det\partial x/\partial a}$$

$$\dot x=\frac{\partial H}{\partial p},\qquad\dot p=-\frac{\partial H}{\partial x}-\partial Q,\qquad
Q=-\frac{\hbar^2}2\,\frac{\xi^{ij}\partial_i\partial_j\sqrt n}{\sqrt n}$$

Eqs. (14)-(18) and (36)-(42) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems",
in the labels a of fluid elements: weights stay, so continuity (37) holds by construction, and the quantum force (42) is
the derivative of $E_Q$ by the positions. Gauge potentials live in H, and p is the canonical momentum $\pi+A$, whose
integral around any loop of elements is constant (Kelvin; their appendix A). E. Madelung, Z. Phys. 40, 322 (1927).
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri

from brackish.errors import UnsupportedHamiltonian
from brackish.grids.hermite import HermiteMesh
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.integrators import ImplicitMidpoint, Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.promises import ENERGY
from brackish.theories.trajectories._fluid import even_places
from brackish.theory import Moments, Requirements, Status, Theory, Weighted, variance
from brackish.typing import Array, Float, RealScalar


class QuantumHydrodynamicsState(eqx.Module):
    """`point`: positions and canonical momenta of the fluid at the nodes of the mesh of labels, each (M^n, n).

    `label`: (N, n), the labels of the elements that are looked at, in standard deviations of the starting density.
    """

    point: PhasePoint
    label: Float[Array, "N n"]


# -- the energy beyond that of classical particles -----------------------------------------------------------


class QuantumForce(eqx.Module):
    r"""The fluid has the energy $E_Q$, and feels the quantum force."""

    def energy(
        self, mesh: HermiteMesh, masses: Float[np.ndarray | Array, " n"], position: Float[Array, "nodes n"]
    ) -> RealScalar:
        r"""$E_Q=\frac18\sum_aW_a\xi^{ij}\,\partial_i\ln n\,\partial_j\ln n$, hartree."""
        slope = log_density_slope(mesh, position)
        return jnp.sum(mesh.weights()[:, None] * slope**2 / jnp.asarray(masses)[None]) / 8


class WithoutQuantumForce(eqx.Module):
    """Elements move as independent classical particles: a cold fluid, for comparison."""

    def energy(
        self, mesh: HermiteMesh, masses: Float[np.ndarray | Array, " n"], position: Float[Array, "nodes n"]
    ) -> RealScalar:
        """None."""
        return jnp.zeros(())


class QuantumHydrodynamics(Theory):
    r"""The probability fluid of a Gaussian packet on one surface, moved by its own quantum force.

    Fluid elements have labels: their places in the starting packet, in standard deviations. Position and momentum are
    polynomials of the labels through `nodes` values along each coordinate, at the nodes of Gauss and Hermite, whose
    weights are the constant weights of the fluid: exact for any Gaussian packet in any quadratic Hamiltonian, and
    exponentially convergent for smooth potentials. The trajectories of a run are elements at evenly spread labels; they
    cost nothing until they are looked at. `quantum_force`: `QuantumForce()` or `WithoutQuantumForce()`.

    Needs one level and one or two coordinates; H may hold a vector potential. The metric is that of the `masses` of the
    manifold. Conserves the energy to the order of the step without drift, the canonical symplectic form, and, for loops
    of elements, Kelvin's circulation. Its weakness: a fluid has no nodes. Where waves interfere or a packet splits, the
    mesh folds, and the run stops with an error; see `QuantumTrajectories` for such cases. More nodes reach farther into
    the tails, and fold earlier there. Momenta are those of the flow, without the osmotic part of the momentum spread.
    """

    nodes: int = eqx.field(static=True, default=8)
    quantum_force: QuantumForce | WithoutQuantumForce = QuantumForce()
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    has_phase_space: ClassVar[bool] = False
    light: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), largest_coordinates=2, largest_levels=1)

    def promises(self, hamiltonian):
        return (ENERGY,)

    def default_integrator(self, hamiltonian):
        """Symplectic either way."""
        return Strang() if isinstance(hamiltonian, SeparableHamiltonian) else ImplicitMidpoint()

    def resolve(self, hamiltonian, preparation, times):
        self.mesh(hamiltonian)
        if not hasattr(preparation, "spread"):
            raise UnsupportedHamiltonian(
                f"QuantumHydrodynamics starts from a GaussianPacket, got {type(preparation).__name__}."
            )
        return self

    def refined(self):
        return QuantumHydrodynamics(self.nodes + max(1, self.nodes // 3), self.quantum_force)

    def mesh(self, hamiltonian) -> HermiteMesh:
        """The mesh of labels."""
        return HermiteMesh(self.nodes, hamiltonian.manifold.coordinates)

    def prepare(self, hamiltonian, preparation, index, key):
        """The density of the packet, and its mean momentum everywhere."""
        mesh = self.mesh(hamiltonian)
        centre, momentum, width, _ = preparation.spread(hamiltonian.manifold)
        position = centre[None] + width[None] * mesh.labels()
        point = PhasePoint(position, jnp.broadcast_to(momentum, position.shape))
        label = ndtri(even_places(preparation, key, mesh.coordinates))
        return QuantumHydrodynamicsState(point, label), jnp.ones(())

    def energy(self, hamiltonian, y):
        """The energy h of the fluid."""
        particles = jax.vmap(lambda z: _energy_of_one(hamiltonian, z))(y.point)
        return jnp.sum(self.mesh(hamiltonian).weights() * particles) + self.quantum_energy(hamiltonian, y)

    def quantum_energy(self, hamiltonian, y: QuantumHydrodynamicsState) -> RealScalar:
        """The part $E_Q$ of h."""
        masses, position = hamiltonian.manifold.masses, jnp.asarray(y.point.position)
        return self.quantum_force.energy(self.mesh(hamiltonian), masses, position)

    def _quantum_gradient(self, hamiltonian, position):
        """The derivative of E_Q by the positions, per unit weight: minus the quantum force, (nodes, n)."""
        mesh = self.mesh(hamiltonian)
        slope = jax.grad(lambda q: self.quantum_force.energy(mesh, hamiltonian.manifold.masses, q))(position)
        return slope / mesh.weights()[:, None]

    def flow(self, hamiltonian, t, y):
        """The derivatives of h through the bracket, per unit weight."""
        gradient = jax.vmap(jax.grad(lambda z: _energy_of_one(hamiltonian, z)))(y.point)
        by_position = gradient.position + self._quantum_gradient(hamiltonian, y.point.position)
        velocity = hamiltonian.manifold.hamiltonian_field(PhasePoint(by_position, gradient.momentum), y.point)
        return QuantumHydrodynamicsState(velocity, jnp.zeros_like(y.label))

    def parts(self, hamiltonian):
        """Free motion, and the kick of the potential and of the quantum force at rest; each is exact."""
        Requirements(separable=True).check("Splitting QuantumHydrodynamics into parts", hamiltonian)

        def drift(duration):
            free = jax.vmap(hamiltonian.free_flow(duration))
            return lambda y: QuantumHydrodynamicsState(free(y.point), y.label)

        def kick(duration):
            surface = jax.vmap(jax.grad(lambda q: hamiltonian.potential(q)[0, 0].real))

            def flow(y):
                gradient = surface(y.point.position) + self._quantum_gradient(hamiltonian, y.point.position)
                point = PhasePoint(y.point.position, y.point.momentum - duration * gradient)
                return QuantumHydrodynamicsState(point, y.label)

            return flow

        return drift, kick

    def elements(
        self,
        hamiltonian: HybridHamiltonian,
        y: QuantumHydrodynamicsState,
        label: Float[np.ndarray | Array, "N n"],
    ) -> PhasePoint:
        """The fluid elements with these labels, in standard deviations of the start: a loop, or what else is to be
        followed.
        """
        mesh = self.mesh(hamiltonian)
        position, momentum = (
            mesh.at(jnp.asarray(values), label) for values in (y.point.position, y.point.momentum)
        )
        return PhasePoint(position, momentum)

    def classical_points(self, hamiltonian, y):
        count = y.label.shape[0]
        return Weighted(
            self.elements(hamiltonian, y, y.label), jnp.ones((count, 1, 1)), jnp.full(count, 1 / count)
        )

    def moments(self, hamiltonian, y):
        """Integrals over the fluid itself, not means over elements."""
        weight = self.mesh(hamiltonian).weights()
        values = (y.point.position, y.point.momentum)
        means = (jnp.sum(weight[:, None] * value, axis=0) for value in values)
        return Moments(*means, *(variance(weight, value) for value in values))

    def check(self, hamiltonian, y):
        determinant, _ = _deformation(self.mesh(hamiltonian), y.point.position)
        # where the mesh has folded in the middle of a step, what follows is not a number, and not positive either
        return jnp.where(jnp.all(determinant > 0), Status.fine, Status.mesh_folded)


def _energy_of_one(hamiltonian, z):
    """H(z) of one element, hartree."""
    return hamiltonian.operator(z)[0, 0].real


def _deformation(mesh, position):
    """The determinant of J = dx/ds at each node, and its adjugate adj(J) = det(J) / J, (nodes, n, n)."""
    jacobian = jnp.stack([mesh.derivative(position, axis) for axis in range(mesh.coordinates)], axis=-1)
    if mesh.coordinates == 1:
        return jacobian[:, 0, 0], jnp.ones_like(jacobian)
    (a, b), (c, d) = jnp.moveaxis(jacobian, 0, -1)
    adjugate = jnp.moveaxis(jnp.stack([jnp.stack([d, -b]), jnp.stack([-c, a])]), -1, 0)
    return a * d - b * c, adjugate


def log_density_slope(mesh: HermiteMesh, position: Float[Array, "nodes n"]) -> Float[Array, "nodes n"]:
    r"""$\partial_i\ln n$ at each node, for $n=\phi(s)/\det(\partial x/\partial s)$ with the normal density $\phi$."""
    determinant, adjugate = _deformation(mesh, position)
    logarithm = jnp.log(determinant)
    by_label = [
        -mesh.labels()[:, axis] - mesh.derivative(logarithm, axis) for axis in range(mesh.coordinates)
    ]
    inverse = adjugate / determinant[:, None, None]
    return jnp.sum(jnp.stack(by_label, axis=-1)[:, :, None] * inverse, axis=1)
