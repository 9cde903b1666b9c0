"""Functions and classes of the user, followed by JAX before a run begins."""

import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brackish.hamiltonians import HybridHamiltonian
from brackish.identity import is_library, is_users_class
from brackish.observables import Observable
from brackish.theory import Theory
from brackish.tracing import follow


def follow_hamiltonian(hamiltonian: HybridHamiltonian) -> None:
    """Raise `InvalidInput` if the user's own class asks for what does not exist, or cannot be compiled."""
    if is_users_class(type(hamiltonian)):
        name = type(hamiltonian).__name__
        follow(
            f"The Hamiltonian {name}",
            hamiltonian.operator,
            hamiltonian.manifold.probe(),
            entries="coordinates",
        )


def follow_observables(
    theory: Theory, hamiltonian: HybridHamiltonian, observables: tuple[Observable, ...], shapes: Any
) -> None:
    """Raise `InvalidInput` if an observable of the user asks for what does not exist, or cannot be compiled; `shapes`:
    those of the states of a block.
    """
    state = jax.tree_util.tree_map(lambda leaf: jnp.zeros(leaf.shape[1:], leaf.dtype), shapes)
    # in a compiled program, the arrays of numpy in them are arrays of JAX
    theory, hamiltonian = jax.tree_util.tree_map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, (theory, hamiltonian)
    )
    for observable in observables:

        def at(y, function=observable.function):
            return function(theory, hamiltonian, y)

        follow(f"The observable '{observable.name}'", at, state, entries="entries of the state")


def of_the_user(observables: tuple[Observable, ...]) -> tuple[Observable, ...]:
    """Those whose function does not come with brackish or another package."""
    return tuple(
        observable
        for observable in observables
        if not isinstance(observable.function, types.FunctionType)
        or not is_library(observable.function.__globals__["__name__"])
    )
