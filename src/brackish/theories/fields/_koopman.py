r"""What the linear theories of Koopman wavefunctions share: motion along Hamiltonian vector fields, and phases.

$$i\hbar\,\partial_t\Upsilon=i\hbar\{\hat H,\Upsilon\}-\hat{\mathcal L}\Upsilon,\qquad
\{\hat H,\Upsilon\}=-\tfrac12\big[\hat X_H^j\partial_j\Upsilon+\partial_j(\hat X_H^j\Upsilon)\big]$$

with the Lagrangian $\hat{\mathcal L}=p\,\partial_p\hat H-\hat H$ on the plane, $n\cdot\nabla\hat H-\hat H$ on a
sphere, or none. The second form is the first for a field without divergence, and skew-Hermitian on any grid.
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.errors import UnsupportedHamiltonian
from brackish.grids import HybridFields, hybrid_fields
from brackish.grids.nodes import on_grid
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.integrators import BlanesMoan, Exponential, Integrator
from brackish.manifolds import Canonical, Extension
from brackish.quantum import field_apply, field_dagger, field_outer, propagator
from brackish.typing import Array, Float, Inexact, Point, RealScalar


class ClassicalFields(eqx.Module):
    """A Hamiltonian of one level at the nodes: `energy` (*grid), its vector field `flow` (components, *grid)."""

    energy: Float[Array, "*grid"]
    flow: Float[Array, "components *grid"]


def classical_fields(hamiltonian: HybridHamiltonian, grid: Any) -> ClassicalFields:
    """The whole of a Hamiltonian of one level, whichever of its parts it was written into."""
    fields = hybrid_fields(hamiltonian, grid)
    flow = fields.classical_flow + fields.operator_flow[:, 0, 0].real
    return ClassicalFields(fields.classical + fields.operator[0, 0].real, flow)


def whole_function(hamiltonian: HybridHamiltonian) -> Callable[[Point], RealScalar]:
    """A Hamiltonian of one level as a real function on its manifold."""
    return lambda z: jnp.real(hamiltonian.operator(z)[0, 0])


def along_flow(grid: Any, flow: Float[Array, "components *grid"], field: Inexact[Array, "*grid"]) -> Array:
    r"""$\{H,f\}=-\frac12[X^j\partial_jf+\partial_j(X^jf)]$ below the cutoff of the grid."""
    moved = jnp.sum(flow * grid.gradient(field), axis=0) + grid.divergence(flow * field[None])
    return -0.5 * grid.dealias(moved)


def along_operator_flow(grid: Any, fields: HybridFields, psi: Inexact[Array, "d *grid"]) -> Array:
    r"""$\{\hat H,\Upsilon\}$ below the cutoff of the grid."""
    carried = jax.vmap(lambda operator, classical, psi: field_apply(operator, psi) + classical[None] * psi)
    flows = fields.operator_flow, fields.classical_flow
    here = jnp.broadcast_to(psi[None], (fields.classical_flow.shape[0], *psi.shape))
    moved = jnp.sum(carried(*flows, grid.gradient(psi)), axis=0) + grid.divergence(carried(*flows, here))
    return -0.5 * grid.dealias(moved)


def largest_rate(grid: Any, fields: HybridFields) -> RealScalar:
    """A bound on the frequencies of `along_operator_flow`."""
    spread = jnp.sqrt(jnp.sum(jnp.abs(fields.operator_flow) ** 2, axis=(1, 2)))
    return grid.largest_rate(jnp.abs(fields.classical_flow) + spread)


def hybrid_lagrangian(
    hamiltonian: HybridHamiltonian, grid: Any, extension: Extension
) -> tuple[Float[Array, "*grid"], Inexact[Array, "d d *grid"]]:
    r"""$\hat{\mathcal L}$ at the nodes, its classical part apart from the rest. On a sphere $\hat H_Q$ does not
    depend on the vector, however the rest is continued.
    """
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())

    def at_node(z):
        classical = lagrangian(hamiltonian, hamiltonian.classical, extension, z)
        interaction = lagrangian(hamiltonian, hamiltonian.interaction, extension, z)
        return classical, interaction - hamiltonian.quantum()

    classical, operator = jax.vmap(at_node)(points)
    return on_grid(classical, grid), on_grid(operator, grid)


def lagrangian(hamiltonian: HybridHamiltonian, function: Callable, extension: Extension, z: Point) -> Array:
    r"""$p\,\partial_pf-f$ or $n\cdot\nabla f-f$ of a function of one configuration; of matrices, entry by entry."""
    if isinstance(hamiltonian.manifold, Canonical):
        _, slope = jax.jvp(
            lambda momentum: function(type(z)(z.position, momentum)), (z.momentum,), (z.momentum,)
        )
    else:
        slope, _ = extension.radial_derivatives(function, z)
    return slope - function(z)


# -- kinetic energy plus a potential on the plane: two exact shears -----------------------------------------------


def linear_integrator(hamiltonian: HybridHamiltonian) -> Integrator:
    """Exact shears for kinetic energy plus V(q); else the exponential of the generator, which keeps norms."""
    return BlanesMoan() if isinstance(hamiltonian, SeparableHamiltonian) else Exponential()


def linear_step(hamiltonian: HybridHamiltonian) -> float | None:
    """Exact shears afford longer steps than trajectories; the exponential of the generator any."""
    step = hamiltonian.suggested_step()
    if not isinstance(hamiltonian, SeparableHamiltonian):
        return math.inf
    return None if step is None else 4 * step


def require_separable(name: str, hamiltonian: HybridHamiltonian) -> None:
    """Raise `UnsupportedHamiltonian` unless there are exact shears for this Hamiltonian."""
    if not isinstance(hamiltonian, SeparableHamiltonian):
        raise UnsupportedHamiltonian(
            f"{name} has exact parts for kinetic energy plus a potential V(q) only, got {type(hamiltonian).__name__}; "
            "use Exponential."
        )


def carried_by_potential(grid: Any, flow: Float[Array, "two Q P"], duration) -> Callable[[Array], Array]:
    r"""$f(q,p)\to f(q,p-F(q)\,t)$ for the force $F=X^p$, by plane waves along p."""
    along_p = jnp.asarray(grid.odd_wavenumbers()[1])[None, :]
    phase = jnp.exp(-1j * duration * along_p * flow[1])
    return _shear(phase, -1)


def carried_by_drift(grid: Any, flow: Float[Array, "two Q P"], duration) -> Callable[[Array], Array]:
    r"""$f(q,p)\to f(q-v(p)\,t,p)$ for the velocity $v=X^q$, by plane waves along q."""
    along_q = jnp.asarray(grid.odd_wavenumbers()[0])[:, None]
    phase = jnp.exp(-1j * duration * along_q * flow[0])
    return _shear(phase, -2)


def _shear(phase: Array, axis: int) -> Callable[[Array], Array]:
    def move(field):
        turned = phase.reshape((1,) * (field.ndim - 2) + phase.shape) * jnp.fft.fft(field, axis=axis)
        moved = jnp.fft.ifft(turned, axis=axis)
        return moved if jnp.iscomplexobj(field) else moved.real

    return move


def potential_shear(
    hamiltonian: SeparableHamiltonian, grid: Any, planck, duration
) -> Callable[[Inexact[Array, "d Q P"]], Array]:
    r"""The motion by V(q) with its phase: on waves $e^{isp}$, $\Upsilon\to e^{-i(\hat V-\hbar s\hat
    F)t/\hbar}\Upsilon$ with the force $\hat F=-\hat V'$ of opposite sign to $\hat V'$, exact for each q and s.
    """
    fields = hybrid_fields(hamiltonian, grid)
    along_p = jnp.asarray(grid.odd_wavenumbers()[1])[None, :]
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())

    def potential(z):
        return hamiltonian.external(z.position) + hamiltonian.harmonic(z.position)

    classical = on_grid(jax.vmap(potential)(points), grid) + planck * along_p * fields.classical_flow[1]
    operator = fields.operator + planck * along_p[None, None] * fields.operator_flow[1]
    flat = jnp.moveaxis(operator.reshape(*operator.shape[:2], -1), -1, 0)
    turn = jax.vmap(lambda matrix: propagator(matrix, duration / planck))(flat)
    turn = jnp.moveaxis(turn, 0, -1).reshape(operator.shape)
    turn = turn * jnp.exp(-1j * duration / planck * classical)[None, None]

    def move(psi):
        return jnp.fft.ifft(field_apply(turn, jnp.fft.fft(psi)))

    return move


def drift_shear(
    hamiltonian: SeparableHamiltonian, grid: Any, planck, duration
) -> Callable[[Inexact[Array, "d Q P"]], Array]:
    r"""The motion by $p^2/2m$ with its phase $e^{i(p^2/2m)t/\hbar}$."""
    fields = hybrid_fields(hamiltonian, grid)
    carried = carried_by_drift(grid, fields.classical_flow, duration)
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())
    kinetic = on_grid(jax.vmap(hamiltonian.manifold.kinetic_energy)(points.momentum), grid)
    phase = jnp.exp(1j * duration / planck * kinetic)
    return lambda psi: carried(phase[None] * psi)


# -- van Hove: phases and the density ------------------------------------------------------------------------------


def starting_phase(
    hamiltonian: HybridHamiltonian, grid: Any, density: Float[Array, "*grid"], planck
) -> Array:
    r"""$e^{iS/\hbar}$ with $S=\bar p(q-\bar q)+\frac12(q-\bar q)(p-\bar p)$ about the means of the density; 1 on a
    sphere.
    """
    if not isinstance(hamiltonian.manifold, Canonical):
        return jnp.ones(grid.shape, complex)
    position, momentum = plane_coordinates(grid)
    mean_position, mean_momentum = (grid.integrate(x * density) for x in (position, momentum))
    centred = position - mean_position
    action = mean_momentum * centred + 0.5 * centred * (momentum - mean_momentum)
    return jnp.exp(1j / planck * action)


def plane_coordinates(grid: Any) -> tuple[Float[Array, "Q P"], Float[Array, "Q P"]]:
    """Position and momentum at the nodes of the plane."""
    points = grid.points()
    return jnp.asarray(points.position.reshape(grid.shape)), jnp.asarray(points.momentum.reshape(grid.shape))


def van_hove_operator(
    hamiltonian: HybridHamiltonian, grid: Any, psi: Inexact[Array, "d *grid"], planck
) -> Inexact[Array, "d d *grid"]:
    r"""$\Upsilon\Upsilon^\dagger+\partial_p(p\,\Upsilon\Upsilon^\dagger)+i\hbar\{\Upsilon,\Upsilon^\dagger\}$ on
    the plane; on a sphere without the second term.
    """
    gradient = grid.gradient(psi)
    bracket = grid.bracket(*jnp.broadcast_arrays(gradient[:, :, None], jnp.conj(gradient)[:, None]))
    operator = field_outer(psi, psi) + 1j * planck * bracket
    if not isinstance(hamiltonian.manifold, Canonical):
        return operator
    _, momentum = plane_coordinates(grid)
    slope = momentum[None, None] * field_outer(gradient[1], psi)
    return operator + field_outer(psi, psi) + slope + field_dagger(slope)
