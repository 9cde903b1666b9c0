r"""Electronic friction at temperature zero, from the ground state alone, and near a Fermi level.

Eqs. (108) to (110) of R. Martinazzo and I. Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems".
Twice the real part of (108) is the kernel (114) at temperature zero.
"""

import jax.numpy as jnp

from brackish.analysis.friction.broadening import Broadening
from brackish.analysis.friction.levels import ElectronicLevels
from brackish.quantum.thermal import DEGENERATE
from brackish.typing import Array, Complex, Float, RealScalar


def ground_state_correlation(
    levels: ElectronicLevels, times: Float[Array, " times"]
) -> Complex[Array, "times n n"]:
    r"""$\Gamma_{kj}(t)=\langle\partial_ku_0|\hat Q_0\hat H'e^{-i\hat H't}|\partial_ju_0\rangle$, eq. (108), with
    $\hat H'=\hat H-E_0$, (times, n, n).

    Levels as degenerate as the ground state are left out with it: friction at temperature zero is for a ground state
    that stands alone.
    """
    gaps, pairs = _excitations(levels)
    return jnp.einsum("tm,kjm->tkj", jnp.exp(-1j * gaps[None, :] * times[:, None]), pairs)


def ground_state_friction(levels: ElectronicLevels, rate) -> Complex[Array, "n n"]:
    r"""$\bar\gamma_{kj}=2\int_0^\infty e^{-\epsilon t}\Gamma_{kj}(t)\,dt$, eq. (110), (n, n).

    `rate`: $\epsilon$, in hartree. For $\epsilon\to0$ it becomes $-2iq^0_{kj}+\gamma_{kj}$, with the geometric tensor
    $q^0$ of the ground state; its real part is the friction minus the pseudo-magnetic field.
    """
    gaps, pairs = _excitations(levels)
    return 2 * jnp.sum(pairs / (rate + 1j * gaps)[None, None], axis=-1)


def head_gordon_tully(
    levels: ElectronicLevels, fermi_energy: RealScalar | float, broadening: Broadening, spins: int = 1
) -> Float[Array, "n n"]:
    r"""$\eta_{kj}=\pi\sum_{ab}D^k_{ab}D^j_{ba}\,\delta(\epsilon_a-\epsilon_F)\,\delta(\epsilon_b-\epsilon_F)$, (n, n).

    The limit of eq. (121) at temperature zero, for independent electrons in orbitals of `spins` spins: M. Head-Gordon
    and J. C. Tully, J. Chem. Phys. 103, 10137 (1995).
    """
    energies, derivatives = levels
    near = broadening.resonance(energies - fermi_energy)
    return jnp.pi * spins * jnp.einsum("a,kab,jba,b->kj", near, derivatives, derivatives, near).real


def _excitations(levels):
    """Energies above the ground state, (d,), and D^k_0m D^j_m0 / (E_m - E_0), (n, n, d), zero for the ground state."""
    energies, derivatives = levels
    gaps = energies - energies[0]
    excited = gaps > DEGENERATE * jnp.max(jnp.abs(energies))
    inverse = jnp.where(excited, 1 / jnp.where(excited, gaps, 1.0), 0.0)
    forth = derivatives[:, 0, :]
    return gaps, (inverse[None] * forth)[:, None] * jnp.conj(forth)[None]
