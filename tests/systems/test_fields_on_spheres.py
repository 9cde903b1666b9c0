"""The nonlinear Koopman model, Ehrenfest, mean field and Aleksandrov–Gerasimenko on a sphere.

(K1) and (K2) are written here as they stand, in Cartesian components with tangential derivatives.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.grids import SphereGrid, hybrid_fields
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.fields.aleksandrov_gerasimenko import HybridOperatorState
from brackish.theories.fields.ehrenfest_continuum import EhrenfestFieldState
from brackish.theories.fields.hybrid_mean_field import HybridMeanFieldState
from brackish.theories.fields.nonlinear_koopman import KoopmanSpinorState

pytestmark = pytest.mark.slow

PAULI = np.stack([pauli_x.astype(complex), pauli_y, pauli_z.astype(complex)])
PLANCK, LENGTH = 0.7, 1.6
GRID = SphereGrid(30, latitudes=36, length=LENGTH)


def coupled(n):
    x, y, z = n[0]
    v = jnp.stack([0.7 * x + 0.2 * y * z, 0.3 * z + 0.1 * x**2, 0.4 + 0.25 * y])
    return jnp.sum(v[:, None, None] * PAULI, axis=0)


def bare(n):
    return 0.5 * n[0, 2] + 0.3 * n[0, 0] * n[0, 1]


SYSTEM = bk.hamiltonian(coupled, manifold=bk.Spheres(1, LENGTH), external=bare)


@pytest.fixture(scope="module")
def psi():
    x, y, z = np.moveaxis(GRID.points()[:, 0], -1, 0).reshape(3, *GRID.shape)
    density = np.exp(0.5 * x - 0.3 * y * z)
    angle, phase = 1.1 + 0.3 * x * y + 0.2 * z, 0.5 * y + 0.2 * x
    spinor = np.stack([np.cos(angle / 2) + 0j, np.exp(1j * phase) * np.sin(angle / 2)])
    return jnp.asarray(np.sqrt(density / np.sum(density * GRID.weights())) * spinor)


def product(a, b):
    return np.einsum("ijtf,jktf->iktf", a, b)


def commutator(a, b):
    return product(a, b) - product(b, a)


def trace(a, b):
    return np.einsum("ijtf,jitf->tf", a, b).real


def gradient(field):
    return np.asarray(GRID.gradient(jnp.asarray(field)))


def slopes_of_flow(system):
    """The exact gradient of each component of X_H in space: [k, j]."""

    def flow(n):
        one = np.eye(2)
        classical = system.manifold.hamiltonian_field(jax.grad(system.classical)(n), n)
        return (system.interaction_field(n) + classical[..., None, None] * one[None, None])[0]

    slope = jax.vmap(jax.jacfwd(lambda n: flow(n)))(jnp.asarray(GRID.points()))[:, :, :, :, 0]  # G k a b j
    return np.moveaxis(np.asarray(slope), (0, 1, 4, 2, 3), (4, 0, 1, 2, 3)).reshape(3, 3, 2, 2, *GRID.shape)


def test_the_spinor_moves_as_k1_and_k2_say(psi):
    theory, state = bk.NonlinearKoopman(GRID, PLANCK), KoopmanSpinorState(psi)
    fields = hybrid_fields(SYSTEM, GRID)
    one = np.eye(2)[:, :, None, None]
    flow = np.asarray(fields.operator_flow) + one * np.asarray(fields.classical_flow)[:, None, None]
    hybrid = np.asarray(psi[:, None] * jnp.conj(psi)[None])
    density = np.einsum("iitf->tf", hybrid).real
    local = hybrid / density
    change, logarithm = gradient(local), gradient(np.log(density))
    gauge = np.stack([1j * commutator(local, slope) for slope in change])
    xi = np.asarray(GRID.vector_field(jnp.asarray(gauge)))
    by_log = np.einsum("jtf,jabtf->abtf", logarithm, flow)  # {ln D, H}
    xi_slope = np.stack([gradient(component) for component in xi])  # [k, j]
    flow_slope = slopes_of_flow(SYSTEM)
    velocity = []
    for k in range(3):
        moved = sum(trace(flow[j], xi_slope[k, j]) - trace(xi[j], flow_slope[k, j]) for j in range(3))
        velocity.append(trace(local, flow[k]) + 0.5 * PLANCK * (moved + trace(by_log, xi[k])))
    velocity = np.stack(velocity)
    np.testing.assert_allclose(theory.velocity(SYSTEM, state), velocity, atol=1e-10)
    assert np.abs(velocity - np.stack([trace(local, x) for x in flow])).max() > 1e-2

    # {P, H} + {H, P} = [d_j P, X^j]
    both = sum(commutator(change[j], flow[j]) for j in range(3))
    effective = np.asarray(fields.operator) + 1j * PLANCK * (both + 0.5 * commutator(local, by_log))
    carried = sum(gradient(velocity[j] * hybrid)[j] for j in range(3))
    expected = -carried - 1j / PLANCK * commutator(effective, hybrid)
    rate = np.asarray(eqx.filter_jit(theory.flow)(SYSTEM, 0.0, state).psi)
    rate = rate[:, None] * np.conj(psi)[None]
    rate = rate + rate.conj().swapaxes(0, 1)
    np.testing.assert_allclose(rate, expected, atol=1e-9)
    operator = np.asarray(theory.hybrid_operator(SYSTEM, state))
    turned = commutator(np.asarray(fields.operator), operator) / (1j * PLANCK)
    np.testing.assert_allclose(
        GRID.integrate(jnp.asarray(rate)), GRID.integrate(jnp.asarray(turned)), atol=1e-10
    )
    # Tr{H, D^} = -X_H . grad D^
    slopes = gradient(operator)
    from_bracket = -sum(trace(flow[j], slopes[j]) for j in range(3))
    np.testing.assert_allclose(np.einsum("iitf->tf", rate).real, from_bracket, atol=1e-9)
    np.testing.assert_allclose(np.einsum("iitf->tf", operator).real, density, atol=1e-10)
    np.testing.assert_allclose(
        GRID.integrate(jnp.asarray(operator)), theory.quantum_density(SYSTEM, state), atol=1e-10
    )


def test_energy_stands_still_and_with_the_printed_sign_it_does_not(psi):
    """Eq. (40) of the paper on spins has the sign of the correlations reversed."""
    theory, state = bk.NonlinearKoopman(GRID, PLANCK), KoopmanSpinorState(psi)

    @eqx.filter_jit
    def rate_of(energy, state):
        return jax.jvp(lambda y: energy(SYSTEM, y), (state,), (theory.flow(SYSTEM, 0.0, state),))[1]

    whole, electronic = rate_of(theory.energy, state), rate_of(theory.mean_energy, state)
    assert abs(whole) < 1e-11
    assert abs(electronic - (whole - electronic)) > 1e-3
    as_printed = theory.mean_energy(SYSTEM, state) - theory.correlation_energy(SYSTEM, state)
    assert abs(as_printed - theory.energy(SYSTEM, state)) > 1e-2


def test_the_other_theories_keep_their_energy_and_their_trace(psi):
    density = jnp.sum(jnp.abs(psi) ** 2, axis=0)
    rho = np.array([[0.7, 0.2j], [-0.2j, 0.3]])
    amplitude = jnp.sqrt(density)
    starts = (
        (bk.ContinuumEhrenfest(GRID, PLANCK), EhrenfestFieldState(psi)),
        (bk.AleksandrovGerasimenko(GRID, PLANCK), HybridOperatorState(psi[:, None] * jnp.conj(psi)[None])),
        (bk.HybridMeanField(GRID, PLANCK), HybridMeanFieldState(amplitude, jnp.asarray(rho))),
    )
    for theory, state in starts:
        flow = theory.flow(SYSTEM, 0.0, state)
        for quantity in (
            lambda y, theory=theory: theory.energy(SYSTEM, y),
            lambda y, theory=theory: jnp.trace(theory.quantum_density(SYSTEM, y)).real,
            lambda y, theory=theory: jnp.sum(theory.classical_points(SYSTEM, y).weight),
        ):
            assert abs(jax.jvp(quantity, (state,), (flow,))[1]) < 1e-10, theory


def test_a_run_on_a_sphere_suggests_its_own_step():
    start = bk.VonMisesFisher([0.6, 0.0, 0.8], 4.0, state=[0.6, 0.8j])
    system = bk.hamiltonian(coupled, manifold=bk.Spheres(1), external=bare)
    grid = SphereGrid(16)
    data = bk.simulate(system, bk.NonlinearKoopman(grid), start, bk.times(0.3, 3))
    np.testing.assert_allclose(data.energy, data.energy[0], atol=1e-7)
    np.testing.assert_allclose(data.norm, 1.0, atol=1e-8)
    assert float(data.least_density.min()) > 0
    assert float(data.least_eigenvalue.min()) > -1e-12
