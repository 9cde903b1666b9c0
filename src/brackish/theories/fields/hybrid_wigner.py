r"""The hybrid Wigner equation: a quantum particle and a classical one with noise, any potential, on four dimensions.

With $V(q,x)$ the whole potential, $x_\pm=x\pm\frac y2$, $L=\partial_qV$, and y conjugate to the momentum $\pi$ of the
quantum particle, $\varrho(q,p;x,y)=\int d\pi\,e^{i\pi y}\,W(q,p;x,\pi)$,

$$\partial_t\varrho=-\frac p{m_1}\partial_q\varrho+i\frac{1}{m_2}\partial_x\partial_y\varrho
-i[V(q,x_+)-V(q,x_-)]\varrho+\tfrac12[L(q,x_+)+L(q,x_-)]\partial_p\varrho
-\tfrac12D_0[L(q,x_+)-L(q,x_-)]^2\varrho+\partial_p(\gamma p\,\varrho)+\tfrac12D\,\partial_p^2\varrho .$$

Eqs. (101)–(112) of "Classical-quantum oscillators as diffusive processes in phase space", arXiv:2510.07402, with hbar =
1. Their towers of derivatives of $\pi$ are the Taylor series in y of the differences and sums above, which are computed
as they stand here. `MoyalTower` cuts the towers.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import PhaseSpace
from brackish.identity import jit_by_content
from brackish.integrators import Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable
from brackish.observables.standard import standard_observables
from brackish.promises import NORM
from brackish.theories._trade_off import TradeOff, trade_off
from brackish.theories.fields._noise import MomentumNoise, dilation
from brackish.theories.fields._on_grid import STARTING_ERROR
from brackish.theory import Moments, Requirements, Status, Theory, Weighted
from brackish.typing import Array, Float, RealScalar

Line = Callable[[Array], Array]
"""A function of the position x of the quantum particle."""


class EveryOrder(eqx.Module):
    """Sums and differences of a function at x + y/2 and x - y/2 as they are."""

    def difference(self, line: Line, x: Array, y: Array) -> Array:
        """f(x + y/2) - f(x - y/2)."""
        return line(x + y / 2) - line(x - y / 2)

    def mean(self, line: Line, x: Array, y: Array) -> Array:
        """[f(x + y/2) + f(x - y/2)] / 2."""
        return 0.5 * (line(x + y / 2) + line(x - y / 2))


class MoyalTower(eqx.Module):
    r"""Their Taylor series in y up to a number of `terms`: of 1 is left what is classical, but for the noise.

    $$f(x_+)-f(x_-)\approx\sum_{n<N}\frac{2(y/2)^{2n+1}}{(2n+1)!}f^{(2n+1)}(x),\qquad
    \tfrac12[f(x_+)+f(x_-)]\approx\sum_{n<N}\frac{(y/2)^{2n}}{(2n)!}f^{(2n)}(x)$$

    Exact for V of a degree up to 2N in x and L of one below 2N. Raises `InvalidInput` for less than one term.
    """

    terms: int = eqx.field(static=True)

    def __check_init__(self):
        if self.terms < 1:
            raise InvalidInput(f"Argument `terms` of MoyalTower must be at least 1, got {self.terms}.")

    def difference(self, line: Line, x: Array, y: Array) -> Array:
        """The odd half of the series, twice."""
        slopes = _derivatives(line, 2 * self.terms)[1::2]
        terms = [
            (y / 2) ** (2 * n + 1) / math.factorial(2 * n + 1) * slope(x) for n, slope in enumerate(slopes)
        ]
        return 2 * jnp.sum(jnp.stack(terms), axis=0)

    def mean(self, line: Line, x: Array, y: Array) -> Array:
        """The even half of the series."""
        slopes = _derivatives(line, 2 * self.terms)[::2]
        terms = [(y / 2) ** (2 * n) / math.factorial(2 * n) * slope(x) for n, slope in enumerate(slopes)]
        return jnp.sum(jnp.stack(terms), axis=0)


def _derivatives(line: Line, count: int) -> list[Line]:
    """The function and its derivatives, so many in all."""
    found = [line]
    while len(found) < count:
        found.append(jax.grad(found[-1]))
    return found


class WignerState(eqx.Module):
    """`wigner`: W at the nodes, (Q, P, X, K) for q, p and the position and momentum of the quantum particle; real, of
    either sign, of unit integral.
    """

    wigner: Float[Array, "Q P X K"]


class HybridWigner(MomentumNoise, Theory):
    r"""A classical particle with noise, coupled to a quantum one, as a Wigner function on 2 + 2 dimensions.

    Of a Hamiltonian with two coordinates and one level **the first coordinate is classical, the second quantum**; any
    potential V(q, x). `diffusion` D, `friction` $\gamma$ and `trade_off` $\kappa$ act on the momentum of the first, as
    in `HybridMasterEquation`. `classical`, `quantum`: a `PhaseSpace` for each particle. `coupling`: `EveryOrder()`, or
    the approximation `MoyalTower(terms)`. `tolerance`: how much of W may come to the rim of either grid.

    Conserves the norm to round-off. W may be negative where the quantum particle is not classical; integrated over x
    and $\pi$ it is the classical density. The start is that of a preparation on two coordinates, whose density must be
    a Wigner function in the second.

    Raises `InvalidInput` for a diffusion that is not positive, a negative friction and a ratio below 1.
    """

    diffusion: float
    classical: PhaseSpace
    quantum: PhaseSpace
    friction: float = 0.0
    trade_off: TradeOff = eqx.field(converter=trade_off, default=1.0)
    coupling: EveryOrder | MoyalTower = EveryOrder()
    tolerance: float = 1e-6
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False
    light: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, largest_coordinates=2, largest_levels=1)

    def default_integrator(self, hamiltonian):
        return Strang()

    def promises(self, hamiltonian):
        return (NORM,)

    def standard_observables(self, hamiltonian):
        kept = ("norm", "energy", "position", "momentum", "position_variance", "momentum_variance")
        return tuple(quantity for quantity in standard_observables(hamiltonian) if quantity.name in kept)

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def resolve(self, hamiltonian, preparation, times):
        if hamiltonian.manifold.coordinates != 2:
            raise UnsupportedHamiltonian(
                "HybridWigner needs two coordinates, the first classical and the second quantum, got "
                f"{hamiltonian.manifold.describe()}."
            )
        total = float(self._integral(_starting(self, hamiltonian, preparation)))
        if not abs(total - 1) < STARTING_ERROR:
            raise InvalidInput(
                "Arguments `classical` and `quantum` of HybridWigner do not hold the starting density: it integrates "
                f"to {total:.8g} instead of 1. Give larger boxes, or more points."
            )
        return self

    def refined(self):
        return dataclasses.replace(self, classical=self.classical.refined(), quantum=self.quantum.refined())

    def in_coordinates(self, shift, scale):
        return dataclasses.replace(
            self,
            classical=self.classical.in_coordinates(shift[:1], scale[:1]),
            quantum=self.quantum.in_coordinates(shift[1:], scale[1:]),
            diffusion=self.diffusion / float(scale[0]) ** 2,
        )

    def prepare(self, hamiltonian, preparation, index, key):
        start = _starting(self, hamiltonian, preparation)
        return WignerState(start / self._integral(start)), jnp.ones(())

    def parts(self, hamiltonian):
        r"""Drift of both particles, friction, and the potential with diffusion and decoherence at one q and x. Only the
        drift may go far backwards, for diffusion has no past.
        """

        masses = hamiltonian.manifold.masses
        _, p, _, momentum = self._lines()
        along_q, along_p = (_along(k, axis) for axis, k in enumerate(self.classical.odd_wavenumbers()))
        along_x = _along(_first_half(self.quantum.odd_wavenumbers()[0]), 2)

        def drift(duration):
            phase = jnp.exp(-1j * duration * (along_q * (p / masses[0]) + along_x * (momentum / masses[1])))

            def flow(y):
                waves = phase * jnp.fft.rfftn(y.wigner, axes=(0, 2))
                return WignerState(jnp.fft.irfftn(waves, (self._shape[0], self._shape[2]), axes=(0, 2)))

            return flow

        def friction(duration):
            slowed = dilation(self.classical, self.friction * duration)
            return lambda y: WignerState(jnp.einsum("qpxk,pr->qrxk", y.wigner, slowed))

        def potential(duration):
            turned, pushed, spread = self._potential(hamiltonian)
            even = _along(self.classical.plane.wavenumbers()[1], 1)
            exponent = -1j * turned + 1j * along_p * pushed - 0.5 * self.decoherence * spread**2
            factor = jnp.exp(duration * (exponent - 0.5 * self.diffusion * even**2))

            def flow(y):
                waves = factor * jnp.fft.rfftn(y.wigner, axes=(1, 3))
                return WignerState(jnp.fft.irfftn(waves, (self._shape[1], self._shape[3]), axes=(1, 3)))

            return flow

        return (drift, friction, potential) if self.friction else (drift, potential)

    def _potential(self, hamiltonian) -> tuple[Array, Array, Array]:
        """The difference of V, the mean of L and the difference of L at every q, x and y, each (Q, 1, X, Y)."""
        whole = _whole(hamiltonian)
        # a wave exp(i s pi) of the Wigner function stands for y = -s
        ys = -jnp.abs(jnp.asarray(_first_half(self.quantum.plane.wavenumbers()[1])))

        def at(q, x, y):
            force = lambda x: jax.grad(whole)(q, x)  # noqa: E731
            return (
                self.coupling.difference(lambda x: whole(q, x), x, y),
                self.coupling.mean(force, x, y),
                self.coupling.difference(force, x, y),
            )

        for axes in ((None, None, 0), (None, 0, None), (0, None, None)):
            at = jax.vmap(at, in_axes=axes)
        qs, xs = (jnp.asarray(grid.plane.positions()[0]) for grid in (self.classical, self.quantum))
        turned, pushed, spread = (values[:, None] for values in at(qs, xs, ys))
        return turned, pushed, spread

    # -- what is seen ----------------------------------------------------------------------------------------

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        return (*self.classical.shape, *self.quantum.shape)

    def _lines(self) -> list[Array]:
        """q, p, x and the quantum momentum along the axes of W."""
        lines = (*self.classical.plane.positions(), *self.quantum.plane.positions())
        return [_along(line, axis) for axis, line in enumerate(lines)]

    def _integral(self, values: Float[Array, "Q P X K"]) -> RealScalar:
        return jnp.sum(values) * self.classical.plane.cell * self.quantum.plane.cell

    def energy(self, hamiltonian, y):
        r"""$\int WH$ with the kinetic energy of both particles."""
        _, p, _, momentum = self._lines()
        masses = hamiltonian.manifold.masses
        potential = _on_positions(self, _whole(hamiltonian))
        return self._integral(y.wigner * (p**2 / (2 * masses[0]) + momentum**2 / (2 * masses[1]) + potential))

    def energy_rate(self, hamiltonian, y) -> RealScalar:
        r"""$\frac{d}{dt}\langle\hat H\rangle=\frac D{2m_1}+\frac{D_0}{2m_2}\langle(\partial_x\partial_qV)^2\rangle
        -\frac\gamma{m_1}\langle p^2\rangle$.
        """
        _, p, _, _ = self._lines()
        masses = hamiltonian.manifold.masses
        mixed = _on_positions(self, jax.grad(jax.grad(_whole(hamiltonian)), argnums=1))
        classical = (0.5 * self.diffusion - self.friction * p**2) / masses[0]
        return self._integral(y.wigner * (classical + 0.5 * self.decoherence / masses[1] * mixed**2))

    def second_moments(self, hamiltonian, y) -> Float[Array, "4 4"]:
        r"""$\int W X_iX_j$ with $X=(q,p,x,\pi)$: means of symmetrised products."""
        lines = self._lines()
        rows = [[self._integral(y.wigner * (first * second)) for second in lines] for first in lines]
        return jnp.stack([jnp.stack(row) for row in rows])

    def quantum_purity(self, hamiltonian, y) -> RealScalar:
        r"""The purity $2\pi\int W_Q^2\,dx\,d\pi$ of the quantum particle, $W_Q=\int W\,dq\,dp$."""
        own = jnp.sum(y.wigner, axis=(0, 1)) * self.classical.plane.cell
        return 2 * np.pi * jnp.sum(own**2) * self.quantum.plane.cell

    def edge_population(self, hamiltonian, y) -> RealScalar:
        """The share of |W| at the outermost nodes along any axis."""
        size = jnp.abs(y.wigner)
        inside = size[1:-1, 1:-1, 1:-1, 1:-1]
        return 1 - jnp.sum(inside) / jnp.sum(size)

    def moments(self, hamiltonian, y):
        lines = self._lines()
        means = [self._integral(y.wigner * line) for line in lines]
        norm = self._integral(y.wigner)
        centred = (line - mean / norm for line, mean in zip(lines, means, strict=True))
        spreads = [self._integral(y.wigner * line**2) / norm for line in centred]
        return Moments(*(jnp.stack(values[first::2]) for values in (means, spreads) for first in (0, 1)))

    def quantum_density(self, hamiltonian, y):
        """One level: the norm."""
        return self._integral(y.wigner)[None, None]

    def classical_points(self, hamiltonian, y):
        """All nodes, with positive and negative weights."""
        shape = self._shape
        q, p, x, momentum = (jnp.broadcast_to(line, shape).ravel() for line in self._lines())
        point = PhasePoint(jnp.stack([q, x], axis=1), jnp.stack([p, momentum], axis=1))
        weight = y.wigner.ravel() * self.classical.plane.cell * self.quantum.plane.cell
        return Weighted(point, jnp.ones((weight.size, 1, 1)), weight)

    def check(self, hamiltonian, y):
        at_edge = self.edge_population(hamiltonian, y) > self.tolerance
        status = jnp.where(
            jnp.abs(self._integral(y.wigner) - 1) > STARTING_ERROR, Status.lost_norm, Status.fine
        )
        status = jnp.where((status == Status.fine) & at_edge, Status.reached_edge, status)
        return jnp.where(jnp.all(jnp.isfinite(y.wigner)), status, Status.not_finite)


def _along(values: Any, axis: int) -> Array:
    """One value per node of one axis, shaped to multiply W."""
    shape = [1] * 4
    shape[axis] = -1
    return jnp.reshape(jnp.asarray(values), shape)


def _first_half(wavenumbers: np.ndarray) -> np.ndarray:
    """Those that the transform of real numbers keeps."""
    return wavenumbers[: len(wavenumbers) // 2 + 1]


def _whole(hamiltonian) -> Callable[[Array, Array], Array]:
    """The whole potential V(q, x), a number."""

    def potential(q, x):
        position = jnp.stack([q, x])
        return hamiltonian.potential(position)[0, 0].real + hamiltonian.harmonic(position)

    return potential


def _on_positions(theory: HybridWigner, function: Callable[[Array, Array], Array]) -> Array:
    """A function of q and x along the axes of W."""
    qs, xs = (jnp.asarray(grid.plane.positions()[0]) for grid in (theory.classical, theory.quantum))
    return jax.vmap(jax.vmap(function, (None, 0)), (0, None))(qs, xs)[:, None, :, None]


@jit_by_content
def _starting(theory: HybridWigner, hamiltonian, preparation) -> Float[Array, "Q P X K"]:
    """The density of a preparation at the nodes."""
    lines = (*theory.classical.plane.positions(), *theory.quantum.plane.positions())

    def at(q, p, x, momentum):
        return preparation.density(hamiltonian, PhasePoint(jnp.stack([q, x]), jnp.stack([p, momentum])))

    for axis in range(3, -1, -1):
        at = jax.vmap(at, in_axes=tuple(0 if other == axis else None for other in range(4)))
    return at(*(jnp.asarray(line) for line in lines))


_SOURCE = "Classical-quantum oscillators as diffusive processes in phase space, arXiv:2510.07402"


def _energy_rate(theory, hamiltonian, y):
    return theory.energy_rate(hamiltonian, y)


def _second_moments(theory, hamiltonian, y):
    return theory.second_moments(hamiltonian, y)


def _quantum_purity(theory, hamiltonian, y):
    return theory.quantum_purity(hamiltonian, y)


def _edge_population(theory, hamiltonian, y):
    return theory.edge_population(hamiltonian, y)


_OBSERVABLES = (
    Observable("energy_rate", _energy_rate, (), "hartree^2/hbar", "rate of change of the energy", _SOURCE),
    Observable(
        "second_moments",
        _second_moments,
        ("phase_coordinate", "phase_coordinate_"),
        "atomic units",
        "means of products of q, p, x and the quantum momentum",
        _SOURCE,
    ),
    Observable("quantum_purity", _quantum_purity, (), "1", "purity of the quantum particle", _SOURCE),
    Observable("edge_population", _edge_population, (), "1", "share of W at the rim of the grids"),
)
