r"""Pure dephasing: a qubit and an oscillator that exchange no energy, with the exact answer in closed form.

$$\hat H=\omega\,\hat a^\dagger\hat a+\tfrac\varepsilon2\hat\sigma_z+g\,\hat\sigma_z(\hat a+\hat a^\dagger)$$

(the independent-boson model, G. D. Mahan, Many-Particle Physics, section 4.3, with one mode). Populations
stand still; the coherence dies as the oscillator learns which level the qubit is in, and comes back after
each of its periods.
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import labels_of, number, positive
from brackish.quantum import pauli_z
from brackish.typing import Array, Float
from brackish.units import REDUCED_LABELS, InUnit, Labels


class PureDephasing(SeparableHamiltonian):
    """A qubit and an oscillator, coupled through sigma_z; made by `pure_dephasing`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, "1"]
    splitting: Float[np.ndarray | Array, ""]
    """epsilon: the energy of level 0 above level 1, in hartree."""
    coupling_strength: Float[np.ndarray | Array, ""]
    """g, in hartree."""
    levels: int = eqx.field(static=True)
    labels: Labels = eqx.field(static=True, default=REDUCED_LABELS, repr=False, kw_only=True)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return 0.5 * self.splitting * pauli_z

    def coupling(self, position):
        return np.sqrt(2.0) * self.coupling_strength * position[0] * pauli_z

    def suggested_step(self):
        """A thirtieth of the period of qubit, oscillator and vertical energy 4 g^2 / omega together."""
        frequency = self.frequencies[0]
        fastest = frequency + np.abs(self.splitting) + 4 * self.coupling_strength**2 / frequency
        return float(2 * np.pi / (30 * fastest))

    def exact_coherence(self, times, position=0.0, momentum=0.0) -> np.ndarray:
        r"""rho_01(t) / rho_01(0), complex, at `times` (any shape), from a coherent state of the oscillator.

        The coherent state is `GaussianPacket(position, momentum, width=0.5**0.5)`,
        $\alpha=(q_0+ip_0)/\sqrt2$, and the qubit is in any superposition. With the qubit in either level
        the oscillator is displaced by $\pm g/\omega$ and stays coherent, at $\alpha_\pm(t)=\alpha
        e^{-i\omega t}\pm(g/\omega)(e^{-i\omega t}-1)$. The overlap of the two with the phases that they
        have gathered is

        $$\frac{\rho_{01}(t)}{\rho_{01}(0)}=\exp\Big[-i\varepsilon t
        +\frac{4ig}\omega\,\mathrm{Im}\,\alpha\big(e^{-i\omega t}-1\big)
        -\frac{8g^2}{\omega^2}\sin^2\frac{\omega t}2\Big]$$
        """
        position, momentum = number("position", position), number("momentum", momentum)
        times = np.asarray(times, dtype=float)
        frequency = self.frequencies[0]
        ratio = self.coupling_strength / frequency
        start = (position + 1j * momentum) / np.sqrt(2)
        turned = np.imag(start * np.expm1(-1j * frequency * times))
        decay = 8 * ratio**2 * np.sin(0.5 * frequency * times) ** 2
        return np.exp(-1j * self.splitting * times + 4j * ratio * turned - decay)


@reads_arguments
def pure_dephasing(
    frequency: Annotated[float | InUnit, "energy"] = 1.0,
    splitting: Annotated[float | InUnit, "energy"] = 1.0,
    coupling: Annotated[float | InUnit, "energy"] = 0.5,
) -> PureDephasing:
    """A qubit that an oscillator only dephases.

    `frequency` omega, `splitting` epsilon and `coupling` g, in hartree; level 0 is sigma_z = +1.

    The oscillator's coordinates q = (a + a^dagger) / sqrt 2 and p = (a - a^dagger) / i sqrt 2 have no unit;
    they are written as a mass 1 / omega on a spring, whose energy is omega (p^2 + q^2) / 2, with the
    zero-point energy omega / 2. Its ground state is `GaussianPacket(0, 0, width=0.5**0.5)`; for that
    packet, also when displaced, `exact_coherence` of the model is the exact answer.

    Raises `InvalidInput` for parameters out of range.
    """
    labels = labels_of(frequency, splitting, coupling)
    frequency = positive("frequency", frequency)
    splitting, coupling = number("splitting", splitting), number("coupling", coupling)
    return PureDephasing(
        manifold=Canonical(1 / frequency),
        frequencies=frequency[None],
        splitting=splitting,
        coupling_strength=coupling,
        levels=2,
        labels=labels,
    )
