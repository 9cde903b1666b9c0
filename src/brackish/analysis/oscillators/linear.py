r"""Any number of classical and quantum oscillators with linear forces: one Ornstein-Uhlenbeck process, solved exactly.

$$dX=-AX\,dt+B\,dW,\qquad X=(q_1,p_1,q_2,p_2,\dots)$$

Eqs. (10)-(19) of "Classical-quantum oscillators as diffusive processes in phase space" (arXiv 2510.07402), for any
number of oscillators. Quantum oscillators take part through their symmetrised moments, whose Wigner function obeys the
same Fokker-Planck equation. Time is never discretised: propagation is a matrix exponential, the steady state a linear
equation.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.analysis.oscillators._checks import at_least, known, not_negative_matrix, real, symmetric
from brackish.analysis.oscillators.riccati import RiccatiFlow, riccati_flow
from brackish.errors import InvalidInput
from brackish.typing import Array, Bool, Complex, Float, RealScalar

MOST_DOUBLINGS = 60
DECAYS = 1e-13
"""A rate below this share of the largest eigenvalue is none."""


class LinearOscillators(eqx.Module):
    r"""N coupled oscillators, of which the first n are classical and the others quantum.

    $$V=\tfrac12q^TKq,\qquad \dot p=-Kq-\alpha\dot q+\text{noise},\qquad D_Q=\frac{\kappa\hbar^2}4K_{QC}D^{-1}K_{CQ}$$

    `masses`: (N,). `stiffness`: K, (N, N), symmetric. `friction`: $\alpha$, (n, n), force per velocity on the classical
    ones, with no negative part (its symmetric part). `diffusion`: D, (n, n), symmetric, of the classical momenta,
    $\langle dp\,dp^T\rangle=D\,dt$. `trade_off`: $\kappa\ge1$, how many times more than it must be the quantum side is
    decohered; 1 saturates $4D_0D\ge1$, eq. (5). `planck`: hbar.

    Matrices and covariances are in the order of X, interleaved.

    Raises `InvalidInput`, naming the argument, for matrices that are not symmetric or have negative eigenvalues, for
    $\kappa<1$, and for a force of a quantum oscillator on a classical one that has no noise.
    """

    masses: Float[np.ndarray | Array, " N"] = eqx.field(converter=lambda value: real("masses", value, 1))
    stiffness: Float[np.ndarray | Array, "N N"] = eqx.field(
        converter=lambda value: real("stiffness", value, 2)
    )
    friction: Float[np.ndarray | Array, "n n"] = eqx.field(converter=lambda value: real("friction", value, 2))
    diffusion: Float[np.ndarray | Array, "n n"] = eqx.field(
        converter=lambda value: real("diffusion", value, 2)
    )
    trade_off: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("trade_off", value, 0), default=1.0
    )
    planck: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("planck", value, 0), default=1.0
    )

    def __check_init__(self):
        at_least("masses", self.masses, 0.0, open_end=True)
        at_least("trade_off", self.trade_off, 1.0)
        at_least("planck", self.planck, 0.0)
        symmetric("stiffness", self.stiffness)
        not_negative_matrix("friction", 0.5 * (self.friction + self.friction.T))
        not_negative_matrix("diffusion", self.diffusion)
        size, classical = self.masses.shape[0], self.diffusion.shape[0]
        if self.stiffness.shape[0] != size:
            raise InvalidInput(
                f"Argument `stiffness` must have a row for each of {size} masses, got shape {self.stiffness.shape}."
            )
        if self.friction.shape != self.diffusion.shape or not 1 <= classical <= size:
            raise InvalidInput(
                "Arguments `friction` and `diffusion` must have a row for each classical oscillator, 1 to "
                f"{size}, got shapes {self.friction.shape} and {self.diffusion.shape}."
            )
        if known(self.diffusion, self.stiffness):
            diffusion, pull = np.asarray(self.diffusion), np.asarray(self.stiffness)[:classical, classical:]
            left = pull - diffusion @ np.linalg.pinv(diffusion, hermitian=True) @ pull
            if np.abs(left).max(initial=0.0) > 1e-10 * np.abs(pull).max(initial=1.0):
                raise InvalidInput(
                    "Argument `diffusion` must not vanish where quantum oscillators push: classical momenta without "
                    f"noise would feel a force of {np.abs(left).max():.3g} per displacement."
                )

    @property
    def classical(self) -> int:
        """n: how many oscillators are classical."""
        return self.diffusion.shape[0]

    @property
    def oscillators(self) -> int:
        """N: how many there are."""
        return self.masses.shape[0]

    def drift(self) -> Float[Array, "x x"]:
        """A, (2N, 2N): eq. (16)."""
        size, n = self.oscillators, self.classical
        rates = jnp.zeros((size, size)).at[:n, :n].set(self.friction / self.masses[None, :n])
        inverse_masses = jnp.diag(1 / jnp.asarray(self.masses))
        return _interleaved(jnp.zeros((size, size)), -inverse_masses, jnp.asarray(self.stiffness), rates)

    def quantum_diffusion(self) -> Float[Array, "m m"]:
        r"""$D_Q$, (m, m): what decoherence does to the momenta of the quantum oscillators."""
        return 0.25 * jnp.asarray(self.trade_off * self.planck**2) * self._seen()

    def noise(self) -> Float[Array, "x x"]:
        r"""$BB^T$, (2N, 2N): eq. (16), with the quantum part from the trade-off."""
        size, n = self.oscillators, self.classical
        momenta = jnp.zeros((size, size)).at[:n, :n].set(self.diffusion)
        momenta = momenta.at[n:, n:].set(self.quantum_diffusion())
        empty = jnp.zeros((size, size))
        return _interleaved(empty, empty, empty, momenta)

    def energy_matrix(self) -> Float[Array, "x x"]:
        r"""The matrix of $H=\tfrac12X^TGX$."""
        empty = jnp.zeros((self.oscillators,) * 2)
        return _interleaved(jnp.asarray(self.stiffness), empty, empty, jnp.diag(1 / jnp.asarray(self.masses)))

    # -- stability and poles ---------------------------------------------------------------------------------

    def eigenvalues(self) -> Complex[Array, " x"]:
        """Those of A, in no order; each is a rate of decay, with a frequency as imaginary part."""
        return jnp.linalg.eigvals(self.drift())

    def poles(self) -> Complex[Array, " x"]:
        r"""The poles $\omega=-i\mu$ of the response to $e^{-i\omega t}$, below the real axis where stable: eq. (42)."""
        return -1j * self.eigenvalues()

    def is_stable(self) -> Bool[Array, ""]:
        """Whether every eigenvalue of A decays, eq. (17), so that there is a steady state."""
        eigenvalues = self.eigenvalues()
        return jnp.min(eigenvalues.real) > DECAYS * jnp.max(jnp.abs(eigenvalues))

    # -- moments ---------------------------------------------------------------------------------------------

    def steady_covariance(self) -> Float[Array, "x x"]:
        r"""The covariance of the steady state, $A\Sigma+\Sigma A^T=BB^T$: eq. (19).

        A dense system of $(2N)^2$ equations, solved twice so that weak coupling keeps its digits: for up to some 20
        oscillators. Raises `InvalidInput` if the system is not stable (inside a transformation of JAX nothing can be
        raised, and the matrix means nothing there).
        """
        drift, noise = self.drift(), self.noise()
        if known(drift):
            require_stable(bool(self.is_stable()), float(jnp.min(self.eigenvalues().real)))
        unit = jnp.eye(drift.shape[0])
        factors = jax.scipy.linalg.lu_factor(jnp.kron(drift, unit) + jnp.kron(unit, drift))

        def solve(right):
            return jax.scipy.linalg.lu_solve(factors, right.reshape(-1)).reshape(right.shape)

        covariance = solve(noise)
        covariance = covariance + solve(noise - drift @ covariance - covariance @ drift.T)
        return 0.5 * (covariance + covariance.T)

    def propagator(self, time) -> Float[Array, "x x"]:
        """exp(-A t): moves means, and is the response: entry (q_i, p_j) answers in q_i to an impulse on p_j."""
        return jax.scipy.linalg.expm(-jnp.asarray(time) * self.drift())

    def mean(self, time, start: Float[np.ndarray | Array, " x"]) -> Float[Array, " x"]:
        """Mean of X after a time, from the mean `start`."""
        return self.propagator(time) @ start

    def step(self, time) -> tuple[Float[Array, "x x"], Float[Array, "x x"]]:
        r"""The exact step of any length: $e^{-At}$ and $\int_0^te^{-As}BB^Te^{-A^Ts}ds$, the covariance of its noise.

        Through one block exponential of a short time (C. F. van Loan, IEEE Trans. Autom. Control 23, 395 (1978)),
        doubled until the time is reached: also where there is no steady state.
        """
        drift, noise, time = self.drift(), self.noise(), jnp.asarray(time, dtype=float)
        size = drift.shape[0]
        reach = time * jnp.max(jnp.sum(jnp.abs(drift), axis=0))
        doublings = jnp.ceil(jnp.log2(jnp.maximum(lax.stop_gradient(reach), 1.0)))
        short = time / 2.0**doublings
        block = jax.scipy.linalg.expm(short * jnp.block([[-drift, noise], [jnp.zeros_like(drift), drift.T]]))
        moved = block[:size, :size]
        spread = block[:size, size:] @ moved.T

        def double(carry, number):
            moved, spread = carry
            twice = moved @ moved, spread + moved @ spread @ moved.T
            return jax.tree_util.tree_map(
                lambda new, old: jnp.where(number < doublings, new, old), twice, carry
            ), None

        (moved, spread), _ = lax.scan(double, (moved, spread), jnp.arange(MOST_DOUBLINGS))
        return moved, 0.5 * (spread + spread.T)

    def covariance(self, time, start: Float[np.ndarray | Array, "x x"]) -> Float[Array, "x x"]:
        """Covariance of X after a time, from the covariance `start`; stable or not."""
        moved, spread = self.step(time)
        return moved @ start @ moved.T + spread

    def two_time(self, time) -> Float[Array, "x x"]:
        r"""$\langle X(t)X(0)^T\rangle=e^{-At}\Sigma$ of the steady state, $t\ge0$, symmetrised for quantum entries."""
        return self.propagator(time) @ self.steady_covariance()

    def response(self, time) -> Float[Array, "N N"]:
        r"""How far oscillator i is at time t after a unit impulse on j at time 0, (N, N): $\chi_{ij}(t)$."""
        return self.propagator(time)[0::2, 1::2]

    def spectrum(self, frequency) -> Complex[Array, "x x"]:
        r"""$\int\langle X(t)X(0)^T\rangle e^{i\omega t}dt=(A-i\omega)^{-1}BB^T(A-i\omega)^{-\dagger}$."""
        drift = self.drift()
        inverse = jnp.linalg.inv(drift - 1j * frequency * jnp.eye(drift.shape[0]))
        return inverse @ self.noise() @ jnp.conj(inverse).T

    # -- the quantum side, given the classical one -----------------------------------------------------------

    def filtered_covariance(self, time, start: Float[np.ndarray | Array, "z z"]) -> Float[Array, "z z"]:
        r"""Covariance of the quantum oscillators, (2m, 2m), after the classical ones were watched for a time, from
        the covariance `start` of a Gaussian state.

        Classical momenta are records of the forces $-K_{CQ}\hat x$ on them. With $H=-K_{CQ}$ on positions and the
        quantum blocks of A and $BB^T$,

        $$\dot V=-A_{QQ}V-VA_{QQ}^T+(BB^T)_{QQ}-VH^TD^{-1}HV,$$

        the same along every trajectory (J. Oppenheim, I. Layton and Z. Weller-Davies, "The healthier semi-classical
        dynamics"; for Gaussian states the filter of R. E. Kalman and R. S. Bucy, J. Basic Eng. 83, 95 (1961)). The
        means of the conditional states are driven by $VH^T\sigma^{-T}dW$; their own covariance and V make the whole
        one. With $\kappa=1$ pure states stay pure, and mixed ones become so. `time` may be any, also where there is
        no steady state.
        """
        return self._filter(jnp.asarray(time, dtype=float))(jnp.asarray(start, dtype=float))

    def steady_filtered_covariance(self) -> Float[Array, "z z"]:
        """What `filtered_covariance` comes to after long, from any start: (2m, 2m).

        Raises `InvalidInput` if some motion of the quantum oscillators is not seen by the classical ones, so that its
        start is never forgotten (not inside a transformation of JAX).
        """
        drift = self.drift()
        after_long = 2.0**MOST_DOUBLINGS / jnp.max(jnp.sum(jnp.abs(drift), axis=0))
        covariance = self._filter(after_long).reached
        if known(covariance):
            split = 2 * self.classical
            rates = np.linalg.eigvals(drift[split:, split:] + covariance @ self._record())
            if not rates.real.min() > DECAYS * np.abs(rates).max():
                raise InvalidInput(
                    "Argument `stiffness` hides a motion of the quantum oscillators from the classical ones, so that "
                    "there is no steady conditional state: the slowest rate at which the past is forgotten is "
                    f"{rates.real.min():.3g}."
                )
        return covariance

    def _seen(self) -> Float[Array, "m m"]:
        r"""$K_{QC}D^{-1}K_{CQ}$: how sharply the noise lets positions of the quantum oscillators be seen."""
        n = self.classical
        pull = jnp.asarray(self.stiffness)[:n, n:]
        return pull.T @ jnp.linalg.pinv(jnp.asarray(self.diffusion), hermitian=True) @ pull

    def _record(self) -> Float[Array, "z z"]:
        r"""$H^TD^{-1}H$."""
        seen = self._seen()
        empty = jnp.zeros_like(seen)
        return _interleaved(seen, empty, empty, empty)

    def _filter(self, time) -> RiccatiFlow:
        split = 2 * self.classical
        drift, noise = -self.drift()[split:, split:], self.noise()[split:, split:]
        return riccati_flow(drift, noise, self._record(), time, MOST_DOUBLINGS)

    # -- quantum validity ------------------------------------------------------------------------------------

    def symplectic_form(self) -> Float[Array, "x x"]:
        """J, which couples each quantum position to its momentum and knows nothing of classical ones."""
        quantum = jnp.diag(jnp.where(jnp.arange(self.oscillators) < self.classical, 0.0, 1.0))
        empty = jnp.zeros_like(quantum)
        return _interleaved(empty, quantum, -quantum, empty)

    def uncertainty(self, covariance: Float[np.ndarray | Array, "x x"]) -> RealScalar:
        r"""The smallest eigenvalue of $\Sigma+\tfrac{i\hbar}2J$: not negative for a state, negative for no state."""
        return jnp.linalg.eigvalsh(covariance + 0.5j * self.planck * self.symplectic_form())[0]

    # -- energy and entropy ----------------------------------------------------------------------------------

    def energy(self, covariance: Float[np.ndarray | Array, "x x"]) -> RealScalar:
        """Mean energy of a state of zero mean."""
        return 0.5 * jnp.sum(self.energy_matrix() * covariance)

    def heating(self) -> RealScalar:
        """Energy that diffusion brings in per time, whatever the state: the first terms of eq. (14)."""
        momenta = self.noise()[1::2, 1::2]
        return 0.5 * jnp.sum(jnp.diag(momenta) / self.masses)

    def damping(self, covariance: Float[np.ndarray | Array, "x x"]) -> RealScalar:
        """Energy that friction takes out per time: the last term of eq. (14)."""
        n = self.classical
        masses = jnp.asarray(self.masses[:n])
        velocities = covariance[1 : 2 * n : 2, 1 : 2 * n : 2] / jnp.outer(masses, masses)
        return jnp.sum(self.friction * velocities)

    def entropy_production(self) -> RealScalar:
        r"""Entropy made per time in the steady state, in nats: $2\,\mathrm{Tr}(\gamma^TD^{-1}\gamma\,\Sigma_{pp})-
        \mathrm{Tr}\,\gamma\ge0$.

        From the irreversible current of the momenta, $-(\gamma p+\tfrac12D\,\partial_p)P$ (U. Seifert, Rep. Prog. Phys.
        75, 126001 (2012)); zero in thermal equilibrium. Every friction must come with diffusion.
        """
        n = self.classical
        rates = self.friction / self.masses[None, :n]
        inverse = jnp.linalg.pinv(jnp.asarray(self.diffusion), hermitian=True)
        momenta = self.steady_covariance()[1 : 2 * n : 2, 1 : 2 * n : 2]
        return 2 * jnp.sum((rates.T @ inverse @ rates) * momenta) - jnp.trace(rates)


def require_stable(stable: bool, slowest: float) -> None:
    """Refuse a steady state of a system that has none."""
    if not stable:
        raise InvalidInput(
            "The system has no steady state: the slowest eigenvalue of its drift matrix has the real part "
            f"{slowest:.3g}, which must be positive (friction, stiffness and coupling decide)."
        )


def _interleaved(qq, qp, pq, pp) -> Array:
    """Blocks of positions and momenta in the order (q_1, p_1, q_2, p_2, ...)."""
    size = qq.shape[0]
    blocks = jnp.stack([jnp.stack([qq, qp]), jnp.stack([pq, pp])])
    return jnp.transpose(blocks, (2, 0, 3, 1)).reshape(2 * size, 2 * size)
