r"""A damped classical oscillator tied to another, quantum or classical: everything in closed form.

Equation numbers are those of "Classical-quantum oscillators as diffusive processes in phase space" (arXiv 2510.07402).
Oscillator 1 is classical and damped; $\gamma=\alpha/m_1$ is the rate of its damping. With the coupling written out,

$$V=\tfrac12K_1q_1^2+\tfrac12K_2q_2^2-c\,q_1q_2,\qquad\Omega_i^2=K_i/m_i,\quad\Xi=K_1K_2-c^2,\quad
\Delta=\Omega_1^2-\Omega_2^2.$$

Small coupling is about the uncoupled oscillators, $\omega_i^2=k_i/m_i$, $\delta=\omega_1^2-\omega_2^2$,
$a=\sqrt{\omega_1^2-\gamma^2/4}$, $N=\delta^2+\gamma^2\omega_2^2$. Everything is a function of the parameters that JAX
can differentiate and vectorise.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.analysis.oscillators._checks import at_least, known, real
from brackish.analysis.oscillators._damping import damped_motions
from brackish.analysis.oscillators.coupling import OscillatorCoupling, Spring
from brackish.analysis.oscillators.linear import LinearOscillators, require_stable
from brackish.errors import InvalidInput
from brackish.typing import Array, Bool, Complex, Float, RealScalar


class SecondOscillator(eqx.Module):
    """The interface of what the damped classical oscillator is coupled to."""

    @abc.abstractmethod
    def diffusion_per_pull(self, diffusion, pull) -> RealScalar:
        """$D_2/c^2$, from the diffusion of the first oscillator and c."""


class QuantumOscillator(SecondOscillator):
    r"""A quantum oscillator, which decoheres as little as the diffusion of the first allows, or `trade_off` times more.

    $D_0=\kappa/4D_1$ with $\kappa\ge1$ (`trade_off`), eq. (5), so that $D_2=\hbar^2c^2D_0$, eq. (74); `planck`: hbar.
    """

    trade_off: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("trade_off", value, 0), default=1.0
    )
    planck: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("planck", value, 0), default=1.0
    )

    def __check_init__(self):
        at_least("trade_off", self.trade_off, 1.0)
        at_least("planck", self.planck, 0.0, open_end=True)

    def diffusion_per_pull(self, diffusion, pull):
        return jnp.asarray(self.trade_off * self.planck**2 / (4 * diffusion))


class ClassicalOscillator(SecondOscillator):
    """A classical oscillator whose momentum diffuses with `diffusion` $D_2$, and is not damped."""

    diffusion: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("diffusion", value, 0), default=0.0
    )

    def __check_init__(self):
        at_least("diffusion", self.diffusion, 0.0)

    def diffusion_per_pull(self, diffusion, pull):
        return jnp.asarray(self.diffusion / pull**2)


class WeakPoles(eqx.Module):
    r"""Poles $\pm a_i-ib_i$ at small coupling: frequencies `frequency` $(a_1,a_2)$, complex where overdamped, and rates
    of decay `decay` $(b_1,b_2)$.
    """

    frequency: Complex[Array, "2"]
    decay: Complex[Array, "2"]


class OscillatorPair(eqx.Module):
    r"""Oscillator 1, classical, with friction and diffusion, and oscillator 2, which is `second`.

    `masses` $m_i$ and `stiffness` $k_i$: (2,). `friction` $\alpha$: force per velocity. `diffusion` $D_1$ of the
    momentum, $\langle dp_1^2\rangle=D_1dt$; the temperature is $T=D_1/2\alpha$ with $k_B=1$, eq. (84). `coupling`:
    `Spring` or `Bilinear`.

    Raises `InvalidInput` for masses, friction or diffusion that are not positive.
    """

    masses: Float[np.ndarray | Array, "2"] = eqx.field(converter=lambda value: real("masses", value, 1))
    stiffness: Float[np.ndarray | Array, "2"] = eqx.field(converter=lambda value: real("stiffness", value, 1))
    coupling: OscillatorCoupling = eqx.field(default_factory=lambda: Spring(0.3))
    friction: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("friction", value, 0), default=0.3
    )
    diffusion: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("diffusion", value, 0), default=0.6
    )
    second: SecondOscillator = eqx.field(default_factory=QuantumOscillator)

    def __check_init__(self):
        for name in ("masses", "friction", "diffusion"):
            at_least(name, getattr(self, name), 0.0, open_end=True)

    # -- parameters by their names ---------------------------------------------------------------------------

    def whole_stiffness(self) -> Float[Array, "2"]:
        """$K_1,K_2$: with what the coupling adds."""
        return jnp.asarray(self.stiffness) + self.coupling.stiffening()

    def determinant(self) -> RealScalar:
        r"""$\Xi=K_1K_2-c^2$."""
        first, second = self.whole_stiffness()
        return first * second - self.coupling.pull() ** 2

    def rate(self) -> RealScalar:
        r"""$\gamma=\alpha/m_1$."""
        return jnp.asarray(self.friction) / self.masses[0]

    def temperature(self) -> RealScalar:
        r"""$T=D_1/2\alpha$, eq. (84)."""
        return jnp.asarray(self.diffusion) / (2 * self.friction)

    def second_diffusion(self) -> RealScalar:
        r"""$D_2$: of the second momentum; eq. (74) if it is quantum."""
        return self._per_pull() * self.coupling.pull() ** 2

    def linear(self) -> LinearOscillators:
        """The same pair as a linear system, solved by matrices instead of formulas."""
        first, second = self.whole_stiffness()
        pull = self.coupling.pull()
        stiffness = jnp.array([[first, -pull], [-pull, second]])
        if isinstance(self.second, QuantumOscillator):
            friction, diffusion = (
                jnp.reshape(jnp.asarray(x), (1, 1)) for x in (self.friction, self.diffusion)
            )
            return LinearOscillators(
                self.masses, stiffness, friction, diffusion, self.second.trade_off, self.second.planck
            )
        friction = jnp.zeros((2, 2)).at[0, 0].set(self.friction)
        diffusion = jnp.diag(jnp.stack([jnp.asarray(self.diffusion), self.second_diffusion()]))
        return LinearOscillators(self.masses, stiffness, friction, diffusion)

    # -- stability and steady state --------------------------------------------------------------------------

    def characteristic_polynomial(self) -> Float[Array, "5"]:
        r"""Coefficients of $\det(s+A)=s^4+\gamma s^3+(\Omega_1^2+\Omega_2^2)s^2+\gamma\Omega_2^2s+\Xi/m_1m_2$, highest
        first: eq. (17).
        """
        first, second = self.whole_stiffness() / self.masses
        rate = self.rate()
        last = self.determinant() / (self.masses[0] * self.masses[1])
        return jnp.stack([jnp.ones(()), rate, first + second, rate * second, last])

    def is_stable(self) -> Bool[Array, ""]:
        r"""Whether there is a steady state: $\gamma>0$, $K_1>0$, $\Xi>0$, $c\neq0$, the conditions of Routh and Hurwitz
        on eq. (17).
        """
        stiff, determinant = self.whole_stiffness()[0], self.determinant()
        return (self.rate() > 0) & (stiff > 0) & (determinant > 0) & (jnp.asarray(self.coupling.pull()) != 0)

    def steady_covariance(self) -> Float[Array, "4 4"]:
        r"""The covariance of $(q_1,p_1,q_2,p_2)$: eqs. (20)-(27), and (87)-(94) for a quantum second oscillator.

        Raises `InvalidInput` if there is no steady state (not inside a transformation of JAX).
        """
        self._require_stable()
        mass_1, mass_2 = self.masses
        stiff_1, stiff_2 = self.whole_stiffness()
        alpha, diffusion, pull = self.friction, self.diffusion, self.coupling.pull()
        ratio, determinant = self._per_pull(), self.determinant()
        detuning = stiff_1 / mass_1 - stiff_2 / mass_2
        double = 2 * alpha
        handed_on = (diffusion + stiff_1**2 * ratio) / (double * determinant)
        q1_q1 = (stiff_2 * diffusion + stiff_1 * pull**2 * ratio) / (double * determinant)
        p1_p1 = mass_1 * diffusion / double + mass_1**2 * pull**2 * ratio / (double * mass_2)
        q2_q2 = stiff_1 * handed_on + ratio / (double * mass_2) * (
            alpha**2 - 2 * mass_1 * stiff_1 + mass_1**2 * stiff_2 / mass_2
        )
        p2_p2 = mass_2 * diffusion / double + ratio / double * (
            mass_1**2 * mass_2 * detuning**2 + alpha**2 * stiff_2 + mass_1 * pull**2
        )
        q1_q2 = pull * handed_on - mass_1 * pull * ratio / (double * mass_2)
        q1_p2 = -0.5 * pull * ratio
        q2_p1 = 0.5 * mass_1 * pull * ratio / mass_2
        p1_p2 = mass_1**2 * pull * ratio * detuning / double
        zero = jnp.zeros(())
        return jnp.array(
            [
                [q1_q1, zero, q1_q2, q1_p2],
                [zero, p1_p1, q2_p1, p1_p2],
                [q1_q2, q2_p1, q2_q2, zero],
                [q1_p2, p1_p2, zero, p2_p2],
            ]
        )

    def thermal_covariance(self) -> Float[Array, "4 4"]:
        r"""Of the Gibbs state at T, which `steady_covariance` approaches at strong diffusion: eqs. (95)-(100)."""
        first, second = self.whole_stiffness()
        temperature, pull = self.temperature(), self.coupling.pull()
        scale, zero = temperature / self.determinant(), jnp.zeros(())
        return jnp.array(
            [
                [second * scale, zero, pull * scale, zero],
                [zero, self.masses[0] * temperature, zero, zero],
                [pull * scale, zero, first * scale, zero],
                [zero, zero, zero, self.masses[1] * temperature],
            ]
        )

    def energy_flux(self) -> RealScalar:
        r"""Energy from oscillator 2 to 1 per time in the steady state, $c\langle q_2p_1\rangle/m_1=D_2/2m_2$."""
        return self.second_diffusion() / (2 * self.masses[1])

    def entropy_production(self) -> RealScalar:
        """Entropy made per time in the steady state, in nats: the flux of energy over the temperature where it ends."""
        return self.energy_flux() / self.temperature()

    # -- frequencies -----------------------------------------------------------------------------------------

    def propagators(self, frequency) -> tuple[Complex[Array, "2 2"], Complex[Array, "2 2"]]:
        r"""Spectra $C_{ij}(\omega)$ of positions and responses $R_{ij}(\omega)$ to $e^{-i\omega t}$: eqs. (30)-(41)."""
        first, second = self.whole_stiffness()
        pull, noise_1, noise_2 = self.coupling.pull(), self.diffusion, self.second_diffusion()
        damped = first - self.masses[0] * frequency**2 - 1j * self.friction * frequency
        free = second - self.masses[1] * frequency**2
        poles = damped * free - pull**2
        across = pull * (noise_1 * free + noise_2 * jnp.conj(damped))
        spectra = jnp.array(
            [
                [noise_1 * free**2 + noise_2 * pull**2, across],
                [jnp.conj(across), noise_1 * pull**2 + noise_2 * damped * jnp.conj(damped)],
            ]
        )
        return spectra / (poles * jnp.conj(poles)), jnp.array([[free, pull], [pull, damped]]) / poles

    def weak_poles(self) -> WeakPoles:
        r"""To second order in the coupling: eqs. (44)-(54). The two rates add up to $\gamma/2$ exactly.

        $\lambda/m_i\ll\omega_i^2$ and $\lambda^2\ll m_1m_2N$. So near critical damping, $a=0$, that the series of $a_1$
        does not converge, its sum is given instead, the root of $a_1^2$, which is of first order there.
        """
        rate, squared, frequency, detuning, size = self._uncoupled()
        stiff, pull = self.coupling.stiffening(), self.coupling.pull()
        mass_1, mass_2 = self.masses
        mixed = pull**2 / (2 * mass_1 * mass_2 * size)
        shift = stiff / mass_1 + 2 * mixed * (detuning - 0.5 * rate**2)
        converges = jnp.abs(shift) < jnp.abs(squared)
        root = jnp.sqrt(jnp.where(converges, squared, 1.0) + 0j)
        first = root + stiff / (2 * mass_1 * root) - stiff**2 / (8 * mass_1**2 * root**3)
        first = first + mixed * (detuning - 0.5 * rate**2) / root
        first = jnp.where(converges, first, jnp.sqrt(jnp.where(converges, 1.0, squared + shift) + 0j))
        second = frequency + stiff / (2 * mass_2 * frequency) - stiff**2 / (8 * mass_2**2 * frequency**3)
        second = second - mixed * detuning / frequency
        decay = jnp.stack([0.5 * rate - mixed * rate, mixed * rate])
        return WeakPoles(jnp.stack([first, second + 0j]), decay + 0j)

    def weak_correlations(self, time) -> Float[Array, "2 2"]:
        r"""$\langle q_i(t)q_j(0)\rangle$, $t\ge0$, at small coupling: eqs. (55)-(60), (80)-(83) and (133)-(138).

        Leading order with the slow decay $e^{-b_2t}$ kept, and the frequency of the uncoupled oscillator: good while
        the shift of its phase, $(a_2-\omega_2)t$, is small. For a quantum second oscillator the entries off the
        diagonal are of first order in the coupling, and not printed in the paper. They follow from those on it: with
        $t>0$ the noise is that of the future, so that

        $$m_1\ddot C_{12}+\alpha\dot C_{12}+k_1C_{12}=c\,C_{22},\qquad m_2\ddot C_{21}+k_2C_{21}=c\,C_{11}$$

        from the steady covariances.
        """
        rate, _, frequency, detuning, _ = self._uncoupled()
        ratio, pull = self._per_pull(), self.coupling.pull()
        cosine, sine, slow = jnp.cos(frequency * time), jnp.sin(frequency * time), self._slow(time)
        fast = self._fast(time)
        scale = 2 * rate * self.stiffness[1]
        own, handed = self._weak_variances()
        along = self._weak_along() * slow * cosine
        forth = pull * ratio / scale * slow * (detuning * cosine + rate * frequency * sine)
        back = pull * ratio / scale * slow * (detuning * cosine - rate * frequency * sine)
        if isinstance(self.second, QuantumOscillator):
            forth, back = self._weak_across(time)
        return jnp.array([[own * fast + handed * slow * cosine, forth], [back, along]])

    def weak_responses(self, time) -> Float[Array, "2 2"]:
        r"""How far oscillator i is at time t after an impulse on j, to leading order: eqs. (57)-(60), (136)-(138)."""
        rate, _, frequency, detuning, size = self._uncoupled()
        mass_1, mass_2 = self.masses
        cosine, sine, slow = jnp.cos(frequency * time), jnp.sin(frequency * time), self._slow(time)
        turn, swing = self._damped(time)
        across = slow * (detuning / frequency * sine - rate * cosine)
        across = across + rate * turn - (detuning - 0.5 * rate**2) * swing
        across = self.coupling.pull() / (mass_1 * mass_2 * size) * across
        return jnp.array([[swing / mass_1, across], [across, slow * sine / (mass_2 * frequency)]])

    def weak_coefficients(self, time) -> Float[Array, "2 2"]:
        r"""Correlation coefficients $r_{ij}$ of $q_i(t)$ with $q_j(0)$ at small coupling, (2, 2): eqs. (64)-(67).

        `weak_correlations` over the spreads that it has at time 0. For identical classical oscillators, without the
        slow decay,

        $$r_{11}=\frac{D_1e^{-\gamma t/2}\big(\cos at+\frac\gamma{2a}\sin at\big)+D_2\cos\omega t}{D_1+D_2},\qquad
        r_{12}=\sqrt{\frac{D_2}{D_1+D_2}}\sin\omega t,\qquad r_{22}=\cos\omega t.$$
        """
        spread = jnp.sqrt(jnp.diag(self.weak_correlations(0.0)))
        return self.weak_correlations(time) / (spread[:, None] * spread[None, :])

    def weak_information(self, time) -> Float[Array, "2 2"]:
        r"""$-\tfrac12\ln(1-r_{ij}^2)$ between $q_i(t)$ and $q_j(0)$ at small coupling, (2, 2): eq. (63), in nats.

        Infinite on the diagonal at time 0.
        """
        return -0.5 * jnp.log1p(-(self.weak_coefficients(time) ** 2))

    def late_information(self, time) -> RealScalar:
        r"""What $q_1(t)$ tells of $q_1(0)$ at small coupling when $e^{-\gamma t/2}$ has gone: eq. (68), in nats.

        $$-\tfrac12\ln\Big[1-\Big(\frac{D_2}{D_1+D_2}\Big)^2\cos^2\omega t\Big]$$

        for identical oscillators, here with the slow decay $e^{-b_2t}$: what the second oscillator remembers for the
        first one. It swings with the period $\pi/\omega_2$ between nothing and what the ratio of diffusions allows.
        """
        own, handed = self._weak_variances()
        frequency = self._uncoupled()[2]
        left = handed / (own + handed) * self._slow(time) * jnp.cos(frequency * time)
        return -0.5 * jnp.log1p(-(left**2))

    def weak_amplitude_ratio(self) -> RealScalar:
        r"""$\sqrt{\langle q_1^2\rangle/\langle q_2^2\rangle}$ at small coupling: eq. (61),
        $\frac\lambda{\alpha\omega}\sqrt{(D_1+D_2)/D_2}$ for identical classical oscillators.
        """
        variances = jnp.diag(self.weak_correlations(0.0))
        return jnp.sqrt(variances[0] / variances[1])

    # -- the quantum oscillator ------------------------------------------------------------------------------

    def occupation(self) -> RealScalar:
        r"""Eq. (79), with the whole stiffness:
        $\langle n\rangle=\big(\langle p_2^2\rangle/2m_2+K_2\langle q_2^2\rangle/2\big)/\hbar\Omega_2-\tfrac12$.
        """
        return self._occupation(self.whole_stiffness()[1])

    def bare_occupation(self) -> RealScalar:
        r"""The same with the stiffness $k_2$ of the oscillator alone; they agree as the coupling vanishes."""
        return self._occupation(jnp.asarray(self.stiffness[1]))

    def weak_occupation(self) -> RealScalar:
        r"""Eq. (85), as the coupling vanishes: $T/\hbar\omega_2+\kappa\hbar N/16\gamma^2\omega_2T-\tfrac12$.

        What the classical oscillator hands on, and what decoherence does.
        """
        quantum = self._quantum()
        temperature = self.temperature()
        rate, _, frequency, _, size = self._uncoupled()
        handed_on = temperature / (quantum.planck * frequency)
        direct = quantum.trade_off * quantum.planck * size / (16 * rate**2 * frequency * temperature)
        return handed_on + direct - 0.5

    def coldest_temperature(self) -> RealScalar:
        r"""The T of the smallest occupation at any coupling, $\sqrt{b/a}$ with
        $\langle n\rangle+\tfrac12=(aT+b/T)/\hbar\Omega_2$.
        """
        rising, falling = self._energy_by_temperature()
        return jnp.sqrt(falling / rising)

    def lowest_occupation(self) -> RealScalar:
        r"""The smallest occupation over all temperatures, $2\sqrt{ab}/\hbar\Omega_2-\tfrac12$: above zero wherever the
        oscillators are coupled, and zero in the limit of resonant oscillators whose coupling vanishes.
        """
        rising, falling = self._energy_by_temperature()
        frequency = jnp.sqrt(self.whole_stiffness()[1] / self.masses[1])
        return 2 * jnp.sqrt(rising * falling) / (self._quantum().planck * frequency) - 0.5

    def weak_coldest_temperature(self) -> RealScalar:
        r"""$\hbar\sqrt{\kappa N}/4\gamma$: where `weak_occupation` is smallest."""
        quantum = self._quantum()
        rate, _, _, _, size = self._uncoupled()
        return quantum.planck * jnp.sqrt(quantum.trade_off * size) / (4 * rate)

    def weak_lowest_occupation(self) -> RealScalar:
        r"""$\tfrac12\big(\sqrt{\kappa N}/\gamma\omega_2-1\big)$: the smallest value of `weak_occupation`."""
        rate, _, frequency, _, size = self._uncoupled()
        return 0.5 * (jnp.sqrt(self._quantum().trade_off * size) / (rate * frequency) - 1)

    def steady_filtered_covariance(self) -> Float[Array, "2 2"]:
        r"""Covariance of $(\hat x,\hat\pi)$ along one trajectory that has been watched for long, (2, 2).

        The classical momentum is a record of the quantum position; $V_xV_\pi-C^2=\kappa\hbar^2/4$, so that the
        conditional state is pure with the trade-off saturated. The fixed point of

        $$\dot V_x=\tfrac{2C}{m_2}-\tfrac{c^2}{D_1}V_x^2,\quad\dot C=\tfrac{V_\pi}{m_2}-K_2V_x
        -\tfrac{c^2}{D_1}V_xC,\quad\dot V_\pi=-2K_2C+D_2-\tfrac{c^2}{D_1}C^2$$

        (J. Oppenheim, I. Layton and Z. Weller-Davies, "The healthier semi-classical dynamics"; for Gaussian states the
        filter of R. E. Kalman and R. S. Bucy, J. Basic Eng. 83, 95 (1961)).
        """
        self._quantum()
        gain = self.coupling.pull() ** 2 / self.diffusion
        stiff, mass = self.whole_stiffness()[1], self.masses[1]
        # (sqrt(K^2 + g D) - K) / g without the difference of two near numbers
        both = self.second_diffusion() / (stiff + jnp.sqrt(stiff**2 + gain * self.second_diffusion()))
        position = jnp.sqrt(2 * both / (mass * gain))
        return jnp.array([[position, both], [both, mass * position * (stiff + gain * both)]])

    # -- shared ----------------------------------------------------------------------------------------------

    def _per_pull(self) -> RealScalar:
        return self.second.diffusion_per_pull(jnp.asarray(self.diffusion), self.coupling.pull())

    def _quantum(self) -> QuantumOscillator:
        if not isinstance(self.second, QuantumOscillator):
            raise InvalidInput(
                "Argument `second` must be a QuantumOscillator for a quantity of the quantum side."
            )
        return self.second

    def _require_stable(self) -> None:
        if known(self) and not bool(self.is_stable()):
            require_stable(False, float(jnp.min(self.linear().eigenvalues().real)))

    def _occupation(self, stiff) -> RealScalar:
        covariance, mass = self.steady_covariance(), self.masses[1]
        energy = 0.5 * covariance[3, 3] / mass + 0.5 * stiff * covariance[2, 2]
        return energy / (self._quantum().planck * jnp.sqrt(stiff / mass)) - 0.5

    def _energy_by_temperature(self):
        """a and b of the energy aT + b/T of the quantum oscillator."""
        quantum = self._quantum()
        stiff_1, stiff_2 = self.whole_stiffness()
        mass_1, mass_2 = self.masses
        pull, determinant = self.coupling.pull(), self.determinant()
        detuning = stiff_1 / mass_1 - stiff_2 / mass_2
        bracket = mass_1**2 * detuning**2 + self.friction**2 * stiff_2 / mass_2
        bracket = bracket + 0.5 * pull**2 * (mass_1 / mass_2 + stiff_1**2 / determinant)
        scale = quantum.trade_off * quantum.planck**2 / (16 * self.friction**2)
        return 1 + pull**2 / (2 * determinant), scale * bracket

    def _uncoupled(self):
        """gamma, a^2, omega_2, delta and N of the oscillators by themselves."""
        rate = self.rate()
        first, second = jnp.asarray(self.stiffness) / self.masses
        detuning = first - second
        squared = first - 0.25 * rate**2
        return rate, squared, jnp.sqrt(second), detuning, detuning**2 + rate**2 * second

    def _damped(self, time):
        r"""$e^{-\gamma t/2}\cos at$ and $e^{-\gamma t/2}\sin(at)/a$ of the first oscillator by itself."""
        return damped_motions(0.5 * self.rate(), jnp.asarray(self.stiffness[0]) / self.masses[0], time)

    def _weak_across(self, time):
        """Correlations across to first order, both ways: what is driven, and what is left of the start."""
        rate, squared, frequency, detuning, size = self._uncoupled()
        pull, ratio, alpha = self.coupling.pull(), self._per_pull(), self.friction
        (mass_1, mass_2), (stiff_1, stiff_2) = self.masses, self.stiffness
        own, _ = self._weak_variances()
        cosine, sine, slow = jnp.cos(frequency * time), jnp.sin(frequency * time), self._slow(time)
        # q_1 q_2, p_1 q_2 and q_1 p_2 of the steady state
        together = pull * (
            self.temperature() / (stiff_1 * stiff_2) + 0.5 * ratio * mass_1 * detuning / (alpha * stiff_2)
        )
        kicked, kicking = 0.5 * mass_1 * pull * ratio / mass_2, -0.5 * pull * ratio
        swing = pull / (mass_1 * size) * self._weak_along()
        driven = swing * (detuning * cosine + rate * frequency * sine)
        start, speed = together - swing * detuning, kicked / mass_1 - swing * rate * frequency**2
        turn, decaying = self._damped(time)
        forth = slow * driven + start * turn + (speed + 0.5 * rate * start) * decaying

        # the fast correlation of q_1 and what follows it, as sums of the two motions of the first oscillator:
        # m_2 y'' + k_2 y = c <q_1^2> (turn + gamma/2 decaying)
        half = 0.5 * rate
        even, odd = mass_2 * (half**2 - squared) + stiff_2, 2 * mass_2 * half
        scale = pull * own / (even**2 + odd**2 * squared)
        of_turn, of_decaying = scale * (even + odd * half), scale * (even * half - odd * squared)
        start, speed = together - of_turn, kicking / mass_2 - (of_decaying - half * of_turn)
        free = start * cosine + speed * sine / frequency
        back = slow * free + of_turn * turn + of_decaying * decaying
        return forth, back

    def _weak_along(self):
        r"""$\langle q_2^2\rangle$ to leading order."""
        rate, _, _, _, size = self._uncoupled()
        direct = self._per_pull() * self.masses[0] * size / (2 * rate * self.stiffness[1])
        return direct + self.temperature() / self.stiffness[1]

    def _weak_variances(self):
        r"""The parts of $\langle q_1^2\rangle$ that $D_1$ and $D_2$ make, to leading order."""
        own = self.temperature() / self.stiffness[0]
        return own, self.second_diffusion() / (2 * self.friction * self.stiffness[1])

    def _slow(self, time):
        return jnp.exp(-self.weak_poles().decay[1].real * time)

    def _fast(self, time):
        turn, decaying = self._damped(time)
        return turn + 0.5 * self.rate() * decaying
