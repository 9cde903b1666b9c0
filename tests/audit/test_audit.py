"""The audit gives the verdicts that the papers give, and notices theories that are broken on purpose."""

import dataclasses
import functools
import json
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.auditing import classical_density, covariance, decoherence, decoupling, quantum_density
from brackish.auditing.bench import Bench
from brackish.auditing.coordinates import MovedPreparation, PlaneTurn, ScaleAndShift, SphereTurn, moved
from brackish.auditing.report import PROPERTIES
from brackish.manifolds import PhasePoint
from brackish.quantum import expect
from brackish.theory import Theory, Weighted

PACKET = bk.GaussianPacket(position=1.0, momentum=0.3, width=0.6, state=[0.8, 0.6j])
TIMES = bk.times(3.0, 3, step=0.1)


def crossing(q):
    """Two levels that cross in a harmonic well, with a coupling that depends on the place."""
    return 0.4 * q[0] * jnp.array([[1.0, 0.5], [0.5, -1.0]])


SYSTEM = bk.hamiltonian(
    crossing, masses=[1.5], frequencies=[1.0], quantum=[[0.3, 0.2 - 0.1j], [0.2 + 0.1j, -0.3]]
)
PLANE = [
    (bk.Ehrenfest(), ()),
    (bk.MeanField(), (5,)),
    (bk.BornOppenheimer(level=1), ()),
    (bk.SurfaceHopping(), ()),
    (bk.Exact(), ()),
]


def audited(theory, **options):
    return bk.audit(theory, SYSTEM, PACKET, TIMES, **{"trajectories": 16, "seed": 2, **options})


@pytest.mark.parametrize(("theory", "broken"), PLANE, ids=lambda value: type(value).__name__)
def test_verdicts(theory, broken):
    found = audited(theory, trajectories=128 if theory.random else 16)
    assert found.failed == broken, str(found)
    if theory.has_phase_space:
        assert "not applicable" not in found.verdicts.values(), str(found)
    else:
        assert [number for number in range(1, 6) if found[number].verdict == "not applicable"] == [1]
    # covariance is not met by accident: the runs differ in the last bits, and no more
    largest = max(measured.value for measured in found[3].measurements)
    assert 0 < largest < 1e-9


@pytest.mark.slow
def test_a_theory_with_noise_of_its_own():
    """Without an interaction the quantum side is left alone, and the classical one has its noise."""
    found = audited(bk.ClassicalQuantum(2.0, 0.2), trajectories=512)
    assert found.failed == (4,), str(found)
    broken = [measured.what for measured in found[4].measurements if not measured.kept]
    assert broken == ["classical moments beside motion in H_C alone"]
    assert max(measured.value for measured in found[3].measurements) < 1e-9


def test_spins_and_products():
    """Ehrenfest runs on any manifold, and the canonical maps there are rotations."""

    def spins(n):
        return 0.5 * n[0, 2] * jnp.eye(2) + n[0, 0] * jnp.array([[0.0, 1.0], [1.0, 0.0]])

    sphere = bk.hamiltonian(spins, manifold=bk.Spheres(1), quantum=[[0.7, 0.0], [0.0, -0.7]], step=0.1)
    start = bk.UniformDirections(state=[0.8, 0.6j])
    found = bk.audit(bk.Ehrenfest(), sphere, start, TIMES, trajectories=16)
    assert found.failed == ()
    assert any("rotation of the spins" in measured.what for measured in found[3].measurements)


def test_the_reference_of_a_theory_of_fields_moves_its_nodes():
    """They stand on no grid any more; populations left and right of the origin are those of points."""
    grid = bk.PhaseSpace((-4.0, -4.0), (4.0, 4.0), points=(24, 24))
    reference = decoupling.ClassicalMotion(bk.HybridMeanField(grid))
    run = bk.simulate(SYSTEM, reference, PACKET, bk.times(0.1, 1, step=0.1))
    np.testing.assert_allclose(run.scattering.sum("side"), run.adiabatic_population, atol=1e-12)
    assert float(run.scattering[0, 1].sum()) > 0.9


def test_stiff_modes_do_not_disturb_the_reference():
    """A mode that turns six radians in a step, which only its exact flow can follow."""

    def shifted(q):
        return 0.1 * q[0] * jnp.array([[1.0, 0.0], [0.0, -1.0]])

    stiff = bk.hamiltonian(
        shifted, masses=[1.5, 1.0], frequencies=[1.0, 60.0], quantum=[[0.3, 0.2], [0.2, -0.3]]
    )
    packet = bk.GaussianPacket([1.0, 0.1], [0.3, 0.0], [0.6, 0.1])
    finding = decoupling.examine(Bench.of(bk.Ehrenfest(), stiff, packet, TIMES, 16, 2, None))
    assert finding.verdict == "pass"
    assert finding.measurements[-1].value < 1e-10


# -- theories that are broken on purpose ---------------------------------------------------------------------


class Broken(Theory):
    """Ehrenfest with faults in what it shows, and in how it moves; each has a strength, zero for a healthy theory.

    `debt`: a share of the density that is owed elsewhere. `sharpness`: rho is made purer than it is. `blur`: loss of
    coherences in the basis that happens to be written down. `pull`: a force towards the origin that happens to be
    chosen. `lingering`: a force of the quantum side alone, which stays without an interaction. `deafness`: rho does not
    move, whatever happens.
    """

    debt: Any = 0.0
    sharpness: Any = 0.0
    blur: Any = 0.0
    pull: Any = 0.0
    lingering: Any = 0.0
    deafness: Any = 0.0
    of: bk.Ehrenfest = bk.Ehrenfest()
    coupled: ClassVar[bool] = False
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True

    def requirements(self):
        return bk.MeanField().requirements()

    def default_integrator(self, hamiltonian):
        return bk.integrators.Strang()

    def prepare(self, hamiltonian, preparation, index, key):
        return self.of.prepare(hamiltonian, preparation, index, key)

    def energy(self, hamiltonian, y):
        return self.of.energy(hamiltonian, y)

    def parts(self, hamiltonian):
        drift, kick, turn = self.of.parts(hamiltonian)

        def pushed(duration):
            correct = kick(duration)

            def flow(y):
                y = correct(y)
                push = self.lingering * expect(hamiltonian.quantum(), y.psi) - self.pull * y.point.position
                return eqx.tree_at(lambda s: s.point.momentum, y, y.point.momentum + duration * push)

            return flow

        return drift, pushed, turn

    def quantum_density(self, hamiltonian, y):
        density = self.of.quantum_density(hamiltonian, y)
        density = (1 + self.sharpness) * density - 0.5 * self.sharpness * jnp.eye(2)
        density = density * jnp.where(jnp.eye(2) > 0, 1.0, 1 - self.blur)
        return (1 - self.deafness) * density + self.deafness * jnp.diag(jnp.array([1.0, 0.0]))

    def classical_points(self, hamiltonian, y):
        points = self.of.classical_points(hamiltonian, y)
        points = jax.tree_util.tree_map(lambda leaf: jnp.concatenate([leaf, leaf]), points)
        return Weighted(points.point, points.density, jnp.stack([1 + self.debt, -self.debt]))


FAULTS = [
    ("debt", classical_density, "negative mass"),
    ("sharpness", quantum_density, "least eigenvalue"),
    ("blur", covariance, "density operator, random unitary"),
    ("pull", covariance, "classical moments, q'"),
    ("pull", decoupling, "motion in H_C alone"),
    ("lingering", decoupling, "one quantum state beside another"),
    ("blur", decoupling, "change of the purity"),
    ("deafness", decoupling, "exp(-i H_Q t)"),
    ("deafness", decoherence, "change of the purity"),
]


@pytest.fixture(scope="module")
def bench():
    """Benches for theories with one fault each, made once; numbers as arrays, so that all share their programs."""

    @functools.cache
    def of(fault: str | None) -> Bench:
        strengths = {
            field.name: np.asarray((1.0 if fault == "deafness" else 0.3) * (field.name == fault))
            for field in dataclasses.fields(Broken)
            if field.name != "of"
        }
        return Bench.of(Broken(**strengths), SYSTEM, PACKET, TIMES, 16, 2, None)

    return of


@pytest.mark.parametrize(("fault", "experiment", "complaint"), FAULTS, ids=lambda value: str(value)[:30])
def test_a_broken_theory_is_caught(fault, experiment, complaint, bench):
    finding = experiment.examine(bench(fault))
    assert finding.verdict == "fail"
    broken = [measured.what for measured in finding.measurements if not measured.kept]
    assert any(complaint in what for what in broken), broken


def test_the_same_theory_without_faults_passes(bench):
    for experiment in PROPERTIES:
        assert experiment.examine(bench(None)).verdict == "pass"


# -- a theory of fields, by the one property that it lacks -----------------------------------------------------


def test_the_linear_hybrid_breaks_positivity_on_the_sphere():
    """The system for which the reference has negative densities; H commutes with nothing there."""

    def contact(n):
        return n[0, 0] * jnp.array([[0.0, 1.0], [1.0, 0.0]])

    spins = bk.hamiltonian(
        contact, manifold=bk.Spheres(1), quantum=np.diag([0.7, -0.7]), external=lambda n: 0.5 * n[0, 2]
    )
    cap = bk.VonMisesFisher([np.sqrt(0.75), 0.0, 0.5], 4.0)
    theory = bk.HybridKoopman(bk.SphereGrid(10), planck=0.5)
    bench = Bench.of(theory, spins, cap, bk.times(1.5, 1, step=1.5), 1, 0, None)
    finding = classical_density.examine(bench)
    assert finding.verdict == "fail"
    assert finding.decisive.what == "negative mass of the density"
    assert quantum_density.examine(bench).verdict == "pass"


# -- the maps ------------------------------------------------------------------------------------------------


def poisson_defect(change, z, manifold):
    """How far {f(back), g(back)} is from {f, g}(back) for the variables of the manifold."""

    def variable(index, by):
        return lambda point: jnp.concatenate([jnp.ravel(v) for v in _leaves(by(point))])[index]

    count = sum(np.size(leaf) for leaf in _leaves(z))
    old = change.back(z)
    return max(
        abs(
            float(manifold.bracket(variable(i, change.back), variable(j, change.back), z))
            - float(manifold.bracket(variable(i, lambda p: p), variable(j, lambda p: p), old))
        )
        for i in range(count)
        for j in range(i)
    )


def _leaves(point):
    return [point.position, point.momentum] if isinstance(point, PhasePoint) else [point]


MAPS = [
    (ScaleAndShift(np.array([0.4, -1.0]), np.array([1.3, 0.7])), bk.Canonical([1.0, 2.0])),
    (PlaneTurn(np.asarray(0.3), np.ones(2), np.zeros(2), np.array([2.0, 0.5])), bk.Canonical([1.0, 2.0])),
    (SphereTurn(covariance._rotation(np.random.default_rng(1))), bk.Spheres(2)),
]


@pytest.mark.parametrize(("change", "manifold"), MAPS, ids=["scale", "plane", "sphere"])
def test_the_maps_are_canonical(change, manifold):
    probe = manifold.probe()
    z = (
        PhasePoint(jnp.asarray(probe.position), jnp.asarray(probe.momentum))
        if hasattr(probe, "position")
        else probe
    )
    z = z if isinstance(z, PhasePoint) else jnp.asarray(z)
    assert poisson_defect(change, z, manifold) < 1e-13
    there_and_back = zip(_leaves(change.forth(change.back(z))), _leaves(z), strict=True)
    assert all(np.allclose(a, b, rtol=0, atol=1e-14) for a, b in there_and_back)


def test_a_moved_start_is_the_same_start():
    change = ScaleAndShift(np.array([0.7]), np.array([1.4]))
    unitary = covariance.random_unitary(Bench.of(bk.Ehrenfest(), SYSTEM, PACKET, TIMES, 4, 0, None))
    start = MovedPreparation(PACKET, SYSTEM, change, unitary)
    system = moved(SYSTEM, change)
    q = np.linspace(-6.0, 8.0, 400)
    new = 0.7 + 1.4 * q
    psi = start.wavefunction(system, (new,))
    assert float(jnp.sum(jnp.abs(psi) ** 2) * (new[1] - new[0])) == pytest.approx(1.0, abs=1e-12)
    expected = unitary @ np.asarray(PACKET.wavefunction(SYSTEM, (q,)))
    assert np.allclose(np.abs(psi) ** 2 * 1.4, np.abs(expected) ** 2, atol=1e-13)
    z = PhasePoint(jnp.array([0.9]), jnp.array([-0.2]))
    assert float(start.density(system, change.forth(z))) == pytest.approx(float(PACKET.density(SYSTEM, z)))
    assert float(system.classical(change.forth(z))) == pytest.approx(float(SYSTEM.classical(z)))
    # what the original does not know, the moved one does not know either
    points = bk.Points([[1.0]], [[0.0]])
    assert not hasattr(MovedPreparation(points, SYSTEM, change, unitary), "spread")
    assert hasattr(start, "spread")


# -- what a user sees ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    return audited(bk.MeanField())


def test_a_report_has_a_table_and_says_what_a_pass_means(found):
    text = str(found)
    assert "MeanField on SeparableFunctionHamiltonian" in text
    assert "<-- broken" in text
    assert "not broken in this experiment" in text
    assert found[5].verdict == "fail"
    assert found.verdicts["decoherence"] == "fail"
    rows = [line for line in found._repr_markdown_().splitlines() if line.startswith("| ")]
    assert len(rows) == 7
    assert all(line.count("|") == 6 for line in rows)
    with pytest.raises(bk.InvalidInput, match="1 to 5"):
        found[6]


def test_a_report_is_plain_data(found):
    again = json.loads(json.dumps(found.to_dict()))
    assert [finding["verdict"] for finding in again["findings"]] == list(found.verdicts.values())
    assert again["findings"][4]["measurements"][0]["kept"] is False


def test_many_theories_make_a_table():
    table = bk.audit_table([bk.MeanField(), bk.Exact()], SYSTEM, PACKET, TIMES, trajectories=16, seed=2)
    head, _, first, second = table.splitlines()
    assert head.startswith("| theory | 1 classical density |")
    assert first.startswith("| `MeanField` | pass (0.0e+00) |")
    assert "**fail**" in first
    assert second.startswith("| `Exact` | n/a |")
    many = bk.hamiltonian(lambda q: jnp.zeros((2, 2)), masses=np.ones(4))
    assert "not applicable" in bk.audit_table([bk.Exact()], many, PACKET, TIMES)


def test_the_library_knows_where_its_models_start():
    from brackish.run.config import natural_start

    preparation, times = natural_start(bk.models.tully(3))
    assert float(np.asarray(preparation.position)[0]) == -10.0
    assert times.stop > 1000
    assert natural_start(SYSTEM) is None
    with pytest.raises(bk.InvalidInput, match="give it `preparation` and `times`"):
        bk.audit(bk.Ehrenfest(), SYSTEM)
    with pytest.raises(bk.InvalidInput, match="give it `times`"):
        bk.audit(bk.Ehrenfest(), SYSTEM, PACKET)
    with pytest.raises(bk.UnsupportedHamiltonian, match="at most 3 coordinates"):
        bk.audit(bk.Exact(), bk.models.spin_boson(modes=5))
