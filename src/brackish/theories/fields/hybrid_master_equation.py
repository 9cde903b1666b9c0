r"""The hybrid master equation: back-reaction of a quantum system on a classical one, with the noise that it needs.

$$\partial_t\hat\rho=-i[\hat H,\hat\rho]+\tfrac12\big(\{\hat H,\hat\rho\}-\{\hat\rho,\hat H\}\big)
+\partial_p(\gamma p\,\hat\rho)+\tfrac12D\,\partial_p^2\hat\rho-\tfrac12D_0[\hat L,[\hat L,\hat\rho]],\qquad
\hat L=\partial_q\hat V,\quad D_0=\frac\kappa{4D}$$

for a positive operator $\hat\rho(q,p)$ at every point of phase space. The first two terms are the equation of
Aleksandrov and Gerasimenko, which does not keep $\hat\rho$ positive. With diffusion D of the momentum and the
decoherence $D_0$ it stays so, if and only if $4DD_0=\kappa\ge1$: a momentum that has felt the force knows the quantum
state, as well as its noise allows, and so the state must decohere.

Eqs. (1)–(5) of "Classical-quantum oscillators as diffusive processes in phase space", arXiv:2510.07402, with hbar = 1;
J. Oppenheim, I. Layton and Z. Weller-Davies, "The healthier semi-classical dynamics".
"""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from brackish.grids import PhaseSpace, hybrid_fields
from brackish.integrators import Strang
from brackish.manifolds import Canonical
from brackish.observables import Observable
from brackish.promises import NORM
from brackish.quantum import field_product, field_trace_product
from brackish.theories._trade_off import TradeOff, trade_off
from brackish.theories.fields._koopman import carried_by_drift, plane_coordinates
from brackish.theories.fields._noise import MomentumNoise, dilation
from brackish.theories.fields._on_grid import check_grid, field_status, points_of_operator, starting_operator
from brackish.theory import Requirements, Status, Theory
from brackish.typing import Array, Complex, Inexact, RealScalar

TAYLOR_ORDER = 18
LARGEST_MAP = 4
"""Levels up to which what happens to a wave is kept as a map of density matrices, with d^4 entries at each node. To
make it takes d^6 products, and room for as many numbers; for more levels only its action is computed.
"""


class HybridState(eqx.Module):
    r"""`operator`: $\hat\rho$ at the nodes, (d, d, Q, P), Hermitian, of unit $\mathrm{Tr}\int$, in units of 1/hbar."""

    operator: Complex[Array, "d d Q P"]


class HybridMasterEquation(MomentumNoise, Theory):
    r"""The hybrid density matrix of one coordinate and a few levels on a grid of phase space.

    `diffusion`: D, of the momentum, in (hbar/bohr)^2 per unit of time, $dp\ni\sqrt D\,dW$. `friction`: the rate
    $\gamma$ of $\dot p\ni-\gamma p$; with mass m they make the temperature $D/2m\gamma$. `trade_off`: the ratio
    $\kappa=4DD_0$ from 1 on, or a `ViolatedTradeOff`. `grid`: a `PhaseSpace` that holds the density at all times; where
    more than `tolerance` of it has come to the rim, a run ends with an error.

    Any potential matrix V(q) and any number of levels; a step costs $d^4$ products at each node, beyond 4 levels about
    $70\,d^3$. Conserves the trace to round-off. Positive at every node as far as the grid resolves the state, since
    each part of a step is a completely positive map. The energy changes at the rate that `energy_rate` states.
    Covariant under constant unitaries.

    Raises `InvalidInput` for a diffusion that is not positive, a negative friction and a ratio below 1.
    """

    diffusion: float
    grid: PhaseSpace
    friction: float = 0.0
    trade_off: TradeOff = eqx.field(converter=trade_off, default=1.0)
    tolerance: float = 1e-6
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False
    light: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, largest_coordinates=1)

    def promises(self, hamiltonian):
        return (NORM,)

    def default_integrator(self, hamiltonian):
        return Strang()

    def resolve(self, hamiltonian, preparation, times):
        check_grid(self, hamiltonian, preparation)
        return self

    def in_coordinates(self, shift, scale):
        changed = super().in_coordinates(shift, scale)
        return eqx.tree_at(lambda theory: theory.diffusion, changed, self.diffusion / float(scale[0]) ** 2)

    def prepare(self, hamiltonian, preparation, index, key):
        return HybridState(starting_operator(hamiltonian, preparation, self.grid)), jnp.ones(())

    def parts(self, hamiltonian):
        r"""Drift, friction, and all that the quantum side does at one position: each exact on the waves of the grid,
        each completely positive. Only the drift may go far backwards, for diffusion has no past.
        """
        fields = hybrid_fields(hamiltonian, self.grid)

        def drift(duration):
            carried = carried_by_drift(self.grid, fields.classical_flow, duration)
            return lambda y: HybridState(carried(y.operator))

        def friction(duration):
            slowed = dilation(self.grid, self.friction * duration)
            return lambda y: HybridState(y.operator @ slowed)

        def coupling(duration):
            turned = self._coupling(fields, duration)
            return lambda y: HybridState(jnp.fft.ifft(turned(jnp.fft.fft(y.operator))))

        return (drift, friction, coupling) if self.friction else (drift, coupling)

    def _coupling(self, fields, duration) -> Callable[[Complex[Array, "d d Q P"]], Complex[Array, "d d Q P"]]:
        r"""What $\hat V$ does to each wave $e^{isp}$ at each position: $\hat\rho\to e^{St}\hat\rho$ with

        $$S\hat\rho=-i(\hat V-\tfrac s2\hat L)\hat\rho+i\hat\rho(\hat V+\tfrac s2\hat L)
        -\tfrac12D_0[\hat L,[\hat L,\hat\rho]]-\tfrac12Ds^2\hat\rho .$$

        The classical part of $\hat V$ only shifts the momentum.
        """
        waves = self.grid.odd_wavenumbers()[1], self.grid.plane.wavenumbers()[1]
        odd, even = (jnp.asarray(k)[None] for k in waves)
        force, slope = fields.classical_flow[1], -fields.operator_flow[1]
        tangent = 0.5 * odd[None, None] * slope
        squares = field_product(slope, slope)
        left = -1j * (fields.operator - tangent) - 0.5 * self.decoherence * squares
        right = 1j * (fields.operator + tangent) - 0.5 * self.decoherence * squares
        spread = jnp.exp(-duration * (1j * odd * force + 0.5 * self.diffusion * even**2))
        if fields.operator.shape[0] <= LARGEST_MAP:
            return self._map(left, right, slope, spread, duration)
        return self._action(left, right, slope, spread, duration)

    def _map(self, left, right, slope, spread, duration):
        """All of it as one map."""
        levels = slope.shape[0]
        one = jnp.eye(levels)[:, :, None, None]
        transposed = jnp.swapaxes(right, 0, 1)
        # entry (a, b; c, d): how much of rho_cd comes to rho_ab
        generator = (
            left[:, None, :, None] * one[None, :, None, :] + one[:, None, :, None] * transposed[None, :, None]
        )
        both = slope[:, None, :, None] * jnp.swapaxes(slope, 0, 1)[None, :, None]
        generator = generator + self.decoherence * both
        turn = _exponential(generator.reshape(levels**2, levels**2, *self.grid.shape) * duration)
        turn = (turn * spread[None, None]).reshape(generator.shape)
        return lambda waves: jnp.sum(turn * waves[None, None], axis=(2, 3))

    def _action(self, left, right, slope, spread, duration):
        """The same, term by term of a Taylor series, over as many equal parts as the largest rate asks for."""
        rows = [
            jnp.max(jnp.sum(jnp.abs(matrix), axis=1)) for matrix in (left, jnp.swapaxes(right, 0, 1), slope)
        ]
        largest = (rows[0] + rows[1] + self.decoherence * rows[2] ** 2) * jnp.abs(duration)
        parts = jnp.maximum(1, jnp.ceil(largest)).astype(int)

        def generator(waves):
            turned = field_product(left, waves) + field_product(waves, right)
            both = field_product(field_product(slope, waves), slope)
            return (turned + self.decoherence * both) * (duration / parts)

        def term(order, sofar):
            last, total = sofar
            last = generator(last) / (order + 1)
            return last, total + last

        def one_part(_, waves):
            return lax.fori_loop(0, TAYLOR_ORDER, term, (waves, waves))[1]

        return lambda waves: spread[None, None] * lax.fori_loop(0, parts, one_part, waves)

    # -- what is seen ----------------------------------------------------------------------------------------

    def energy(self, hamiltonian, y):
        r"""$\mathrm{Tr}\int\hat H\hat\rho$."""
        fields = hybrid_fields(hamiltonian, self.grid)
        density = fields.classical * jnp.trace(y.operator).real
        return self.grid.integrate(density + field_trace_product(fields.operator, y.operator))

    def energy_rate(self, hamiltonian, y) -> RealScalar:
        r"""The rate of change of the energy, by noise, friction and decoherence alone:

        $$\frac{d\langle\hat H\rangle}{dt}=\frac D{2m}-\frac\gamma m\langle p^2\rangle
        -\tfrac12D_0\langle[\hat L,[\hat L,\hat H]]\rangle .$$
        """
        fields = hybrid_fields(hamiltonian, self.grid)
        mass = jnp.asarray(hamiltonian.manifold.masses)[0]
        _, momentum = plane_coordinates(self.grid)
        slope = fields.operator_flow[1]
        inner = _commutator(slope, fields.operator)
        heating = field_trace_product(_commutator(slope, inner), y.operator)
        density = jnp.trace(y.operator).real
        classical = (0.5 * self.diffusion - self.friction * momentum**2) / mass * density
        return self.grid.integrate(classical - 0.5 * self.decoherence * heating)

    def least_hybrid_eigenvalue(self, hamiltonian, y) -> RealScalar:
        r"""The smallest eigenvalue of $\hat\rho$ at any node, in 1/hbar: below zero there is no hybrid state."""
        levels = y.operator.shape[0]
        matrices = jnp.moveaxis(y.operator.reshape(levels, levels, -1), -1, 0)
        return jnp.min(jnp.linalg.eigvalsh(matrices))

    def edge_population(self, hamiltonian, y) -> RealScalar:
        """The share of the classical density at the outermost nodes: what would come back on the other side."""
        share = jnp.abs(jnp.trace(y.operator).real) * jnp.asarray(self.grid.weights())
        return jnp.sum(share) - jnp.sum(share[1:-1, 1:-1])

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def quantum_density(self, hamiltonian, y):
        return self.grid.integrate(y.operator)

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.grid, y.operator)

    def check(self, hamiltonian, y):
        status = field_status(self.grid, y.operator, self.grid.integrate(jnp.trace(y.operator).real))
        at_edge = self.edge_population(hamiltonian, y) > self.tolerance
        return jnp.where((status == Status.fine) & at_edge, Status.reached_edge, status)


def _commutator(
    left: Inexact[Array, "d d Q P"], right: Inexact[Array, "d d Q P"]
) -> Inexact[Array, "d d Q P"]:
    return field_product(left, right) - field_product(right, left)


def _exponential(matrix: Complex[Array, "n n Q P"]) -> Complex[Array, "n n Q P"]:
    """The exponential of the matrix at each node: a Taylor series of a small part of it, squared again and again."""
    norm = jnp.max(jnp.sum(jnp.abs(matrix), axis=1))
    squarings = jnp.maximum(0, jnp.ceil(jnp.log2(jnp.maximum(norm, 1.0)))).astype(int)
    small = matrix / 2.0**squarings
    one = jnp.broadcast_to(jnp.eye(matrix.shape[0], dtype=complex)[:, :, None, None], matrix.shape)
    # Horner's rule
    total = lax.fori_loop(
        0, TAYLOR_ORDER, lambda k, total: one + field_product(small, total) / (TAYLOR_ORDER - k), one
    )
    return lax.fori_loop(0, squarings, lambda _, power: field_product(power, power), total)


def _asked(name: str) -> Callable[[Any, Any, Any], Array]:
    """The method of this name as the function of an observable."""
    return lambda theory, hamiltonian, y: getattr(theory, name)(hamiltonian, y)


_SOURCE = (
    "Classical-quantum oscillators as diffusive processes in phase space, arXiv:2510.07402, eqs. (2)-(5)"
)
_OBSERVABLES = (
    Observable(
        "energy_rate", _asked("energy_rate"), (), "hartree^2/hbar", "rate of change of the energy", _SOURCE
    ),
    Observable(
        "least_hybrid_eigenvalue",
        _asked("least_hybrid_eigenvalue"),
        (),
        "1/hbar",
        "smallest eigenvalue of the hybrid density matrix at any node",
        _SOURCE,
    ),
    Observable(
        "edge_population", _asked("edge_population"), (), "1", "share of the density at the rim of the grid"
    ),
)
