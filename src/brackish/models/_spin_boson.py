r"""Two levels in a bath of harmonic modes.

$$\hat H=E\hat\sigma_z+V\hat\sigma_x+\hat\sigma_z\sum_jc_jq_j+\sum_j\tfrac12\big(p_j^2+\omega_j^2q_j^2\big)$$

A. J. Leggett et al., Rev. Mod. Phys. 59, 1 (1987). Unit masses; atomic units, or any other with hbar = 1.

How the strength of a bath is counted, here and nowhere else: a bath has the spectral density and the
reorganisation energy

$$J(\omega)=\frac\pi2\sum_j\frac{c_j^2}{\omega_j}\delta(\omega-\omega_j),\qquad
\lambda=\frac1\pi\int_0^\infty\frac{J(\omega)}\omega\,d\omega=\sum_j\frac{c_j^2}{2\omega_j^2}$$

so that $\lambda$ is what the energy of either level falls when the bath relaxes around it. The coupling
acts through $\hat\sigma_z$, whose eigenvalues are +1 and -1: the bath minima of the two levels lie
$2c_j/\omega_j^2$ apart, and the vertical energy from one minimum to the other level is $4\lambda$
(besides $2E$). Papers that call this $4\lambda$ the reorganisation energy quote a number four times as
large for the same bath.
"""

import abc
from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import (
    labels_of,
    not_negative,
    number,
    positive,
    positive_array,
    real_array,
    whole,
)
from brackish.quantum import pauli_x, pauli_z
from brackish.typing import Array, Float
from brackish.units import REDUCED_LABELS, InUnit, Labels

LARGEST_BATH = 10_000_000  # modes


class Bath(eqx.Module):
    """The interface of every bath: a rule that gives so many modes."""

    @abc.abstractmethod
    def discretise(self, modes=None) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies and coupling constants c_j of `modes` modes, each (modes,); by default 100."""


class DebyeBath(Bath):
    r"""A Debye (overdamped) bath, $J(\omega)=2\lambda\,\omega\omega_c/(\omega^2+\omega_c^2)$.

    `cutoff` $\omega_c$; `reorganisation` $\lambda$, in hartree. The modes

    $$\omega_j=\omega_c\tan\frac{\pi(j-\frac12)}{2N},\qquad c_j=\omega_j\sqrt{2\lambda/N}$$

    carry $\lambda/N$ each, so that their sum is $\lambda$ exactly for any number of modes (R. Tempelaar and
    D. R. Reichman, J. Chem. Phys. 148, 102309 (2018)).
    """

    cutoff: Annotated[Float[np.ndarray | Array, ""], "energy"] = eqx.field(
        converter=lambda value: positive("cutoff", value), default=0.1
    )
    reorganisation: Annotated[Float[np.ndarray | Array, ""], "energy"] = eqx.field(
        converter=lambda value: not_negative("reorganisation", value), default=0.02
    )

    def discretise(self, modes=None):
        modes = _modes(modes)
        frequencies = self.cutoff * np.tan(np.pi * (np.arange(modes) + 0.5) / (2 * modes))
        return frequencies, frequencies * np.sqrt(2 * self.reorganisation / modes)


class OhmicBath(Bath):
    r"""An Ohmic bath, $J(\omega)=\frac\pi2\xi\,\omega\,e^{-\omega/\omega_c}$ up to $\omega_{max}$.

    `strength` $\xi$ (Kondo parameter, no unit); `cutoff` $\omega_c$; `highest` $\omega_{max}$, by default
    five cutoffs. The modes

    $$\omega_j=-\omega_c\ln\Big(1-j\frac{\omega_0}{\omega_c}\Big),\quad c_j=\omega_j\sqrt{\xi\omega_0},\quad
    \omega_0=\frac{\omega_c}N\big(1-e^{-\omega_{max}/\omega_c}\big)$$

    share the reorganisation energy $\lambda=\frac12\xi\omega_c(1-e^{-\omega_{max}/\omega_c})$ equally,
    and the last one lies at $\omega_{max}$ (N. Makri, J. Phys. Chem. B 103, 2823 (1999)).
    """

    strength: Float[np.ndarray | Array, ""] = eqx.field(
        converter=lambda value: not_negative("strength", value), default=0.2
    )
    cutoff: Annotated[Float[np.ndarray | Array, ""], "energy"] = eqx.field(
        converter=lambda value: positive("cutoff", value), default=2.5
    )
    highest: Annotated[Float[np.ndarray | Array, ""] | None, "energy"] = eqx.field(
        converter=lambda value: None if value is None else positive("highest", value), default=None
    )

    def discretise(self, modes=None):
        modes = _modes(modes)
        share = -np.expm1(-5.0 if self.highest is None else -self.highest / self.cutoff) / modes
        frequencies = -self.cutoff * np.log1p(-share * np.arange(1, modes + 1))
        return frequencies, frequencies * np.sqrt(self.strength * self.cutoff * share)


class DiscreteBath(Bath):
    """Modes given one by one: `frequencies` (n,), positive, and coupling constants `couplings` c_j (n,)."""

    frequencies: Annotated[Float[np.ndarray | Array, " n"], "energy"] = eqx.field(
        converter=lambda value: positive_array("frequencies", value)
    )
    couplings: Float[np.ndarray | Array, " n"] = eqx.field(
        converter=lambda value: real_array("couplings", value, 1)
    )

    def __check_init__(self):
        if self.frequencies.shape != self.couplings.shape:
            raise InvalidInput(
                f"Argument `couplings` must have one entry for each of {self.frequencies.size} frequencies, "
                f"got {self.couplings.size}."
            )

    def discretise(self, modes=None):
        """The given modes; `modes` may be left out, or be their number."""
        if modes is not None and _modes(modes) != self.frequencies.size:
            raise InvalidInput(
                f"Argument `modes` is {modes}, but the DiscreteBath has {self.frequencies.size}: "
                "leave `modes` out."
            )
        return self.frequencies, self.couplings


class SpinBoson(SeparableHamiltonian):
    """Two levels and a bath of harmonic modes; made by `spin_boson`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, " n"]
    couplings: Float[np.ndarray | Array, " n"]
    """c_j: the coupling constants of the modes."""
    bias: Float[np.ndarray | Array, ""]
    """E: half the energy of level 0 above level 1, bath aside, in hartree."""
    tunnelling: Float[np.ndarray | Array, ""]
    """V: the element between the two levels, in hartree."""
    levels: int = eqx.field(static=True)
    labels: Labels = eqx.field(static=True, default=REDUCED_LABELS, repr=False, kw_only=True)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return self.bias * pauli_z + self.tunnelling * pauli_x

    def coupling(self, position):
        # One number times a constant matrix: the gradient in n modes costs n, whatever the theory.
        return jnp.sum(self.couplings * position) * pauli_z

    def reorganisation(self) -> float:
        """The reorganisation energy, the sum of c^2 / 2 w^2, in hartree."""
        return float(0.5 * np.sum((self.couplings / self.frequencies) ** 2))

    def suggested_step(self):
        """A thirtieth of the period of levels, vertical energy 4 lambda and middle mode together.

        The middle mode (half the reorganisation energy lies below) stands for all: the modes move
        exactly, so that the stiffest of them does not set the step.
        """
        order = np.argsort(self.frequencies)
        shares = np.cumsum((self.couplings[order] / self.frequencies[order]) ** 2)
        middle = self.frequencies[order][np.searchsorted(shares, 0.5 * shares[-1])]
        gap = 2 * np.hypot(self.bias, self.tunnelling)
        return float(2 * np.pi / (30 * (gap + 4 * self.reorganisation() + middle)))


@reads_arguments
def spin_boson(
    modes: int | None = None,
    bias: Annotated[float | InUnit, "energy"] = 0.5,
    coupling: Annotated[float | InUnit, "energy"] = 0.5,
    bath: Bath | None = None,
) -> SpinBoson:
    """A spin and a bath: H = E sigma_z + V sigma_x + sigma_z sum c q + sum (p^2 + w^2 q^2) / 2, in hartree.

    `bias` E and `coupling` V; level 0 is sigma_z = +1. `bath`: `DebyeBath(cutoff, reorganisation)` (the
    default, with 0.1 and 0.02), `OhmicBath(strength, cutoff)` or `DiscreteBath(frequencies, couplings)`;
    `modes`: their number (default 100, or as many as a `DiscreteBath` has). The usual start is
    `ThermalBath(temperature, state=0)`, the bath in equilibrium by itself.

    The defaults at temperature 1, started so, have P_0(10) = 0.73284 and P_0(20) = 0.67354 (hierarchical
    equations of motion, Debye bath with infinitely many modes). Raises `InvalidInput` for parameters out
    of range.
    """
    bath = DebyeBath() if bath is None else bath
    if not isinstance(bath, Bath):
        raise InvalidInput(
            f"Argument `bath` must be a DebyeBath, OhmicBath or DiscreteBath, got {type(bath).__name__}."
        )
    labels = labels_of(bias, coupling, bath)
    bias, coupling = number("bias", bias), number("coupling", coupling)
    frequencies, couplings = bath.discretise(modes)
    return SpinBoson(
        manifold=Canonical(np.ones(frequencies.size)),
        frequencies=frequencies,
        couplings=couplings,
        bias=bias,
        tunnelling=coupling,
        levels=2,
        labels=labels,
    )


def _modes(modes) -> int:
    return whole("modes", 100 if modes is None else modes, LARGEST_BATH)
