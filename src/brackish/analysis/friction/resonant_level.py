r"""One level in a wide band, in closed form: the resonant-level (Newns-Anderson) model of electronic friction.

$$\hat h=\epsilon_d\,d^\dagger d+\sum_kV_k(d^\dagger c_k+c_k^\dagger d)+\sum_k\epsilon_k\,c_k^\dagger c_k,\qquad
\Gamma=2\pi\sum_k|V_k|^2\delta(E-\epsilon_k)$$

with a width $\Gamma$ that does not depend on the energy. Both level and width may depend on the position x. From the
phase shift $\delta(E)=\arg(\epsilon_d+\tfrac i2\Gamma-E)$,
$$\eta=\frac1\pi\int\!(-f')\,(\partial_x\delta)^2\,dE,$$
and all integrals are digamma functions $\psi$ and their derivatives at $z=\tfrac12+c\,(a+i(\mu-\epsilon_d))$, with
$a=\Gamma/2$ and $c=\beta/2\pi$:
$$\eta=\frac1{2\pi}\mathrm{Re}\Big[\frac{|\zeta'|^2}{a}\,c\,\psi'(z)-\zeta'^2c^2\psi''(z)\Big],
\qquad\zeta'=\epsilon_d'+ia',\qquad n_d=\tfrac12+\tfrac1\pi\,\mathrm{Im}\,\psi(z)$$

for each spin: eq. (121) of R. Martinazzo and I. Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems",
summed for this model. The limit of temperature zero is included. hbar = 1, energies in hartree.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.analysis.friction.polygamma import digamma, log_gamma_modulus, polygamma
from brackish.errors import InvalidInput
from brackish.quantum.thermal import IndependentElectrons
from brackish.typing import Array, Float, RealScalar

TAYLOR_BELOW, TAYLOR_ORDER = 0.05, 10
"""Finite differences over less than this, of the distance to the nearest pole, are Taylor series of this order: what is
left out is less than 1e-14 of the whole."""


def _number(value):
    return value if isinstance(value, Array) else np.asarray(value, dtype=float)


class ResonantLevel(eqx.Module):
    r"""A level at one position of the nuclei: its energy and width, and how they change along one coordinate.

    `energy`: $\epsilon_d$, in hartree. `width`: $\Gamma$, the full width at half maximum. `energy_slope` and
    `width_slope`: their derivatives, in hartree per bohr.

    The methods take `IndependentElectrons` and count their spins. All can be vectorised and differentiated, by the
    position too: `jax.vmap(lambda x: ResonantLevel(energy(x), width).friction(electrons))(positions)`.

    Raises `InvalidInput` unless the width is positive.
    """

    energy: Float[np.ndarray | Array, ""] = eqx.field(converter=_number)
    width: Float[np.ndarray | Array, ""] = eqx.field(converter=_number)
    energy_slope: Float[np.ndarray | Array, ""] = eqx.field(converter=_number, default=1.0)
    width_slope: Float[np.ndarray | Array, ""] = eqx.field(converter=_number, default=0.0)

    def __check_init__(self):
        if isinstance(self.width, np.ndarray) and not (np.isfinite(self.width) and self.width > 0):
            raise InvalidInput(
                f"Argument `width` of ResonantLevel must be positive, got {self.width} hartree."
            )

    def occupation(self, electrons: IndependentElectrons) -> RealScalar:
        r"""$n_d=\tfrac12+\tfrac1\pi\mathrm{Im}\,\psi(z)$ for each spin."""
        return electrons.spins * (0.5 + self._curve(electrons).values(jnp.zeros(())).imag / jnp.pi)

    def free_energy(self, electrons: IndependentElectrons) -> RealScalar:
        r"""$\Phi=\tfrac12(\epsilon_d-\mu)+2k_BT\ln|\Gamma(z)|$ for each spin, in hartree, with the gamma function.

        Its derivative by the energy of the level is `occupation`, so that the mean force on a coordinate is minus
        the slope of the energy times that. What the width alone adds is left out, since it grows with the logarithm of
        the width of the band: compare positions of one width.
        """
        curve = self._curve(electrons)
        above = self.energy - electrons.chemical_potential
        return electrons.spins * (0.5 * above + curve.integral())

    def friction(self, electrons: IndependentElectrons, frequency=0.0) -> RealScalar:
        r"""$\eta(\omega)$ in hartree time/bohr$^2$; at `frequency` zero, in hartree, the Markovian friction.

        $$\eta(\omega)=\frac\pi\omega\int\!\rho_d(E)\,\rho_d(E+\omega)\big[\epsilon_d'
        +\tfrac{\Gamma'}{2\Gamma}(2E+\omega-2\epsilon_d)\big]^2\big(f(E)-f(E+\omega)\big)\,dE$$
        """
        a, omega = 0.5 * self.width, jnp.asarray(frequency, dtype=float)
        # the bracket at the poles E = epsilon + ia and epsilon - omega + ia, squared: even and odd part in omega
        bent = 0.5 * self.width_slope / self.width
        pole = self.energy_slope + 2j * a * bent
        even = pole**2 + (bent * omega) ** 2
        odd = 2 * bent * pole
        first, second = self._curve(electrons).differences(omega)
        near = 4 * a**2 * (even * second + odd * first)
        far = 2j * a * (even * first + odd * omega**2 * second)
        return electrons.spins * (near + far).real / (2 * jnp.pi * (omega**2 + 4 * a**2))

    def _curve(self, electrons):
        below = jnp.asarray(electrons.chemical_potential - self.energy)
        return _PrincipalCurve(0.5 * jnp.asarray(self.width), below, electrons)


class _PrincipalCurve(eqx.Module):
    r"""$J(E)=\int f(E')/(E'-E-ia)\,dE'$ about the energy of the level, up to a constant: $\psi(\tfrac12+cz)$, with
    $z=a+i(\mu-E)$ and $c=\beta/2\pi$; at temperature zero $\ln z$.
    """

    half_width: RealScalar
    below: RealScalar
    electrons: IndependentElectrons

    def values(self, energies):
        """J at energies counted from the level."""
        places = self.half_width + 1j * (self.below - energies)
        warm = digamma(0.5 + self._scale() * places)
        return jnp.where(self._cold(), jnp.log(places), warm)

    def derivatives(self):
        """Derivatives of J by the energy, at the level, of the orders 1 to 10."""
        orders = np.arange(1, TAYLOR_ORDER + 1)
        factorials = np.array([float(math.factorial(order - 1)) for order in orders])
        place = self.half_width + 1j * self.below
        warm = self._scale() ** orders * polygamma(TAYLOR_ORDER, 0.5 + self._scale() * place)
        cold = -((-1.0) ** orders) * factorials / place**orders
        return (-1j) ** orders * jnp.where(self._cold(), cold, warm)

    def differences(self, omega):
        """(J(w) - J(-w)) / w and (J(w) - 2 J(0) + J(-w)) / w^2, with their limits at w = 0."""
        place = self.half_width + 1j * self.below
        reach = jnp.abs(
            place + jnp.where(self._cold(), 0.0, 0.5 / jnp.where(self._cold(), 1.0, self._scale()))
        )
        short = jnp.abs(omega) < TAYLOR_BELOW * reach
        orders = np.arange(1, TAYLOR_ORDER + 1)
        terms = 2 * self.derivatives() / np.array([float(math.factorial(order)) for order in orders])
        powers = jnp.stack([omega ** (2 * n) for n in range(TAYLOR_ORDER // 2)])
        first, second = jnp.sum(terms[0::2] * powers), jnp.sum(terms[1::2] * powers)
        step = jnp.where(short, reach, omega)
        here, up, down = self.values(step * jnp.array([0.0, 1.0, -1.0]))
        up, down = up - here, down - here
        return (
            jnp.where(short, first, (up - down) / step),
            jnp.where(short, second, (up + down) / step**2),
        )

    def integral(self):
        """The integral of Im J / pi over the energy of the level."""
        place = self.half_width + 1j * self.below
        scale = jnp.where(self._cold(), 1.0, self._scale())
        warm = (log_gamma_modulus(0.5 + scale * place) - 0.5 * np.log(2 * np.pi)) / (jnp.pi * scale)
        warm = warm - self.half_width * jnp.log(scale) / jnp.pi
        return jnp.where(self._cold(), (place * jnp.log(place) - place).real / jnp.pi, warm)

    def _scale(self):
        return self.electrons.inverse_temperature / (2 * jnp.pi)

    def _cold(self):
        return self._scale() == 0
