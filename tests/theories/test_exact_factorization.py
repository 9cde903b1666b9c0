"""Trajectories of the exact factorization: the pair form against its double sum, what it keeps, and the family."""

import functools
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import brackish as bk
from brackish.integrators import RungeKutta4
from brackish.quantum import product
from brackish.quantum.components import components
from brackish.theories.trajectories._ensembles import EnsembleState, components_of, density_of
from brackish.theories.trajectories._fubini_study import (
    coupling_energy,
    coupling_operator_and_force,
    neighbours,
)

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "published" / "data" / "exact_wavepackets.json").read_text()
)
COUPLINGS = (
    bk.GeometricAndQuantum(),
    bk.GeometricAlone(),
    bk.QuantumAlone(),
    bk.QuantumAlone(without_net_transfer=False),
    bk.NoCoupling(),
)


def some_ensemble(seed, count=12, coordinates=1, levels=2, columns=1):
    """Random points, states and weights."""
    draw = np.random.default_rng(seed)
    psi = draw.normal(size=(count, levels, columns)) + 1j * draw.normal(size=(count, levels, columns))
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2, axis=(1, 2), keepdims=True))
    weight = draw.uniform(0.5, 1.5, size=count)
    point = bk.PhasePoint(
        jnp.asarray(draw.normal(size=(count, coordinates))),
        jnp.asarray(draw.normal(size=(count, coordinates))),
    )
    return EnsembleState(point, jnp.asarray(psi), jnp.asarray(weight / weight.sum()))


def conical(masses=(2000.0, 2000.0)):
    """Two coordinates, three levels, a complex coupling."""

    def potential(q):
        x, y = 0.02 * q[0], 0.02 * q[1]
        rise = 0.01 * jnp.sum(q**2)
        return jnp.stack(
            [
                jnp.stack([rise + x, y + 0.003j, 0.002 + 0j]),
                jnp.stack([y - 0.003j, rise - x + 0j, 1j * x]),
                jnp.stack([0.002 + 0j, -1j * x, 0.02 + rise + 0j]),
            ]
        )

    return bk.hamiltonian(potential, masses=list(masses), step=2.0)


def double_sum(y, width, masses):
    """The Fubini-Study energy, pair by pair, as a function of positions and density matrices."""
    stiffness = 0.5 / (masses[0] * width[0] ** 2)

    def energy(position, density):
        difference = (position[:, None] - position[None]) / width[None, None]
        kernel = jnp.exp(-0.5 * jnp.sum(difference**2, axis=-1))
        n = kernel @ y.weight
        apart = density[:, None] - density[None]
        squared = jnp.sum(jnp.abs(apart) ** 2, axis=(-2, -1))
        pairs = y.weight[:, None] * y.weight[None] * kernel * (1 / n[:, None] + 1 / n[None])
        return 0.25 * stiffness * jnp.sum(pairs * squared)

    return energy


@pytest.mark.parametrize(("coordinates", "levels", "columns"), [(1, 2, 1), (2, 3, 2)])
def test_energy_operator_and_force_are_those_of_the_double_sum(coordinates, levels, columns):
    y = some_ensemble(1, 12, coordinates, levels, columns)
    width, masses = np.array([0.4, 0.2])[:coordinates], np.array([2000.0, 8000.0])[:coordinates]
    near = neighbours(y.point.position, y.weight, width, masses)
    energy, density = double_sum(y, width, masses), density_of(y.psi)
    assert abs(coupling_energy(near, components_of(y.psi)) / energy(y.point.position, density) - 1) < 1e-12
    operator, force = coupling_operator_and_force(near, components_of(y.psi))
    slope = jax.grad(energy)(y.point.position, density)
    assert np.allclose(
        force, -(slope / y.weight[:, None]).T, rtol=0, atol=1e-12 * np.abs(force).max() + 1e-15
    )
    # JAX's gradient by a complex matrix is twice the derivative by its conjugate's entries
    by_density = jax.grad(energy, argnums=1)(y.point.position, density) / y.weight[:, None, None]
    expected = jax.vmap(components)(0.5 * (by_density.conj() + jnp.swapaxes(by_density, -1, -2)))
    assert np.allclose(2 * operator, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@given(seed=st.integers(0, 10**6), width=st.floats(0.02, 5.0), coordinates=st.integers(1, 2))
def test_no_net_force_and_no_net_transfer_for_any_width(seed, width, coordinates):
    y = some_ensemble(seed, 7, coordinates)
    near = neighbours(y.point.position, y.weight, np.full(coordinates, width), np.full(coordinates, 1.0))
    operator, force = bk.GeometricAndQuantum().operator_and_force(None, near, y.psi)
    net = jnp.sum(y.weight[None] * force, axis=1)
    assert np.abs(net).max() <= 1e-12 * max(np.abs(force).max(), near.stiffness)
    density = density_of(y.psi)
    turn = jax.vmap(lambda a, b: product(a, b) - product(b, a))(operator, density)
    transfer = jnp.sum(y.weight[:, None, None] * turn, axis=0)
    assert np.abs(transfer).max() <= 1e-12 * near.stiffness


@given(seed=st.integers(0, 10**6))
def test_the_operator_does_not_know_phases_order_place_or_basis(seed):
    """Random phases, a permutation, a translation and a constant unitary."""
    y = some_ensemble(seed, 9, 1, 3)
    draw = np.random.default_rng(seed)
    masses, width = np.ones(1), np.array([0.5])

    def found(position, psi, weight):
        near = neighbours(position, weight, width, masses)
        return bk.GeometricAndQuantum().operator_and_force(None, near, psi)

    operator, force = found(y.point.position, y.psi, y.weight)
    size = np.abs(operator).max()
    order = draw.permutation(9)
    phases = jnp.exp(2j * jnp.pi * draw.uniform(size=(9, 1, 1)))
    unitary, _ = np.linalg.qr(draw.normal(size=(3, 3)) + 1j * draw.normal(size=(3, 3)))
    changed = jnp.einsum("ab,Nbr->Nar", jnp.asarray(unitary), phases * y.psi)[order]
    other, same_force = found((y.point.position + 10 / 3)[order], changed, y.weight[order])
    assert np.abs(other - (unitary @ np.asarray(operator) @ unitary.conj().T)[order]).max() < 1e-11 * size
    assert np.abs(same_force - force[:, order]).max() < 1e-10 * np.abs(force).max()


def test_the_two_halves_carry_opposite_net_force_and_transfer():
    y = some_ensemble(3, 200)
    near = neighbours(y.point.position, y.weight, np.array([0.6]), np.ones(1))
    halves = [
        coupling.operator_and_force(bk.models.tully(1), near, y.psi)
        for coupling in (bk.GeometricAlone(), bk.QuantumAlone(without_net_transfer=False))
    ]
    nets = [float(jnp.sum(near.weight * force[0])) for _, force in halves]
    assert abs(sum(nets)) < 1e-12 * abs(nets[0])
    assert abs(nets[0]) > 1e-3 * float(jnp.sum(near.weight * jnp.abs(halves[0][1][0])))


@functools.cache
def smooth_packet():
    """A dense ensemble whose Bloch vector turns smoothly, n a Gaussian of width 1; and its angle."""
    position = np.linspace(-3, 3, 3001)
    weight = np.exp(-0.5 * position**2)
    angle = 0.5 * position + 0.1 * position**2
    psi = np.stack([np.cos(angle / 2), np.sin(angle / 2)], axis=1)[:, :, None] + 0j
    return position, weight / weight.sum(), psi


def test_pairs_become_the_fields_as_the_width_goes_to_zero():
    r"""$s=(\sin\theta,0,\cos\theta)$, $g=\theta'^2/4$, $F=-(ng)'/n$, energies $\int n\,g/2m$; errors fall as h^2."""
    position, weight, psi = smooth_packet()
    inner = np.abs(position) < 1.5
    slope, bend = 0.5 + 0.2 * position, 0.2
    metric = slope**2 / 4
    exact_force = position * metric - slope * bend / 2
    # -(n s')'/2n with s' = theta' e, e' = -theta' s
    tangent = np.stack(
        [np.cos(0.5 * position + 0.1 * position**2), -np.sin(0.5 * position + 0.1 * position**2)]
    )
    ahead = -0.25 * (-position * slope + bend) * tangent
    errors = []
    for width in (0.2, 0.1):
        near = neighbours(jnp.asarray(position[:, None]), jnp.asarray(weight), np.array([width]), np.ones(1))
        operator, force = coupling_operator_and_force(near, components_of(jnp.asarray(psi)))
        # along s the operator commutes with the state; what turns it is along the tangent
        turning = np.stack([np.asarray(operator)[:, 0], np.asarray(operator)[:, 2]])
        turning = np.sum(turning * tangent, axis=0) - np.sum(ahead * tangent, axis=0)
        energy = coupling_energy(near, components_of(jnp.asarray(psi))) / np.sum(weight * metric / 2) - 1
        errors.append(
            [np.abs(turning[inner]).max(), np.abs(force[0] - exact_force)[inner].max(), abs(energy)]
        )
    ratio = np.array(errors[0]) / np.array(errors[1])
    assert np.all(np.array(errors[1]) < 0.02)
    assert np.all((ratio > 3.3) & (ratio < 4.6)), ratio


@functools.cache
def tully(model, wavenumber, coupling=COUPLINGS[0], trajectories=200, width=0.3, step=None):
    """The packets of the reference."""
    start, stop = {(1, 10): (-8.0, 4000.0), (2, 16): (-10.0, 3000.0)}.get(
        (model, wavenumber), (-10.0, 1600.0)
    )
    packet = bk.GaussianPacket(start, wavenumber, width=10 / wavenumber, state=bk.Adiabatic(0))
    theory = bk.ExactFactorization(coupling, bk.InSpreads(width))
    times = bk.times(stop, 20, step=step)
    return bk.simulate(bk.models.tully(model), theory, packet, times, trajectories=trajectories)


@pytest.mark.parametrize(
    ("model", "wavenumber", "exact"), [(1, 10, 0.1552), (1, 20, 0.4923), (2, 16, 0.1861), (2, 30, 0.6404)]
)
def test_final_populations_are_the_exact_ones_where_those_of_ehrenfest_are_not(model, wavenumber, exact):
    """Exact ones from `Exact`; two of them also from the reference."""
    series = REFERENCE.get(f"tully{model}_k{wavenumber}", {}).get("series")
    assert series is None or abs(series["pop_ad"][-1][1] - exact) < 5e-5
    coupled, alone = (
        float(tully(model, wavenumber, c).adiabatic_population[-1, 1]) for c in (COUPLINGS[0], COUPLINGS[-1])
    )
    assert abs(coupled - exact) < 0.005
    assert abs(alone - exact) > 2 * abs(coupled - exact)


def test_energy_is_conserved_and_its_error_falls_with_the_square_of_the_step():
    drifts = []
    for step in (5.0, 2.5):
        energy = tully(2, 16, trajectories=64, step=step).energy
        drifts.append(float(abs(energy - energy[0]).max()))
    assert drifts[0] < 2e-4
    assert 3.0 < drifts[0] / drifts[1] < 6.0


def final_state(theory, system, y, duration, steps, integrator=None):
    """The state after a walk of equal steps."""
    integrator = integrator or theory.default_integrator(system)

    @eqx.filter_jit
    def walk(y, dt):
        step = integrator.stepper(theory, system, dt)
        return jax.lax.fori_loop(0, steps, lambda i, y: step(i * dt, y, None)[0], y)

    return walk(y, duration / steps)


def distance(a, b):
    return max(
        float(jnp.abs(x - z).max())
        for x, z in zip(jax.tree_util.tree_leaves(a), jax.tree_util.tree_leaves(b), strict=True)
    )


def without_phase(y):
    return EnsembleState(y.point, density_of(y.psi), y.weight)


def test_order_and_time_reversal():
    """Second order against a short Runge-Kutta reference; converged sweeps go back where they came from."""
    y = some_ensemble(4, 16)
    y = EnsembleState(bk.PhasePoint(0.5 * y.point.position, 10 + y.point.momentum), y.psi, y.weight)
    system = bk.models.tully(2)
    theory = bk.ExactFactorization(width=np.array([0.5]))
    reference = without_phase(final_state(theory, system, y, 40.0, 320, RungeKutta4()))
    errors = [distance(without_phase(final_state(theory, system, y, 40.0, n)), reference) for n in (10, 20)]
    assert 3.3 < errors[0] / errors[1] < 4.8
    converged = bk.ExactFactorization(width=np.array([0.5]), sweeps=12)
    there = final_state(converged, system, y, 40.0, 10)
    back = EnsembleState(
        bk.PhasePoint(there.point.position, -there.point.momentum), there.psi.conj(), there.weight
    )
    again = final_state(converged, system, back, 40.0, 10)
    again = EnsembleState(
        bk.PhasePoint(again.point.position, -again.point.momentum), again.psi.conj(), again.weight
    )
    assert distance(without_phase(again), without_phase(y)) < 1e-9


def test_one_trajectory_is_ehrenfest():
    system, times = bk.models.tully(1), bk.times(40.0, 2)
    alone = bk.Points(np.array([[-1.0]]), np.array([[12.0]]))
    coupled = bk.simulate(system, bk.ExactFactorization(width=0.3), alone, times)
    expected = bk.simulate(system, bk.Ehrenfest(), alone, times)
    for name in ("density_matrix", "position", "momentum"):
        assert np.abs(coupled[name] - expected[name]).max() < 1e-13


@pytest.mark.parametrize("coupling", COUPLINGS, ids=str)
def test_equal_states_feel_nothing(coupling):
    y = some_ensemble(5, 3)
    psi = jnp.tile(y.psi[:1], (3, 1, 1))
    near = neighbours(y.point.position, y.weight, np.array([0.3]), np.array([2000.0]))
    operator, force = coupling.operator_and_force(bk.models.tully(1), near, psi)
    turn = jax.vmap(lambda a, b: product(a, b) - product(b, a))(operator, density_of(psi))
    assert max(np.abs(turn).max(), np.abs(force).max()) < 1e-15


def test_many_coordinates_levels_and_mixed_states_keep_energy_and_spectra():
    y = some_ensemble(6, 24, 2, 3, 2)
    system, theory = conical(), bk.ExactFactorization(width=np.array([0.6, 0.6]))
    before = theory.energy(system, y)
    after = final_state(theory, system, y, 400.0, 200)
    assert abs(theory.energy(system, after) - before) < 2e-5
    eigenvalues = [np.linalg.eigvalsh(density_of(state.psi)) for state in (y, after)]
    assert np.abs(eigenvalues[0] - eigenvalues[1]).max() < 1e-12
    assert distance(y.psi, after.psi) > 0.1


def test_a_tracer_is_felt_by_nobody_and_goes_where_a_trajectory_would():
    y = some_ensemble(7, 10)
    tracer = eqx.tree_at(lambda s: s.weight, y, y.weight.at[0].set(0.0))
    rest = jax.tree_util.tree_map(lambda x: x[1:], tracer)
    system, theory = bk.models.tully(1), bk.ExactFactorization(width=np.array([0.4]))
    with_it = final_state(theory, system, tracer, 20.0, 10)
    without = final_state(theory, system, rest, 20.0, 10)
    assert distance(jax.tree_util.tree_map(lambda x: x[1:], with_it), without) < 1e-12
    assert np.all(np.isfinite(with_it.point.momentum))


@pytest.mark.parametrize("coupling", COUPLINGS, ids=str)
def test_a_tracer_where_nobody_is_feels_nothing_and_twins_are_one(coupling):
    y = some_ensemble(9, 6)
    position = y.point.position.at[0].set(500.0).at[2].set(y.point.position[1])
    psi, weight = y.psi.at[2].set(y.psi[1]), y.weight.at[0].set(0.0)
    near = neighbours(position, weight, np.array([0.3]), np.array([2000.0]))
    operator, force = coupling.operator_and_force(bk.models.tully(1), near, psi)
    assert np.abs(operator[0]).max() < 1e-15
    assert np.abs(force[:, 0]).max() < 1e-15
    assert np.all(np.isfinite(operator))
    assert np.all(np.isfinite(force))
    assert np.allclose(operator[1], operator[2], rtol=0, atol=1e-15)


def test_the_shifted_quantum_momentum_moves_no_population_on_average():
    system = bk.models.tully(1)
    position = np.random.default_rng(8).normal(size=(60, 1))
    angle = 0.6 * position[:, 0] + 1.0
    psi = np.stack([np.cos(angle / 2), np.sin(angle / 2) * np.exp(0.4j * position[:, 0])], axis=1)[:, :, None]
    near = neighbours(jnp.asarray(position), jnp.full(60, 1 / 60), np.array([0.4]), np.array([2000.0]))
    vectors = np.linalg.eigh(np.array([system.potential(q) for q in jnp.asarray(position)]))[1]
    rates = []
    density = density_of(jnp.asarray(psi))
    for coupling in (COUPLINGS[2], COUPLINGS[3]):
        operator, _ = coupling.operator_and_force(system, near, jnp.asarray(psi))
        rate = -1j * (operator @ density - density @ operator)
        upper = vectors[:, :, 1]
        rates.append(np.mean(np.einsum("Na,Nab,Nb->N", upper.conj(), rate, upper)).real)
    assert abs(rates[1]) > 1e-7
    assert abs(rates[0]) < 1e-10 * abs(rates[1])


def test_fluid_elements_lose_the_coherence_that_they_should():
    """One momentum and one state at each place: then neighbours decohere as in exact mechanics (0.005 at the end)."""
    packet = bk.GaussianPacket(-10.0, 16.0, 0.625, bk.Adiabatic(0))
    theory, times = bk.ExactFactorization(width=bk.InSpreads(0.2)), bk.times(3000.0, 4)
    kept = (bk.observables.conditional_coherence,)
    run = bk.simulate(bk.models.tully(2), theory, bk.FluidElements(packet, 400), times, observables=kept)
    alone = bk.simulate(bk.models.tully(2), bk.Ehrenfest(), packet, times, trajectories=400, observables=kept)
    assert run.conditional_coherence[-1] < 0.03
    assert alone.conditional_coherence[-1] > 0.09


def test_a_step_that_turns_neighbours_too_far_is_refused():
    packet, times = bk.GaussianPacket(0.0, 10.0, 1.0, 0), bk.times(400.0, 2, step=200.0)
    with pytest.raises(bk.RunFailed, match="time step is 200"):
        bk.simulate(bk.models.tully(1), bk.ExactFactorization(width=0.1), packet, times, trajectories=8)


def test_widths_that_do_not_fit_are_refused_by_name():
    packet = bk.GaussianPacket([0.0, 0.0], 0.0, 0.5, 0)
    times = bk.times(10.0, 1)
    points = bk.Points(np.zeros((2, 1)), np.zeros((2, 1)))
    with pytest.raises(bk.InvalidInput, match="`width` of ExactFactorization must be positive"):
        bk.ExactFactorization(width=-0.1)
    with pytest.raises(bk.InvalidInput, match="fall with the mass"):
        bk.simulate(
            conical((2000.0, 8000.0)), bk.ExactFactorization(width=0.3), packet, times, trajectories=4
        )
    with pytest.raises(bk.UnsupportedHamiltonian, match="cannot measure the spread"):
        bk.simulate(bk.models.tully(1), bk.ExactFactorization(), points, times)
    resolved = bk.ExactFactorization().resolve(conical((2000.0, 8000.0)), packet, times)
    assert np.allclose(resolved.width * np.sqrt([2000.0, 8000.0]), resolved.width[0] * np.sqrt(2000.0))


def test_coupled_theories_start_evenly_unless_ensembles_are_to_be_compared():
    packet = bk.GaussianPacket(-4.0, 20.0, 0.5, 0)
    run = functools.partial(
        bk.simulate, bk.models.tully(1), bk.ExactFactorization(), packet, bk.times(10.0, 1)
    )
    one, two = run(trajectories=16), run(trajectories=16, ensembles=2)
    assert "QuasiRandom" in one.attrs["preparation"]
    assert "QuasiRandom" not in two.attrs["preparation"]
    assert np.isnan(one.population_standard_error).all()
    assert np.isfinite(two.population_standard_error[-1]).all()
