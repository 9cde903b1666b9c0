r"""The quantum Rabi model: a qubit and one mode of a field, at any coupling.

$$\hat H=\omega\,\hat a^\dagger\hat a+\tfrac\Delta2\hat\sigma_z+g\,\hat\sigma_x(\hat a+\hat a^\dagger)$$

I. I. Rabi, Phys. Rev. 51, 652 (1937); D. Braak, Phys. Rev. Lett. 107, 100401 (2011). No rotating-wave
approximation.
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import labels_of, number, positive
from brackish.quantum import pauli_x, pauli_z
from brackish.typing import Array, Float
from brackish.units import REDUCED_LABELS, InUnit, Labels


class Rabi(SeparableHamiltonian):
    """A qubit and a mode, coupled through sigma_x; made by `rabi`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, "1"]
    splitting: Float[np.ndarray | Array, ""]
    """Delta: the energy of level 0 above level 1, in hartree."""
    coupling_strength: Float[np.ndarray | Array, ""]
    """g, in hartree."""
    levels: int = eqx.field(static=True)
    labels: Labels = eqx.field(static=True, default=REDUCED_LABELS, repr=False, kw_only=True)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return 0.5 * self.splitting * pauli_z

    def coupling(self, position):
        return np.sqrt(2.0) * self.coupling_strength * position[0] * pauli_x

    def suggested_step(self):
        """A thirtieth of the period of qubit, mode and vertical energy 4 g^2 / omega together."""
        frequency = self.frequencies[0]
        fastest = frequency + np.abs(self.splitting) + 4 * self.coupling_strength**2 / frequency
        return float(2 * np.pi / (30 * fastest))


@reads_arguments
def rabi(
    frequency: Annotated[float | InUnit, "energy"] = 1.0,
    splitting: Annotated[float | InUnit, "energy"] = 1.0,
    coupling: Annotated[float | InUnit, "energy"] = 0.5,
) -> Rabi:
    """The quantum Rabi model.

    `frequency` omega, `splitting` Delta and `coupling` g, in hartree; level 0 is sigma_z = +1.

    The mode has dimensionless coordinates q = (a + a^dagger) / sqrt 2 and p = (a - a^dagger) / i sqrt 2,
    written as a mass 1 / omega on a spring, so that the harmonic energy is omega (p^2 + q^2) / 2: the
    zero-point energy omega / 2 is included, and every energy lies that much above the one of the equation
    with a^dagger a. The ground state of the mode is `GaussianPacket(0, 0, width=0.5**0.5)`, a coherent
    state the same packet elsewhere.

    Raises `InvalidInput` for parameters out of range.
    """
    labels = labels_of(frequency, splitting, coupling)
    frequency = positive("frequency", frequency)
    splitting, coupling = number("splitting", splitting), number("coupling", coupling)
    return Rabi(
        manifold=Canonical(1 / frequency),
        frequencies=frequency[None],
        splitting=splitting,
        coupling_strength=coupling,
        levels=2,
        labels=labels,
    )
