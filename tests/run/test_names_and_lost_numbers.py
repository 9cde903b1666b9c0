"""What a user adds to a dataset: names of its own, and numbers, or a word on why there are none."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk

PACKET = bk.GaussianPacket(position=-1.0, momentum=20.0, width=0.5)
TAKEN = ("energy", "purity", "position_spread", "position_variance", "weight", "status", "time", "level")
TAKEN += ("trajectory_position", "population_standard_error", "diabatic_energy")


def speed(theory, hamiltonian, y):
    return y.point.momentum[0] / 2000.0


def root(theory, hamiltonian, y):
    """Of the position: not a number on the left."""
    return jnp.sqrt(y.point.position[0] + 0.5)


def run(*observables, **options):
    return bk.simulate(
        bk.models.tully(1),
        bk.Ehrenfest(),
        PACKET,
        bk.times(100.0, 2, step=5.0),
        observables=observables,
        **options,
    )


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_is_taken_is_refused(name):
    with pytest.raises(bk.InvalidInput, match=f"one called '{name}', but this name is taken"):
        run(bk.Observable(name, speed))


def test_a_name_is_given_once():
    with pytest.raises(bk.InvalidInput, match="two called 'speed'"):
        run(bk.Observable("speed", speed), bk.Observable("speed", root))


def test_what_is_no_number_says_why():
    dataset = run(bk.Observable("root", root), bk.Observable("speed", speed), trajectories=32)
    assert np.isnan(dataset.root.values[0])
    assert dataset.root.attrs["not_a_number"].startswith("at ")
    assert "not_a_number" not in dataset.speed.attrs
    for name, variable in dataset.data_vars.items():
        assert np.isnan(variable.values).any() == ("not_a_number" in variable.attrs), name


def test_errors_that_nobody_knows_say_why():
    dataset = run(trajectories=1)
    assert np.isnan(dataset.energy_standard_error.values).all()
    assert "single" in dataset.energy_standard_error.attrs["not_a_number"]
    assert "not_a_number" not in dataset.energy.attrs
