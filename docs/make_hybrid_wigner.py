"""Makes the picture of the page on the hybrid Wigner equation, and prints the numbers that the page quotes.

python docs/make_hybrid_wigner.py      some minutes on two cores
"""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.observables import Observable

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
CLASSICAL = bk.PhaseSpace(lower=(-5.0, -5.0), upper=(5.0, 5.0), points=28)
QUANTUM = bk.PhaseSpace(lower=(-4.2, -8.0), upper=(4.2, 8.0), points=(42, 60))
DIFFUSION, FRICTION, COUPLING = 0.5, 0.4, 0.3
SHOWN = 2.0


def quartic(z: Any) -> Any:
    """A harmonic classical particle, bound to a quantum one in a quartic well."""
    q, x = z
    return jnp.reshape(0.5 * q**2 + 0.25 * x**4 + COUPLING * q * x, (1, 1))


PAIR = bk.hamiltonian(quartic, masses=[1.0, 1.0], step=0.05)
START = bk.GaussianCloud(
    position=[0.0, 1.2], momentum=[0.0, 0.0], width=[0.6, 0.5], momentum_width=[0.6, 1.0]
)


def own_wigner(theory: Any, hamiltonian: Any, y: Any) -> Any:
    """The Wigner function of the quantum particle."""
    return jnp.sum(y.wigner, axis=(0, 1)) * theory.classical.plane.cell


OWN = Observable(
    "own_wigner", own_wigner, ("x", "momentum_of_x"), "1/hbar", "Wigner function of the quantum particle"
)


def run(coupling: Any, diffusion: float = DIFFUSION) -> Any:
    """The pair, with what is kept of it."""
    theory = bk.HybridWigner(diffusion, CLASSICAL, QUANTUM, FRICTION, coupling=coupling, tolerance=1e-2)
    data = bk.simulate(PAIR, theory, START, bk.times(2.4, 24, step=0.05), observables=(OWN,))
    work = np.trapezoid(data.energy_rate, data.time)
    now = data.sel(time=SHOWN, method="nearest")
    print(
        f"  {coupling}, D = {diffusion}: norm off by {float(abs(data.norm - 1).max()):.1e}, energy gained"
        f" {float(data.energy[-1] - data.energy[0]):.4f}, by its rate {float(work):.4f}; at t = {SHOWN}: purity"
        f" {float(now.quantum_purity):.4f}, x {float(now.position[1]):.4f}, least W {float(now.own_wigner.min()):.4f};"
        f" at most {float(data.edge_population.max()):.1e} at the rim"
    )
    return data


def speed() -> None:
    """A step beside the transforms in it."""
    theory = bk.HybridWigner(DIFFUSION, CLASSICAL, QUANTUM, FRICTION)
    y, _ = theory.prepare(PAIR, START, None, None)

    @eqx.filter_jit
    def steps(y: Any, count: int) -> Any:
        relay = theory.default_integrator(PAIR).relay(theory, PAIR, 0.05)
        return relay.finish(
            jax.lax.fori_loop(0, count, lambda _, y: relay.step(0.0, y, None)[0], relay.begin(y))
        )

    @eqx.filter_jit
    def transforms(values: Any, count: int) -> Any:
        def both(_: Any, values: Any) -> Any:
            for axes in ((0, 2), (1, 3)):
                sizes = tuple(values.shape[axis] for axis in axes)
                values = jnp.fft.irfftn(jnp.fft.rfftn(values, axes=axes), sizes, axes=axes)
            return values

        return jax.lax.fori_loop(0, count, both, values)

    took = []
    for function, start in ((steps, y), (transforms, y.wigner)):
        few, many = np.asarray(1), np.asarray(21)
        jax.block_until_ready(function(start, few))
        begun = time.perf_counter()
        jax.block_until_ready(function(start, few))
        between = time.perf_counter()
        jax.block_until_ready(function(start, many))
        took.append((time.perf_counter() - between - (between - begun)) / 20)
    print(
        f"  a step takes {1e3 * took[0]:.0f} ms, its transforms {1e3 * took[1]:.0f} ms: {took[0] / took[1]:.2f} times"
    )


def main() -> None:
    import matplotlib.pyplot as plt

    speed()
    whole, cut = run(bk.EveryOrder()), run(bk.MoyalTower(1))
    run(bk.MoyalTower(2))
    noisy = run(bk.EveryOrder(), 0.1)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    x, momentum = QUANTUM.plane.positions()
    for axes, data, name in ((left, whole, "every order"), (middle, cut, "one term of the tower")):
        values = data.own_wigner.sel(time=SHOWN, method="nearest").values.T
        mesh = axes.contourf(x, momentum, values, levels=np.linspace(-0.3125, 0.3125, 26), cmap="RdBu_r")
        axes.set(xlabel="x (bohr)", ylabel="π (ħ/bohr)", xlim=(-2.8, 2.8), ylim=(-4, 4))
        axes.set_title(f"W at t = 2: {name}", fontsize=8.5, loc="left")
    figure.colorbar(mesh, ax=middle, label="W (1/ħ)", ticks=np.linspace(-0.3, 0.3, 7))
    curves = (
        (whole, "D = 0.5, every order", BLUE, "-"),
        (cut, "D = 0.5, one term", ORANGE, "--"),
        (noisy, "D = 0.1, every order", GREEN, "-"),
    )
    for data, name, colour, line in curves:
        right.plot(data.time, data.quantum_purity, line, color=colour, label=name)
    right.set(
        xlabel="time (atomic units)", ylabel="purity of the quantum particle", xlim=(0, 2.4), ylim=(0.6, 1.01)
    )
    right.set_title("purity", fontsize=8.5, loc="left")
    right.legend(fontsize=8, loc="lower left")
    keep(figure, "hybrid_wigner")


if __name__ == "__main__":
    main()
