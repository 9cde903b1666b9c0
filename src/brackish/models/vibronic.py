r"""Linear vibronic coupling: any number of electronic states and of normal modes, from arrays.

$$\hat H=\sum_k\frac{\omega_k}2\big(p_k^2+q_k^2\big)+\sum_iE_i|i\rangle\langle i|
+\sum_{ik}\kappa_{ik}q_k|i\rangle\langle i|+\sum_{i\ne j}\sum_k\lambda_{ijk}q_k|i\rangle\langle j|$$

H. Koeppel, W. Domcke and L. S. Cederbaum, Adv. Chem. Phys. 57, 59 (1984).
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import positive_array, real_array
from brackish.typing import Array, Float, Reals


class LinearVibronicCoupling(SeparableHamiltonian):
    """d states whose energies and couplings are linear in n modes; made by `linear_vibronic_coupling`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, " n"]
    energies: Float[np.ndarray | Array, " d"]
    """E_i: energies at the reference geometry, in hartree."""
    slopes: Float[np.ndarray | Array, "d d n"]
    """kappa on the diagonal, lambda beside it, in hartree."""
    levels: int = eqx.field(static=True)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return jnp.diag(jnp.asarray(self.energies))

    def coupling(self, position):
        return jnp.sum(self.slopes * position[None, None, :], axis=-1)

    def suggested_step(self):
        """A thirtieth of the period of energy range, stiffest mode and couplings at zero point together."""
        coupling = np.sqrt(0.5 * np.sum(self.slopes**2))
        fastest = np.ptp(self.energies) + np.max(self.frequencies) + coupling
        return float(2 * np.pi / (30 * fastest))


@reads_arguments
def linear_vibronic_coupling(
    energies: Annotated[Reals, "energy"],
    frequencies: Annotated[Reals, "energy"],
    gradients: Annotated[Reals | None, "energy"] = None,
    couplings: Annotated[Reals | None, "energy"] = None,
) -> LinearVibronicCoupling:
    """Linear vibronic coupling of d states and n modes, all in hartree.

    `energies` E (d,): at the reference geometry. `frequencies` omega (n,): of the normal modes, positive.
    `gradients` kappa (d, n): of the states' energies along the dimensionless coordinates. `couplings`
    lambda (d, d, n): the slopes of the matrix elements between different states, symmetric in the two
    states, zero for i = j (those are the gradients). What is left out is zero.

    The coordinates are dimensionless, each written as a mass 1 / omega on a spring: the harmonic energy
    is sum omega (p^2 + q^2) / 2, with the zero-point energy sum omega / 2. The vibrational ground state
    at the reference geometry is `GaussianPacket(0, 0, width=0.5**0.5)`. Raises `InvalidInput` for arrays
    that do not fit.
    """
    energies = real_array("energies", energies, 1)
    frequencies = positive_array("frequencies", frequencies)
    states, modes = energies.size, frequencies.size
    slopes = np.zeros((states, states, modes))
    if couplings is not None:
        couplings = _shaped("couplings", couplings, (states, states, modes))
        asymmetry = np.abs(couplings - couplings.swapaxes(0, 1))
        if asymmetry.max() > 1e-12 * np.abs(couplings).max():
            i, j, k = np.unravel_index(asymmetry.argmax(), asymmetry.shape)
            raise InvalidInput(
                f"Argument `couplings` must be symmetric in the states, but its entries [{i}, {j}, {k}] and "
                f"[{j}, {i}, {k}] are {couplings[i, j, k]} and {couplings[j, i, k]}."
            )
        states_alone = np.einsum("iik->ik", couplings)
        if np.any(states_alone):
            i, k = np.argwhere(states_alone)[0]
            raise InvalidInput(
                f"Argument `couplings` must be zero for equal states, but its entry [{i}, {i}, {k}] is "
                f"{states_alone[i, k]}: put that into `gradients`."
            )
        slopes += 0.5 * (couplings + couplings.swapaxes(0, 1))
    if gradients is not None:
        slopes[np.arange(states), np.arange(states)] = _shaped("gradients", gradients, (states, modes))
    return LinearVibronicCoupling(
        manifold=Canonical(1 / frequencies),
        frequencies=frequencies,
        energies=energies,
        slopes=slopes,
        levels=states,
    )


def _shaped(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    array = real_array(name, value, len(shape))
    if array.shape != shape:
        raise InvalidInput(
            f"Argument `{name}` must have shape {shape}, from {shape[0]} `energies` and {shape[-1]} "
            f"`frequencies`, got {array.shape}."
        )
    return array
