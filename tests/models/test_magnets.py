"""The dimer of the paper against the equation written with Pauli matrices, and its classical partners."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.models import Antiferromagnetic, BohrMagnetons, Ferromagnetic, spin_dimer
from brackish.quantum import pauli_x, pauli_y, pauli_z

SIGMA = np.array([pauli_x, pauli_y, pauli_z])


@pytest.mark.parametrize(("coupling", "sign"), [(Ferromagnetic(), -1), (Antiferromagnetic(), 1)])
def test_matrix_is_the_equation(coupling, sign):
    first = [np.kron(s, np.eye(2)) for s in SIGMA]
    second = [np.kron(np.eye(2), s) for s in SIGMA]
    w = [0.3, -0.5, 0.8]
    expected = sum(-0.5 * b * (a + c) for b, a, c in zip(w, first, second, strict=True))
    expected = expected + sign * sum(a @ b for a, b in zip(first, second, strict=True))
    expected = expected + 0.6 * (first[0] @ second[1] - first[1] @ second[0])
    np.testing.assert_allclose(spin_dimer(coupling, 0.6, w).matrix(), expected, atol=1e-14)


def test_ground_states():
    """Antiferromagnetic: the singlet at -3 below |J|(1 - w); ferromagnetic: both spins along the field, -1 - w."""
    assert np.linalg.eigvalsh(spin_dimer().matrix())[0] == pytest.approx(-3)
    assert np.linalg.eigvalsh(spin_dimer(Ferromagnetic()).matrix())[0] == pytest.approx(-2)


@pytest.mark.parametrize(("options", "factor"), [({}, 2.0), ({"spins": BohrMagnetons()}, 1.0)])
def test_what_a_classical_spin_feels(options, factor):
    r"""$\omega_1=w\mathbf b-f(J\mathbf m_2+D\,\mathbf m_2\times\mathbf z)$; f = 1 in the paper, 2 for spins 1/2."""
    m = np.array([[0.6, 0.0, 0.8], [0.0, 0.6, -0.8]])
    field, twist = np.array([0.2, 0.4, 0.1]), 0.6
    rate = spin_dimer(Antiferromagnetic(), twist, field, **options).precession(jnp.asarray(m))
    np.testing.assert_allclose(rate[0], field - factor * (m[1] + twist * np.cross(m[1], [0, 0, 1])))


def test_bad_input():
    with pytest.raises(bk.InvalidInput, match="`dzyaloshinskii_moriya` must be finite"):
        spin_dimer(dzyaloshinskii_moriya=np.inf)
    with pytest.raises(bk.InvalidInput, match="three components, got 2"):
        spin_dimer(field=[1.0, 0.0])
