"""The fields of an exact factorization against their definitions, on wavefunctions known in closed form."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import brackish as bk
from brackish.analysis import (
    adiabatic_forces,
    berry_curvature,
    circulation,
    conditional_fields,
    factorize,
    factorize_run,
    fubini_study_metric,
)

PLANE = bk.Grid([-7.0, -7.0], [7.0, 7.0], [80, 80])
INVERSE_MASS = jnp.array([[1.0, 0.35], [0.35, 0.7]])


def complex_matrix(q):
    """Two levels, two coordinates, and a phase that cannot be taken away."""
    x, y = q
    coupling = 0.6 * (jnp.tanh(x) + 1j * jnp.sin(0.7 * y))
    tilt = 0.4 * x * jnp.exp(-0.1 * (x**2 + y**2)) + 0.3 * y
    bowl = 0.05 * (x**2 + y**2)
    return jnp.array([[bowl + tilt, coupling], [jnp.conj(coupling), bowl - tilt]])


def closed_form(q):
    """A wavefunction of two components that turns from place to place, not normalised; (2,)."""
    x, y = q
    hill = jnp.exp(-0.75 * ((x - 0.3) ** 2 + 0.8 * (y + 0.2) ** 2 + 0.5 * x * y))
    first = jnp.exp(1j * (0.5 * x + 0.3 * x * y))
    second = (0.6 + 0.3 * jnp.sin(x + 0.5 * y)) * jnp.exp(1j * (0.4 * y - 0.2 * x**2))
    return hill * jnp.stack([first, second])


def on_grid(function, grid=PLANE):
    """A function of one position at all nodes, normalised."""
    values = jax.vmap(function)(jnp.asarray(grid.nodes()))
    psi = jnp.moveaxis(values, 0, -1).reshape(values.shape[1], *grid.points)
    return psi / jnp.sqrt(jnp.sum(jnp.abs(psi) ** 2) * grid.cell)


@pytest.fixture(scope="module")
def system():
    return bk.hamiltonian(complex_matrix, masses=[1.0, 1.0], step=0.01)


@pytest.fixture(scope="module")
def fields(system):
    """In the plane, with an inverse mass tensor that is not diagonal."""
    return factorize(system, PLANE, on_grid(closed_form), inverse_mass=INVERSE_MASS)


@eqx.filter_jit
def quantities(fields):
    """What the tests below look at, in one compiled program."""
    forces, density = fields.forces(), fields.density
    curved = fields.berry_curvature
    momentum_slope = fields.slope_of(lambda fields: fields.momentum)
    slopes = fields.conditional_slope
    moment = fields.slope_of(lambda fields: fields.second_moment)
    return {
        "density": density,
        "seen": density > 1e-3 * jnp.max(density),
        "momentum": fields.momentum,
        "osmotic_momentum": fields.osmotic_momentum,
        "velocity": fields.velocity,
        "rho": fields.conditional_density,
        "geometry": fields.quantum_geometric_tensor,
        "traced_geometry": jnp.einsum(
            "ab...,kbc...,jca...->kj...", fields.conditional_density, slopes, slopes
        ),
        "curvature": curved,
        "quantum_potential": fields.quantum_potential,
        "fubini_study_potential": fields.fubini_study_potential,
        "electronic_energy": fields.electronic_energy,
        "coupling": fields.coupling,
        "energy": fields.energy,
        "forces": forces,
        "curl": momentum_slope[0, 1] - momentum_slope[1, 0],
        "stress": jnp.einsum("jjk...->k...", fields.slope_of(lambda fields: fields.stress)),
        "down_the_quantum_potential": -fields.slope_of(lambda fields: fields.quantum_potential),
        "rho_rate": fields.material_rate_of(lambda fields: fields.conditional_density),
        "rho_rate_wanted": _turned(fields.potential + fields.coupling, fields.conditional_density),
        "momentum_rate": fields.material_rate_of(lambda fields: fields.momentum),
        "density_rate": fields.material_rate_of(lambda fields: fields.density),
        "density_rate_wanted": -density * jnp.einsum("ij,ij...->...", INVERSE_MASS, momentum_slope),
        "current_rate": fields.rate_of(lambda fields: fields.current),
        "current_rate_wanted": density[None] * forces.classical
        - jnp.einsum("ij,ikj...->k...", INVERSE_MASS, moment),
        "gamma_rate": fields.rate_of(lambda fields: fields.electronic_density),
        "gamma_rate_wanted": fields.electronic_density_rate,
        "curvature_rate": fields.rate_of(lambda fields: fields.berry_curvature)[0, 1],
        "slope_of_energy": fields.slope_of(lambda fields: fields.electronic_energy),
        "slope_of_scalar_potential": fields.slope_of(lambda fields: fields.scalar_potential),
        "slope_of_population": fields.slope_of(lambda fields: fields.adiabatic_population),
        "slope_of_mean": fields.slope_of(_mean_force),
        "slope_of_magnetic": fields.slope_of(
            lambda fields: jnp.einsum("m...,km...->k...", fields.velocity, fields.berry_curvature)
        ),
    }


def _mean_force(fields):
    return -jnp.einsum("kab...,ba...->k...", fields.potential_slope, fields.conditional_density).real


def _turned(operator, rho):
    product = jnp.einsum("ab...,bc...->ac...", operator, rho)
    return -1j * (product - jnp.conj(jnp.swapaxes(product, 0, 1)))


@pytest.fixture(scope="module")
def plane(fields):
    found = quantities(fields)
    return found | {key: np.asarray(value) for key, value in found.items() if key != "forces"}


def agree(plane, ours, wanted, tolerance):
    """Where the density is above a thousandth of its maximum, relative to the largest value wanted."""
    seen = plane["seen"]
    scale = np.abs(wanted[..., seen]).max()
    error = np.abs((ours - wanted)[..., seen]).max()
    return error < tolerance * scale


# Every field once more, from its definition at one point: no grid, no Fourier transform, derivatives by JAX.


def density_at(q):
    return jnp.sum(jnp.abs(closed_form(q)) ** 2)


def rho_at(q):
    psi = closed_form(q)
    return psi[:, None] * jnp.conj(psi)[None] / density_at(q)


def bloch_at(q):
    rho = rho_at(q)
    return jnp.stack([2 * rho[0, 1].real, -2 * rho[0, 1].imag, (rho[0, 0] - rho[1, 1]).real])


def metric_at(q):
    slopes = jax.jacfwd(bloch_at)(q)
    return 0.25 * jnp.sum(slopes[:, :, None] * slopes[:, None], axis=0)


def quantum_potential_at(q):
    root = lambda q: jnp.sqrt(density_at(q))  # noqa: E731
    return -0.5 * jnp.sum(INVERSE_MASS * jax.hessian(root)(q)) / root(q)


def energy_at(q):
    return jnp.trace(rho_at(q) @ complex_matrix(q)).real


def fubini_study_potential_at(q):
    return 0.5 * jnp.sum(INVERSE_MASS * metric_at(q))


def population_at(q):
    _, vectors = jnp.linalg.eigh(complex_matrix(q))
    return jnp.einsum("am,ab,bm->m", jnp.conj(vectors), rho_at(q), vectors).real


def mean_force_at(q):
    return -jnp.einsum("abk,ba->k", jax.jacfwd(complex_matrix)(q), rho_at(q)).real


def coupling_at(q):
    def flux(q):
        slopes = jnp.moveaxis(jax.jacfwd(rho_at)(q), -1, 0)
        return density_at(q) * jnp.einsum("ij,jab->iab", INVERSE_MASS, slopes)

    return -0.5 * jnp.einsum("iabi->ab", jax.jacfwd(flux)(q)) / density_at(q)


def definitions(q):
    """Every field at one position."""
    psi, slopes = closed_form(q), jax.jacfwd(closed_form)(q)
    bloch, turning = bloch_at(q), jax.jacfwd(bloch_at)(q)
    weighted = jax.jacfwd(lambda q: density_at(q) * metric_at(q))(q)
    rho_slope = jnp.moveaxis(jax.jacfwd(rho_at)(q), -1, 0)
    potential_slope = jnp.moveaxis(jax.jacfwd(complex_matrix)(q), -1, 0)
    curvature = -0.5 * jnp.sum(bloch * jnp.cross(turning[:, 0], turning[:, 1]))
    momentum = jnp.sum(jnp.conj(psi)[:, None] * slopes, axis=0).imag / density_at(q)
    velocity = INVERSE_MASS @ momentum
    return {
        "momentum": momentum,
        "osmotic_momentum": -0.5 * jax.grad(lambda q: jnp.log(density_at(q)))(q),
        "velocity": velocity,
        "rho": rho_at(q),
        "geometry": metric_at(q) - 0.5j * curvature * jnp.array([[0.0, 1.0], [-1.0, 0.0]]),
        "curvature": curvature * jnp.array([[0.0, 1.0], [-1.0, 0.0]]),
        "quantum_potential": quantum_potential_at(q),
        "fubini_study_potential": fubini_study_potential_at(q),
        "electronic_energy": energy_at(q),
        "coupling": coupling_at(q),
        "slope_of_energy": jax.grad(energy_at)(q),
        "slope_of_scalar_potential": jax.grad(lambda q: energy_at(q) + fubini_study_potential_at(q))(q),
        "slope_of_population": jax.jacfwd(population_at)(q).T,
        "slope_of_mean": jax.jacfwd(mean_force_at)(q).T,
        "born_oppenheimer": -jax.grad(energy_at)(q),
        "born_oppenheimer_correction": jnp.einsum("ab,kba->k", complex_matrix(q), rho_slope).real,
        "mean": -jnp.einsum("ab,kba->k", rho_at(q), potential_slope).real,
        "electric": -jax.grad(fubini_study_potential_at)(q),
        "electric_correction": jnp.einsum("ab,kba->k", coupling_at(q), rho_slope).real,
        "fubini_study": -jnp.einsum("ij,kji->k", INVERSE_MASS, weighted) / density_at(q),
        "magnetic": curvature * jnp.stack([velocity[1], -velocity[0]]),
        "quantum": -jax.grad(quantum_potential_at)(q),
    }


def test_every_field_and_force_is_its_definition(plane):
    nodes = np.array([[38, 41], [44, 36], [50, 33], [40, 40], [35, 45]])
    positions = jnp.asarray(PLANE.nodes().reshape(80, 80, 2)[nodes[:, 0], nodes[:, 1]])
    wanted = jax.jit(jax.vmap(definitions))(positions)
    for name, values in wanted.items():
        ours = getattr(plane["forces"], name) if hasattr(plane["forces"], name) else plane[name]
        ours = np.moveaxis(np.asarray(ours)[..., nodes[:, 0], nodes[:, 1]], -1, 0)
        if name == "slope_of_population":  # at the origin the levels touch, and populations have no slope
            apart = np.linalg.norm(positions, axis=1) > 0
            ours, values = ours[apart], np.asarray(values)[apart]
        scale = np.abs(values).max()
        assert np.abs(ours - np.asarray(values)).max() < 1e-8 * scale, name


def test_the_fluid_obeys_its_equations_with_a_tensor_of_inverse_masses(plane):
    """(37), (66)-(68) and (69)-(72): rates by the Schroedinger equation against the right-hand sides."""
    assert agree(plane, plane["density_rate"], plane["density_rate_wanted"], 1e-12)
    assert agree(plane, plane["rho_rate"], plane["rho_rate_wanted"], 1e-12)
    assert agree(plane, plane["momentum_rate"], plane["forces"].total, 1e-8)
    assert agree(plane, plane["current_rate"], plane["current_rate_wanted"], 1e-8)
    assert np.abs(plane["gamma_rate"] - plane["gamma_rate_wanted"]).max() < 1e-12
    # a magnetic force beside these would count it twice
    doubled = plane["forces"].total + plane["forces"].magnetic
    assert not agree(plane, plane["momentum_rate"], doubled, 1e-3)


def test_forces_add_up_as_they_are_split(plane):
    forces = plane["forces"]
    assert agree(plane, forces.born_oppenheimer + forces.born_oppenheimer_correction, forces.mean, 1e-12)
    assert agree(plane, forces.electric + forces.electric_correction, forces.fubini_study, 1e-10)
    split = forces.born_oppenheimer + forces.electric + forces.magnetic + forces.electron_dynamical
    assert agree(plane, split, forces.classical, 1e-10)
    assert agree(plane, plane["stress"], plane["density"][None] * forces.quantum, 1e-10)
    assert agree(plane, plane["down_the_quantum_potential"], forces.quantum, 1e-9)


def test_the_field_of_vortices_moves_by_the_curl_of_the_force(system):
    r"""(90), and $\partial_k\pi_j-\partial_j\pi_k=-B_{kj}$. The force is differentiated by waves, which must
    not meet the floor.
    """
    low = quantities(factorize(system, PLANE, on_grid(closed_form), inverse_mass=INVERSE_MASS, floor=1e-13))
    plane = {name: np.asarray(low[name]) for name in low if name != "forces"}
    assert agree(plane, plane["curl"], -plane["curvature"][0, 1], 1e-10)
    density, force = low["density"], low["forces"].classical
    slopes = PLANE.gradient(density[None] * force) - force[None] * PLANE.gradient(density)[:, None]
    curl = np.asarray((slopes[0, 1] - slopes[1, 0]) / density)
    magnetic = plane["slope_of_magnetic"]
    assert agree(plane, -plane["curvature_rate"], curl + magnetic[1, 0] - magnetic[0, 1], 1e-6)


def test_sums_over_the_whole_fluid(plane, fields):
    density, forces, cell = plane["density"][None], plane["forces"], PLANE.cell
    assert np.sum(density) * cell == pytest.approx(1, abs=1e-12)
    # what is below the floor is missing
    for force in (forces.fubini_study, forces.quantum):
        assert np.abs(np.sum(density * force, axis=(1, 2))).max() * cell < 1e-4
    momentum_rate = np.sum(plane["current_rate"], axis=(1, 2)) * cell
    assert np.allclose(np.sum(density * forces.mean, axis=(1, 2)) * cell, momentum_rate, atol=1e-6)
    parts = 0.5 * np.einsum("ij,i...,j...->...", INVERSE_MASS, plane["momentum"], plane["momentum"])
    parts += 0.5 * np.einsum("ij,i...,j...->...", INVERSE_MASS, *2 * [plane["osmotic_momentum"]])
    parts += plane["fubini_study_potential"] + plane["electronic_energy"]
    assert np.sum(density[0] * parts) * cell == pytest.approx(float(plane["energy"]), abs=1e-4)
    assert np.allclose(plane["geometry"], plane["traced_geometry"], atol=1e-10)
    assert np.allclose(np.einsum("aaxy->xy", plane["rho"])[plane["seen"]], 1)


class TestGauge:
    """Phases and bases mean nothing. Three levels on a line, one compiled program."""

    grid = bk.Grid(-8.0, 8.0, 96)

    @staticmethod
    def matrix(q):
        first, second = jnp.tanh(q[0]) + 0.3j * jnp.cos(q[0]), 0.2 * q[0] * jnp.exp(-(q[0] ** 2)) + 0.4j
        return jnp.array(
            [
                [0.1 * q[0] ** 2, first, 0.1],
                [jnp.conj(first), 0.5 * jnp.sin(q[0]), second],
                [0.1, jnp.conj(second), 0.3 + 0 * q[0]],
            ]
        )

    @staticmethod
    def psi(q):
        hill = jnp.exp(-((q[0] - 0.2) ** 2))
        return hill * jnp.stack(
            [jnp.exp(1j * q[0]), 0.7 * jnp.sin(q[0]) + 0.2j, (0.4 + 0.1 * q[0]) * jnp.exp(-0.5j * q[0] ** 2)]
        )

    @functools.cached_property
    def system(self):
        return bk.hamiltonian(self.matrix, masses=[5.0], step=0.1)

    @staticmethod
    @jax.jit
    def looked_at(fields):
        numbers = [
            *(fields.momentum, fields.osmotic_momentum, fields.metric, fields.quantum_potential),
            *(fields.scalar_potential, fields.adiabatic_population, fields.adiabatic_coherence),
        ]
        return (numbers, fields.forces()), (fields.conditional_density, fields.coupling)

    @given(seed=st.integers(0, 2**31), phase=st.floats(0, 2 * np.pi))
    def test_a_phase_and_a_basis_change_nothing(self, seed, phase):
        rng = np.random.default_rng(seed)
        unitary = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0]
        psi = on_grid(self.psi, self.grid)
        plain = self.looked_at(factorize(self.system, self.grid, psi))
        turned = jnp.exp(1j * phase) * jnp.einsum("ab,bx->ax", unitary, psi)
        other = self.looked_at(factorize(bk.change_basis(self.system, unitary), self.grid, turned))
        for ours, wanted in zip(
            jax.tree_util.tree_leaves(other[0]), jax.tree_util.tree_leaves(plain[0]), strict=True
        ):
            assert np.allclose(ours, wanted, rtol=1e-7, atol=1e-8)
        for ours, wanted in zip(other[1], plain[1], strict=True):
            back = np.einsum("ba,bcx,cd->adx", unitary.conj(), ours, unitary)
            assert np.allclose(back, wanted, rtol=1e-7, atol=1e-8)

    def test_where_there_is_nothing_there_are_zeros_and_no_nan(self):
        """A node, a place without any wavefunction, and numbers too small to square."""
        x = self.grid.positions()[0]
        psi = np.asarray(on_grid(self.psi, self.grid)) * x / (1 + np.abs(x))
        psi[:, np.abs(x - 1.0) < 0.5] = 0.0
        psi[:, np.abs(x + 6.0) < 0.5] = 1e-200
        fields = factorize(self.system, self.grid, jnp.asarray(psi))
        found = self.looked_at(fields)
        unseen = ~np.asarray(fields.resolved)
        assert unseen.sum() > 10
        for values in jax.tree_util.tree_leaves(found):
            assert np.all(np.isfinite(values))
            assert np.all(np.asarray(values)[..., unseen] == 0)


def test_in_an_eigenstate_the_forces_are_the_adiabatic_ones():
    """Every element in the upper level, in a gauge that no eigensolver has chosen: a column of its projector."""

    def gapped(q):
        return complex_matrix(q) + jnp.diag(jnp.array([1.5, -1.5]))

    def psi(q):
        away = gapped(q) - jnp.linalg.eigvalsh(gapped(q))[0] * jnp.eye(2)
        return jnp.exp(-0.8 * (q[0] ** 2 + (q[1] - 0.4) ** 2) + 0.6j * q[0]) * away[:, 0]

    system = bk.hamiltonian(gapped, masses=[1.0, 1.0], step=0.01)
    fields = factorize(system, PLANE, on_grid(psi), floor=1e-4, inverse_mass=INVERSE_MASS)
    forces, wanted = quantities(fields)["forces"], adiabatic_forces(system, fields, 1)
    seen = np.asarray(fields.resolved)
    for name in ("born_oppenheimer", "electric", "magnetic"):
        ours, expected = np.asarray(getattr(forces, name)), np.asarray(getattr(wanted, name))
        assert np.abs((ours - expected)[:, seen]).max() < 1e-6 * np.abs(expected).max(), name
    node = np.argwhere(seen)[100]
    position = jnp.asarray(PLANE.nodes().reshape(80, 80, 2)[tuple(node)])
    for ours, expected in (
        (fields.metric, fubini_study_metric(system, position, 1)),
        (fields.berry_curvature, berry_curvature(system, position, 1)),
    ):
        assert np.allclose(ours[:, :, node[0], node[1]], expected, rtol=1e-6, atol=1e-8)


class TestCirculation:
    @pytest.mark.parametrize("turns", [1, -2])
    def test_around_a_node_it_is_quantised(self, turns):
        """One level: no curvature, and every bit of circulation comes in whole turns."""
        one = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), masses=[1.0, 1.0], step=0.1)

        def vortex(q):
            around = (q[0] - 0.26) + 1j * np.sign(turns) * (q[1] + 0.13)
            return jnp.exp(-(q[0] ** 2) - q[1] ** 2)[None] * around ** abs(turns)

        found = factorize(one, PLANE, on_grid(vortex)).circulation()
        assert np.sum(found.winding) == turns
        assert np.sum(found.winding != 0) <= abs(turns)
        assert np.allclose(found.flux, 0, atol=1e-10)
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        loop = jnp.stack([0.26 + 0.5 * jnp.cos(angles), -0.13 + 0.5 * jnp.sin(angles)], axis=1)
        around = circulation(jax.vmap(vortex)(loop))
        assert around.winding == turns
        assert around.momentum == pytest.approx(2 * np.pi * turns, abs=1e-12)

    def test_without_a_node_it_is_minus_the_flux_of_the_curvature(self, fields, plane):
        cells = fields.circulation()
        assert np.all(cells.winding == 0)
        low, high = 34, 46
        inside = np.s_[low:high, low:high]
        square = [(k, low) for k in range(low, high)] + [(high, k) for k in range(low, high)]
        square += [(k, high) for k in range(high, low, -1)] + [(low, k) for k in range(high, low, -1)]
        rows, columns = np.array(square).T
        around = circulation(jnp.moveaxis(fields.psi[:, rows, columns], -1, 0))
        assert around.winding == 0
        assert around.momentum == pytest.approx(float(jnp.sum(cells.momentum[inside])), abs=1e-10)
        assert around.flux == pytest.approx(float(jnp.sum(cells.flux[inside])), abs=1e-10)
        # the trapezoid rule over the square
        curved = plane["curvature"][0, 1][low : high + 1, low : high + 1].copy()
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            curved[edge] *= 0.5
        assert around.flux == pytest.approx(np.sum(curved) * PLANE.cell, rel=0.02)
        assert abs(around.flux) > 0.1


class TestRuns:
    """From the dataset of a run, and back to what the run says itself."""

    tully = bk.models.tully(2)

    @pytest.fixture(scope="class")
    @classmethod
    def run(cls):
        packet = bk.GaussianPacket(-4.0, 30.0, 0.5, state=bk.Adiabatic(0))
        theory, times = bk.Exact(bk.Grid(-12.0, 12.0, 512)), bk.times(400.0, 2, step=4.0)
        kept = (bk.observables.wavefunction(),)
        return bk.simulate(cls.tully, theory, packet, times, observables=kept)

    def test_the_fields_add_up_to_the_observables_of_the_run(self, run):
        table = conditional_fields(self.tully, run, [200.0, 400.0], floor=1e-12)
        last, cell = run.isel(time=-1), 24.0 / 512
        weight = table.density.isel(time=-1) * cell
        assert np.allclose(
            (weight * table.conditional_population.isel(time=-1)).sum("node_0"),
            last.adiabatic_population,
            atol=1e-8,
        )
        assert np.allclose(
            (weight * table.flow_momentum.isel(time=-1)).sum("node_0"), last.momentum, atol=1e-8
        )
        assert np.allclose((weight * table.node_0).sum("node_0"), last.position, atol=1e-8)
        fields = factorize_run(self.tully, run, 400.0)
        assert fields.energy == pytest.approx(float(last.energy), abs=1e-12)
        assert np.allclose(fields.electronic_density, last.density_matrix, atol=1e-12)
        assert table.density.sizes["time"] == 2

    def test_fields_with_the_potential_move_along_the_flow_as_differences_of_a_run_say(self):
        """Rates by differences in time, slopes by differences in space, of fourth order."""
        packet = bk.GaussianPacket(-1.0, 20.0, 0.6, state=bk.Adiabatic(0))
        theory, kept = bk.Exact(bk.Grid(-9.0, 9.0, 512)), (bk.observables.wavefunction(),)
        apart, step = 4.0, 18.0 / 512
        run = bk.simulate(self.tully, theory, packet, bk.times(100.0, 25, step=0.5), observables=kept)
        times = (52.0, 56.0, 60.0, 64.0, 68.0)
        fields = [factorize_run(self.tully, run, time) for time in times]
        here = fields[2]
        names = ("electronic_energy", "scalar_potential", "adiabatic_population")
        ours = eqx.filter_jit(lambda f: [f.material_rate_of(lambda f, n=n: getattr(f, n)) for n in names])(
            here
        )
        plain = np.asarray(here.density) > 1e-3 * np.max(here.density)
        for name, found in zip(names, ours, strict=True):
            values = [np.asarray(getattr(f, name)) for f in fields]
            rate = (8 * (values[3] - values[1]) - (values[4] - values[0])) / (12 * apart)
            near, far = (np.roll(values[2], -k, axis=-1) - np.roll(values[2], k, axis=-1) for k in (1, 2))
            expected = rate + np.asarray(here.velocity[0]) * (8 * near - far) / (12 * step)
            scale = np.abs(expected[..., plain]).max()
            assert np.abs(np.asarray(found) - expected)[..., plain].max() < 1e-4 * scale, name

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            (lambda tully, run: factorize_run(tully, run, 150.0), "saved; 150 is not, the nearest is"),
            (lambda tully, run: factorize_run(tully, run.drop_vars("wavefunction"), 200.0), "wavefunction"),
            (lambda tully, run: factorize_run(tully, run.assign_attrs(theory="{}"), 200.0), "no theory"),
            (lambda tully, run: factorize(tully, PLANE, np.ones((2, 80, 80), complex)), "shape"),
            (
                lambda tully, run: factorize(tully, bk.Grid(-1.0, 1.0, 8), np.ones((2, 8)), floor=0.0),
                "`floor`",
            ),
            (
                lambda tully, run: factorize(
                    tully, bk.Grid(-1.0, 1.0, 8), np.ones((2, 8)), inverse_mass=np.eye(2)
                ),
                "`inverse_mass`",
            ),
            (lambda tully, run: bk.observables.wavefunction(4), "`coordinates`"),
        ],
    )
    def test_what_cannot_be_taken_apart_is_refused_in_one_line(self, run, wrong, words):
        with pytest.raises(bk.InvalidInput, match=words) as refused:
            wrong(self.tully, run)
        assert "\n" not in str(refused.value)

    def test_a_theory_without_a_wavefunction_says_so(self):
        packet, kept = bk.GaussianPacket(-4.0, 30.0, 0.5), (bk.observables.wavefunction(),)
        with pytest.raises(bk.UnsupportedHamiltonian, match="Ehrenfest has no wavefunction"):
            bk.simulate(self.tully, bk.Ehrenfest(), packet, bk.times(4.0, 1), observables=kept)
        spins = bk.models.hybrid_spins()
        with pytest.raises(bk.UnsupportedHamiltonian, match="factorize needs a potential"):
            factorize(spins, PLANE, np.ones((2, 80, 80), complex))
