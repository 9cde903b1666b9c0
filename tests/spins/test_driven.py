"""The step of a magnet in a field that changes: taken from the field over the whole run, against closed forms."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk

STOP, CENTRE, WIDTH, PEAK = 20.0, 14.0, 0.5, 60.0
RATE = 2 * bk.RealUnits.bohr_magneton / bk.RealUnits.planck
"""Radians a picosecond and tesla."""


def pulse(before):
    """A constant field along z, in tesla, and late in the run a pulse a thousand times as strong."""
    return lambda t: jnp.array([0.0, 0.0, 1.0]) * (before + PEAK * jnp.exp(-(((t - CENTRE) / WIDTH) ** 2)))


def angle(before):
    """By which the pulse and the field before it turn a spin in a run."""
    return RATE * (before * STOP + PEAK * WIDTH * math.sqrt(math.pi))


def turned(theory, before):
    magnet = bk.SpinSystem([0.5], field=pulse(before), units=bk.RealUnits())
    start = bk.Directions([[1.0, 0.0, 0.0]])
    run = bk.simulate(magnet, theory, start, bk.times(STOP, 4))
    return run.attrs["step"], run.spin_direction.values[-1, 0]


@pytest.mark.parametrize(
    ("theory", "before"),
    [(bk.LLG(0.0), 0.1), (bk.LLG(0.0), 0.0), (bk.QuantumLLG(0.0), 0.1), (bk.HybridMagnet((), 0.0), 0.1)],
)
def test_a_pulse_late_in_the_run_sets_the_step(theory, before):
    """At its height a radian is turned in a tenth of a picosecond; the field at 0 would do with a step of 5, and where
    that is zero with any.
    """
    step, direction = turned(theory, before)
    full = angle(before)
    assert step * RATE * (before + PEAK) < 2 * math.pi / 50
    # the error of a step of order 2 over the angle turned at the height of the pulse
    np.testing.assert_allclose(direction, [math.cos(full), -math.sin(full), 0.0], atol=full * 0.105**2 / 12)


def test_an_explicit_step_needs_no_suggestion():
    """No field at any time, no bonds: nothing suggests a step, and a step that is given is taken."""
    alone = bk.SpinSystem([0.5])
    start = bk.Directions([[1.0, 0.0, 0.0]])
    with pytest.raises(bk.InvalidInput, match="suggests no step: give one"):
        bk.simulate(alone, bk.LLG(0.0), start, bk.times(1.0, 2))
    run = bk.simulate(alone, bk.LLG(0.0), start, bk.times(1.0, 2, step=0.25))
    np.testing.assert_array_equal(run.spin_direction.values[-1, 0], [1.0, 0.0, 0.0])
    late = bk.SpinSystem([0.5], field=pulse(0.0), units=bk.RealUnits())
    assert bk.simulate(late, bk.LLG(0.0), start, bk.times(1.0, 2, step=0.25)).attrs["step"] == 0.25


def test_a_weak_drive_that_changes_quickly_sets_the_step():
    """Off resonance, a field of 0.1 T that turns 20 times a picosecond: its own period is resolved, not that of the
    precession in it, which is a thousand times as long.
    """
    frequency = 2 * math.pi * 20
    drive = bk.SpinSystem(
        [0.5], field=lambda t: jnp.array([0.0, 0.0, 0.1 * jnp.cos(frequency * t)]), units=bk.RealUnits()
    )
    run = bk.simulate(drive, bk.LLG(0.0), bk.Directions([[1.0, 0.0, 0.0]]), bk.times(1.0, 7))
    assert run.attrs["step"] < 0.05 / 20
    angles = 0.1 * RATE * np.sin(frequency * run.time.values) / frequency
    np.testing.assert_allclose(run.spin_direction.values[:, 0, 1], -np.sin(angles), atol=1e-6)


def test_what_is_looked_at_of_a_field():
    """Each spin has the largest field that it meets; a switch sets no pace, for no step resolves one; a short pulse
    between two of the instants is not seen, which the page says.
    """
    bonds = bk.Bonds([0], [1], 1e-6)

    def field(t):
        first = jnp.where((t > 3.0) & (t < 4.0), 2.0, 0.0)
        second = 5.0 * jnp.exp(-(((t - 8.0) / 0.1) ** 2))
        return jnp.array([[first, 0.0, 0.0], [0.0, second, 0.0]])

    magnet = bk.SpinSystem([0.5, 0.5], bonds, field)
    met = magnet.fastest_until(10.0)
    np.testing.assert_allclose(met.field_at(0.0), [[2.0, 0.0, 0.0], [0.0, 5.0, 0.0]], rtol=1e-4)
    # the range of a Gaussian over its largest slope
    assert met.suggest_dt() == pytest.approx(math.pi / 60 * 0.1 * math.sqrt(math.e / 2), rel=1e-3)
    hidden = magnet.with_field(lambda t: jnp.where(jnp.abs(t - 5.00003) < 1e-6, 9.0, 0.0) * jnp.ones(3))
    with pytest.raises(bk.InvalidInput, match="suggests no step"):
        bk.SpinSystem([0.5], field=hidden.field).fastest_until(10.0).suggest_dt()
    still = bk.SpinSystem([0.5], field=[0.0, 0.0, 1.0])
    assert still.fastest_until(10.0) is still
