"""The two kinds of observables: means over the ensemble, and functions of such means."""

from collections.abc import Callable

import equinox as eqx


class Observable(eqx.Module):
    """A quantity whose ensemble mean is kept at every save.

    `function`: (theory, hamiltonian, state) -> array, for one state. `dims`: names of its axes. `units`,
    `long_name`,
    `source` (paper and equation) travel into the dataset.
    """

    name: str = eqx.field(static=True)
    function: Callable = eqx.field(static=True)
    dims: tuple[str, ...] = eqx.field(static=True, default=())
    units: str = eqx.field(static=True, default="1")
    long_name: str = eqx.field(static=True, default="")
    source: str = eqx.field(static=True, default="")
    hidden: bool = eqx.field(static=True, default=False)


class Derived(eqx.Module):
    """A function of ensemble means, such as a purity or a spread, evaluated on numpy arrays after averaging.

    `function`: (means, as a dictionary by name) -> array, time leading. `needs`: the observables of which
    it takes the mean. `scatters`: those of which it takes the variance over the states of the ensemble, too, which the
    dictionary has as `x_scatter`.
    """

    name: str = eqx.field(static=True)
    needs: tuple[str, ...] = eqx.field(static=True)
    function: Callable = eqx.field(static=True)
    dims: tuple[str, ...] = eqx.field(static=True, default=())
    units: str = eqx.field(static=True, default="1")
    long_name: str = eqx.field(static=True, default="")
    source: str = eqx.field(static=True, default="")
    scatters: tuple[str, ...] = eqx.field(static=True, default=())
