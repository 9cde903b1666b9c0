"""What a gradient of the koopmons' energy costs, beside its parts and beside the ways not taken.

For each number N of koopmons on a Tully model, in microseconds per koopmon on one core, compile time aside:

- gradient: the correlation energy with all its derivatives, as a run takes it once a sweep;
- deposit, gather: the two compiled loops alone;
- XLA: the same energy and derivatives with deposit and gather written in JAX (scatter-adds);
- matrices: the energy alone with dense kernels on a window, by BLAS in NumPy, without any derivative;
- pairs: the double sum over pairs of koopmons as it is printed, the energy alone.

At the end whole runs with 500 koopmons. `python benchmarks/koopmons.py [largest N]`.
"""

import sys
import time

import _one_core  # noqa: F401
import jax
import jax.numpy as jnp
import numpy as np

import brackish as bk
from brackish.grids.deposit import Tiles, deposit, deposit_reference, gather, gather_reference
from brackish.theories.trajectories import koopmons
from brackish.theories.trajectories._ensembles import EnsembleState

WIDTH = 0.5


def cloud(count: int, seed: int = 0) -> EnsembleState:
    """A cloud half way through a run: as wide as Tully's packets are there, in random states."""
    rng = np.random.default_rng(seed)
    q, p = rng.normal(size=(count, 1)) * 1.5, 10 + rng.normal(size=(count, 1)) * 0.7
    psi = rng.normal(size=(count, 2, 1)) + 1j * rng.normal(size=(count, 2, 1))
    psi /= np.linalg.norm(psi, axis=1, keepdims=True)
    point = bk.PhasePoint(jnp.asarray(q), jnp.asarray(p))
    return EnsembleState(point, jnp.asarray(psi), jnp.full(count, 1.0 / count))


def per_koopmon(function, start, count: int) -> float:
    """Microseconds of processor time per koopmon, the best of three rounds of many calls inside one program."""
    calls = max(3, 200_000 // count)

    @jax.jit
    def many(x):
        # each call sees slightly other numbers, so that none is left out
        return jax.lax.fori_loop(0, calls, lambda _, x: x + 1e-12 * function(x), x)

    jax.block_until_ready(many(start))
    times = []
    for _ in range(3):
        begun = time.process_time()
        jax.block_until_ready(many(start))
        times.append(time.process_time() - begun)
    return 1e6 * min(times) / calls / count


def gradient(system, count: int, with_xla: bool = False) -> float:
    """The correlation energy with all its derivatives."""
    y = cloud(count)
    theory = bk.Koopmons(WIDTH, WIDTH, bk.LatticeQuadrature())
    kept = koopmons.deposit, koopmons.gather
    if with_xla:
        koopmons.deposit, koopmons.gather = deposit_reference, gather_reference

    def call(q):
        found = theory._correlation(
            system, EnsembleState(bk.PhasePoint(q, y.point.momentum), y.psi, y.weight)
        )
        return found.by_point.position + found.by_component[:, :1]

    try:
        return per_koopmon(call, y.point.position, count)
    finally:
        koopmons.deposit, koopmons.gather = kept


def loops(system, count: int) -> tuple[float, float]:
    """Deposit and gather alone."""
    y = cloud(count)
    lattice = bk.LatticeQuadrature().lattice(system, np.array([WIDTH, WIDTH]))
    places = jnp.concatenate([y.point.position, y.point.momentum], axis=1)
    values = jnp.asarray(np.random.default_rng(1).normal(size=(count, len(lattice.orders))))
    tiles = jax.jit(lambda z: deposit(lattice, z, values))(places)

    def put(z):
        return z + deposit(lattice, z, values).fields[0, 0, 0]

    def take(z):
        return gather(lattice, z, values, Tiles(tiles.fields, tiles.origin, tiles.count, tiles.slot))[0]

    return per_koopmon(put, places, count), per_koopmon(take, places, count)


def window(y, spacing: float):
    """Kernels of all koopmons along both axes of a window that holds them, (nodes, N) each, and the nodes."""
    kernels, nodes = [], []
    for x in (np.asarray(y.point.position)[:, 0], np.asarray(y.point.momentum)[:, 0]):
        node = np.arange(x.min() - 5.2 * WIDTH, x.max() + 5.2 * WIDTH, spacing)
        kernels.append(np.exp(-0.5 * ((node[:, None] - x) / WIDTH) ** 2))
        nodes.append(node)
    return kernels, nodes


def slope_of_coupling(system, q):
    """Components of v'(q), (nodes, 3)."""
    from brackish.quantum.components import components

    return (
        np.asarray(
            jax.vmap(lambda x: components(jax.jacfwd(system.potential)(x)[..., 0]))(jnp.asarray(q)[:, None])
        )
        / 2
    )


def by_matrices(system, count: int) -> float:
    """Dense kernels on a window, by matrix products: the energy alone."""
    y = cloud(count)
    bloch = np.asarray(koopmons._components(y.psi)) / count
    _, (q, _) = window(y, 0.8 * WIDTH)
    slope = slope_of_coupling(system, q)
    begun = time.process_time()
    (along_q, along_p), (q, p) = window(y, 0.8 * WIDTH)
    x = p[:, None] - np.asarray(y.point.momentum)[:, 0]
    density = along_q @ along_p.T / count
    fields = [(along_q * s) @ along_p.T for s in bloch.T]
    slopes = [(along_q * s) @ (-x / WIDTH**2 * along_p).T for s in bloch.T]
    rate = np.sum(np.cross(np.stack(fields, -1), np.stack(slopes, -1)) * slope[:, None], axis=-1)
    np.sum(rate / np.maximum(density, 1e-300))
    return 1e6 * (time.process_time() - begun) / count


def by_pairs(system, count: int) -> float:
    """The double sum over pairs: for each koopmon a, the overlaps I_ab with all b."""
    y = cloud(count)
    bloch = np.asarray(koopmons._components(y.psi)) / count
    (along_q, along_p), (q, p) = window(y, 0.8 * WIDTH)
    slope = slope_of_coupling(system, q)
    some = min(count, 20)
    begun = time.process_time()
    kernels = (along_q[:, None, :] * along_p[None, :, :]).reshape(-1, count)
    x = p[:, None] - np.asarray(y.point.momentum)[:, 0]
    slopes = (along_q[:, None, :] * (-x / WIDTH**2 * along_p)[None]).reshape(-1, count)
    density = kernels.sum(1) / count
    coupling = np.repeat(slope, len(p), axis=0) / np.maximum(density, 1e-300)[:, None]
    shared = time.process_time() - begun
    begun = time.process_time()
    for a in range(some):
        for b in range(count):
            overlap = coupling.T @ (kernels[:, a] * slopes[:, b])
            np.dot(np.cross(bloch[a], bloch[b]), overlap)
    return 1e6 * (shared + (time.process_time() - begun) * count / some) / count


def main() -> None:
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 16000
    system = bk.models.tully(1)
    print("microseconds per koopmon, Tully I")
    print(f"{'N':>6} {'gradient':>9} {'deposit':>8} {'gather':>7} {'XLA':>7} {'matrices':>9} {'pairs':>9}")
    count = 250
    while count <= largest:
        put, take = loops(system, count)
        xla = f"{gradient(system, count, with_xla=True):7.1f}" if count <= 2000 else "      -"
        pairs = f"{by_pairs(system, count):9.0f}" if count <= 1000 else "        -"
        whole, matrices = gradient(system, count), by_matrices(system, count)
        print(f"{count:6d} {whole:9.2f} {put:8.2f} {take:7.2f} {xla} {matrices:9.2f} {pairs}", flush=True)
        count *= 2
    for number in (2, 3):
        print(f"Tully {number}, N = 2000: {gradient(bk.models.tully(number), 2000):.2f}")
    print("whole runs with 500 koopmons, seconds (the second time, with compiled programs)")
    for number, momentum, start, stop in (
        (1, 10.0, -8.0, 4000.0),
        (2, 16.0, -8.0, 2400.0),
        (3, 10.0, -10.0, 4400.0),
    ):
        packet = bk.QuasiRandom(bk.GaussianPacket(start, momentum, 10 / momentum, 0))
        for _ in range(2):
            begun = time.perf_counter()
            data = bk.simulate(
                bk.models.tully(number),
                bk.Koopmons(),
                packet,
                bk.times(stop=stop, saves=100, step=4.0),
                trajectories=500,
                workers=1,
            )
            seconds = time.perf_counter() - begun
        drift = float(np.ptp(data.energy.values))
        print(
            f"Tully {number}, k = {momentum:g}: {seconds:.1f} s, {int(stop / 4)} steps, energy within {drift:.1e}"
        )


if __name__ == "__main__":
    main()
