"""What a gradient of the energy of spin koopmons costs: microseconds of one core for each koopmon.

`SpinKoopmons` on one sphere, by fixed nodes and by koopmons as nodes. The rival is the kernel matrix alone, written
in NumPy: one matrix product and one exponential for every pair of a node and a koopmon, without any field, energy or
derivative. Nanoseconds a pair are printed for both; their ratio is what everything else costs.
"""

import jax
import jax.numpy as jnp
import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio

import brackish as bk

ROUNDS = 7
CONCENTRATION = 10.0


def cases():
    """Name, theory, state and number of nodes of what is measured."""
    system = bk.models.hybrid_spins()
    start = bk.VonMisesFisher([0.6, 0.0, 0.8], CONCENTRATION)
    for count in (500, 2000):
        for quadrature in (bk.SphereQuadrature(), bk.KoopmonNodes()):
            theory = bk.SpinKoopmons(CONCENTRATION, quadrature=quadrature).resolve(system, start, None)
            keys = jax.random.split(jax.random.key(0), count)
            state, _ = theory.prepare(system, start, jnp.arange(count), keys)
            nodes = count if isinstance(quadrature, bk.KoopmonNodes) else 2 * theory.quadrature.polar**2
            yield (
                f"{type(quadrature).__name__}, {count} koopmons, {nodes} nodes",
                system,
                theory,
                state,
                nodes,
            )


def kernels_alone(nodes: np.ndarray, places: np.ndarray) -> None:
    """exp(kappa (n.n_b - 1)) for all pairs, in blocks that stay in cache."""
    for block in np.array_split(nodes, max(1, nodes.shape[0] * places.shape[0] // 2**15)):
        np.exp(CONCENTRATION * (block @ places.T - 1))


def main() -> None:
    """Measure and print."""
    for name, system, theory, state, nodes in cases():
        flow = jax.jit(lambda y, system=system, theory=theory: theory.flow(system, 0.0, y))
        jax.block_until_ready(flow(state))
        places = np.asarray(state.point[:, 0])
        directions = np.resize(places, (nodes, 3))
        pairs = nodes * places.shape[0]

        def ours(flow=flow, state=state, pairs=pairs):
            return 1e9 * cpu_seconds(lambda: jax.block_until_ready(flow(state))) / pairs

        def theirs(directions=directions, places=places, pairs=pairs):
            return 1e9 * cpu_seconds(lambda: kernels_alone(directions, places)) / pairs

        gradient, kernels = alternate(ROUNDS, ours, theirs)
        each = [nanoseconds * nodes / 1e3 for nanoseconds in gradient]
        print(f"{name}: {median(each)} us a koopmon and gradient, {median(gradient)} ns a pair")
        print(f"  against its kernels alone: {ratio(gradient, kernels)}", flush=True)


if __name__ == "__main__":
    main()
