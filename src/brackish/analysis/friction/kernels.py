r"""Electronic friction: how electrons that cannot quite follow pull at nuclei that move.

$$F_k=F_k^0-\sum_j\int_0^\infty W_{kj}(\tau)\,v^j(t-\tau)\,d\tau,\qquad
W_{kj}(t)=\mathrm{Tr}\big[\delta\hat f_k(t)\,\partial_j\hat\rho^0\big]\tag{114}$$
$$W_{kj}(t)=\beta\,\mathrm{Tr}\big[\hat\rho^0(\delta\hat f_j)_K^\beta\,\delta\hat f_k(t)\big]\tag{117}$$
$$F_k\approx F_k^0-\sum_j\eta_{kj}v^j+\sum_jB_{kj}v^j\tag{116}$$

with $\hat f_k=-\partial_k\hat H$, the symmetric friction $\eta$ and the antisymmetric pseudo-magnetic field $B$.
Equation numbers are those of R. Martinazzo and I. Burghardt, "Quantum hydrodynamics of coupled electron-nuclear
systems"; the kernel (114) is that of W. Dou, G. Miao and J. E. Subotnik, Phys. Rev. Lett. 119, 046001 (2017).

In the levels of the electrons everything is a sum over pairs,
$$W_{kj}(t)=\sum_{ab}P_{ab}\,D^k_{ab}D^j_{ba}\,e^{i(E_a-E_b)t},\qquad P_{ab}=\frac{p_b-p_a}{E_a-E_b},$$
in which neither phases nor the basis of degenerate levels matter. With the occupations of independent electrons for p
it is eq. (121). All functions are for one position. hbar = 1; $W$ is in hartree/bohr$^2$, $\eta$ and $B$ in electron
masses per atomic unit of time.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from brackish.analysis.friction.broadening import Broadening
from brackish.analysis.friction.levels import ElectronicLevels
from brackish.quantum.thermal import DEGENERATE, ManyElectronStates, ThermalElectrons
from brackish.typing import Array, Complex, Float, Inexact


class ForceCorrelation(NamedTuple):
    r"""The kernel $W_{kj}(t)$ in two parts.

    `decaying`: (times, n, n), from levels of different energies; in a continuum it dies out, in a few levels it
    oscillates for ever. `persistent`: (n, n), from levels of equal energies, the same at all times: the friction of
    populations that lag behind, which only a bath could bring to an end. `total`: their sum, W.
    """

    decaying: Float[Array, "times n n"]
    persistent: Float[Array, "n n"]

    @property
    def total(self) -> Float[Array, "times n n"]:
        return self.decaying + self.persistent[None]


class MarkovKernel(NamedTuple):
    """The integrated kernel: `friction`, its symmetric part, and `magnetic`, minus the antisymmetric one; (n, n)."""

    friction: Float[Array, "n n"]
    magnetic: Float[Array, "n n"]


def force_correlation(
    electrons: ThermalElectrons, levels: ElectronicLevels, times: Float[Array, " times"]
) -> ForceCorrelation:
    r"""$W_{kj}(t)$ from the change of the density matrix with the position, eq. (114).

    `times`: in atomic units. For several coordinates of a complex Hamiltonian W is not symmetric.
    """
    energies, derivatives = levels
    changes = [electrons.density_change(energies, derivative) for derivative in derivatives]
    pairs = -jnp.stack(changes)[None].swapaxes(-1, -2) * derivatives[:, None]
    return _in_time(energies, pairs, times)


def kubo_force_correlation(
    electrons: ManyElectronStates, levels: ElectronicLevels, times: Float[Array, " times"]
) -> ForceCorrelation:
    r"""$W_{kj}(t)$ as a Kubo correlation of the fluctuating force, eq. (117): the same function as (114).

    For a temperature above zero.
    """
    energies = levels.energies
    p = electrons.occupations(energies)
    fluctuations = _fluctuations(electrons, levels)
    rise = electrons.inverse_temperature * (energies[:, None] - energies[None, :])
    # p_a times the Kubo transform of |a><b|, (e^x - 1) / x, from the larger weight so that nothing overflows
    still = jnp.abs(rise) < 1e-8
    weight = jnp.maximum(p[:, None], p[None, :]) * jnp.where(
        still, 1 - 0.5 * jnp.abs(rise), -jnp.expm1(-jnp.abs(rise)) / jnp.where(still, 1.0, jnp.abs(rise))
    )
    transformed = weight[None] * fluctuations
    pairs = electrons.inverse_temperature * transformed.swapaxes(-1, -2)[None] * fluctuations[:, None]
    return _in_time(energies, pairs, times)


def markov_kernel(
    electrons: ThermalElectrons, levels: ElectronicLevels, broadening: Broadening
) -> MarkovKernel:
    r"""Friction and pseudo-magnetic field, eq. (116): $\int_0^\infty W_{kj}\,dt=\eta_{kj}-B_{kj}$.

    The friction is a sum of positive terms, so its eigenvalues are never negative, but for what a kernel cut off by
    `UpToTime` leaves over. With a width the field is exact, `pseudo_magnetic_field`; with `FiniteTime` and `UpToTime`
    it is that of the integral in hand. A width should be well above the distance of the levels and well below the
    temperature (`check_broadening`). At temperature zero a band of levels at a distance s loses the share s times
    `resonance(0)` to its smallest excitation: there use `head_gordon_tully`, or `LevelInBand`.
    """
    energies, forces = levels.energies, _fluctuations(electrons, levels)
    equal, gap = _equal(energies), energies[:, None] - energies[None, :]
    friction = _pair_sum(_counted(electrons, energies, broadening) * broadening.resonance(gap), forces)
    inverse = jnp.where(equal, 0.0, broadening.inverse(jnp.where(equal, 1.0, gap)))
    return MarkovKernel(friction.real, _pair_sum(electrons.response(energies) * inverse, forces).imag)


def pseudo_magnetic_field(electrons: ThermalElectrons, levels: ElectronicLevels) -> Float[Array, "n n"]:
    r"""$B_{kj}=-2\,\mathrm{Im}\,q^\beta_{kj}$, (n, n), antisymmetric, in bohr$^{-2}$; zero for a real Hamiltonian.

    $$q^\beta_{kj}=\sum_ap_a\sum_{b\neq a}\frac{D^k_{ab}D^j_{ba}}{(E_a-E_b)^2}$$
    is the geometric tensor of the thermal state, appendix F.
    """
    energies, derivatives = levels
    equal = _equal(energies)
    inverse = jnp.where(equal, 0.0, 1 / jnp.where(equal, 1.0, energies[:, None] - energies[None, :]))
    return _pair_sum(electrons.response(energies) * inverse, derivatives).imag


def friction_spectrum(
    electrons: ThermalElectrons,
    levels: ElectronicLevels,
    frequencies: Float[Array, " frequencies"],
    broadening: Broadening,
) -> Complex[Array, "frequencies n n"]:
    r"""The friction that a motion of frequency $\omega$ meets, (frequencies, n, n), Hermitian, never negative.

    $$\eta_{kj}(\omega)=\gamma^\beta_{kj}(\omega)\big(1-e^{-\beta\omega}\big)
    =\pi\sum_{ab}P_{ab}\,D^k_{ab}D^j_{ba}\,\delta(\omega-E_b+E_a)$$
    of which eqs. (118) and, for independent electrons, (121) are the limit $\omega\to0$. The real part is the Fourier
    transform of the symmetric part of W. `frequencies`: in hartree.
    """
    energies, forces = levels.energies, _fluctuations(electrons, levels)
    gap, counted = energies[None, :] - energies[:, None], _counted(electrons, energies, broadening)

    def at(frequency):
        return _pair_sum(counted * broadening.resonance(frequency - gap), forces)

    return lax.map(at, frequencies).astype(complex)


def excitation_kernel(
    electrons: ThermalElectrons,
    levels: ElectronicLevels,
    frequencies: Float[Array, " frequencies"],
    broadening: Broadening,
) -> Complex[Array, "frequencies n n"]:
    r"""$\gamma^\beta_{kj}(\omega)$, eq. (119): quanta $\omega>0$ given to the electrons, or $\omega<0$ taken from them.

    (frequencies, n, n), for `frequencies` other than zero. Detailed balance,
    $\gamma^\beta_{kj}(\omega)=-e^{\beta\omega}\gamma^\beta_{jk}(-\omega)$, eq. (120), holds to round-off whatever the
    broadening: broadened is the symmetric $\eta(\omega)$, and the thermal factor is exact.
    """
    spectrum = friction_spectrum(electrons, levels, frequencies, broadening)
    cold = jnp.asarray(electrons.temperature) == 0
    thermal = -1 / jnp.expm1(-electrons.inverse_temperature * jnp.where(cold, 1.0, frequencies))
    factor = jnp.where(cold, jnp.heaviside(frequencies, 0.5), thermal)
    return factor[:, None, None] * spectrum


def _fluctuations(electrons, levels):
    """D^k without the thermal mean of the force, where that does not fluctuate; (n, d, d)."""
    return jnp.stack([electrons.fluctuation(levels.energies, force) for force in levels.derivatives])


def _equal(energies):
    """Which pairs of levels have the same energy, as far as an eigensolver can tell."""
    return jnp.abs(energies[:, None] - energies[None, :]) <= DEGENERATE * jnp.max(jnp.abs(energies))


def _counted(electrons, energies, broadening) -> Float[Array, "d d"]:
    """pi P, without pairs of equal energies where they do not stand for a continuum."""
    response = jnp.pi * electrons.response(energies)
    return response if broadening.continuum else jnp.where(_equal(energies), 0.0, response)


def _pair_sum(weight: Float[Array, "d d"], derivatives: Inexact[Array, "n d d"]) -> Inexact[Array, "n n"]:
    """The sum over pairs of weight_ab D^k_ab D^j_ba, (n, n)."""
    count = derivatives.shape[0]
    first = (weight[None] * derivatives).reshape(count, -1)
    # D^j_ba is the conjugate of D^j_ab
    return first @ jnp.conj(derivatives.reshape(count, -1)).T


def _in_time(energies, pairs, times) -> ForceCorrelation:
    """The sum over pairs of pairs_kj,ab exp(i (E_a - E_b) t), those of equal energies apart."""
    equal = _equal(energies)
    phases = jnp.exp(1j * energies[None, :] * times[:, None])
    apart = jnp.where(equal, 0.0, pairs)
    decaying = jnp.einsum("ta,kjab,tb->tkj", phases, apart, jnp.conj(phases)).real
    return ForceCorrelation(decaying, jnp.sum(jnp.where(equal, pairs.real, 0.0), axis=(-1, -2)))
