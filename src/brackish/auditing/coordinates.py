r"""The same system, and the same start, written in other canonical coordinates and in another quantum basis.

A canonical map $z'=\Phi(z)$ and a unitary U take a Hamiltonian to $\hat H'(z')=U\hat H(\Phi^{-1}(z'))U^\dagger$, a
density to $D'(z')=D(\Phi^{-1}(z'))$ and a quantum state to $U\psi(\Phi^{-1}(z'))$. The basis is changed by
`change_basis`; this file does the rest.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.manifolds import Canonical, Manifold, PhasePoint, Product, ProductPoint
from brackish.preparations import Preparation
from brackish.preparations.base import Draw
from brackish.quantum import apply
from brackish.typing import Array, Complex, Float, Inexact, Point

# -- canonical maps ------------------------------------------------------------------------------------------


class CanonicalMap(eqx.Module):
    """A map of a manifold onto itself that keeps its bracket. `name`: for reports."""

    name: eqx.AbstractClassVar[str]

    @abc.abstractmethod
    def forth(self, z: Point) -> Point:
        """The new coordinates of a point."""

    @abc.abstractmethod
    def back(self, z: Point) -> Point:
        """The old coordinates of a point."""


class ScaleAndShift(CanonicalMap):
    """q' = a + b q and p' = p / b, with `shift` a and `scale` b > 0, each (n,). Kinetic energy stays kinetic
    energy, with masses m / b^2.
    """

    shift: Float[np.ndarray | Array, " n"]
    scale: Float[np.ndarray | Array, " n"]
    name: ClassVar[str] = "q' = a + b q, p' = p / b"

    def forth(self, z):
        return PhasePoint(self.shift + self.scale * z.position, z.momentum / self.scale)

    def back(self, z):
        return PhasePoint((z.position - self.shift) / self.scale, z.momentum * self.scale)


class PlaneTurn(CanonicalMap):
    r"""Every plane (q, p) turned by an `angle` about (`position`, `momentum`), where `ratio` is how many units of
    momentum are as long as one of position; all (n,).

    $q'-q_0=\cos\alpha\,(q-q_0)+\sin\alpha\,(p-p_0)/\mu$, $p'-p_0=\cos\alpha\,(p-p_0)-\mu\sin\alpha\,(q-q_0)$.
    """

    angle: Float[np.ndarray | Array, ""]
    position: Float[np.ndarray | Array, " n"]
    momentum: Float[np.ndarray | Array, " n"]
    ratio: Float[np.ndarray | Array, " n"]
    name: ClassVar[str] = "rotation that mixes q and p"

    def forth(self, z):
        return self._turned(z, 1.0)

    def back(self, z):
        return self._turned(z, -1.0)

    def _turned(self, z, sense):
        cosine, sine = jnp.cos(self.angle), sense * jnp.sin(self.angle)
        q, p = z.position - self.position, z.momentum - self.momentum
        return PhasePoint(
            self.position + cosine * q + sine * p / self.ratio,
            self.momentum + cosine * p - sine * self.ratio * q,
        )


class SphereTurn(CanonicalMap):
    """All classical spins turned by one `rotation`, (3, 3)."""

    rotation: Float[np.ndarray | Array, "3 3"]
    name: ClassVar[str] = "rotation of the spins"

    def forth(self, z):
        return jnp.sum(jnp.asarray(self.rotation)[None] * z[:, None, :], axis=-1)

    def back(self, z):
        return jnp.sum(jnp.asarray(self.rotation).T[None] * z[:, None, :], axis=-1)


class TurnBoth(CanonicalMap):
    """A map of the orbital part and a rotation of the spins, on their product."""

    canonical: PlaneTurn
    spheres: SphereTurn
    name: ClassVar[str] = "rotation that mixes q and p, and one of the spins"

    def forth(self, z):
        return ProductPoint(self.canonical.forth(z.canonical), self.spheres.forth(z.spheres))

    def back(self, z):
        return ProductPoint(self.canonical.back(z.canonical), self.spheres.back(z.spheres))


# -- Hamiltonians --------------------------------------------------------------------------------------------


class MovedSeparable(SeparableHamiltonian):
    """A separable Hamiltonian in coordinates q' = a + b q: still separable, and its exact flows are still exact."""

    original: SeparableHamiltonian
    change: ScaleAndShift
    manifold: Canonical
    levels: int = eqx.field(static=True)
    frequencies: Float[np.ndarray | Array, " n"] | None

    def __init__(self, original: SeparableHamiltonian, change: ScaleAndShift):
        self.original, self.change = original, change
        self.manifold = Canonical(original.manifold.masses / np.asarray(change.scale) ** 2)
        self.levels, self.frequencies = original.levels, original.frequencies

    @property
    def labels(self):
        """Those of the original."""
        return self.original.labels

    def _old(self, position):
        return (position - self.change.shift) / self.change.scale

    def external(self, position):
        return self.original.external(self._old(position))

    def quantum(self):
        return self.original.quantum()

    def coupling(self, position):
        return self.original.coupling(self._old(position))

    def potential(self, position):
        return self.original.potential(self._old(position))

    def harmonic(self, position):
        return self.original.harmonic(self._old(position))

    def averaging(self, step):
        return Partial(_averaged_elsewhere, self.change, self.original.averaging(step))

    def free_flow(self, duration):
        flow = self.original.free_flow(duration)
        return lambda z: self.change.forth(flow(self.change.back(z)))

    def suggested_step(self):
        return self.original.suggested_step()


def _averaged_elsewhere(change: ScaleAndShift, average, position):
    return change.shift + change.scale * average((position - change.shift) / change.scale)


class Moved(HybridHamiltonian):
    """Any Hamiltonian in other canonical coordinates: in general no longer kinetic energy plus V(q)."""

    original: HybridHamiltonian
    change: CanonicalMap
    manifold: Manifold
    levels: int = eqx.field(static=True)

    def __init__(self, original: HybridHamiltonian, change: CanonicalMap):
        self.original, self.change = original, change
        self.manifold, self.levels = original.manifold, original.levels

    @property
    def labels(self):
        """Those of the original."""
        return self.original.labels

    def classical(self, z):
        return self.original.classical(self.change.back(z))

    def quantum(self):
        return self.original.quantum()

    def interaction(self, z):
        return self.original.interaction(self.change.back(z))

    def suggested_step(self):
        return self.original.suggested_step()


def moved(hamiltonian: HybridHamiltonian, change: CanonicalMap) -> MovedSeparable | Moved:
    """The Hamiltonian in other coordinates; separable where it was and can remain so."""
    if isinstance(hamiltonian, SeparableHamiltonian) and isinstance(change, ScaleAndShift):
        return MovedSeparable(hamiltonian, change)
    return Moved(hamiltonian, change)


# -- starts --------------------------------------------------------------------------------------------------


def _turned(unitary: Inexact[np.ndarray | Array, "d d"], psi: Array) -> Array:
    """U psi, for one state (d,) or the columns (d, r) of a mixed one."""
    if psi.ndim == 1:
        return apply(jnp.asarray(unitary), psi)
    return jax.vmap(apply, in_axes=(None, 1), out_axes=1)(jnp.asarray(unitary), psi)


class MovedState(eqx.Module):
    """The quantum state of a preparation, in the new coordinates and the new basis."""

    preparation: "MovedPreparation"

    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """The original was checked."""

    def spinor(
        self, hamiltonian: HybridHamiltonian, z: Point
    ) -> Complex[Array, " d"] | Complex[Array, "d r"]:
        """U psi at the same place, (d,), or (d, r) for a mixed state."""
        moved = self.preparation
        return _turned(moved.unitary, moved.original.state.spinor(moved.system, moved.change.back(z)))


class MovedPreparation(Preparation):
    """The same start: the `original`, made for `system`, in other coordinates and another basis.

    `original`: any preparation. `unitary`: (d, d). What the original offers beside draws (a density, a spread, a
    wavefunction, a quantum state) this one offers too, and no more.
    """

    original: Any
    system: HybridHamiltonian
    change: CanonicalMap
    unitary: Inexact[np.ndarray | Array, "d d"]

    @property
    def random(self) -> bool:  # type: ignore[override]
        """As the original."""
        return self.original.random

    def check(self, hamiltonian):
        self.original.check(self.system)

    def count(self):
        return self.original.count()

    def mixed(self):
        return self.original.mixed()

    def draw(self, hamiltonian, index, key):
        start = self.original.draw(self.system, index, key)
        return Draw(self.change.forth(start.point), _turned(self.unitary, start.psi), start.weight)

    def density(self, hamiltonian, z):
        return self.original.density(self.system, self.change.back(z))

    def wavefunction(self, hamiltonian, positions):
        """Psi'(q') = U Psi(q) / sqrt(b), for a map of positions alone."""
        shift, scale = self._of_positions()
        old = tuple((x - a) / b for x, a, b in zip(positions, shift, scale, strict=True))
        psi = self.original.wavefunction(self.system, old) / jnp.sqrt(jnp.prod(jnp.asarray(scale)))
        flat = psi.reshape(psi.shape[0], -1)
        return jnp.sum(self.unitary[:, :, None] * flat[None], axis=1).reshape(psi.shape)

    def _of_positions(self) -> tuple[Any, Any]:
        if not isinstance(self.change, ScaleAndShift):
            raise AttributeError("A map that mixes positions and momenta has no map of positions.")
        return self.change.shift, self.change.scale

    @property
    def state(self):
        """The quantum state, if the original has one by itself."""
        _ = self.original.state
        return MovedState(self)

    @property
    def spread(self):
        """Means and standard deviations of positions and momenta, if the original knows them."""
        original = self.original.spread
        shift, scale = self._of_positions()

        def spread(manifold):
            position, momentum, width, momentum_width = original(self.system.manifold)
            return shift + scale * position, momentum / scale, scale * width, momentum_width / scale

        return spread

    @property
    def point_from_normals(self):
        """The point at so many standard deviations from the centre, if the original knows it."""
        original = self.original.point_from_normals
        return lambda manifold, normals: self.change.forth(original(self.system.manifold, normals))


def identity(hamiltonian: HybridHamiltonian) -> CanonicalMap:
    """The map that changes nothing, of the kind that is cheapest for this Hamiltonian."""
    manifold = hamiltonian.manifold
    if isinstance(manifold, Canonical):
        return ScaleAndShift(np.zeros(manifold.coordinates), np.ones(manifold.coordinates))
    if isinstance(manifold, Product):
        nothing = np.zeros(manifold.canonical.coordinates)
        return TurnBoth(PlaneTurn(np.zeros(()), nothing, nothing, nothing + 1), SphereTurn(np.eye(3)))
    return SphereTurn(np.eye(3))
