"""How time is cut. An integrator knows no physics: it sees what a theory offers, and states its order."""

from brackish.integrators.adaptive import Adaptive
from brackish.integrators.base import Integrator
from brackish.integrators.commutator_free import CommutatorFree
from brackish.integrators.exponential import Exponential
from brackish.integrators.lie import LieHeun
from brackish.integrators.midpoint import ImplicitMidpoint
from brackish.integrators.retraction import RetractedRungeKutta8
from brackish.integrators.rotations import Depondt, HeunSpins, SemiImplicit
from brackish.integrators.runge_kutta import Heun, RungeKutta4
from brackish.integrators.splitting import BlanesMoan, Strang, TripleJump
from brackish.integrators.stochastic import StrangAroundJumps, StrangAroundNoise, WithJumps

__all__ = [
    "Adaptive",
    "BlanesMoan",
    "CommutatorFree",
    "Depondt",
    "Exponential",
    "Heun",
    "HeunSpins",
    "ImplicitMidpoint",
    "Integrator",
    "LieHeun",
    "RetractedRungeKutta8",
    "RungeKutta4",
    "SemiImplicit",
    "Strang",
    "StrangAroundJumps",
    "StrangAroundNoise",
    "TripleJump",
    "WithJumps",
]
