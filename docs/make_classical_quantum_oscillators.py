"""The pictures and numbers of the page on classical-quantum oscillators, from closed forms alone:
`python docs/make_classical_quantum_oscillators.py [poles correlations occupation trajectory]`.
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.analysis.oscillators import (
    ClassicalOscillator,
    OscillatorPair,
    Spring,
    classical_quantum_information,
    sample_paths,
    two_time_information,
)

MASSES, STIFFNESS, FRICTION = (1.0, 1.0), (1.0, 1.0), 0.3


def pair(strength=0.2, diffusion=0.4, **others) -> OscillatorPair:
    """Identical oscillators on a spring."""
    return OscillatorPair(MASSES, STIFFNESS, Spring(strength), FRICTION, diffusion, **others)


def poles() -> None:
    """Poles of the response as the spring stiffens, with detuned oscillators so that both pairs are seen."""
    strengths = np.linspace(0.0, 1.0, 81)

    @jax.vmap
    def found(strength):
        return OscillatorPair((1.0, 1.0), (1.0, 2.0), Spring(strength), 0.5, 0.4).linear().poles()

    figure = bk.plot.pole_map(
        strengths,
        found(jnp.asarray(strengths)),
        label="stiffness of the spring (hartree/bohr²)",
        title="Poles of two coupled oscillators",
        subtitle="m = 1 and 1, k = 1 and 2, friction 0.5 on the first; circles: uncoupled",
    )
    keep(figure, "oscillator_poles")


def correlations() -> None:
    """Correlation functions and mutual information of the steady state."""
    times = np.linspace(0.0, 40.0, 401)
    systems = {
        "quantum": pair().linear(),
        "classical": pair(second=ClassicalOscillator(0.1)).linear(),
    }

    @eqx.filter_jit
    def curves(system):
        steady = system.steady_covariance()
        spread = jnp.sqrt(jnp.diag(steady))
        normalised = jax.vmap(system.two_time)(times) / jnp.outer(spread, spread)[None]
        return normalised, jax.vmap(lambda t: two_time_information(system, t))(times)

    found = {name: curves(system) for name, system in systems.items()}
    panels: dict = {}
    for first, second in ((1, 1), (1, 2), (2, 2)):
        words = f"$q_{first}(t)$ with $q_{second}(0)$"
        entry = (2 * first - 2, 2 * second - 2)
        panels[words] = {f"{name} $q_2$": np.asarray(c)[:, *entry] for name, (c, _) in found.items()}
    panels["information (nats)"] = {
        f"{name} $q_2$": np.asarray(information)[:, 0, 2] for name, (_, information) in found.items()
    }
    figure = bk.plot.curves(
        times,
        panels,
        label="time (atomic units)",
        title="Correlations and information in the steady state",
        subtitle="m = k = 1, spring 0.2, friction 0.3, diffusion 0.4; information: of $q_1(t)$ on $q_2(0)$",
    )
    keep(figure, "oscillator_correlations")


def occupation() -> None:
    """Quanta in the quantum oscillator, and what the classical one knows of it, against temperature."""
    temperatures = np.geomspace(0.03, 3.0, 121)

    @eqx.filter_jit
    def found(strength):
        def at(temperature):
            here = pair(strength, 2 * FRICTION * temperature)
            system = here.linear()
            information = classical_quantum_information(system, system.steady_covariance())
            return here.occupation(), here.weak_occupation(), information

        return jax.vmap(at)(jnp.asarray(temperatures))

    panels: dict = {"quanta": {}, "information (nats)": {}}
    for strength in (0.5, 0.1):
        quanta, weak, information = found(jnp.asarray(strength))
        panels["quanta"][f"spring {strength}"] = np.log10(quanta)
        panels["information (nats)"][f"spring {strength}"] = information
        here = pair(strength)
        print(
            f"spring {strength}: lowest occupation {float(here.lowest_occupation()):.5f} at temperature "
            f"{float(here.coldest_temperature()):.5f}; weak: {float(here.weak_lowest_occupation()):.5f} at "
            f"{float(here.weak_coldest_temperature()):.5f}"
        )
    panels["quanta"]["vanishing spring"] = np.log10(np.maximum(weak, 1e-4))
    figure = bk.plot.curves(
        temperatures,
        {
            "quanta, $\\log_{10}\\langle n\\rangle$": panels["quanta"],
            "information (nats)": panels["information (nats)"],
        },
        label="temperature of the classical oscillator (hartree)",
        title="A quantum oscillator is never empty",
        subtitle="m = k = 1, friction 0.3, ħ = 1; the diffusion rises with the temperature, the decoherence falls",
        logarithmic=True,
    )
    keep(figure, "oscillator_occupation")


def trajectory() -> None:
    """One trajectory from rest, with the standard deviations of the steady state."""
    system = pair(0.2, 0.4, second=ClassicalOscillator(0.1)).linear()
    start = np.zeros((1, 4))
    path = np.concatenate([start, sample_paths(system, start, 0.1, 2000, seed=3)[0]])
    spread = np.sqrt(np.diag(np.asarray(system.steady_covariance())))
    labels = {"$q_1$ (bohr)": 0, "$q_2$ (bohr)": 2}
    figure = bk.plot.curves(
        0.1 * np.arange(2001),
        {words: {words.split()[0]: path[:, entry]} for words, entry in labels.items()},
        label="time (atomic units)",
        title="A trajectory of two classical oscillators",
        subtitle="m = k = 1, spring 0.2, friction 0.3, diffusion 0.4 and 0.1; bands: one standard deviation, exact",
        bands={words: spread[entry] for words, entry in labels.items()},
    )
    keep(figure, "oscillator_trajectory")
    print("standard deviations:", spread[[0, 2]].round(4))


SCENES = {"poles": poles, "correlations": correlations, "occupation": occupation, "trajectory": trajectory}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
