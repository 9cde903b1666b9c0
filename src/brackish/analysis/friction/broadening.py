r"""What stands for $\delta(E)$ and for $1/E$ where there are levels instead of a continuum."""

import abc
import dataclasses
import functools
from typing import Annotated, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.typing import Array, Float

_positive = functools.partial(eqx.field, converter=lambda value: np.asarray(value, dtype=float))


class Broadening(eqx.Module):
    """The interface of every broadening.

    `continuum`: whether each level stands for its neighbours in a continuum too. Then pairs of equal energies count
    as all others do; if not, they are left out, since in a system of a few levels nothing makes them decay.

    Raises `InvalidInput` unless the one number that it has is positive.
    """

    continuum: eqx.AbstractClassVar[bool]

    def __check_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray) and not (value.ndim == 0 and np.isfinite(value) and value > 0):
                raise InvalidInput(
                    f"Argument `{field.name}` of {type(self).__name__} must be positive, got {value.tolist()}."
                )

    @property
    @abc.abstractmethod
    def breadth(self) -> Float[np.ndarray | Array, ""]:
        """The width, in hartree, that has to exceed the distance of the levels."""

    @abc.abstractmethod
    def resonance(self, energy: Float[Array, "..."]) -> Float[Array, "..."]:
        """What stands for the Dirac function of an energy in hartree; its integral is one."""

    def inverse(self, energy: Float[Array, "..."]) -> Float[Array, "..."]:
        """What stands for 1 / energy, where the energy is not zero."""
        return 1 / energy


class Lorentzian(Broadening):
    r"""$\delta(E)\to\frac1\pi\frac{w}{E^2+w^2}$, for a discretised continuum; 1/E as it is.

    `width`: w, half the width at half the height, in hartree.
    """

    width: Annotated[Float[np.ndarray | Array, ""], "energy"] = _positive()
    continuum: ClassVar[bool] = True

    @property
    def breadth(self):
        return self.width

    def resonance(self, energy):
        return _lorentzian(energy, self.width)


class GaussianBroadening(Broadening):
    r"""$\delta(E)\to e^{-E^2/2w^2}/\sqrt{2\pi}w$, for a discretised continuum; 1/E as it is.

    Without the wings of a Lorentzian: the error is second order in the width, not first.

    `width`: w, the standard deviation, in hartree.
    """

    width: Annotated[Float[np.ndarray | Array, ""], "energy"] = _positive()
    continuum: ClassVar[bool] = True

    @property
    def breadth(self):
        return self.width

    def resonance(self, energy):
        return jnp.exp(-0.5 * (energy / self.width) ** 2) / (jnp.sqrt(2 * jnp.pi) * self.width)


class FiniteTime(Broadening):
    r"""$\int_0^\infty e^{-\epsilon t}\dots dt$ of eqs. (110), (114), at a finite rate, for systems of any levels.

    $\delta(E)\to\frac1\pi\frac\epsilon{E^2+\epsilon^2}$ and $\frac1E\to\frac{E}{E^2+\epsilon^2}$. What does not decay
    by itself, pairs of equal energies, is left out.

    `rate`: epsilon, in hartree (an inverse time).
    """

    rate: Annotated[Float[np.ndarray | Array, ""], "energy"] = _positive()
    continuum: ClassVar[bool] = False

    @property
    def breadth(self):
        return self.rate

    def resonance(self, energy):
        return _lorentzian(energy, self.rate)

    def inverse(self, energy):
        return energy / (energy**2 + self.rate**2)


class UpToTime(Broadening):
    r"""$\int_0^\tau\dots dt$: the kernel up to a time at which it has died out, for a discretised continuum.

    $\delta(E)\to\frac{\sin E\tau}{\pi E}$ and $\frac1E\to\frac{1-\cos E\tau}E$. The error is as small as the kernel
    is at $\tau$, where that of a width is a power of it. Levels at a distance $\Delta$ let the kernel come back at
    $2\pi/\Delta$: take $\tau$ below that, somewhat more than half of it.

    `time`: $\tau$, in atomic units.
    """

    time: Annotated[Float[np.ndarray | Array, ""], "time"] = _positive()
    continuum: ClassVar[bool] = True

    @property
    def breadth(self):
        return 2 * jnp.pi / self.time

    def resonance(self, energy):
        return self.time / jnp.pi * jnp.sinc(energy * self.time / jnp.pi)

    def inverse(self, energy):
        return (1 - jnp.cos(energy * self.time)) / energy


def _lorentzian(energy, width):
    return width / (jnp.pi * (energy**2 + width**2))
