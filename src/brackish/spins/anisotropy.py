r"""Energies of single spins in the field of a crystal: $-K(\mathbf S\cdot\mathbf e)^2$ and
$-K\sum_a(\mathbf S\cdot\mathbf e_a)^4$.
"""

from typing import Annotated

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.typing import Array, Float


def _axis(value) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.ndim not in (1, 2) or value.shape[-1] != 3:
        raise InvalidInput(f"Argument `axis` must have shape (3,) or (spins, 3), got {value.shape}.")
    length = np.linalg.norm(value, axis=-1, keepdims=True)
    if not np.all(np.isfinite(value)) or np.any(length == 0):
        raise InvalidInput("Argument `axis` must be finite and not zero.")
    return value / length


def _axes(value) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.shape != (3, 3) or not np.allclose(value @ value.T, np.eye(3), atol=1e-10):
        raise InvalidInput(
            "Argument `axes` must be three orthogonal unit vectors, as the rows of a (3, 3) array."
        )
    return value


def _constant(value) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.ndim > 1 or not np.all(np.isfinite(value)):
        raise InvalidInput(
            "Argument `constant` of an anisotropy must be one finite number, or one for each spin."
        )
    return value


class Uniaxial(eqx.Module):
    r"""$-K\,(\mathbf S_i\cdot\mathbf e_i)^2$: `constant` K, one number or (spins,), energy; K > 0 makes the `axis`
    e, (3,) or
    (spins, 3), easy.
    """

    constant: Annotated[Float[np.ndarray | Array, "*spins"], "magnetic energy"] = eqx.field(
        converter=_constant
    )
    axis: Float[np.ndarray | Array, "*spins 3"] = eqx.field(converter=_axis, default=(0.0, 0.0, 1.0))


class Cubic(eqx.Module):
    r"""$-K\sum_a(\mathbf S_i\cdot\mathbf e_a)^4$: `constant` K, one number or (spins,), energy; K > 0 makes the
    three `axes` $\mathbf e_a$, rows of (3, 3), easy.
    """

    constant: Annotated[Float[np.ndarray | Array, "*spins"], "magnetic energy"] = eqx.field(
        converter=_constant
    )
    axes: Float[np.ndarray | Array, "3 3"] = eqx.field(
        converter=_axes, default=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    )
