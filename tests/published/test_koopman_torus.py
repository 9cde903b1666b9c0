"""The nonlinear Koopman model and Ehrenfest on a torus, against independent numbers; and the equations as printed.

Numbers: data/koopman.json, section `torus`, made with numpy alone from the energy functional.
"""

import json
from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.grids import hybrid_fields
from brackish.preparations import Preparation
from brackish.preparations.electronic import Amplitudes
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.fields.nonlinear_koopman import KoopmanSpinorState

DATA = json.loads((Path(__file__).parent / "data" / "koopman.json").read_text())["torus"]
PAULI = np.stack([pauli_x.astype(complex), pauli_y, pauli_z.astype(complex)])
PLANCK = DATA["static"]["hbar"]
WHOLE = 2 * np.pi


def along(field):
    """v . sigma"""
    return jnp.sum(field[:, None, None] * PAULI, axis=0)


def waves(z):
    q, p = z.position[0], z.momentum[0]
    x = 0.4 * jnp.cos(q) + 0.2 * jnp.sin(p)
    y = 0.25 * jnp.sin(q + p) + 0.1
    return along(jnp.stack([x, y, 0.3 * jnp.cos(p) + 0.5 + 0.2 * jnp.sin(q)]))


def dephasing(z):
    q = z.position[0]
    return along(jnp.stack([0 * q, 0 * q, 0.5 * jnp.cos(q)]))


def of_position(z):
    q = z.position[0]
    return along(jnp.stack([0.4 * jnp.cos(q), 0 * q, 0.5 + 0.3 * jnp.sin(q)]))


def bare(z):
    return 0.6 * jnp.cos(z.position[0]) + 0.5 * jnp.cos(z.momentum[0])


def system(function):
    return bk.hamiltonian(function, manifold=bk.Canonical([1.0]), external=bare)


class OnTorus(Preparation):
    """D ~ exp(cos(Q - pi) + cos(P - pi)), with the quantum spin along x."""

    state: Amplitudes
    random: ClassVar[bool] = False

    def draw(self, hamiltonian, index, key):
        raise NotImplementedError

    def check(self, hamiltonian):
        pass

    def density(self, hamiltonian, z):
        shape = jnp.exp(jnp.cos(z.position[0] - jnp.pi) + jnp.cos(z.momentum[0] - jnp.pi))
        return shape / (WHOLE * np.i0(1.0)) ** 2


START = OnTorus(Amplitudes([np.sqrt(0.5), np.sqrt(0.5)]))


@pytest.mark.parametrize(
    ("theory", "name"), [(bk.NonlinearKoopman, "koopman"), (bk.ContinuumEhrenfest, "ehrenfest")]
)
@pytest.mark.parametrize(("function", "short"), [(dephasing, "deph"), (of_position, "qonly")])
def test_runs_end_where_the_reference_does(theory, name, function, short):
    grid = bk.PhaseSpace(0.0, WHOLE, 48, cutoff=15)
    data = bk.simulate(system(function), theory(grid, PLANCK), START, bk.times(0.6, 6, step=0.02))
    conserved = "h" if name == "koopman" else "h_el"
    for reference in DATA[f"evolve_{short}_{name}"]:
        now = data.sel(time=reference["t"], method="nearest")
        spin = np.einsum("ij,kji->k", now.density_matrix.values, PAULI).real
        np.testing.assert_allclose(spin, reference["S_mean"], atol=2e-8)
        np.testing.assert_allclose(now.purity, reference["purity"], atol=2e-8)
        np.testing.assert_allclose(now.energy, reference[conserved], atol=1e-9)
        if name == "koopman":
            np.testing.assert_allclose(now.mean_energy, reference["h_el"], atol=1e-9)
            np.testing.assert_allclose(now.mean_energy + now.correlation_energy, reference["h"], atol=1e-9)
    np.testing.assert_allclose(data.norm, 1.0, atol=1e-8)
    np.testing.assert_allclose(data.energy, data.energy[0], atol=1e-9)


# -- the equations at one instant ------------------------------------------------------------------------

GRID = bk.PhaseSpace(0.0, WHOLE, 64, cutoff=31)
THEORY = bk.NonlinearKoopman(GRID, PLANCK)
SYSTEM = system(waves)
AT = (..., *DATA["static"]["point"])


@pytest.fixture(scope="module")
def state():
    """A state whose density, angle and phase vary in all directions, as angles of a spinor."""
    q, p = (x.reshape(GRID.shape) for x in (GRID.points().position, GRID.points().momentum))
    angle = 1.1 + 0.5 * np.cos(q - p) + 0.3 * np.sin(q)
    phase = 0.7 * np.sin(q) + 0.6 * np.cos(p) + 0.4
    density = 1 + 0.3 * np.cos(q) + 0.25 * np.sin(p) + 0.2 * np.cos(q + p)
    spinor = np.stack([np.cos(angle / 2) + 0j, np.exp(1j * phase) * np.sin(angle / 2)])
    return KoopmanSpinorState(jnp.asarray(np.sqrt(density / (density.sum() * GRID.plane.cell)) * spinor))


def product(a, b):
    return np.einsum("ijqp,jkqp->ikqp", a, b)


def commutator(a, b):
    return product(a, b) - product(b, a)


def trace(a, b=None):
    return np.einsum("iiqp->qp", a).real if b is None else np.einsum("ijqp,jiqp->qp", a, b).real


def integral(field):
    return np.sum(field, axis=(-2, -1)) * GRID.plane.cell


def gradient(field):
    return np.asarray(GRID.gradient(jnp.asarray(field)))


def turned(vector):
    """J applied to a covector: X_h from dh."""
    return np.stack([vector[1], -vector[0]])


def bracket(df, dg, times=lambda a, b: a * b):
    """{f, g} from gradients; the order of factors is kept."""
    return times(df[0], dg[1]) - times(df[1], dg[0])


class Fields:
    """(K1) and (K2) from P and D, term by term, with a sign or factor on each: the equations and their misprints."""

    def __init__(self, state):
        fields = hybrid_fields(SYSTEM, GRID)
        psi = np.asarray(state.psi)
        one = np.eye(2)[:, :, None, None]
        self.whole = np.asarray(fields.operator) + one * np.asarray(fields.classical)
        self.flow = np.asarray(fields.operator_flow) + one * np.asarray(fields.classical_flow)[:, None, None]
        self.slope = -turned(self.flow)  # dH from X_H, as J^2 = -1
        self.hybrid = psi[:, None] * psi[None].conj()
        self.density = trace(self.hybrid)
        self.local = self.hybrid / self.density
        self.change = gradient(self.local)
        self.logarithm = gradient(np.log(self.density))
        gauge = np.stack([1j * commutator(self.local, change) for change in self.change])
        self.xi = turned(gauge)
        self.by_log = np.einsum("jqp,jabqp->abqp", self.logarithm, self.flow)  # {ln D, H}

    def energy(self, hybrid=None):
        hybrid = self.hybrid if hybrid is None else hybrid
        slopes = gradient(hybrid)
        correlation = sum(
            trace(1j * commutator(hybrid, slope), flow) for slope, flow in zip(slopes, self.flow, strict=True)
        )
        return integral(trace(hybrid, self.whole) + 0.5 * PLANCK * correlation / trace(hybrid))

    def velocity(self, first=1.0, second=1.0, log=1.0):
        flow_slope = np.stack([gradient(flow) for flow in self.flow])  # [k, j]
        xi_slope = np.stack([gradient(xi) for xi in self.xi])
        velocity = []
        for k in range(2):
            moved = sum(trace(self.flow[j], xi_slope[k, j]) for j in range(2))
            twisted = sum(trace(self.xi[j], flow_slope[k, j]) for j in range(2))
            by_log = trace(self.by_log, self.xi[k])
            velocity.append(
                trace(self.local, self.flow[k])
                + 0.5 * PLANCK * (first * moved - second * twisted + log * by_log)
            )
        return np.stack(velocity)

    def effective(self, brackets=1.0, log=1.0):
        """H + i hbar ({P,H} + {H,P} + [P,{ln D,H}] / 2)"""
        both = bracket(self.change, self.slope, product) + bracket(self.slope, self.change, product)
        return self.whole + 1j * PLANCK * (brackets * both + 0.5 * log * commutator(self.local, self.by_log))

    def rates(self, velocity, effective):
        """d(D P)/dt = -div(D P X) - i/hbar [H, D P]"""
        carried = velocity[:, None, None] * self.hybrid
        spread = sum(gradient(carried[j])[j] for j in range(2))
        return -spread - 1j / PLANCK * commutator(effective, self.hybrid)

    def power(self, rates, size=1e-4):
        """dh/dt along these rates, by a central difference of an analytic function of the size."""
        ahead, behind = (self.energy(self.hybrid + sign * size * rates) for sign in (1, -1))
        return (ahead - behind) / (2 * size)

    def hybrid_operator(self):
        return self.hybrid + 0.5 * PLANCK * sum(gradient(self.density * self.xi[k])[k] for k in range(2))

    def misses(self, rates):
        """How far the rates are from dh/dt = 0, dD/dt = Tr{H, D^} and i hbar drho/dt = int [H, D^]."""
        operator = self.hybrid_operator()
        turned_rho = integral(commutator(self.whole, operator)) / (1j * PLANCK)
        from_bracket = np.einsum("iiqp->qp", bracket(self.slope, gradient(operator), product)).real
        return (
            abs(self.power(rates)),
            np.abs(trace(rates) - from_bracket).max(),
            np.abs(integral(rates) - turned_rho).max(),
        )


@pytest.fixture(scope="module")
def fields(state):
    return Fields(state)


def test_instant_values_are_those_of_the_reference(state):
    reference = DATA["static"]
    flow = eqx.filter_jit(THEORY.flow)(SYSTEM, 0.0, state).psi
    rates = flow[:, None] * jnp.conj(state.psi)[None]
    rates = np.asarray(rates + jnp.conj(jnp.swapaxes(rates, 0, 1)))
    density = np.sum(np.abs(state.psi) ** 2, axis=0)
    hybrid = np.asarray(state.psi[:, None] * jnp.conj(state.psi)[None])
    spin = np.einsum("ijqp,kji->kqp", hybrid, PAULI).real / density
    spin_rate = (np.einsum("ijqp,kji->kqp", rates, PAULI).real - spin * trace(rates)) / density
    np.testing.assert_allclose(THEORY.energy(SYSTEM, state), reference["h"], atol=1e-11)
    np.testing.assert_allclose(THEORY.mean_energy(SYSTEM, state), reference["h_el"], atol=1e-11)
    np.testing.assert_allclose(THEORY.velocity(SYSTEM, state)[AT], reference["X"], atol=1e-10)
    np.testing.assert_allclose(trace(rates)[AT], reference["Dt"], atol=1e-11)
    np.testing.assert_allclose(spin_rate[AT], reference["St"], atol=1e-9)
    mean = np.einsum("ij,kji->k", integral(rates), PAULI).real
    np.testing.assert_allclose(mean, reference["dS_mean_dt"], atol=1e-10)
    # the effective Hamiltonian is known up to what commutes with P
    effective = np.asarray(THEORY.effective_hamiltonian(SYSTEM, state))
    turn = 0.5 * np.einsum("ijqp,kji->kqp", effective, PAULI).real[AT]
    np.testing.assert_allclose(np.cross(turn, spin[AT]), np.cross(reference["eta"], spin[AT]), atol=1e-9)


def test_the_spinor_moves_as_k1_and_k2_say(state, fields):
    """What the theory computes from a spinor is what the equations say of D and P."""
    velocity, effective = fields.velocity(), fields.effective()
    np.testing.assert_allclose(THEORY.velocity(SYSTEM, state), velocity, atol=1e-9)
    flow = eqx.filter_jit(THEORY.flow)(SYSTEM, 0.0, state).psi
    rates = np.asarray(flow[:, None] * jnp.conj(state.psi)[None])
    rates = rates + rates.conj().swapaxes(0, 1)
    np.testing.assert_allclose(rates, fields.rates(velocity, effective), atol=1e-9)
    np.testing.assert_allclose(THEORY.hybrid_operator(SYSTEM, state), fields.hybrid_operator(), atol=1e-11)
    assert max(fields.misses(rates)) < 1e-9


def test_identities_of_the_hybrid_operator(state):
    operator = np.asarray(THEORY.hybrid_operator(SYSTEM, state))
    density = np.sum(np.abs(state.psi) ** 2, axis=0)
    np.testing.assert_allclose(trace(operator), density, atol=1e-12)
    np.testing.assert_allclose(integral(operator), THEORY.quantum_density(SYSTEM, state), atol=1e-12)
    # h = Tr int H D^, while the operator has no sign
    fields = hybrid_fields(SYSTEM, GRID)
    energy = integral(trace(np.asarray(fields.operator), operator) + np.asarray(fields.classical) * density)
    np.testing.assert_allclose(energy, THEORY.energy(SYSTEM, state), atol=1e-12)
    assert np.linalg.eigvalsh(np.moveaxis(operator, (0, 1), (-2, -1))).min() < -1e-3


PRINTED = {
    # eqs. (3), (44) and the velocity of sections 4.2, 4.3 of the paper on spins
    "velocity with the first two terms reversed": ({"first": -1.0, "second": -1.0}, {}),
    # eq. (4): the form with P printed with the sign of the form with D P
    "log-term of the Hamiltonian reversed": ({}, {"log": -1.0}),
    # eqs. (43), (48) and the functional derivative in section 4.2
    "brackets of the Hamiltonian halved": ({}, {"brackets": 0.5}),
}


@pytest.mark.parametrize("printed", PRINTED)
def test_equations_as_printed_fail(fields, printed):
    in_velocity, in_hamiltonian = PRINTED[printed]
    rates = fields.rates(fields.velocity(**in_velocity), fields.effective(**in_hamiltonian))
    power, of_density, of_rho = fields.misses(rates)
    assert power > 1e-3
    if in_velocity:
        assert of_density > 1e-3
    else:
        assert of_density < 1e-9
        assert of_rho > 1e-3


def test_the_divergence_in_the_velocity_contracts_the_first_index(fields):
    """D X = Tr(X_H D^) + hbar/2 div(...): with the other index the velocity is another."""
    flux = np.stack([trace(flow, fields.hybrid_operator()) for flow in fields.flow])
    tensor = fields.density * np.stack(
        [
            [
                trace(flow, xi) - trace(other, turned_xi)
                for xi, other in zip(fields.xi, fields.flow, strict=True)
            ]
            for flow, turned_xi in zip(fields.flow, fields.xi, strict=True)
        ]
    )  # [j, k] = D Tr(X^j Xi^k - Xi^j X^k)
    first, second = (
        np.stack([sum(gradient(t[j, k])[j] for j in range(2)) for k in range(2)])
        for t in (tensor, tensor.swapaxes(0, 1))
    )
    right = (flux + 0.5 * PLANCK * first) / fields.density
    wrong = (flux + 0.5 * PLANCK * second) / fields.density
    np.testing.assert_allclose(right, fields.velocity(), atol=1e-9)
    assert np.abs(wrong - fields.velocity()).max() > 1e-2
