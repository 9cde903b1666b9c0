"""What is kept of every run of a magnet, classical or quantum, under the same names and axes; and what quantum spins
share, for those who ask for it, as `simulate(..., observables=(bk.observables.concurrence(),))`.
"""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp

from brackish import quantum
from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.observables.base import Observable
from brackish.observables.standard import energy


def _spin_direction(theory, magnet, y):
    """<S_i>/s_i, (N, 3): what the theory offers."""
    return theory.spin_direction(magnet, y)


def _magnetization(theory, magnet, y):
    """sum_i g_i <S_i> / sum_i |g_i| s_i, (3,)."""
    spins, factors = jnp.asarray(magnet.spins), jnp.asarray(magnet.g_factor)
    moments = (factors * spins)[:, None] * theory.spin_direction(magnet, y)
    return jnp.sum(moments, axis=0) / jnp.sum(jnp.abs(factors) * spins)


spin_direction = Observable(
    "spin_direction",
    _spin_direction,
    ("spin", "axis"),
    "1",
    "mean spin over its length: a direction, or a Bloch vector of spin 1/2",
)
magnetization = Observable(
    "magnetization",
    _magnetization,
    ("axis",),
    "1",
    "total moment over the largest that the spins can have",
)
SPIN_OBSERVABLES = (
    spin_direction,
    magnetization,
    Observable("energy", energy, (), "hartree", "total energy"),
)
"""The standard observables of a theory of magnets, which offers `spin_direction(magnet, y)`, the mean spins over their
lengths, (N, 3), and `energy`."""


def _purity(theory, magnet, y):
    """Tr rho^2: what the theory offers."""
    return theory.purity(magnet, y)


PURITY = Observable("purity", _purity, (), "1", "purity Tr rho^2 of the state of all quantum spins")
"""Kept beside them by theories of quantum spins."""


@dataclasses.dataclass(frozen=True)
class _OfSpins:
    """A function of the density operator of some spins, equal to others of the same quantity and spins."""

    name: str
    quantity: Callable
    spins: tuple[int, ...]
    size: int | None = None

    def __call__(self, theory, magnet, y):
        if not hasattr(theory, "reduced_density"):
            raise UnsupportedHamiltonian(
                f"{self.name} is of quantum spins; {type(theory).__name__} has no density operator of them."
            )
        density = theory.reduced_density(magnet, y, self.spins)
        if self.size is not None and density.shape[0] != self.size:
            raise UnsupportedHamiltonian(f"{self.name} is of two spins 1/2; these are longer.")
        return self.quantity(density)


@dataclasses.dataclass(frozen=True)
class _Renyi:
    """The entropy of one order."""

    order: float

    def __call__(self, density):
        return quantum.renyi_entropy(density, self.order)


def _of_two(
    name: str, quantity: Callable, first: int, second: int, dims: tuple[str, ...], meaning: str, source=""
):
    if first == second or min(first, second) < 0:
        raise InvalidInput(f"{name} needs two different spins, counted from 0, got {first} and {second}.")
    return Observable(name, _OfSpins(name, quantity, (first, second), 4), dims, "1", meaning, source)


def correlation_matrix(first: int = 0, second: int = 1, name: str = "correlation_matrix") -> Observable:
    r"""$T_{kl}=\langle\sigma_k\otimes\sigma_l\rangle$ of two spins 1/2, (3, 3)."""
    what = "correlation matrix of two spins"
    return _of_two(name, quantum.correlation_matrix, first, second, ("axis", "axis_"), what)


def bell_nonlocality(first: int = 0, second: int = 1, name: str = "bell_nonlocality") -> Observable:
    """How much two spins 1/2 break an inequality of Bell's kind, 0 to 1; see `brackish.quantum.bell_nonlocality`."""
    source = "R., P. and M. Horodecki, Phys. Lett. A 200, 340 (1995)"
    return _of_two(name, quantum.bell_nonlocality, first, second, (), "Bell nonlocality of two spins", source)


def concurrence(first: int = 0, second: int = 1, name: str = "concurrence") -> Observable:
    """The concurrence of two spins 1/2, 0 (separable) to 1."""
    source = "W. K. Wootters, Phys. Rev. Lett. 80, 2245 (1998)"
    return _of_two(name, quantum.concurrence, first, second, (), "concurrence of two spins", source)


def negativity(first: int = 0, second: int = 1, name: str = "negativity") -> Observable:
    """The negativity of two spins 1/2, 0 to 1/2."""
    source = "G. Vidal and R. F. Werner, Phys. Rev. A 65, 032314 (2002)"
    return _of_two(name, _negativity_of_two, first, second, (), "negativity of two spins", source)


def singlet_fidelity(first: int = 0, second: int = 1, name: str = "singlet_fidelity") -> Observable:
    """The probability that two spins 1/2 have total spin 0."""
    return _of_two(name, quantum.singlet_fidelity, first, second, (), "probability of the singlet")


def triplet_fidelities(first: int = 0, second: int = 1, name: str = "triplet_fidelities") -> Observable:
    """The probabilities of the three states of total spin 1 of two spins 1/2, S_z = 1, 0, -1."""
    what = "probabilities of the triplets"
    return _of_two(name, quantum.triplet_fidelities, first, second, ("projection",), what)


def entanglement_entropy(*spins: int, name: str = "entanglement_entropy") -> Observable:
    """The von Neumann entropy, in nats, of the state of some spins; in a pure state of all, how much they are entangled
    with the others. By default of the first spin.
    """
    kept = spins or (0,)
    quantity = _OfSpins(name, quantum.von_neumann_entropy, kept)
    return Observable(name, quantity, (), "1", "entropy of the state of some spins")


def renyi_entropy(order: float, *spins: int, name: str = "renyi_entropy") -> Observable:
    """The entropy of Renyi of an `order` > 0, in nats, of the state of some spins, by default of the first."""
    if not order > 0:
        raise InvalidInput(f"Argument `order` of renyi_entropy must be above 0, got {order}.")
    quantity = _OfSpins(name, _Renyi(float(order)), spins or (0,))
    return Observable(name, quantity, (), "1", f"Renyi entropy of order {order:g} of the state of some spins")


def _negativity_of_two(density):
    return quantum.negativity(density, (2, 2))
