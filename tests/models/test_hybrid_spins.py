"""A quantum and a classical spin: the operator as printed, and its motion against rotations in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk


def test_the_operator_is_the_printed_one():
    system = bk.models.hybrid_spins(field=0.3, anisotropy=0.8, exchange=1.1, gamma=-0.4, length=2.0)
    z = jnp.array([[0.6, 0.0, 0.8]])
    own = 0.3 * 0.8 + 0.5 * 0.8 * 0.64
    expected = np.array([[own - 0.4, 1.1 * 0.6], [1.1 * 0.6, own + 0.4]])
    np.testing.assert_allclose(system.operator(z), expected, atol=1e-15)
    assert float(system.manifold.length) == 2.0


def test_without_exchange_both_spins_turn_by_themselves():
    system = bk.models.hybrid_spins(field=0.5, anisotropy=1.2, exchange=0.0, gamma=0.7, length=2.0)
    start = bk.Directions([[0.6, 0.0, 0.8]], state=[0.5**0.5, 0.5**0.5])
    run = bk.simulate(system, bk.Ehrenfest(), start, bk.times(3.0, 1, step=0.005))
    angle = (0.5 + 1.2 * 0.8) * 3.0 / 2.0
    expected = [0.6 * np.cos(angle), 0.6 * np.sin(angle), 0.8]
    np.testing.assert_allclose(run.spin_direction.values[-1, 0], expected, atol=1e-4)
    np.testing.assert_allclose(run.density_matrix.values[-1, 0, 1], 0.5 * np.exp(-1.4j * 3.0), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0.0}, "Argument `length` must be positive, got 0.0."),
        ({"gamma": np.nan}, "Argument `gamma` must be finite, got nan."),
        ({"field": "strong"}, "Argument `field`: 'strong' must be a number and a unit, such as '200 cm^-1'."),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(bk.InvalidInput) as refused:
        bk.models.hybrid_spins(**arguments)
    assert str(refused.value) == message
