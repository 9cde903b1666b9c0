r"""A quantum spin and a classical one.

$$\hat H(n)=H_0(n)+H_I(n)\,\hat\sigma_x+\gamma\,\hat\sigma_z,\qquad H_0=Bn_z+\tfrac A2n_z^2,\quad H_I=g\,n_x$$

The example of section 3.3 of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems", with the
simplest $H_0$ and $H_I$: a field and an easy axis or plane for the classical spin, and an exchange between one
component of each. With $\gamma=0$ Ehrenfest keeps $\langle\hat\sigma_x\rangle=0$ on every trajectory where it was;
koopmons do not, and keep its mean.
"""

from typing import Annotated

import equinox as eqx
import numpy as np

from brackish.arguments import reads_arguments
from brackish.hamiltonians import HybridHamiltonian
from brackish.manifolds import Spheres
from brackish.models._arguments import labels_of, number, positive
from brackish.quantum import pauli_x, pauli_z
from brackish.typing import Array, Float
from brackish.units import REDUCED_LABELS, InUnit, Labels


class HybridSpins(HybridHamiltonian):
    """A quantum spin 1/2 and a classical spin, coupled through sigma_x; made by `hybrid_spins`."""

    manifold: Spheres
    field: Float[np.ndarray | Array, ""]
    """B, in hartree."""
    anisotropy: Float[np.ndarray | Array, ""]
    """A, in hartree."""
    exchange: Float[np.ndarray | Array, ""]
    """g, in hartree."""
    gamma: Float[np.ndarray | Array, ""]
    """Half the splitting of the quantum spin, in hartree."""
    levels: int = eqx.field(static=True)
    labels: Labels = eqx.field(static=True, default=REDUCED_LABELS, repr=False, kw_only=True)

    def classical(self, z):
        return self.field * z[0, 2] + 0.5 * self.anisotropy * z[0, 2] ** 2

    def quantum(self):
        return self.gamma * pauli_z

    def interaction(self, z):
        return self.exchange * z[0, 0] * pauli_x

    def suggested_step(self):
        """A thirtieth of the shortest period of the two spins."""
        exchange = np.abs(self.exchange)
        classical = (np.abs(self.field) + np.abs(self.anisotropy) + exchange) / self.manifold.length
        return float(2 * np.pi / (30 * max(classical, 2 * np.hypot(exchange, self.gamma), 1e-12)))


@reads_arguments
def hybrid_spins(
    field: Annotated[float | InUnit, "energy"] = 0.5,
    anisotropy: Annotated[float | InUnit, "energy"] = 0.0,
    exchange: Annotated[float | InUnit, "energy"] = 1.0,
    gamma: Annotated[float | InUnit, "energy"] = 0.7,
    length: float = 1.0,
) -> HybridSpins:
    """A classical spin n and a quantum spin 1/2.

    `field` B along z, `anisotropy` A along z and `exchange` g, in hartree; `gamma`: half the splitting of the
    quantum spin, in hartree; level 0 is sigma_z = +1. `length`: of the classical spin, in units of hbar.

    Raises `InvalidInput` for parameters out of range.
    """
    labels = labels_of(field, anisotropy, exchange, gamma)
    return HybridSpins(
        manifold=Spheres(1, positive("length", length)),
        field=number("field", field),
        anisotropy=number("anisotropy", anisotropy),
        exchange=number("exchange", exchange),
        gamma=number("gamma", gamma),
        levels=2,
        labels=labels,
    )
