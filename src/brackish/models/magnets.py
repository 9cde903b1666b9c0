r"""Two spins with an exchange and a Dzyaloshinskii-Moriya interaction in a field.

$$\frac H{|J|}=-\frac w2\,\mathbf b\cdot(\boldsymbol\sigma_1+\boldsymbol\sigma_2)
+\operatorname{sgn}(J)\,\boldsymbol\sigma_1\cdot\boldsymbol\sigma_2
+\frac D{|J|}\,\mathbf z\cdot(\boldsymbol\sigma_1\times\boldsymbol\sigma_2)$$

Eq. (10) of Y. Liu et al., "Quantum Analog of Landau-Lifshitz-Gilbert Dynamics", Phys. Rev. Lett. 133, 266704 (2024),
with its J, which is **positive for an antiferromagnet**, and $w=\hbar\gamma B_0/|J|$.
"""

import abc

import equinox as eqx

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.models._arguments import number, real_array
from brackish.spins import Bonds, SpinSystem
from brackish.typing import Reals


class DimerCoupling(eqx.Module):
    """Whether an exchange prefers parallel or antiparallel spins."""

    @abc.abstractmethod
    def sign(self) -> float:
        """Of J, where the energy is -J S_1.S_2."""


class Ferromagnetic(DimerCoupling):
    """Parallel spins have the lower energy."""

    def sign(self):
        return 1.0


class Antiferromagnetic(DimerCoupling):
    """Antiparallel spins have the lower energy."""

    def sign(self):
        return -1.0


class DimerSpins(eqx.Module):
    """What a spin of the dimer is."""

    @abc.abstractmethod
    def length(self) -> float:
        """s, in units of hbar."""

    @abc.abstractmethod
    def exchange(self) -> float:
        """What exchange and Dzyaloshinskii-Moriya vector between the spins are, over those of the equation above."""


class SpinsOneHalf(DimerSpins):
    r"""Spins 1/2, $\mathbf S=\boldsymbol\sigma/2$; classical ones have the length hbar/2 and the energy of a product
    state, so that they feel $w\mathbf b-2\operatorname{sgn}(J)\,\mathbf m_2$.
    """

    def length(self):
        return 0.5

    def exchange(self):
        return 4.0


class BohrMagnetons(DimerSpins):
    r"""Classical moments of one $\mu_B=\hbar\gamma$, as the paper compares with: spins of length hbar, that feel
    $w\mathbf b-\operatorname{sgn}(J)\,\mathbf m_2$, an exchange **half as strong** as that between spins 1/2.
    """

    def length(self):
        return 1.0

    def exchange(self):
        return 1.0


@reads_arguments
def spin_dimer(
    coupling: DimerCoupling = Antiferromagnetic(),  # noqa: B008  (immutable)
    dzyaloshinskii_moriya: float = 0.0,
    field: Reals = (1.0, 0.0, 0.0),
    spins: DimerSpins = SpinsOneHalf(),  # noqa: B008  (immutable)
) -> SpinSystem:
    r"""Two spins with exchange and a Dzyaloshinskii-Moriya vector in a field, by default with the paper's parameters.

    `coupling`: `Ferromagnetic()` or `Antiferromagnetic()`. `dzyaloshinskii_moriya`: $D/|J|$, along z; the paper has 0,
    0.2, 0.4 and 0.6. `field`: $w\mathbf b$, (3,). `spins`: `SpinsOneHalf()` for quantum theories and for the classical
    dimer that belongs to them, or `BohrMagnetons()` for the classical dimer of the paper.

    Energies are in units of $|J|$, times in $\hbar/|J|$. In the paper $B_0=1$ T and $|J|=\hbar\gamma B_0$: the unit of
    energy is 6.58e-2 meV, the unit of time $1/\gamma B_0$ = 10 ps.

    Raises `InvalidInput` for what is not finite.
    """
    twist = spins.exchange() * float(number("dzyaloshinskii_moriya", dzyaloshinskii_moriya))
    field = real_array("field", field, 1)
    if field.shape != (3,):
        raise InvalidInput(f"Argument `field` must have three components, got {field.size}.")
    pair = Bonds([0], [1], coupling.sign() * spins.exchange(), [0.0, 0.0, twist])
    return SpinSystem([spins.length()] * 2, pair, field, positions=[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
