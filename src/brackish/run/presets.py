"""Ready-made comparisons: a model, a start and times that show what the theories make of it.

Each is a document as a TOML file would hold it, less the theories: those are all that fit. A preset with a
`momentum` is a function of it.
"""

import inspect
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]

TULLY_MASS = 2000.0


def _scattering(name: str, momentum: float, distance: float, start: float, **model: Any) -> Document:
    """A packet on the lower adiabatic surface, far on the left, 10/k wide, that flies `distance` bohr."""
    return {
        "model": {"name": name, **model},
        "preparation": {
            "kind": "GaussianPacket",
            "position": start,
            "momentum": momentum,
            "width": 10.0 / momentum,
            "state": {"kind": "Adiabatic", "level": 0},
        },
        "times": {"stop": float(round(distance * TULLY_MASS / momentum, -2)), "saves": 100},
        "run": {"trajectories": 2000},
    }


def tully1(momentum: float = 20.0) -> Document:
    """Tully's first model, a simple avoided crossing."""
    return _scattering("tully", momentum, 17.0, -8.0, number=1)


def tully2(momentum: float = 16.0) -> Document:
    """Tully's second model, a dual avoided crossing whose two passages interfere."""
    return _scattering("tully", momentum, 18.0, -8.0, number=2)


def tully3(momentum: float = 10.0) -> Document:
    """Tully's third model: extended coupling, and a part that is reflected."""
    return _scattering("tully", momentum, 22.0, -10.0, number=3)


def double_arch(momentum: float = 20.0) -> Document:
    """The double arch: two regions of extended coupling, whose parts meet again."""
    return _scattering("double_arch", momentum, 24.0, -12.0)


def spin_boson() -> Document:
    """Two levels in a Debye bath of 100 modes at temperature 1."""
    return {
        "model": {"name": "spin_boson", "modes": 100},
        "preparation": {"kind": "ThermalBath", "temperature": 1.0, "state": 0},
        "times": {"stop": 20.0, "saves": 100},
        "run": {"trajectories": 2000},
    }


def rabi() -> Document:
    """A qubit and one mode of a field that begins in a coherent state."""
    return {
        "model": {"name": "rabi", "frequency": 1.0, "splitting": 1.0, "coupling": 0.25},
        "preparation": {
            "kind": "GaussianPacket",
            "position": 2.0,
            "momentum": 0.0,
            "width": 0.5**0.5,
            "state": 0,
        },
        "times": {"stop": 20.0, "saves": 100},
        "run": {"trajectories": 2000},
    }


def dephasing() -> Document:
    """A qubit that an oscillator dephases and rephases, without any exchange of energy."""
    return {
        "model": {"name": "pure_dephasing", "frequency": 1.0, "splitting": 1.0, "coupling": 0.5},
        "preparation": {
            "kind": "GaussianPacket",
            "position": 0.0,
            "momentum": 0.0,
            "width": 0.5**0.5,
            "state": [0.5**0.5, 0.5**0.5],
        },
        "times": {"stop": 15.0, "saves": 100},
        "run": {"trajectories": 2000},
    }


def hybrid_spins() -> Document:
    """A classical spin and a quantum one, without a field on the latter: correlations take its purity away."""
    return {
        "model": {"name": "hybrid_spins", "field": 0.5, "exchange": 1.0, "gamma": 0.0},
        "preparation": {
            "kind": "VonMisesFisher",
            "direction": [0.6, 0.0, 0.8],
            "concentration": 10.0,
            "state": 0,
        },
        "times": {"stop": 8.0, "saves": 80},
        "run": {"trajectories": 500},
    }


def shin_metiu() -> Document:
    """Proton-coupled electron transfer through an avoided crossing, in two Born-Oppenheimer states."""
    return {
        "model": {"name": "shin_metiu", "states": 2},
        "preparation": {
            "kind": "GaussianPacket",
            "position": -4.0,
            "momentum": 0.0,
            "width": 0.296,
            "state": {"kind": "Adiabatic", "level": 1},
        },
        "times": {"stop": 1400.0, "saves": 100},
        "run": {"trajectories": 1000},
    }


PRESETS: dict[str, Callable[..., Document]] = {
    preset.__name__: preset
    for preset in (tully1, tully2, tully3, double_arch, spin_boson, rabi, dephasing, hybrid_spins, shin_metiu)
}
"""All presets by name."""


def takes_momentum(name: str) -> bool:
    """Whether a preset is a function of the packet's momentum."""
    return "momentum" in inspect.signature(PRESETS[name]).parameters


def model_aliases() -> dict[str, Document]:
    """The names of presets as names of models, such as `tully1`, each with its table."""
    return {name: preset()["model"] for name, preset in PRESETS.items()}
