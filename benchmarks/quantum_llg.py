"""How fast quantum magnets with damping are, on one core.

`python benchmarks/quantum_llg.py` prints three ratios: a generic mixed state of five spins until t = 10 to 1e-8, beside
QuTiP's solver with feedback of the state (`pip install qutip`; left out if it is not there); the curves of a dimer with
all that its spins share; a pure state of sixteen spins, beside the applications of the Hamiltonian that it is made of.
"""

import _one_core  # noqa: F401
import equinox as eqx
import jax.numpy as jnp
import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio
from jax import lax

import brackish as bk
from brackish.quantum import gilbert_kernel, triplets
from brackish.quantum.chebyshev import series
from brackish.spins import spin_space

ROUNDS = 3
DAMPING = 0.5
STEP = 10 / 110
"""For five mixed spins: the errors of both sides are then alike, some 1e-9."""


def chain(count: int, dzyaloshinskii_moriya: float = 0.3) -> bk.SpinSystem:
    """An antiferromagnetic chain of spins 1/2 in a tilted field."""
    sites = np.arange(count - 1)
    bonds = bk.Bonds(sites, sites + 1, -1.0, (0.0, 0.0, dzyaloshinskii_moriya))
    return bk.SpinSystem(np.full(count, 0.5), bonds, (0.3, 0.0, 0.2))


def mixed_state(count: int) -> np.ndarray:
    """A generic density operator of full rank."""
    rng = np.random.default_rng(1)
    size = 2**count
    vectors = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]
    weights = np.sort(rng.dirichlet(np.full(size, 0.3)))
    return (vectors * weights) @ vectors.conj().T


def against_qutip() -> None:
    """Five spins, mixed, to t = 10; the error of each is its largest entry beside a run of half the step."""
    magnet, density = chain(5), mixed_state(5)
    start = bk.SpinState(density)
    every = bk.Observable("state", lambda theory, magnet, y: y.spectral.density(), ("row", "column"))

    def ours(**options):
        return bk.simulate(
            magnet,
            bk.QuantumLLG(DAMPING),
            start,
            bk.times(10.0, 1, **options),
            observables=(every,),
            workers=1,
        )

    exact = ours(step=STEP / 6).state.values[-1]
    error = np.abs(ours(step=STEP).state.values[-1] - exact).max()
    print(f"five mixed spins: step {STEP:.3g}, error {error:.1e}")
    try:
        import qutip
    except ImportError:
        print(
            f"  {cpu_seconds(lambda: ours(step=STEP)):.3g} CPU s; QuTiP is not installed, so nothing stands beside it"
        )
        return
    matrix = magnet.matrix()

    def generator(t, state):
        weights, vectors = np.linalg.eigh(state.full())
        inside = vectors.conj().T @ matrix @ vectors
        inside = inside / (1 - 1j * DAMPING * (weights[:, None] - weights[None]))
        return qutip.Qobj(vectors @ inside @ vectors.conj().T)

    def theirs():
        operator = qutip.QobjEvo(
            generator, args={"state": qutip.MESolver.StateFeedback(default=qutip.Qobj(density))}
        )
        options = {"atol": 1e-10, "rtol": 1e-8, "nsteps": 100_000, "method": "dop853", "progress_bar": ""}
        return qutip.mesolve(operator, qutip.Qobj(density), [0.0, 10.0], options=options).states[-1].full()

    print(f"  QuTiP's error {np.abs(theirs() - exact).max():.1e}")
    mine, other = alternate(ROUNDS, lambda: cpu_seconds(lambda: ours(step=STEP)), lambda: cpu_seconds(theirs))
    print(f"  brackish {median(mine)} CPU s, QuTiP {median(other)} CPU s: {ratio(other, mine)} (wanted: 50x)")


def curves() -> None:
    """The dimer from a Bell state, until t = 8, with everything that two spins share."""
    magnet = bk.SpinSystem([0.5, 0.5], bk.Bonds([0], [1], -4.0, (0.0, 0.0, 1.6)), (1.0, 0.0, 0.0))
    room = bk.observables
    shared = (
        *(room.correlation_matrix(), room.bell_nonlocality(), room.concurrence(), room.negativity()),
        *(room.entanglement_entropy(), room.singlet_fidelity(), room.triplet_fidelities()),
    )

    def run():
        start = bk.SpinState(triplets[1])
        bk.simulate(magnet, bk.QuantumLLG(DAMPING), start, bk.times(8.0, 400), observables=shared, workers=1)

    run()
    times = alternate(ROUNDS, lambda: cpu_seconds(run))[0]
    print(
        f"a dimer's curves, 401 times and all observables: {median(times)} CPU s after compilation (wanted: 0.1)"
    )


def sixteen() -> None:
    """A pure state of sixteen spins 1/2: the whole run, and as many applications of H alone."""
    magnet = chain(16)
    rng = np.random.default_rng(2)
    psi = rng.normal(size=2**16) + 1j * rng.normal(size=2**16)
    start = bk.SpinState(psi / np.linalg.norm(psi))
    stop = 10.0

    def run():
        bk.simulate(magnet, bk.QuantumLLG(DAMPING), start, bk.times(stop, 1), workers=1)

    operator = spin_space(magnet).operator(magnet, magnet.field_at(0.0))
    lowest, highest = operator.bounds()
    parts, _, terms = series(
        -1j * stop * gilbert_kernel(DAMPING)(jnp.asarray(-1.0)) * 0.5 * (highest - lowest)
    )
    applications = int(parts * (terms - 1))

    @eqx.filter_jit
    def alone(operator, planes):
        return lax.fori_loop(0, applications, lambda _, y: 0.1 * operator.apply_planes(y), planes)

    planes = jnp.stack([jnp.asarray(psi.real), jnp.asarray(psi.imag)])[:, :, None]
    hamiltonian_alone = lambda: alone(operator, planes).block_until_ready()  # noqa: E731
    run()
    hamiltonian_alone()
    whole, bare = alternate(ROUNDS, lambda: cpu_seconds(run), lambda: cpu_seconds(hamiltonian_alone))
    each = 1e3 * float(median(bare)) / applications
    print(
        f"sixteen spins until t = {stop:g}: {median(whole)} CPU s, of which {applications} applications of H take "
        f"{median(bare)} ({each:.2g} ms each): {ratio(whole, bare)} (wanted: below 2x)"
    )


if __name__ == "__main__":
    curves()
    sixteen()
    against_qutip()
