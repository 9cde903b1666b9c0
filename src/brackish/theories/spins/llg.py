r"""Classical magnets: the equations of Landau and Lifshitz, and of Gilbert, with a thermal field.

$$\text{LLG:}\quad\dot{\mathbf n}=\mathbf n\times(\boldsymbol\omega+\boldsymbol\xi)-\alpha\,\mathbf
n\times\dot{\mathbf n},\qquad
\text{LL:}\quad\dot{\mathbf n}=\mathbf n\times(\boldsymbol\omega+\boldsymbol\xi)-\lambda\,\mathbf n\times[\mathbf
n\times(\boldsymbol\omega+\boldsymbol\xi)]$$

Eqs. (1) and (2) of Y. Liu et al., "Quantum Analog of Landau-Lifshitz-Gilbert Dynamics", Phys. Rev. Lett. 133, 266704
(2024), for unit vectors, with $\boldsymbol\omega_i=-\frac1{\hbar s_i}\partial E/\partial\mathbf n_i$. Both are
turnings, $\dot{\mathbf n}=\mathbf n\times\boldsymbol\Omega$, with
$\boldsymbol\Omega=a(\boldsymbol\omega+\boldsymbol\xi)-b\,\mathbf n\times(\boldsymbol\omega+\boldsymbol\xi)$ and

$$(a,b)_{LLG}=\frac{(1,\alpha)}{1+\alpha^2},\qquad(a,b)_{LL}=(1,\lambda),$$

so LLG at time $(1+\alpha^2)t$ is LL with $\lambda=\alpha$ at time t. The thermal field is white (Stratonovich),
$\langle\xi_c(t)\xi_d(t')\rangle=2D\,\delta_{cd}\,\delta(t-t')$. By it directions diffuse on the sphere at the rate
$(a^2+b^2)D$, while they drift down the energy with the mobility $b/\hbar s$; Einstein's relation, by which the Gibbs
state $e^{-E/k_BT}$ is at rest, asks for

$$D=\frac{b}{a^2+b^2}\,\frac{k_BT}{\hbar s},\qquad\text{that is}\quad D_{LLG}=\frac{\alpha k_BT}{\hbar s},\quad
D_{LL}=\frac{\lambda}{1+\lambda^2}\,\frac{k_BT}{\hbar s}$$

(W. F. Brown, Phys. Rev. 130, 1677 (1963)).
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators import Depondt, LieHeun
from brackish.manifolds import Spheres
from brackish.observables import SPIN_OBSERVABLES
from brackish.promises import ENERGY_OF_EACH
from brackish.spins import SpinSystem, require_magnet
from brackish.spins.turning import cross, random_turns, random_vectors, rotate, turning
from brackish.theories.spins._arguments import damping_number, temperature_or_function
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Float, RealScalar


class MagnetState(eqx.Module):
    """A whole magnet: `directions`, (N, 3), unit vectors along the spins; `time`, at which the field is meant."""

    directions: Float[Array, "N 3"]
    time: RealScalar


class _ClassicalMagnet(Theory):
    """What LLG and LL share: each is a choice of two coefficients."""

    damping: eqx.AbstractVar[Float[np.ndarray | Array, ""]]
    temperature: eqx.AbstractVar[Any]
    coupled: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True

    @abc.abstractmethod
    def _coefficients(self) -> tuple[RealScalar, RealScalar]:
        """a and b in Omega = a omega - b n x omega."""

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether there is a thermal field."""
        return self.temperature is not None

    def requirements(self):
        return Requirements(manifolds=(Spheres,), largest_levels=1)

    def resolve(self, hamiltonian, preparation, times):
        require_magnet(type(self).__name__, hamiltonian)
        return self

    def default_integrator(self, hamiltonian):
        """At a temperature, a step whose means are of second order too."""
        return Depondt() if self.temperature is None else LieHeun()

    def promises(self, hamiltonian):
        """Without a temperature and a field that changes: the energy, or with damping that it never grows."""
        if self.random or hamiltonian.driven:
            return ()
        return (dataclasses.replace(ENERGY_OF_EACH, may_fall=bool(self.damping > 0)),)

    def standard_observables(self, hamiltonian):
        return SPIN_OBSERVABLES

    def prepare(self, hamiltonian, preparation, index, key):
        start = preparation.draw(hamiltonian, index, key)
        return MagnetState(start.point, jnp.zeros(())), start.weight

    # -- the motion ------------------------------------------------------------------------------------------------

    def directions(self, y):
        """The unit vectors, (N, 3)."""
        return y.directions

    def turned(self, y, directions, t):
        """The magnet with other directions, at time t."""
        return MagnetState(directions, jnp.asarray(t, float))

    def angular_velocity(self, hamiltonian: SpinSystem):
        """(t, directions, thermal field) -> Omega of every spin, (N, 3)."""
        return turning(hamiltonian, *self._coefficients())

    def noise(self, hamiltonian: SpinSystem, t, dt, draws):
        """The thermal field over a step: the mean of white noise over it, with variance 2 D / dt."""
        if self.temperature is None:
            return None
        along, across = self._coefficients()
        spread = self._heat(hamiltonian, t + 0.5 * dt) / (along**2 + across**2)
        return jnp.sqrt(2 * spread / dt)[:, None] * random_vectors(draws, hamiltonian.count)

    def generators(self, hamiltonian):
        """(t, magnet) -> Omega of every spin, (N, 3), without a thermal field."""
        velocity = self.angular_velocity(hamiltonian)
        return lambda t, y: velocity(t, y.directions)

    def moved(self, hamiltonian, y, generators, dt):
        """Every spin rotated by Omega dt."""
        return MagnetState(rotate(y.directions, generators, generators, dt), y.time + dt)

    def shaken(self, hamiltonian, t, dt, y, draws):
        """Every spin turned at random, as in diffusion on the sphere for a time dt, at the rate $(a^2+b^2)D$."""
        if self.temperature is None:
            return y
        turns = random_turns(draws, jnp.sqrt(2 * self._heat(hamiltonian, t + 0.5 * dt) * dt))
        return MagnetState(rotate(y.directions, turns, turns, 1.0), y.time)

    def _heat(self, hamiltonian: SpinSystem, t) -> Float[Array, " N"]:
        """b k_B T / hbar s: how fast directions diffuse, (a^2 + b^2) D."""
        temperature = self.temperature(t) if callable(self.temperature) else self.temperature
        units = hamiltonian.units
        return (
            self._coefficients()[1]
            * units.boltzmann
            * temperature
            / (units.planck * jnp.asarray(hamiltonian.spins))
        )

    def flow(self, hamiltonian: SpinSystem, t, y):
        """dn/dt without a thermal field."""
        if self.temperature is not None:
            raise UnsupportedHamiltonian(
                f"{type(self).__name__} at a temperature is for LieHeun, Depondt, SemiImplicit or "
                "HeunSpins, which carry its thermal field."
            )
        velocity = self.angular_velocity(hamiltonian)(t, y.directions)
        return MagnetState(cross(y.directions, velocity), jnp.ones(()))

    # -- what is seen of it ----------------------------------------------------------------------------------------

    def energy(self, hamiltonian, y):
        return hamiltonian.classical_energy(y.directions, y.time)

    def spin_direction(self, hamiltonian, y):
        """The unit vectors, (N, 3)."""
        return y.directions

    def configurations(self, hamiltonian, y):
        return (
            None  # the energy of a magnet may depend on the time; its fields are looked at where it is made
        )

    def classical_points(self, hamiltonian, y):
        return Weighted(y.directions[None], jnp.ones((1, 1, 1)), jnp.ones(1))

    def check(self, hamiltonian, y):
        return jnp.where(jnp.all(jnp.isfinite(y.directions)), Status.fine, Status.not_finite)


class LLG(_ClassicalMagnet):
    r"""Classical spins with Gilbert damping, eq. (1): $\dot{\mathbf n}=\mathbf n\times\boldsymbol\omega-\alpha\,\mathbf
    n\times\dot{\mathbf n}$.

    `damping`: alpha, 0 or more. `temperature`: in the units of the magnet, a number or a function of time; 0 draws
    nothing. A trajectory is a whole magnet, and unit lengths are exact. The energy is conserved at damping 0 and never
    grows without noise and drive; with a temperature the Gibbs state of the classical magnet is reached.

    Raises `InvalidInput` for a negative damping or temperature.
    """

    damping: Float[np.ndarray | Array, ""] = eqx.field(converter=damping_number)
    temperature: Annotated[Float[np.ndarray | Array, ""] | Callable | None, "magnet temperature"] = eqx.field(
        converter=temperature_or_function, default=0.0
    )

    def _coefficients(self):
        size = 1 + self.damping**2
        return jnp.asarray(1 / size), jnp.asarray(self.damping / size)


class LL(_ClassicalMagnet):
    r"""Classical spins with the damping of Landau and Lifshitz, eq. (2): $\dot{\mathbf n}=\mathbf
    n\times\boldsymbol\omega-\lambda\,\mathbf n\times(\mathbf n\times\boldsymbol\omega)$. It precesses at the full
    $\omega$, where the paper's eq. (2) divides both terms by $1+\alpha^2$ to be the same motion as LLG.

    `damping`: lambda, 0 or more. `temperature`: as for `LLG`.

    Raises `InvalidInput` for a negative damping or temperature.
    """

    damping: Float[np.ndarray | Array, ""] = eqx.field(converter=damping_number)
    temperature: Annotated[Float[np.ndarray | Array, ""] | Callable | None, "magnet temperature"] = eqx.field(
        converter=temperature_or_function, default=0.0
    )

    def _coefficients(self):
        return jnp.ones(()), jnp.asarray(self.damping)
