r"""Two electronic states that meet at a point: the linear E x e Jahn-Teller model, with a gap that turns it complex.

$$\hat H=\frac\omega2\sum_{k=x,y}\big(p_k^2+q_k^2\big)+\kappa\,(q_x\hat\sigma_x+q_y\hat\sigma_y)+\Delta\,\hat\sigma_z$$

H. C. Longuet-Higgins, U. Opik, M. H. L. Pryce and R. A. Sack, Proc. R. Soc. A 244, 1 (1958). The gap, as of spin and
orbit, breaks time reversal: without it a turn of the states makes the matrix real, with it there is a pseudo-magnetic
field, in the lower state
$$B_{xy}=\frac{\kappa^2\Delta}{2(\kappa^2q^2+\Delta^2)^{3/2}}.$$
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import number, positive
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.typing import Array, Float


class JahnTeller(SeparableHamiltonian):
    """Two states and two modes, with a gap where the states would meet; made by `jahn_teller`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, "2"]
    slope: Float[np.ndarray | Array, ""]
    """kappa, in hartree."""
    gap: Float[np.ndarray | Array, ""]
    """Delta: half the distance of the states at the origin, in hartree."""
    levels: int = eqx.field(static=True)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return (self.gap * pauli_z).astype(complex)

    def coupling(self, position):
        return self.slope * (position[0] * pauli_x + position[1] * pauli_y)

    def suggested_step(self):
        """A thirtieth of the period of a mode, the gap and the vertical energy 2 kappa^2 / omega together."""
        frequency = self.frequencies[0]
        fastest = frequency + 2 * np.abs(self.gap) + 2 * self.slope**2 / frequency
        return float(2 * np.pi / (30 * fastest))


@reads_arguments
def jahn_teller(
    frequency: Annotated[float, "energy"] = 0.01,
    coupling: Annotated[float, "energy"] = 0.01,
    gap: Annotated[float, "energy"] = 0.005,
) -> JahnTeller:
    """The linear E x e Jahn-Teller model with a gap.

    `frequency` omega of both modes, `coupling` kappa, and `gap` Delta, half the distance of the states at the origin,
    in hartree. Level 0 is sigma_z = +1. Coordinates are dimensionless, each written as a mass 1 / omega on a spring,
    with the zero-point energy omega: the ground state of the modes is `GaussianPacket([0, 0], [0, 0], width=0.5**0.5)`.

    Raises `InvalidInput` for parameters out of range.
    """
    frequency = positive("frequency", frequency)
    return JahnTeller(
        manifold=Canonical(np.array([1 / frequency, 1 / frequency])),
        frequencies=np.array([frequency, frequency]),
        slope=number("coupling", coupling),
        gap=number("gap", gap),
        levels=2,
    )
