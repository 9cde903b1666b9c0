r"""The three models of Tully, and the double arch: one coordinate, two levels, atomic units.

J. C. Tully, J. Chem. Phys. 93, 1061 (1990), with his parameters; double arch: J. E. Subotnik and N. Shenvi,
J. Chem. Phys. 134, 024105 (2011). Level 0 is the lower diabat on the left (models I, II), so a packet
coming from the left on the lower adiabat starts there.
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import positive
from brackish.typing import Array, Float


def _parameter(value):
    """A plain number stays one: compiled code then has it as a constant, which is up to twice as fast. An array of
    JAX stays an array, so that one can differentiate with respect to it."""
    return value if isinstance(value, Array) else float(value)


def _matrix(first, coupling, second):
    return jnp.stack([jnp.stack([first, coupling]), jnp.stack([coupling, second])])


class TwoLevelCrossing(SeparableHamiltonian):
    """What the models below share: one heavy particle of `mass` 2000 on two diabatic potentials."""

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return jnp.zeros((2, 2))

    def potential(self, position):
        return self.coupling(position)

    def suggested_step(self):
        return 1.0


class SimpleAvoidedCrossing(TwoLevelCrossing):
    r"""Tully I. $V_{11}=\mathrm{sgn}(q)\,A\,(1-e^{-B|q|})=-V_{22}$, $V_{12}=C\,e^{-Dq^2}$."""

    manifold: Canonical = Canonical(np.array([2000.0]))
    levels: int = eqx.field(static=True, default=2)
    frequencies: None = None
    A: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.01)
    B: float | Float[Array, ""] = eqx.field(converter=_parameter, default=1.6)
    C: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.005)
    D: float | Float[Array, ""] = eqx.field(converter=_parameter, default=1.0)

    def coupling(self, position):
        q = position[0]
        # a choice of two constants, not sgn(q), which would make the slope at q = 0 vanish
        diagonal = jnp.where(q < 0, -self.A, self.A) * (1 - jnp.exp(-self.B * jnp.abs(q)))
        return _matrix(diagonal, self.C * jnp.exp(-self.D * q**2), -diagonal)


class DualAvoidedCrossing(TwoLevelCrossing):
    r"""Tully II. $V_{11}=0$, $V_{22}=E_0-A\,e^{-Bq^2}$, $V_{12}=C\,e^{-Dq^2}$."""

    manifold: Canonical = Canonical(np.array([2000.0]))
    levels: int = eqx.field(static=True, default=2)
    frequencies: None = None
    A: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.10)
    B: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.28)
    C: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.015)
    D: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.06)
    E0: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.05)

    def coupling(self, position):
        q = position[0]
        second = self.E0 - self.A * jnp.exp(-self.B * q**2)
        return _matrix(jnp.zeros_like(q), self.C * jnp.exp(-self.D * q**2), second)


class ExtendedCoupling(TwoLevelCrossing):
    r"""Tully III. $V_{11}=A=-V_{22}$, $V_{12}=B\,e^{Cq}$ for $q<0$ and $B\,(2-e^{-Cq})$ for $q>0$."""

    manifold: Canonical = Canonical(np.array([2000.0]))
    levels: int = eqx.field(static=True, default=2)
    frequencies: None = None
    A: float | Float[Array, ""] = eqx.field(converter=_parameter, default=6e-4)
    B: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.10)
    C: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.90)

    def coupling(self, position):
        q = position[0]
        rise = jnp.exp(-self.C * jnp.abs(q))
        energy = self.A + 0.0 * q
        return _matrix(energy, self.B * jnp.where(q < 0, rise, 2 - rise), -energy)


class DoubleArch(TwoLevelCrossing):
    r"""$V_{11}=A=-V_{22}$, $V_{12}=B\,[f(q+D)-f(q-D)]$ with $f$ the coupling of Tully III for $B=1$."""

    manifold: Canonical = Canonical(np.array([2000.0]))
    levels: int = eqx.field(static=True, default=2)
    frequencies: None = None
    A: float | Float[Array, ""] = eqx.field(converter=_parameter, default=6e-4)
    B: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.10)
    C: float | Float[Array, ""] = eqx.field(converter=_parameter, default=0.90)
    D: float | Float[Array, ""] = eqx.field(converter=_parameter, default=4.0)

    def coupling(self, position):
        q = position[0]

        def step(x):
            rise = jnp.exp(-self.C * jnp.abs(x))
            return jnp.where(x < 0, rise, 2 - rise)

        energy = self.A + 0.0 * q
        return _matrix(energy, self.B * (step(q + self.D) - step(q - self.D)), -energy)


@reads_arguments
def tully(number: int = 1, mass: Annotated[float, "mass"] = 2000.0) -> TwoLevelCrossing:
    """Tully's model 1 (simple avoided crossing), 2 (dual) or 3 (extended coupling), with his parameters.

    Other parameters: build `SimpleAvoidedCrossing`, `DualAvoidedCrossing` or `ExtendedCoupling` yourself.
    """
    kinds = {1: SimpleAvoidedCrossing, 2: DualAvoidedCrossing, 3: ExtendedCoupling}
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number not in kinds:
        raise InvalidInput(f"Argument `number` of tully() must be 1, 2 or 3, got {number!r}.")
    return kinds[int(number)](Canonical(positive("mass", mass)))


@reads_arguments
def double_arch(mass: Annotated[float, "mass"] = 2000.0) -> DoubleArch:
    """The double arch, with its published parameters: a packet meets two couplings and interferes."""
    return DoubleArch(Canonical(positive("mass", mass)))
