"""The pictures of the page on quantum hydrodynamics: `python docs/make_quantum_hydrodynamics.py [tully2 ...]`."""

import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk


def tully2() -> None:
    """A packet at Tully's second model: both levels, and what their interference does to trajectories."""
    packet = bk.QuasiRandom(bk.GaussianPacket(-8.0, 16.0, 0.625, bk.Adiabatic(0)))
    theory = bk.QuantumTrajectories(bk.Grid(-24.0, 24.0, 1024))
    result = bk.simulate(
        bk.models.tully(2), theory, packet, bk.times(2400.0, 150), trajectories=21, follow=21
    )
    keep(bk.plot.quantum_trajectories(result, positions=(-10.0, 14.0)), "quantum_trajectories_tully2")


def two_packets_meet(q):
    """No potential at all."""
    return jnp.zeros((1, 1))


def fringes() -> None:
    """Two packets that meet, as behind two slits."""
    pair = bk.Superposition([bk.GaussianPacket(-5.0, 2.0, 0.8), bk.GaussianPacket(5.0, -2.0, 0.8)])
    theory = bk.QuantumTrajectories(bk.Grid(-30.0, 30.0, 1024))
    times = bk.times(6.0, 200, step=0.01)
    result = bk.simulate(
        bk.hamiltonian(two_packets_meet, masses=[1.0]), theory, pair, times, trajectories=50, follow=50
    )
    keep(
        bk.plot.quantum_trajectories(result, positions=(-9.5, 9.5), paths=50), "quantum_trajectories_fringes"
    )


FIELD = 1.0


def charge_in_a_magnetic_field(z):
    """A charge in a uniform magnetic field."""
    x, y = z.position
    potential = 0.5 * FIELD * jnp.stack([-y, x])
    return (0.5 * jnp.sum((z.momentum - potential) ** 2)).reshape(1, 1)


def field() -> None:
    """A packet on its cyclotron orbit, with a loop of fluid elements."""
    angle = 2 * np.pi * np.arange(96) / 96
    ring = 1.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    loop = bk.Observable(
        "loop",
        lambda theory, hamiltonian, y: theory.elements(hamiltonian, y, ring).position,
        ("element", "coordinate"),
        "bohr",
        "a loop of fluid elements, one and a half standard deviations from the centre",
    )
    packet = bk.QuasiRandom(bk.GaussianPacket([0.0, 0.0], [2.5, 4.0], [0.6, 1.1]))
    result = bk.simulate(
        bk.hamiltonian(charge_in_a_magnetic_field, manifold=bk.Canonical([1.0, 1.0])),
        bk.QuantumHydrodynamics(4),
        packet,
        bk.times(5.0, 100, step=0.01),
        trajectories=30,
        follow=30,
        observables=(loop,),
    )
    keep(bk.plot.plane(result, loop="loop"), "quantum_hydrodynamics_field")


SCENES = {"tully2": tully2, "fringes": fringes, "field": field}

if __name__ == "__main__":
    import sys

    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
