r"""Harmonic baths in thermal equilibrium."""

from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian, warn
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import PhasePoint
from brackish.preparations.base import Draw, Preparation
from brackish.preparations.electronic import ElectronicState, electronic_state
from brackish.typing import Array, Float

HOTTEST, TIMES_ABOVE = 10.0, 20.0
"""From so many hartrees on (three million kelvins), if it is so many times the highest frequency and the distance of
the levels, a temperature was hardly meant as it stands."""


class ThermalBath(Preparation):
    r"""Every harmonic mode in equilibrium at `temperature` (k_B T, hartree), uncoupled from the quantum side.

    The quantum Wigner distribution has $\langle m\omega^2q^2\rangle=\langle
    p^2/m\rangle=\tfrac\omega2\coth\frac{\omega}{2k_BT}$; with `classical=True` the Boltzmann distribution,
    $k_BT$. `state`: as for `GaussianPacket`.
    """

    temperature: Annotated[Float[np.ndarray | Array, ""], "temperature"] = eqx.field(
        converter=lambda t: np.asarray(t, dtype=float)
    )
    state: ElectronicState = eqx.field(converter=electronic_state, default=0)
    classical: bool = eqx.field(static=True, default=False)
    random: ClassVar[bool] = True

    def __check_init__(self):
        if isinstance(self.temperature, np.ndarray):
            lowest_allowed = self.temperature > 0 if self.classical else self.temperature >= 0
            if not (np.isfinite(self.temperature) and lowest_allowed):
                raise InvalidInput(
                    f"Argument `temperature` must be positive and finite, got {self.temperature}."
                )

    def check(self, hamiltonian):
        if not isinstance(hamiltonian, SeparableHamiltonian) or hamiltonian.frequencies is None:
            raise UnsupportedHamiltonian(
                f"ThermalBath needs a Hamiltonian with harmonic frequencies, got {type(hamiltonian).__name__} without."
            )
        if np.any(np.asarray(hamiltonian.frequencies) <= 0):
            raise UnsupportedHamiltonian("ThermalBath needs every frequency to be positive.")
        self.state.check(hamiltonian)
        self._warn_of_kelvins(hamiltonian)

    def _warn_of_kelvins(self, hamiltonian: SeparableHamiltonian) -> None:
        """A temperature that melts everything was meant in kelvins."""
        energies = np.linalg.eigvalsh(np.asarray(hamiltonian.quantum()))
        highest = max(float(np.max(np.asarray(hamiltonian.frequencies))), float(np.ptp(energies)))
        if self.temperature >= max(HOTTEST, TIMES_ABOVE * highest):
            warn(
                f"ThermalBath({float(self.temperature):g}) is k_B T in hartree, far above every frequency and level: "
                f'for kelvins write ThermalBath("{float(self.temperature):g} K").'
            )

    def standard_deviations(self, hamiltonian):
        masses, frequencies = jnp.asarray(hamiltonian.manifold.masses), jnp.asarray(hamiltonian.frequencies)
        if self.classical:
            energy = jnp.broadcast_to(jnp.asarray(self.temperature), masses.shape)
        else:
            cold = jnp.asarray(self.temperature) == 0
            ratio = frequencies / (2 * jnp.where(cold, 1.0, self.temperature))
            energy = 0.5 * frequencies / jnp.where(cold, 1.0, jnp.tanh(ratio))
        return jnp.sqrt(energy / masses) / frequencies, jnp.sqrt(energy * masses)

    def draw(self, hamiltonian, index, key):
        position_deviation, momentum_deviation = self.standard_deviations(hamiltonian)
        normal = jax.random.normal(key, (2, *position_deviation.shape))
        point = PhasePoint(normal[0] * position_deviation, normal[1] * momentum_deviation)
        return Draw(point, self.state.spinor(hamiltonian, point), jnp.ones(()))
