r"""How fast small disturbances of a state grow: a measure of ill-posedness.

The flow $\dot y=F(y)$ is linearised about one state, $\delta\dot y=DF(y)\,\delta y$, with the state held fixed; the
growth rate is the largest real part of the spectrum of DF. A well-posed theory of fields has a rate that stays bounded
as more waves are kept; the rate of an ill-posed one grows with their number.
"""

from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from brackish.errors import RunFailed
from brackish.hamiltonians import HybridHamiltonian
from brackish.theory import HasFlow
from brackish.typing import State

SMALLEST_ITERATIVE = 800
"""From this many real unknowns on, the rightmost eigenvalue by Arnoldi iteration instead of the whole spectrum."""


def linear_growth_rate(
    theory: HasFlow, hamiltonian: HybridHamiltonian, y: State, tolerance: float = 1e-3
) -> float:
    """The largest growth rate of a small disturbance of the state `y`, per atomic unit of time.

    `theory`: one with a flow; a theory of fields keeps the waves below the cutoff of its grid alone. `tolerance`:
    relative, of the iteration. Raises `RunFailed` if that does not converge.
    """
    flat, restore = jax.flatten_util.ravel_pytree(_as_real(y))

    def change(v):
        return jax.flatten_util.ravel_pytree(
            _as_real(theory.flow(hamiltonian, 0.0, _as_state(restore(v), y)))
        )[0]

    apply = jax.jit(lambda v: jax.jvp(change, (flat,), (v,))[1])
    if flat.size < SMALLEST_ITERATIVE:
        return float(np.max(np.linalg.eigvals(np.asarray(jax.vmap(apply)(jnp.eye(flat.size)).T)).real))
    from scipy.sparse import linalg

    operator = linalg.LinearOperator(
        (flat.size, flat.size), matvec=lambda v: np.asarray(apply(jnp.asarray(v.ravel()))), dtype=float
    )
    start = np.asarray(apply(jnp.asarray(np.random.default_rng(0).normal(size=flat.size))))
    try:
        rates = linalg.eigs(
            operator, 4, which="LR", ncv=60, tol=tolerance, v0=start, return_eigenvectors=False
        )
    except linalg.ArpackNoConvergence as error:
        raise RunFailed(f"The growth rate did not converge: {error}. Keep fewer waves.") from error
    return float(np.max(rates.real))


def _as_real(y: State) -> Any:
    return jax.tree_util.tree_map(
        lambda leaf: jnp.stack([leaf.real, leaf.imag]) if jnp.iscomplexobj(leaf) else leaf, y
    )


def _as_state(parts: Any, like: State) -> State:
    return jax.tree_util.tree_map(
        lambda leaf, original: jax.lax.complex(leaf[0], leaf[1]) if jnp.iscomplexobj(original) else leaf,
        parts,
        like,
    )
