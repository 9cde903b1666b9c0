"""The pictures and numbers of the page on mixed states: `python docs/make_mixed_states.py [well purity]`."""

import sys

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk

POSITION, SPREADS, PACKET = 0.6, (0.8, 0.9), 0.7
"""A thermal cloud: its centre, its spreads of position and momentum, and the width of the packets that make it up."""


def well() -> None:
    """A thermal packet in an anharmonic well: the Gaussian closure beside the exact mixture of 81 packets."""
    system = bk.hamiltonian(
        lambda q: (0.5 * q[0] ** 2 + 0.02 * q[0] ** 4).reshape(1, 1), masses=[1.0], step=0.005
    )
    times = bk.times(3.0, 4, step=0.0025)
    cloud = bk.GaussianCloud(POSITION, 0.0, *SPREADS)
    box = bk.Grid(-9.0, 9.0, 192)
    wide = np.sqrt(np.array(SPREADS) ** 2 - [PACKET**2, 0.25 / PACKET**2])
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    weights = weights / weights.sum()
    exact = 0.0
    for a, share in zip(nodes, weights, strict=True):
        for b, other in zip(nodes, weights, strict=True):
            packet = bk.GaussianPacket(POSITION + wide[0] * a, wide[1] * b, PACKET)
            run = bk.simulate(
                system, bk.Exact(box), packet, times, observables=(bk.observables.wavefunction(),)
            )
            exact = exact + share * other * np.abs(run.wavefunction.values[:, 0]) ** 2
    inside = bk.Grid(-4.6875, 4.6875, 100)  # the same nodes, as far as there is density
    theory = bk.MomentHierarchy(inside)
    fluid = bk.simulate(system, theory, cloud, times, observables=(density_of_fluid(),))
    x, nearest = inside.positions()[0], slice(46, 146)
    curves = {"Exact": exact[:, nearest], "Gaussian": fluid.density.values}
    for index, time in enumerate(fluid.time.values):
        error = np.abs(curves["Exact"][index] - curves["Gaussian"][index]).max() / exact[index].max()
        print(f"  t = {time:g}: largest error of the density {error:.1e} of its maximum")
    print(f"  energy {float(fluid.energy[-1] - fluid.energy[0]):.1e}, norm {float(fluid.norm[-1] - 1):.1e}")
    keep(
        bk.plot.profiles(
            x,
            fluid.time.values[1:],
            {name: values[1:] for name, values in curves.items()},
            label="density (1/bohr)",
            title="A thermal packet in an anharmonic well",
            subtitle="MomentHierarchy with the Gaussian closure, and the exact mixture of 81 wavefunctions; "
            "V = x²/2 + x⁴/50",
        ),
        "mixed_states_well",
    )


def density_of_fluid() -> bk.Observable:
    """The density of a MomentHierarchy at its nodes."""
    return bk.Observable(
        "density", lambda theory, hamiltonian, y: jnp.exp(y.log_density), ("node",), "1/bohr", "density"
    )


def purity() -> None:
    """Two packets on one surface of Tully's second model: the electrons do not stay pure at each place."""
    system, box = bk.models.tully(2), bk.Grid(-20.0, 30.0, 1024)
    times = bk.times(1800.0, 6, step=2.0)

    def run(position, momentum):
        packet = bk.GaussianPacket(position, momentum, 0.625, bk.Adiabatic(0))
        keeps = (bk.observables.wavefunction(),)
        return bk.simulate(system, bk.Exact(box), packet, times, observables=keeps).wavefunction.values

    members = np.stack([run(-8.0, 16.0), run(-7.2, 15.0)], axis=1)
    measured = []
    for index, time in enumerate(times.grid()):
        mix = bk.analysis.mixture(system, box, members[index], np.array([0.5, 0.5]), floor=1e-4)
        found = ask(mix)
        measured.append(found)
        print(f"  t = {time:4.0f}:", "  ".join(f"{name} {float(found[name]):.2g}" for name in NUMBERS))
    x, chosen = box.positions()[0], [3, 4, 5, 6]
    near = (x > -6) & (x < 12)
    density = np.array([measured[index]["density"] for index in chosen])[:, near]
    values = np.array([np.where(measured[i]["resolved"], measured[i]["purity"], np.nan) for i in chosen])
    keep(
        bk.plot.profiles(
            x[near],
            times.grid()[chosen],
            {"conditional purity": values[:, near]},
            label="purity Tr ρ(x)²",
            title="Two packets of a type-n mixture",
            subtitle="Tully II, k = 16 and 15, 0.8 bohr apart: electrons that were pure at each place do not stay pure",
            density=density,
        ),
        "mixed_states_purity",
    )


NUMBERS = ("mean_purity", "type_n", "ehrenfest", "pure_first", "equation_85", "equation_78", "equation_88")


@eqx.filter_jit
def ask(mix):
    """Purity, errors of closures (root mean squares over the density) and residuals (largest, relative)."""
    moments, exact = mix.moments, mix.material_rates
    density = jnp.where(mix.resolved, moments.density, 0.0)

    def mean_error(found, right):
        axes = tuple(range(right.ndim - 1))
        squares = [jnp.sum(density * jnp.sum(jnp.abs(v) ** 2, axis=axes)) for v in (found - right, right)]
        return jnp.sqrt(squares[0] / squares[1])

    def residual(found, right):
        return jnp.max(jnp.abs(found - right)) / jnp.max(jnp.abs(right))

    def turned(hamiltonian):
        acted = jnp.einsum("ab...,bc...->ac...", hamiltonian, moments.zeroth)
        return -1j * (acted - jnp.conj(jnp.swapaxes(acted, 0, 1)))

    potential = mix.setting.potential
    return {
        "density": moments.density,
        "resolved": mix.resolved,
        "purity": mix.purity,
        "mean_purity": jnp.sum(density * mix.purity) / jnp.sum(density),
        "type_n": mean_error(turned(potential + mix.coupling), exact.zeroth),
        "ehrenfest": mean_error(turned(potential), exact.zeroth),
        "pure_first": mean_error(bk.analysis.pure_first_moment(moments), moments.first),
        "equation_85": residual(mix.zeroth_rate, exact.zeroth),
        "equation_78": residual(mix.momentum_rate, exact.momentum),
        "equation_88": residual(mix.first_rate, exact.first),
    }


SCENES = {"well": well, "purity": purity}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
