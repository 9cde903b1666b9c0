r"""The figures of "Classical-quantum oscillators as diffusive processes in phase space" (arXiv 2510.07402), and its
correlations, occupation and phase-space form as figures: two oscillators on a spring, the first damped and classical.

Units: m = k = 1 for both oscillators and hbar = 1, so that times are in units of $1/\omega$. The paper's text gives no
numbers for its sample trajectory, and its other results are equations alone; the parameters here are said in each
caption.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.analysis.oscillators import (
    ClassicalOscillator,
    OscillatorPair,
    QuantumOscillator,
    Spring,
    classical_quantum_information,
    sample_paths,
    two_time_coefficients,
)
from brackish.errors import UnsupportedHamiltonian
from brackish.grids import PhaseSpace
from brackish.hamiltonians import hamiltonian
from brackish.observables import Observable
from brackish.plot import Plane, curves, densities, pole_map
from brackish.preparations import Preparation
from brackish.reproduce.figure import PaperFigure
from brackish.run.simulation import simulate
from brackish.run.time_grid import times
from brackish.theories import HybridWigner
from brackish.typing import Array, Complex, Float

ALIKE = np.ones(2)
"""Masses, and stiffness of both oscillators where they are identical."""
FRICTION = 0.3
CLOCK = "time (1/ω)"

Columns = dict[str, dict[str, Any]]
"""Lines by panel and name."""


def classical_quantum_oscillators() -> tuple[PaperFigure, ...]:
    """Poles, a trajectory, correlations (classical, quantum), occupation, and phase space over time."""
    return (
        poles(),
        trajectory(),
        classical_correlations(),
        quantum_correlations(),
        occupation(),
        phase_space(),
    )


# -- figures of the paper ----------------------------------------------------------------------------------------------


def poles() -> PaperFigure:
    """Figure 1: where the poles of the propagators lie, as the spring stiffens."""
    strengths = np.linspace(0.0, 1.0, 81)

    def pair(strength):
        return OscillatorPair(ALIKE, np.array([1.0, 2.0]), Spring(strength), 0.5, 0.4)

    @jax.vmap
    def found(strength):
        weak = pair(strength).weak_poles()
        right = weak.frequency - 1j * weak.decay
        return pair(strength).linear().poles(), jnp.concatenate([right, -jnp.conj(right)])

    exact, weak = (np.asarray(part) for part in found(jnp.asarray(strengths)))
    distances = np.abs(exact[:, :, None] - weak[:, None, :]).min(axis=1).max(axis=1)
    tenth, drawn = int(np.argmin(np.abs(strengths - 0.1))), strengths <= 0.5
    slow = -exact[1:].imag.max(axis=1)
    caption = (
        "Poles of the response (retarded, D(ω) = 0) of two oscillators, k = 1 and 2, friction 0.5 on the first, and, "
        "pale, their mirror images (advanced); colour: stiffness λ of the spring; circles: no spring; dotted: the "
        "expansion to λ², eqs. (45)-(49), up to λ = 0.5. To be seen: ±a − ib, two independent roots; all below "
        "the real axis as soon as there is a spring, so that there is a steady state: the undamped pair leaves the "
        f"axis by λ², to {slow[tenth - 1]:.5f} at λ = 0.1 and {slow[-1]:.4f} at λ = 1. The expansion is off by at most "
        f"{distances[tenth]:.1e} at λ = 0.1."
    )
    figure = pole_map(
        strengths,
        exact,
        np.where(drawn[:, None], weak, np.nan),
        label="stiffness λ of the spring",
        title="Poles of two coupled oscillators",
        subtitle="m = 1, k = 1 and 2, friction 0.5 on the first",
        caption=caption,
        unit=r"$\sqrt{k_1/m}$",
    )
    data = _dataset(
        "strength",
        strengths,
        {"pole": (("strength", "root"), exact), "expansion": (("strength", "root"), weak)},
    )
    return PaperFigure("figure1", caption, {"poles": {"pair": data}}, figure)


def trajectory() -> PaperFigure:
    """Figure 2: a sample trajectory of two classical oscillators from rest, with the standard deviations predicted."""
    strength, diffusion, many, seed = 0.1, 0.2, 4000, 5
    pair = OscillatorPair(ALIKE, ALIKE, Spring(strength), FRICTION, diffusion, ClassicalOscillator(diffusion))
    system, step, saves, rest = pair.linear(), 0.2, 800, np.zeros((4, 4))
    clock = step * np.arange(saves + 1)
    # the first of many, all from rest
    paths = np.zeros((many, saves + 1, 4))
    paths[:, 1:] = sample_paths(system, paths[:, 0], step, saves, seed=seed)
    path, measured = paths[0, :, 0::2], paths.std(axis=0)[:, 0::2]
    covariance = np.asarray(eqx.filter_jit(jax.vmap(lambda t: system.covariance(t, rest)))(clock))
    spread = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))[:, 0::2]
    steady = np.sqrt(np.diag(np.asarray(pair.steady_covariance())))[0::2]
    errors = measured[1:] / spread[1:] - 1
    lag = _lag(path[clock > 40], step)
    caption = (
        "Positions of two identical classical oscillators, from rest: spring λ = 0.1, friction α = 0.3 on the first, "
        "diffusion D₁ = D₂ = 0.2. Bands: one standard deviation at that time, by the exact covariance; dashed: of "
        f"{many} such trajectories (they agree to {100 * np.sqrt(np.mean(errors**2)):.1f} % on average). To be seen: "
        f"both come to a steady state, the damped one sooner, with standard deviations of {steady[0]:.3f} and "
        f"{steady[1]:.3f}, eqs. (20)-(27); their ratio is {steady[0] / steady[1]:.3f}, to leading order in λ "
        f"{float(pair.weak_amplitude_ratio()):.3f}, eq. (61). Then both swing at one frequency: in this trajectory the "
        f"first follows the second {lag:.1f} later, and a quarter of a period is {0.5 * np.pi:.1f}."
    )
    unit = r"($\sqrt{\hbar/m\omega}$)"
    panels: Columns = {f"$q_{n + 1}$ {unit}": {f"$q_{n + 1}$": path[:, n]} for n in range(2)}
    figure = curves(
        clock,
        panels,
        label=CLOCK,
        title="A trajectory of two coupled oscillators",
        subtitle="m = k = 1, spring 0.1, friction 0.3, diffusion 0.2 on each; bands: one standard deviation",
        caption=caption,
        bands={words: spread[:, n] for n, words in enumerate(panels)},
        edges={words: measured[:, n] for n, words in enumerate(panels)},
    )
    dims = ("time", "oscillator")
    values = {"position": (dims, path), "spread": (dims, spread), "measured_spread": (dims, measured)}
    return PaperFigure("figure2", caption, {"trajectory": {"pair": _dataset("time", clock, values)}}, figure)


def _lag(path: Float[np.ndarray, "T 2"], step: float) -> float:
    """By how much the first position follows the second: where their correlation is largest, within half a period."""
    lags = np.arange(round(np.pi / step) + 1)
    products = [np.mean(path[lag:, 0] * path[: len(path) - lag, 1]) for lag in lags]
    return float(step * lags[int(np.argmax(products))])


# -- correlations ------------------------------------------------------------------------------------------------------

STRENGTH, STRONG, DIFFUSION = 0.02, 0.4, 0.2
LASTING = np.linspace(0.0, 40.0, 401)
EXACT, WEAK, LATE = "exact", "small coupling", "late"


@eqx.filter_jit
def _over_time(pair: OscillatorPair, clock: np.ndarray | Array) -> dict[str, Array]:
    """Correlation coefficients of positions, (T, 2, 2): exact ones and those of small coupling; and eq. (68)."""
    system = pair.linear()
    exact = jax.vmap(lambda t: two_time_coefficients(system, t)[0::2, 0::2])(clock)
    return {
        EXACT: exact,
        WEAK: jax.vmap(pair.weak_coefficients)(clock),
        LATE: jax.vmap(pair.late_information)(clock),
    }


def _information(coefficient: np.ndarray) -> np.ndarray:
    """In nats; infinite, and left out, where the coefficient is 1."""
    with np.errstate(divide="ignore"):
        return -0.5 * np.log1p(-(np.minimum(np.abs(coefficient), 1.0) ** 2))


def classical_correlations() -> PaperFigure:
    """Eqs. (55)-(68): correlation and mutual information over time, both oscillators classical and identical."""
    pair = OscillatorPair(ALIKE, ALIKE, Spring(STRENGTH), FRICTION, DIFFUSION, ClassicalOscillator(DIFFUSION))
    found = {name: np.asarray(values) for name, values in _over_time(pair, LASTING).items()}
    exact, weak = found[EXACT], found[WEAK]
    panels: Columns = {}
    for first, second in ((0, 0), (0, 1), (1, 1)):
        panels[f"$r$: $q_{first + 1}(t)$, $q_{second + 1}(0)$"] = {
            EXACT: exact[:, first, second],
            WEAK: weak[:, first, second],
        }
    for second in range(2):
        lines = {name: _information(found[name][:, 0, second]) for name in (EXACT, WEAK)}
        if second == 0:
            lines[LATE] = found[LATE]
        # the start of the first, infinite at time 0, would flatten all that follows
        lines = {name: np.where(values < 0.6, values, np.nan) for name, values in lines.items()}
        panels[f"$I$: $q_1(t)$, $q_{second + 1}(0)$ (nats)"] = lines
    late = LASTING > 25
    top = float(np.nanmax(panels["$I$: $q_1(t)$, $q_1(0)$ (nats)"][EXACT][late]))
    limit = -0.5 * np.log1p(-(0.5**2))
    across = float(_information(exact[late, 0, 1]).max())
    caption = (
        "Correlation coefficients r and mutual information I of the steady state of two identical classical "
        "oscillators: spring λ = 0.02, friction α = 0.3, diffusion D₁ = D₂ = 0.2. Solid: exact; dashed: leading order "
        "in λ, eqs. (55)-(67); dotted: eq. (68). To be seen: q₂ swings almost without loss; q₁ forgets itself within "
        "2/γ = 6.7, and then remembers for good, through q₂: I of q₁(t) on q₁(0) swings with the period π/ω "
        f"between 0 and {top:.3f} nats (by eq. (68) {limit:.3f}, with D₂/(D₁ + D₂) = 1/2). q₁(t) on q₂(0) reaches "
        f"{across:.3f}: to leading order −½ ln[1 − D₂/(D₁ + D₂)] = {0.5 * np.log(2):.3f}. The dashed lines fall "
        f"behind by λt/2mω, the shift of the frequency, {STRENGTH * LASTING[-1] / 2:.1f} at the end. Above 0.6 nats I "
        "is not shown."
    )
    figure = curves(
        LASTING,
        panels,
        label=CLOCK,
        title="Correlation and information of two classical oscillators",
        subtitle="m = k = 1, spring 0.02, friction 0.3, diffusion 0.2 on each",
        caption=caption,
    )
    return PaperFigure("figure3", caption, {"classical": {"pair": _coefficients(found)}}, figure)


def quantum_correlations() -> PaperFigure:
    """Eqs. (80)-(83): the same with a quantum second oscillator, whose diffusion is that of its decoherence."""
    runs, panels = {}, {}
    words = {(0, 0): "$q(t)$, $q(0)$", (1, 1): "$x(t)$, $x(0)$", (0, 1): "$q(t)$, $x(0)$"}
    for strength in (STRENGTH, STRONG):
        pair = OscillatorPair(ALIKE, ALIKE, Spring(strength), FRICTION, DIFFUSION)
        runs[strength] = {name: np.asarray(values) for name, values in _over_time(pair, LASTING).items()}
    weak, strong = (f"λ = {strength:g}" for strength in runs)
    for (first, second), names in words.items():
        lines = {
            strong: runs[STRONG][EXACT][:, first, second],
            weak: runs[STRENGTH][EXACT][:, first, second],
            WEAK: runs[STRENGTH][WEAK][:, first, second],
        }
        panels[f"$r$: {names}"] = lines
    panels["$I$: $q(t)$, $x(0)$ (nats)"] = {
        name: _information(runs[strength][EXACT][:, 0, 1])
        for name, strength in ((strong, STRONG), (weak, STRENGTH))
    }
    spread, across, known = {}, {}, {}
    for strength, found in runs.items():
        pair = OscillatorPair(ALIKE, ALIKE, Spring(strength), FRICTION, DIFFUSION)
        steady = pair.steady_covariance()
        spread[strength] = float(steady[2, 2])
        across[strength] = float(np.abs(found[EXACT][:, 0, 1]).max())
        known[strength] = float(classical_quantum_information(pair.linear(), steady))
    caption = (
        "The same pair with a quantum second oscillator x: friction α = 0.3, diffusion D = 0.2, hence D₂ = ħ²λ²/4D. "
        "Exact and symmetrised, for springs λ = 0.4 and 0.02; dotted: leading order in λ for the latter, eqs. "
        "(80)-(83) and, across, what follows from them. To be seen: decoherence is of second order in λ, as weak "
        "as the damping it works against, so that x is neither hot nor empty: "
        f"⟨x²⟩ = {spread[STRENGTH]:.3f} for the weak spring, ½ in the ground state. What it leaves in q is small, "
        "so that q forgets itself for good, unlike beside a classical one (figure 3), and the correlation across, of "
        f"first order in λ, is at most {across[STRENGTH]:.3f}; with the strong spring it reaches "
        f"{across[STRONG]:.2f}. At one time q and p together know {known[STRENGTH]:.4f} nats of x, "
        f"and {known[STRONG]:.3f}."
    )
    figure = curves(
        LASTING,
        panels,
        label=CLOCK,
        title="Correlation of a classical and a quantum oscillator",
        subtitle="m = k = ħ = 1, friction 0.3, diffusion 0.2",
        caption=caption,
    )
    data = {f"spring {strength:g}": _coefficients(found) for strength, found in runs.items()}
    return PaperFigure("figure4", caption, {"quantum": data}, figure)


def _coefficients(found: dict[str, np.ndarray]) -> Any:
    dims = ("time", "later", "earlier")
    values: dict[str, Any] = {"coefficient": (dims, found[EXACT]), "small_coupling": (dims, found[WEAK])}
    values["late_information"] = (("time",), found[LATE])
    return _dataset("time", LASTING, values)


# -- the quantum oscillator --------------------------------------------------------------------------------------------


def occupation() -> PaperFigure:
    """Eqs. (79), (84), (85): quanta against the temperature of the classical oscillator, and their minimum."""
    temperatures = np.geomspace(0.04, 2.0, 241)

    def pair(strength, temperature, trade_off=1.0):
        second = QuantumOscillator(trade_off)
        return OscillatorPair(ALIKE, ALIKE, Spring(strength), FRICTION, 2 * FRICTION * temperature, second)

    @eqx.filter_jit
    def found(strength):
        def at(temperature):
            here = pair(strength, temperature)
            known = classical_quantum_information(here.linear(), here.steady_covariance())
            return (
                here.occupation(),
                known,
                here.weak_occupation(),
                pair(strength, temperature, 4.0).weak_occupation(),
            )

        return jax.vmap(at)(jnp.asarray(temperatures))

    quanta: dict[str, np.ndarray] = {}
    information: dict[str, np.ndarray] = {}
    lowest: dict[str, tuple[float, float]] = {}
    for strength in (0.5, 0.2):
        name, here = f"λ = {strength}", pair(strength, 1.0)
        columns = [np.asarray(column) for column in found(jnp.asarray(strength))]
        quanta[name], information[name] = columns[0], columns[1]
        lowest[name] = float(here.coldest_temperature()), float(here.lowest_occupation())
    vanishing, fourfold = "λ → 0", "λ → 0, κ = 4"
    quanta[vanishing], quanta[fourfold] = columns[2], columns[3]
    for name, trade_off in ((vanishing, 1.0), (fourfold, 4.0)):
        here = pair(0.2, 1.0, trade_off)
        lowest[name] = float(here.weak_coldest_temperature()), float(here.weak_lowest_occupation())
    # what is far above the minimum would flatten it
    shown = {name: np.where(values < 2.2, values, np.nan) for name, values in quanta.items()}
    panels: Columns = {"quanta ⟨n⟩": shown, "I(C:Q) (nats)": information}
    words = [f"{value:.3f} at T = {at:.3f} ({name})" for name, (at, value) in list(lowest.items())[:2]]
    caption = (
        "Quanta in the quantum oscillator of an identical pair, eq. (79) with the whole stiffness, against the "
        "temperature T = D/2α of the classical one, eq. (84); friction α = 0.3. Green: the limit of a vanishing "
        "spring, eq. (85), ⟨n⟩ + ½ = T/ħω + κħω/16T. Dots: minima. To be seen: hot, ⟨n⟩ → T/ħω; cold, there is little "
        "diffusion and so much decoherence, which heats as well. In between lies the least, "
        f"{' and '.join(words)}: never empty. As the spring vanishes it goes to {abs(lowest[vanishing][1]):.0f} at T = "
        f"ħω/4 = {lowest[vanishing][0]:.2f}, where the uncertainty relation is met: the trade-off 4D₀D ≥ 1 cannot be "
        f"relaxed. With four times the decoherence it would be {lowest[fourfold][1]:.1f} at T = "
        f"{lowest[fourfold][0]:.1f}. Below: what q and p know of the quantum oscillator at one time."
    )
    figure = curves(
        temperatures,
        panels,
        label="temperature of the classical oscillator (ħω)",
        title="A quantum oscillator beside a classical one is never empty",
        subtitle="m = k = ħ = 1, friction 0.3; diffusion rises with the temperature, decoherence falls",
        caption=caption,
        points={"quanta ⟨n⟩": lowest},
        logarithmic=True,
    )
    data = {
        name: _dataset("temperature", temperatures, {"occupation": (("temperature",), values)})
        for name, values in quanta.items()
    }
    return PaperFigure("figure5", caption, {"occupation": data}, figure)


# -- phase space -------------------------------------------------------------------------------------------------------

NARROW, APART = 0.4, 2.0
"""Standard deviations of the classical oscillator at the start, and where the packets of the quantum one are."""
PULL, NOISE = 0.5, 0.25
CLASSICAL = PhaseSpace((-4.1, -4.1), (4.1, 4.1), 30)
QUANTUM = PhaseSpace((-5.6, -6.2), (5.6, 6.2), (36, 48))
SHOWN = (0.0, 0.4, 0.8, 1.6, 2.4)
STEP = 0.05
FINER = 3
"""How many times finer than its grid a density is drawn."""


class TwoPlaces(Preparation):
    r"""A Gaussian classical point and, beside it, a quantum particle at two places at once: the even superposition of
    coherent states of the uncoupled oscillator at $\pm x_0$, `apart`. As a Wigner function it is negative in places,
    and has no points to draw.
    """

    apart: float
    random: ClassVar[bool] = False

    def check(self, hamiltonian):
        if hamiltonian.manifold.coordinates != 2:
            raise UnsupportedHamiltonian("TwoPlaces needs a classical coordinate and a quantum one.")

    def draw(self, hamiltonian, index, key):
        raise UnsupportedHamiltonian(
            "TwoPlaces has no points of phase space to draw; start a theory of Wigner functions from it."
        )

    def covariance(self) -> Float[np.ndarray, "4 4"]:
        r"""Of $(q,p,x,\pi)$, of every term."""
        return np.diag([NARROW**2, NARROW**2, 0.5, 0.5])

    def terms(self) -> list[tuple[float, Complex[np.ndarray, "4"]]]:
        r"""Weights and means of $(q,p,x,\pi)$ of Gaussians that add up to W: the two places, and between them
        $2\cos(2x_0\pi)$ as two Gaussians of imaginary mean.
        """
        x = self.apart
        overlap = float(np.exp(-(x**2)))
        between = overlap / (2 * (1 + overlap))
        own = 1 / (2 * (1 + overlap))
        means = [
            (own, [0, 0, x, 0]),
            (own, [0, 0, -x, 0]),
            (between, [0, 0, 0, 1j * x]),
            (between, [0, 0, 0, -1j * x]),
        ]
        return [(weight, np.array(mean, dtype=complex)) for weight, mean in means]

    def density(self, hamiltonian, z):
        q, x = z.position
        p, momentum = z.momentum
        place = jnp.stack([q, p, x, momentum])
        return sum(w * _gaussian(place, mean, self.covariance()) for w, mean in self.terms())


def _gaussian(place, mean: Complex[np.ndarray, " x"], covariance: Float[np.ndarray, "x x"]):
    """The real part of a normalised Gaussian, whose mean may be complex, at one or more places (..., x)."""
    off = place - mean
    exponent = -0.5 * ((off @ np.linalg.inv(covariance)) * off).sum(axis=-1)
    return jnp.exp(exponent).real / np.sqrt(np.linalg.det(2 * np.pi * covariance))


def exact_marginal(
    start: TwoPlaces,
    moved: Float[np.ndarray, "T 4 4"],
    covariance: Float[np.ndarray, "T 4 4"],
    entries: list[int],
    lines: Any,
) -> Float[np.ndarray, "T H V"]:
    """Two entries of X, integrated over the others, at the nodes of two `lines`: every Gaussian of the start moves by
    itself, its mean (complex or not) with the propagator, `moved`, and all have the same `covariance` at a time.
    """
    places = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)

    def at(moved, covariance):
        inside = covariance[np.ix_(entries, entries)]
        return sum(
            w * np.asarray(_gaussian(places, (moved @ mean)[entries], inside)) for w, mean in start.terms()
        )

    return np.stack([at(*both) for both in zip(moved, covariance, strict=True)])


def _classical_marginal(theory, system, y):
    """The density of the classical oscillator."""
    return jnp.sum(y.wigner, axis=(2, 3)) * theory.quantum.plane.cell


def _quantum_marginal(theory, system, y):
    """The Wigner function of the quantum oscillator."""
    return jnp.sum(y.wigner, axis=(0, 1)) * theory.classical.plane.cell


MARGINALS = (
    Observable("classical", _classical_marginal, ("q", "p"), "1/hbar", "density of the classical oscillator"),
    Observable(
        "quantum", _quantum_marginal, ("x", "momentum_of_x"), "1/hbar", "Wigner function of the quantum one"
    ),
)


def phase_space() -> PaperFigure:
    """Eqs. (101)-(112): the hybrid Wigner equation from a quantum oscillator at two places, beside closed forms."""

    def potential(z):
        q, x = z
        return jnp.reshape(0.5 * q**2 + 0.5 * x**2 + 0.5 * PULL * (q - x) ** 2, (1, 1))

    pair = OscillatorPair(ALIKE, ALIKE, Spring(PULL), FRICTION, NOISE)
    start = TwoPlaces(APART)
    theory = HybridWigner(NOISE, CLASSICAL, QUANTUM, FRICTION, tolerance=1e-3)
    run = simulate(
        hamiltonian(potential, ALIKE, step=STEP),
        theory,
        start,
        times(SHOWN[-1], round(SHOWN[-1] / SHOWN[1]), step=STEP),
        observables=MARGINALS,
    ).sel(time=list(SHOWN), method="nearest")
    system, shown = pair.linear(), jnp.asarray(SHOWN)
    known = eqx.filter_jit(
        jax.vmap(lambda t: (system.propagator(t), system.covariance(t, start.covariance())))
    )
    moved, covariance = (np.asarray(part) for part in known(shown))
    rows, off = {}, []
    planes = (
        ("classical", CLASSICAL, [0, 1], ("q", "p"), "density", (2.9, 2.9)),
        ("quantum", QUANTUM, [2, 3], ("x", "π"), "Wigner function", (3.9, 4.6)),
    )
    for name, grid, entries, labels, words, limits in planes:
        lines = [np.asarray(line) for line in grid.plane.positions()]
        exact = exact_marginal(start, moved, covariance, entries, lines)
        off.append(float(np.abs(run[name].values - exact).max() / np.abs(exact).max()))
        run[f"{name}_exact"] = (run[name].dims, exact)
        drawn = [line[0] + (line[1] - line[0]) / FINER * np.arange(FINER * len(line)) for line in lines]
        other = exact_marginal(start, moved, covariance, entries, drawn)
        rows[words] = Plane(drawn[0], drawn[1], _finer(run[name].values), other, labels, "1/ħ", limits)
    least = run["quantum"].values.min(axis=(1, 2))
    purity = run["quantum_purity"].values
    rate = 0.5 * PULL**2 / (4 * NOISE) * (2 * APART) ** 2
    caption = (
        "A quantum oscillator at two places at once, x₀ = ±2, tied to a classical one near rest (standard deviations "
        "0.4): spring λ = 0.5, friction α = 0.3, diffusion D = 0.25, ħ = 1. Above: density of the classical "
        "oscillator; below: Wigner function of the quantum one, red where positive, blue where negative. Colours: the "
        "hybrid Wigner equation on a grid of four dimensions, eqs. (108)-(112); lines: closed form, as each Gaussian "
        f"moves by itself (they agree to {max(off):.0e} of the largest value). To be seen: the classical oscillator is "
        "pushed both ways and becomes a record of where the other one was; the fringes between the places, which are "
        "the coherence, go with it, at first at the rate "
        f"½D₀λ²(2x₀)² = {rate:.2f}: the most negative value is {_list(least, 3)}, the purity {_list(purity, 2)} at the "
        "times shown."
    )
    figure = densities(
        [f"t = {time:g}" for time in SHOWN],
        rows,
        title="A classical and a quantum oscillator in phase space",
        subtitle="m = k = ħ = 1; colours: the hybrid Wigner equation, lines: closed form",
        caption=caption,
    )
    return PaperFigure("figure6", caption, {"phase space": {"HybridWigner": run}}, figure)


def _finer(values: Float[np.ndarray, "T H V"]) -> Float[np.ndarray, "T FH FV"]:
    """The same plane waves on a grid that is `FINER` times finer."""
    waves = np.fft.fftshift(np.fft.fft2(values), axes=(1, 2))
    more = [(0, 0), *(((FINER - 1) * size // 2,) * 2 for size in values.shape[1:])]
    return np.fft.ifft2(np.fft.ifftshift(np.pad(waves, more), axes=(1, 2))).real * FINER**2


def _list(values: np.ndarray, digits: int) -> str:
    return ", ".join(f"{round(float(value), digits) + 0.0:.{digits}f}" for value in values).replace("-", "−")


def _dataset(name: str, along: np.ndarray, values: dict[str, Any]) -> Any:
    """Closed forms as a dataset."""
    import xarray

    return xarray.Dataset(values, coords={name: along})
