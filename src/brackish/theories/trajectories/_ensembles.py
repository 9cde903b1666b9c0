"""What theories of coupled ensembles share: mixed states by their amplitudes, kernel widths in spreads of the start."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.quantum.components import basis, components
from brackish.typing import Array, Complex, Float


class InSpreads(eqx.Module):
    """A kernel width, as so many standard deviations of the cloud at the start: `factor`."""

    factor: float

    def __check_init__(self):
        if not (np.isfinite(self.factor) and self.factor > 0):
            raise InvalidInput(f"Argument `factor` of InSpreads must be positive, got {self.factor}.")


def given_width(value):
    """Numbers as an array; `InSpreads` and what JAX traces as they are."""
    return value if isinstance(value, InSpreads | Array) else np.asarray(value, dtype=float)


def components_of(psi: Complex[Array, "N d r"]) -> Float[Array, "N k"]:
    """Components of psi psi^dagger."""
    density = jnp.sum(psi[:, :, None, :] * jnp.conj(psi)[:, None, :, :], axis=-1)
    return jax.vmap(components)(density)


def act(component: Float[Array, "N k"], psi: Complex[Array, "N d r"]) -> Complex[Array, "N d r"]:
    """The matrices with these derivatives by components, sum_k c_k lambda_k, applied to psi."""
    matrices = jnp.sum(component[:, :, None, None] * basis(psi.shape[1])[None], axis=1)
    return jnp.sum(matrices[..., None] * psi[:, None], axis=2)
