"""Sums of packets: wavefunctions that interfere with themselves."""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.preparations.base import Preparation
from brackish.preparations.packet import GaussianPacket
from brackish.typing import Array, Complex


def _packets(value: Any) -> tuple[GaussianPacket, ...]:
    return tuple(value)


class Superposition(Preparation):
    r"""The wavefunction $\propto\sum_kc_k\Psi_k$ of several packets, of unit norm: for theories of wavefunctions.

    `packets`: each of unit norm. `amplitudes`: c, (packets,) complex; all equal by default. The Wigner function of a
    superposition is not positive, so it has no trajectories to draw.
    """

    packets: tuple[GaussianPacket, ...] = eqx.field(converter=_packets)
    amplitudes: Complex[np.ndarray | Array, " packets"] | None = eqx.field(
        converter=lambda c: None if c is None else np.asarray(c, dtype=complex), default=None
    )
    random: ClassVar[bool] = False

    def __check_init__(self):
        if not self.packets or not all(isinstance(packet, GaussianPacket) for packet in self.packets):
            raise InvalidInput("Argument `packets` of Superposition must be one GaussianPacket or more.")
        if isinstance(self.amplitudes, np.ndarray) and self.amplitudes.shape != (len(self.packets),):
            raise InvalidInput(
                f"Argument `amplitudes` of Superposition must have one number for each of {len(self.packets)} packets, "
                f"got shape {self.amplitudes.shape}."
            )

    def check(self, hamiltonian):
        for packet in self.packets:
            packet.check(hamiltonian)

    def draw(self, hamiltonian, index, key):
        raise UnsupportedHamiltonian(
            "A Superposition has no points of phase space to draw; start Exact or QuantumTrajectories from it."
        )

    def wavefunction(self, hamiltonian, positions):
        count = len(self.packets)
        amplitudes = np.ones(count) if self.amplitudes is None else self.amplitudes
        psi = sum(
            amplitudes[k] * packet.wavefunction(hamiltonian, positions)
            for k, packet in enumerate(self.packets)
        )
        cell = math.prod(x[1] - x[0] for x in positions)
        return psi / jnp.sqrt(jnp.sum(psi.real**2 + psi.imag**2) * cell)
