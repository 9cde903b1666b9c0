r"""Electrons in thermal equilibrium: what of them a temperature fills, and how that changes with their Hamiltonian.

$\rho^0=e^{-\beta\hat H}/Z$ for the states of all electrons together, $f(\hat h)=[e^{\beta(\hat h-\mu)}+1]^{-1}$ for
electrons that do not see each other. A change $D$ of the Hamiltonian changes either by divided differences of the
occupations, $\partial\rho_{nm}=D_{nm}(p_n-p_m)/(E_n-E_m)$ in the eigenbasis, whose limit at $E_n=E_m$ is a derivative:
nothing here is singular at a degeneracy, and no phase of an eigenvector matters.
"""

import abc
from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.quantum.eigen import eigensystem
from brackish.quantum.small import dagger, product
from brackish.typing import Array, Float, Inexact, RealScalar

DEGENERATE = 1e-12
"""Of the largest energy: levels closer than this are one level at temperature zero (eigensolvers are good to 1e-15)."""


class ThermalElectrons(eqx.Module):
    """The interface: how a temperature fills the levels of an electronic Hamiltonian.

    `temperature`: k_B T in hartree; 0 is the limit from above.
    """

    temperature: eqx.AbstractVar[Float[np.ndarray | Array, ""]]

    @abc.abstractmethod
    def occupations(self, energies: Float[Array, " d"]) -> Float[Array, " d"]:
        """The occupation of each level, (d,), for energies in hartree."""

    @abc.abstractmethod
    def free_energy(self, energies: Float[Array, " d"]) -> RealScalar:
        """The free energy of the electrons in hartree, whose derivative by an energy is the occupation of its level."""

    @abc.abstractmethod
    def response(self, energies: Float[Array, " d"]) -> Float[Array, "d d"]:
        """Minus the divided differences of the occupations, -(p_n - p_m) / (E_n - E_m), (d, d), in 1 / hartree.

        Symmetric, never negative; on the diagonal, and at degeneracies, minus the derivative of the occupation, taken
        before weights are made to sum to one. At temperature zero that is left out, between levels that are one.
        """

    @abc.abstractmethod
    def fluctuation(
        self, energies: Float[Array, " d"], operator: Inexact[Array, "d d"]
    ) -> Inexact[Array, "d d"]:
        """The part of an operator, (d, d) in the eigenbasis, to which the density matrix responds: without its mean, if
        the density matrix has a trace to keep.
        """

    def density_change(
        self, energies: Float[Array, " d"], change: Inexact[Array, "d d"]
    ) -> Inexact[Array, "d d"]:
        """The derivative of the density matrix along a `change` of the Hamiltonian, both (d, d) in the eigenbasis."""
        return -self.response(energies) * self.fluctuation(energies, change)

    @abc.abstractmethod
    def check_definite(self, energies: Float[np.ndarray | Array, " d"]) -> None:
        """Raise `InvalidInput` where temperature zero leaves the occupations open. For plain Python; in compiled code
        levels that are one share what there is.
        """

    def density(self, matrix: Inexact[Array, "d d"]) -> Inexact[Array, "d d"]:
        """The density matrix of the electrons, (d, d), for a Hamiltonian (d, d) in hartree, in the same basis.

        Its first derivative by the matrix is finite and right at degeneracies too.
        """
        return _density(matrix, electrons=self)

    @property
    def inverse_temperature(self) -> RealScalar:
        """1 / (k_B T) in 1 / hartree; 0 at temperature zero, where whatever it multiplies is left out."""
        temperature = jnp.asarray(self.temperature)
        cold = temperature == 0
        return jnp.where(cold, 0.0, 1 / jnp.where(cold, 1.0, temperature))


@eqx.filter_custom_jvp
def _density(matrix, *, electrons):
    energies, vectors = eigensystem(matrix)
    return product(vectors * electrons.occupations(energies)[None, :], dagger(vectors))


@_density.def_jvp
def _density_jvp(primals, tangents, *, electrons):
    (matrix,), (change,) = primals, tangents
    energies, vectors = eigensystem(matrix)
    density = product(vectors * electrons.occupations(energies)[None, :], dagger(vectors))
    in_eigenbasis = product(dagger(vectors), product(change, vectors))
    moved = electrons.density_change(energies, in_eigenbasis)
    return density, product(vectors, product(moved, dagger(vectors)))


class ManyElectronStates(ThermalElectrons):
    r"""Levels are states of all electrons together: Boltzmann weights $p_n=e^{-\beta E_n}/Z$, which sum to one.

    The free energy is $-k_BT\ln Z$. `temperature`: k_B T in hartree; at 0 the ground state.

    Raises `InvalidInput` for a negative temperature.
    """

    temperature: Annotated[Float[np.ndarray | Array, ""], "temperature"] = eqx.field(
        converter=lambda t: np.asarray(t, dtype=float)
    )

    def __check_init__(self):
        _check_temperature(self)

    def occupations(self, energies):
        cold = jnp.asarray(self.temperature) == 0
        above = energies - jnp.min(energies)
        lowest = above <= DEGENERATE * jnp.max(jnp.abs(energies))
        return jnp.where(cold, lowest / jnp.sum(lowest), jax.nn.softmax(-self.inverse_temperature * above))

    def free_energy(self, energies):
        beta = self.inverse_temperature
        cold = beta == 0
        lowest = jnp.min(energies)
        partition = jnp.sum(jnp.exp(-beta * (energies - lowest)))
        return lowest - jnp.where(cold, 0.0, self.temperature * jnp.log(partition))

    def response(self, energies):
        p = self.occupations(energies)
        gap = jnp.abs(energies[:, None] - energies[None, :])
        warm = jnp.maximum(p[:, None], p[None, :]) * _boltzmann_slope(self.inverse_temperature, gap)
        return _at_temperature(self, warm, p, gap, energies)

    def fluctuation(self, energies, operator):
        mean = jnp.sum(self.occupations(energies) * jnp.diagonal(operator).real)
        return operator - mean * jnp.eye(energies.shape[0])

    def check_definite(self, energies):
        energies = np.sort(np.asarray(energies))
        if self.temperature == 0 and energies.size > 1:
            gap = energies[1] - energies[0]
            if gap <= DEGENERATE * np.max(np.abs(energies)):
                raise InvalidInput(
                    f"The ground state at temperature 0 is degenerate: the lowest energies are {energies[0]:.12g} and "
                    f"{energies[1]:.12g} hartree. Give ManyElectronStates a positive `temperature`."
                )


class IndependentElectrons(ThermalElectrons):
    r"""Levels are orbitals, each filled on its own: $f_a=s\,[e^{\beta(\epsilon_a-\mu)}+1]^{-1}$, for s spins.

    The free energy is the grand potential $-k_BTs\sum_a\ln(1+e^{-\beta(\epsilon_a-\mu)})$.

    `temperature`: k_B T in hartree; at 0 all orbitals below the chemical potential are filled. `chemical_potential`:
    mu, in hartree. `spins`: 1, or 2 if every orbital stands for both spins.

    Raises `InvalidInput` for a negative temperature, a chemical potential that is not finite, or other `spins`.
    """

    temperature: Annotated[Float[np.ndarray | Array, ""], "temperature"] = eqx.field(
        converter=lambda t: np.asarray(t, dtype=float)
    )
    chemical_potential: Annotated[Float[np.ndarray | Array, ""], "energy"] = eqx.field(
        converter=lambda mu: np.asarray(mu, dtype=float), default=0.0
    )
    spins: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        _check_temperature(self)
        if isinstance(self.chemical_potential, np.ndarray) and not np.isfinite(self.chemical_potential):
            raise InvalidInput(
                f"Argument `chemical_potential` must be finite, got {self.chemical_potential}."
            )
        if self.spins not in (1, 2):
            raise InvalidInput(f"Argument `spins` must be 1 or 2, got {self.spins}.")

    def occupations(self, energies):
        return self.spins * self._filling(energies)

    def free_energy(self, energies):
        above = energies - self.chemical_potential
        beta = self.inverse_temperature
        cold = beta == 0
        # k_B T ln(1 + e^-x) = max(-x, 0) k_B T + k_B T ln(1 + e^-|x|)
        thermal = jnp.where(cold, 0.0, self.temperature * jnp.log1p(jnp.exp(-beta * jnp.abs(above))))
        return -self.spins * jnp.sum(jnp.maximum(-above, 0.0) + thermal)

    def response(self, energies):
        filled, empty = self._filling(energies), self._filling(2 * self.chemical_potential - energies)
        gap = jnp.abs(energies[:, None] - energies[None, :])
        below = energies[:, None] <= energies[None, :]
        lower = jnp.where(below, filled[:, None], filled[None, :])
        upper_empty = jnp.where(below, empty[None, :], empty[:, None])
        warm = self.spins * lower * upper_empty * _boltzmann_slope(self.inverse_temperature, gap)
        return _at_temperature(self, warm, self.spins * filled, gap, energies)

    def fluctuation(self, energies, operator):
        return operator

    def check_definite(self, energies):
        energies = np.asarray(energies)
        if self.temperature == 0:
            nearest = energies[np.argmin(np.abs(energies - self.chemical_potential))]
            if abs(nearest - self.chemical_potential) <= DEGENERATE * np.max(np.abs(energies)):
                raise InvalidInput(
                    f"The ground state at temperature 0 is degenerate: the orbital at {nearest:.12g} hartree lies at "
                    "the chemical potential. Give IndependentElectrons a positive `temperature`."
                )

    def _filling(self, energies):
        above = energies - self.chemical_potential
        step = 0.5 * (1 - jnp.sign(above))
        return jnp.where(
            jnp.asarray(self.temperature) == 0, step, jax.nn.sigmoid(-self.inverse_temperature * above)
        )


def _boltzmann_slope(beta, gap):
    """(1 - exp(-beta gap)) / gap, with its limit beta; 0 for beta = 0."""
    tiny = beta * gap < 1e-8
    return jnp.where(tiny, beta * (1 - 0.5 * beta * gap), -jnp.expm1(-beta * gap) / jnp.where(tiny, 1.0, gap))


def _at_temperature(electrons, warm, occupations, gap, energies):
    """The divided differences `warm`, or those of steps at temperature zero."""
    same = gap <= DEGENERATE * jnp.max(jnp.abs(energies))
    difference = jnp.abs(occupations[:, None] - occupations[None, :])
    cold = jnp.where(same, 0.0, difference / jnp.where(same, 1.0, gap))
    return jnp.where(jnp.asarray(electrons.temperature) == 0, cold, warm)


def _check_temperature(electrons):
    temperature = electrons.temperature
    if isinstance(temperature, np.ndarray) and not (
        temperature.ndim == 0 and np.isfinite(temperature) and temperature >= 0
    ):
        raise InvalidInput(
            f"Argument `temperature` of {type(electrons).__name__} must be one finite number, 0 or more, got "
            f"{temperature.tolist()}."
        )
