"""The Hamiltonian must be finite and Hermitian wherever trajectories are, not at one place alone."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk

EDGE = 1.0
MASS = 1000.0
TIMES = bk.times(4.0, saves=20, step=0.1)
FAST = np.where(np.arange(16) == 5, MASS, 0.0)


def skew_beyond(q):
    """Sound up to `EDGE`; beyond, one entry is not the conjugate of the other."""
    return jnp.array([[0.0, 0.002], [jnp.where(q[0] > EDGE, 0.001, 0.002), 0.01]])


def complex_diagonal_beyond(q):
    return jnp.array([[jnp.where(q[0] > EDGE, 1e-3j, 0.0), 0.002], [0.002, 0.01]])


def infinite_beyond(q):
    """Infinite in one entry that no force comes from."""
    return jnp.array([[jnp.where(q[0] > EDGE, jnp.inf, 0.0), 0.0], [0.0, 0.01]])


def failure(function, theory, start, **options):
    with pytest.raises(bk.RunFailed) as caught:
        bk.simulate(bk.hamiltonian(function, [MASS]), theory, start, TIMES, workers=1, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("function", [skew_beyond, complex_diagonal_beyond])
def test_what_is_not_hermitian_on_the_way_stops_the_run(function):
    message = failure(function, bk.Ehrenfest(), bk.Points(np.zeros(16), FAST))
    assert message.startswith("Ehrenfest: trajectory 5 is where the Hamiltonian is not Hermitian;")
    moment = float(re.search(r"time ([\d.]+)\)", message)[1])
    assert EDGE < moment <= EDGE + 0.3  # at unit velocity


def test_what_is_not_hermitian_at_the_start_stops_the_run():
    message = failure(skew_beyond, bk.SurfaceHopping(), bk.Points(np.full(16, EDGE + 0.1), np.zeros(16)))
    assert "trajectory 0 is where the Hamiltonian is not Hermitian" in message
    assert "time 0)" in message


def test_what_is_not_hermitian_somewhere_on_a_grid_stops_the_run():
    start = bk.GaussianPacket(position=-4.0, momentum=0.0, width=0.5)
    message = failure(skew_beyond, bk.Exact(bk.Grid(-8.0, 8.0, 64)), start)
    assert message.startswith("Exact: the wavefunction is where the Hamiltonian is not Hermitian")
    assert "time 0)" in message


def test_what_is_not_hermitian_at_one_point_of_an_ensemble_stops_the_run():
    start = bk.Points(np.append(np.zeros(7), EDGE + 0.1), np.zeros(8))
    message = failure(skew_beyond, bk.MeanField(), start)
    assert message.startswith("MeanField: ensemble 0 is where the Hamiltonian is not Hermitian")


def test_what_is_not_finite_has_words_of_its_own():
    message = failure(infinite_beyond, bk.Ehrenfest(), bk.Points(np.zeros(16), FAST))
    assert message.startswith(
        "Ehrenfest: trajectory 5 is no longer a number: where it is, the Hamiltonian is infinite"
    )


# -- functions and classes of the user, at the start of a run ------------------------------------------------------


def refusal(**options):
    arguments = {
        "hamiltonian": bk.models.tully(1),
        "theory": bk.Ehrenfest(),
        "preparation": bk.Points(np.zeros(16), FAST),
        "times": TIMES,
    }
    with pytest.raises(bk.InvalidInput) as caught:
        bk.simulate(**{**arguments, **options})
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("function", "cure"),
    [
        (lambda theory, hamiltonian, y: np.tanh(y.point.position[0]), "write jnp.tanh instead of np.tanh"),
        (lambda theory, hamiltonian, y: 1.0 if y.point.position[0] > 0 else 0.0, "jnp.where"),
        (lambda theory, hamiltonian, y: float(y.point.position[0]), "leave float() out"),
        (lambda theory, hamiltonian, y: y.point.position[1], "asks for number 1 of the entries of the state"),
    ],
    ids=["numpy", "if", "float", "index"],
)
def test_observables_are_followed_before_the_run(function, cure):
    message = refusal(observables=(bk.Observable("mine", function),))
    assert message.startswith("The observable 'mine' ")
    assert "test_hamiltonian_on_the_way.py:" in message
    assert cure in message


class OfAUser(bk.SeparableHamiltonian):
    """A class with what functions may not do."""

    manifold: bk.Canonical
    which: str = eqx.field(static=True)
    frequencies: None = None
    levels: int = eqx.field(static=True, default=2)

    def external(self, position):
        return 0.0 * position[0]

    def quantum(self):
        return jnp.zeros((2, 2))

    def coupling(self, position):
        if self.which == "numpy":
            return jnp.eye(2) * np.exp(position[0])
        return jnp.eye(2) * position[3]


@pytest.mark.parametrize(
    ("which", "words"),
    [("numpy", "write jnp.exp instead of np.exp"), ("index", "asks for number 3 of the coordinates")],
)
def test_classes_of_the_user_are_followed_before_the_run(which, words):
    message = refusal(hamiltonian=OfAUser(bk.Canonical([MASS]), which))
    assert message.startswith("The Hamiltonian OfAUser ")
    assert words in message


def test_fields_and_temperatures_are_followed_at_once():
    with pytest.raises(
        bk.InvalidInput, match=r"`field` cannot be compiled at .*write jnp.sin instead of np.sin"
    ):
        bk.SpinSystem([0.5], field=lambda t: np.sin(t) * jnp.ones(3))
    with pytest.raises(bk.InvalidInput, match=r"`field` must return a vector \(3,\) .* got \(2,\)"):
        bk.SpinSystem([0.5], field=lambda t: t * jnp.ones(2))
    with pytest.raises(bk.InvalidInput, match=r"`temperature` cannot be compiled at .*jnp.where"):
        bk.LLG(damping=0.1, temperature=lambda t: 1.0 if t > 0 else 0.0)


def test_any_other_function_of_the_user_is_explained_too():
    theory = bk.ClassicalQuantum(diffusion=lambda q: jnp.ones(1) * np.exp(q[0]))
    message = refusal(theory=theory)
    assert re.match(
        r"A function of this run cannot be compiled at \S*test_hamiltonian_on_the_way.py:\d+", message
    )
    assert "write jnp.exp instead of np.exp" in message


# -- settings of JAX -----------------------------------------------------------------------------------------------


def test_a_run_without_64_bits_is_refused():
    with jax.enable_x64(False):
        message = refusal()
    assert message.startswith("64-bit numbers are switched off in JAX (jax_enable_x64 is False)")


def test_settings_of_random_numbers_change_nothing():
    def run():
        packet = bk.GaussianPacket(position=-1.0, momentum=10.0, width=0.5)
        return bk.simulate(bk.models.tully(1), bk.SurfaceHopping(), packet, TIMES, trajectories=32, workers=2)

    plain = run()
    with jax.threefry_partitionable(False), jax.default_prng_impl("rbg"):
        other = run()
    np.testing.assert_array_equal(plain.position.values, other.position.values)
    jax.config.update("jax_threefry_partitionable", False)  # also seen by threads
    try:
        np.testing.assert_array_equal(run().position.values, plain.position.values)
    finally:
        jax.config.update("jax_threefry_partitionable", True)
