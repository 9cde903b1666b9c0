"""The size of an exact run: what it holds, what it says before it starts, and programs that serve near boxes."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish import memory
from brackish.randomness import StepDraws


def bowl(q):
    return 0.05 * jnp.sum(q**2) * jnp.eye(2) + 0.02 * jnp.array([[q[0], 0.5], [0.5, -q[0]]])


SYSTEM = bk.hamiltonian(bowl, [1.0, 1.0, 1.0], step=0.05)
PACKET = bk.GaussianPacket([0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0])


def test_a_compiled_program_holds_nothing_of_the_size_of_the_grid():
    theory = bk.Exact(bk.Grid([-6.0] * 3, [6.0] * 3, [16] * 3), bk.Absorber(2.0, 0.1))
    key, lane = jnp.zeros(2, jnp.uint32), jnp.zeros(1, int)

    def whole(hamiltonian, packet, dt):
        y, _ = theory.prepare(hamiltonian, packet, lane, None)
        relay = theory.default_integrator(hamiltonian).relay(theory, hamiltonian, dt)
        y, _ = relay.step(0.0, relay.begin(y), StepDraws(key, jnp.asarray(0)))
        y = relay.finish(y)
        seen = theory.classical_points(hamiltonian, y), theory.moments(hamiltonian, y)
        return y, theory.energy(hamiltonian, y), theory.check(hamiltonian, y), seen

    program, _, _ = eqx.filter_make_jaxpr(whole)(SYSTEM, PACKET, jnp.asarray(0.1))
    assert max((np.size(constant) for constant in program.consts), default=0) < 16**2


def test_a_grid_too_large_for_the_memory_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
    theory = bk.Exact(bk.Grid([-8.0] * 3, [8.0] * 3, [128] * 3))
    with pytest.raises(bk.InvalidInput) as caught:
        bk.simulate(SYSTEM, theory, PACKET, bk.times(1.0, 10))
    message = str(caught.value)
    for part in ("2097152 points (128x128x128)", "10 steps", "GB of memory", "of one core"):
        assert part in message


def test_a_long_run_says_what_to_expect():
    theory = bk.Exact(bk.Grid([-8.0] * 3, [8.0] * 3, [64] * 3))
    with pytest.warns(UserWarning, match=r"262144 points \(64x64x64\), 10000 steps and about 42 minutes"):
        theory.resolve(SYSTEM, PACKET, bk.times(2000.0, 10))


def test_near_momenta_share_a_grid_and_so_a_program():
    """Every grid that differs is another program."""
    grids = set()
    for momentum in np.linspace(10.0, 14.0, 17):
        packet = bk.GaussianPacket(-8.0, momentum, 1.0)
        theory = bk.Exact().resolve(bk.models.tully(1), packet, bk.times(3000.0, 2))
        grids.add((theory.box.lower, theory.box.upper, theory.box.points))
    assert len(grids) <= 4
