"""Figures from a dataset alone, one call each: no Hamiltonian, no screen and no global state is needed.

Each call returns a `matplotlib.figure.Figure`; `save` writes it. Theories keep their colours in all figures,
the exact one is black, and bands reach one standard error to each side.
"""

from brackish.plot._cloud import cloud
from brackish.plot._coherence import coherence
from brackish.plot._compare import compare
from brackish.plot._curves import curves, pole_map
from brackish.plot._decoherence import decoherence
from brackish.plot._densities import Plane, densities
from brackish.plot._friction import friction, friction_kernels
from brackish.plot._motion import motion
from brackish.plot._phase_space import phase_space
from brackish.plot._populations import populations
from brackish.plot._potentials import potentials
from brackish.plot._profiles import profiles
from brackish.plot._sphere import sphere
from brackish.plot.conditional import bloch, forces
from brackish.plot.files import save
from brackish.plot.fluid import plane, quantum_trajectories
from brackish.plot.magnets import correlations, magnet, nonlocality, spin_components

__all__ = [
    "Plane",
    "bloch",
    "cloud",
    "coherence",
    "compare",
    "correlations",
    "curves",
    "decoherence",
    "densities",
    "forces",
    "friction",
    "friction_kernels",
    "magnet",
    "motion",
    "nonlocality",
    "phase_space",
    "plane",
    "pole_map",
    "populations",
    "potentials",
    "profiles",
    "quantum_trajectories",
    "save",
    "sphere",
    "spin_components",
]
