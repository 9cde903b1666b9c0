r"""Proton-coupled electron transfer: one electron and one mobile ion between two fixed ions, on a line.

$$V(r,R)=\frac1{|L/2-R|}+\frac1{|L/2+R|}
-\frac{\mathrm{erf}(|R-r|/R_f)}{|R-r|}-\frac{\mathrm{erf}(|r-L/2|/R_r)}{|r-L/2|}-\frac{\mathrm{erf}(|r+L/2|/R_l)}{|r+L/2|}$$

Shin and Metiu, J. Chem. Phys. 102, 9285 (1995). The electron (position r, mass 1) is solved once, on a
grid, at a table of positions R of the mobile ion; what is left for dynamics is a matrix of the size of the
kept electronic states.

The lowest d Born-Oppenheimer states are carried from one R to the next without turning among themselves
(parallel transport; Mead and Truhlar, J. Chem. Phys. 77, 6090 (1982)). On a line this is always possible,
and in the carried basis the derivative couplings between the kept states are zero: the Hamiltonian is
p^2/2M plus a smooth matrix V(R), whose eigenvalues are the Born-Oppenheimer energies and whose change with
R holds the nonadiabatic couplings between the kept states exactly.
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import number, positive
from brackish.typing import Array, Float

OVERHANG = 0.5  # bohr by which the table of electronic states goes beyond the trusted positions
LARGEST_ELECTRON_GRID = 1000  # points; each position of the table costs the cube of this number
LARGEST_TABLE = 20000  # positions of the mobile ion
LARGEST_ERROR = 1e-6  # hartree, of the interpolated electronic energies half-way between table entries


class ShinMetiu(SeparableHamiltonian):
    """Shin-Metiu electron transfer in d parallel-transported electronic states; made by `shin_metiu`."""

    manifold: Canonical
    separation: Float[np.ndarray | Array, ""]
    """Distance L between the fixed ions, in bohr."""
    positions: Float[np.ndarray | Array, "2"]
    """Lowest and highest position of the mobile ion where V(R) is the model's own, in bohr."""
    electronic: Float[np.ndarray | Array, "d d"]
    """The electronic matrix at the reference position (diagonal there), in hartree."""
    coefficients: Float[np.ndarray | Array, "intervals 4 d d"]
    """Cubic spline of the electronic matrix minus `electronic`, on equal intervals of R from `OVERHANG` below
    to `OVERHANG` above `positions`; lowest power first, of a variable from 0 to 1 in each interval."""
    levels: int = eqx.field(static=True)
    frequencies: None

    def external(self, position):
        """Repulsion by the fixed ions, in hartree; beyond `positions` its second-order Taylor polynomial."""
        inside, beyond = self._split(position[0])
        left, right = 1 / (0.5 * self.separation + inside), 1 / (0.5 * self.separation - inside)
        slope, curvature = right**2 - left**2, 2 * (left**3 + right**3)
        return left + right + beyond * (slope + 0.5 * beyond * curvature)

    def quantum(self):
        return self.electronic

    def coupling(self, position):
        intervals = self.coefficients.shape[0]
        inside, beyond = self._split(position[0])
        # Outside, the electron sees an ion that slows down and stops within the overhang: the matrix stays
        # bounded and twice differentiable.
        seen = inside + beyond / jnp.sqrt(1 + (beyond / OVERHANG) ** 2)
        lowest, highest = self.positions[0] - OVERHANG, self.positions[1] + OVERHANG
        place = (seen - lowest) * (intervals / (highest - lowest))
        interval = jnp.clip(jnp.floor(place).astype(int), 0, intervals - 1)
        x = place - interval
        constant, linear, quadratic, cubic = jnp.asarray(self.coefficients)[interval]
        return constant + x * (linear + x * (quadratic + x * cubic))

    def _split(self, x):
        """The nearest of the trusted positions, and how far x lies beyond it (0 inside)."""
        inside = jnp.clip(x, self.positions[0], self.positions[1])
        return inside, x - inside

    def suggested_step(self):
        """A thirtieth of the fastest electronic period in the kept states at the reference position."""
        energies = np.diagonal(self.electronic)
        return float(2 * np.pi / (30 * np.ptp(energies)))


@reads_arguments
def shin_metiu(
    states: int = 2,
    mass: Annotated[float, "mass"] = 1836.0,
    separation: Annotated[float, "length"] = 19.0,
    radius: Annotated[float, "length"] = 5.0,
    left_radius: Annotated[float, "length"] = 3.1,
    right_radius: Annotated[float, "length"] = 4.0,
    *,
    positions: Annotated[tuple[float, float] | None, "length"] = None,
    reference: Annotated[float | None, "length"] = None,
    spacing: Annotated[float, "length"] = 0.05,
    electron_box: Annotated[float | None, "length"] = None,
    electron_spacing: Annotated[float | None, "length"] = None,
) -> ShinMetiu:
    """Shin-Metiu proton-coupled electron transfer in the lowest `states` (2, 3 or 4) Born-Oppenheimer states.

    `mass`: of the mobile ion, in electron masses. All lengths in bohr: `separation` L of the fixed ions,
    which sit at -L/2 and L/2; `radius` R_f over which the attraction of the electron to the mobile ion is
    softened, `left_radius` R_l and `right_radius` R_r the same for the fixed ions. The defaults are those
    of Abedi, Agostini, Suzuki and Gross, Phys. Rev. Lett. 110, 263001 (2013), whose packet starts at R = -4
    with width 0.296 in the adiabatic state 1. The two lowest surfaces then come as close as 0.0047 hartree
    at R = 1.906, the next two 0.0172 at 6.969.

    The diabatic basis is the adiabatic one at `reference` (default: the lowest of `positions`), each
    electronic state taken positive at its right-hand tail. `positions`: (lowest, highest) R where V(R) is
    the model's own (default: up to half a bohr from the fixed ions, where the defaults put the lowest
    surface above 1.4 hartree); outside, V(R) is continued twice differentiably and rises without bound.

    What truncation costs, measured with the defaults on the packet above against the full wavefunction of
    electron and ion: the largest error of a Born-Oppenheimer population up to t = 1600 is 1.1e-2 with 2
    states (the population of the third, which is missing), 3.1e-4 with 3, 1.7e-5 with 4. The diagonal
    correction by the states left out is neglected: between R = -6 and 6 it is at most 3.5e-5, 1.1e-5 and
    6.2e-6 hartree, and adding it leaves these errors at 1.1e-2, 3.4e-4 and 1.8e-5.

    Numerical parameters, whose defaults give V(R) to about 1e-10 hartree: `spacing` of the table in R;
    `electron_box`, half the length of the electron's grid (default: L/2 + 30.5); `electron_spacing`
    (default: a quarter of the smallest radius), a sinc grid (Colbert and Miller, J. Chem. Phys. 96, 1982
    (1992)).

    Raises `InvalidInput` for parameters out of range, and where the kept states come too close to those
    left out.
    """
    if isinstance(states, bool) or not isinstance(states, int | np.integer) or not 2 <= states <= 4:
        raise InvalidInput(f"Argument `states` must be 2, 3 or 4, got {states!r}.")
    mass = float(positive("mass", mass))
    separation = float(positive("separation", separation))
    radii = [
        float(positive(name, value))
        for name, value in (("radius", radius), ("left_radius", left_radius), ("right_radius", right_radius))
    ]
    half = 0.5 * separation
    lowest, highest = _range(positions, half)
    if reference is None:
        reference = lowest
    reference = float(number("reference", reference))
    if not lowest <= reference <= highest:
        raise InvalidInput(
            f"Argument `reference` must lie in `positions` [{lowest}, {highest}], got {reference}."
        )
    spacing = float(positive("spacing", spacing))
    box = float(positive("electron_box", half + 30.5 if electron_box is None else electron_box))
    step = float(
        positive("electron_spacing", min(radii) / 4 if electron_spacing is None else electron_spacing)
    )
    if step > min(radii) / 2:
        raise InvalidInput(
            f"Argument `electron_spacing` must be at most {min(radii) / 2:.6g}, half the smallest radius, "
            f"got {step}."
        )
    points = int(np.ceil(2 * box / step))
    if points > LARGEST_ELECTRON_GRID:
        raise InvalidInput(
            f"The electron's grid would need {points} points, more than {LARGEST_ELECTRON_GRID}: "
            f"make the smallest radius {min(radii)} or `electron_spacing` larger, or `electron_box` {box} "
            "smaller."
        )
    intervals = int(np.ceil((highest - lowest + 2 * OVERHANG) / spacing))
    if intervals > LARGEST_TABLE:
        raise InvalidInput(
            f"Argument `spacing` {spacing} needs a table of {intervals} positions, more than "
            f"{LARGEST_TABLE}: make it larger."
        )
    intervals = max(intervals, 8)

    from scipy.interpolate import CubicSpline

    # Every second position is there only to make the transport from one table entry to the next accurate.
    table = np.linspace(lowest - OVERHANG, highest + OVERHANG, 2 * intervals + 1)
    _, energies, functions = electronic_states(table, int(states), half, radii, box, points)
    _check_box(functions, box)
    carried = parallel_transport(functions, table)
    matrices = np.einsum("ksa,ks,ksb->kab", carried, energies[::2], carried)
    spline = CubicSpline(table[::2], matrices)
    error = np.abs(np.linalg.eigvalsh(spline(table[1::2])) - energies[1::2]).max(axis=1)
    if error.max() > LARGEST_ERROR:
        raise InvalidInput(
            f"Argument `spacing` {spacing} is too coarse: near R = {table[1::2][error.argmax()]:.4g} the "
            f"electronic energies are off by {error.max():.1g} hartree; make it smaller or keep another "
            "number of `states`."
        )

    _, rotation = np.linalg.eigh(spline(reference))
    nearest = np.argmin(np.abs(table[::2] - reference))
    rotation = rotation * _tail_signs(functions[2 * nearest] @ carried[nearest] @ rotation)
    matrices = np.einsum("ca,kcd,db->kab", rotation, matrices, rotation)
    matrices = 0.5 * (matrices + matrices.swapaxes(1, 2))
    spline = CubicSpline(table[::2], matrices)
    electronic = np.diag(np.diagonal(spline(reference)))
    # scipy puts the highest power first and measures in bohr; here the lowest is first, and x goes to 1.
    width = (table[-1] - table[0]) / intervals
    powers = spline.c[::-1] * width ** np.arange(4)[:, None, None, None]
    coefficients = np.moveaxis(powers, 1, 0).copy()
    coefficients[:, 0] -= electronic
    return ShinMetiu(
        manifold=Canonical(np.array([mass])),
        separation=np.array(separation),
        positions=np.array([lowest, highest]),
        electronic=electronic,
        coefficients=coefficients,
        levels=int(states),
        frequencies=None,
    )


def electronic_states(positions, states: int, half: float, radii, box: float, points: int):
    """The lowest `states` of the electron for each of `positions` of the mobile ion, repulsion aside.

    `half`: L/2; `radii`: (R_f, R_l, R_r), in bohr; the grid has `points` between -`box` and `box`. Returns
    the grid (points,), energies (positions, states) in hartree and wavefunctions (positions, points,
    states), whose squares sum to 1 over the grid and whose signs are arbitrary.
    """
    from scipy.linalg import eigh

    step = 2 * box / points
    grid = -box + step * (np.arange(points) + 0.5)
    radius, left_radius, right_radius = radii
    difference = np.arange(points)[:, None] - np.arange(points)[None, :]
    apart = np.where(difference == 0, 1, difference)
    kinetic = np.where(difference == 0, np.pi**2 / 6, (-1.0) ** difference / apart**2) / step**2
    fixed = kinetic + np.diag(_attraction(grid + half, left_radius) + _attraction(grid - half, right_radius))
    energies = np.empty((len(positions), states))
    functions = np.empty((len(positions), points, states))
    for index, position in enumerate(positions):
        operator = fixed + np.diag(_attraction(grid - position, radius))
        energies[index], functions[index] = eigh(
            operator, subset_by_index=(0, states - 1), overwrite_a=True, check_finite=False
        )
    return grid, energies, functions


def parallel_transport(functions, positions) -> np.ndarray:
    """Carry the states at the first position to every second one, without rotation among themselves.

    `functions`: (2 n + 1, points, d) real orthonormal states at equally spaced `positions`, signs
    arbitrary. Returns C, (n + 1, d, d) orthogonal: the carried states at position 2 k are `functions[2 k] @
    C[k]`, and C[0] = 1.

    One step is the orthogonal matrix nearest to the overlap of neighbouring states (Loewdin). It is its own
    inverse backwards, so its error goes as the cube of the step, and one long step beside two short ones
    cancels that error (Richardson): fourth order in the spacing.
    """
    short = functions[1:].swapaxes(1, 2) @ functions[:-1]
    short, kept = _nearest_orthogonal(short)
    if kept.min() < 0.9:
        worst = int(np.argmin(kept))
        raise InvalidInput(
            f"The kept electronic states mix too fast with those left out near R = {positions[worst]:.4g}: "
            "use another number of `states` or a smaller `spacing`."
        )
    long, _ = _nearest_orthogonal(functions[2::2].swapaxes(1, 2) @ functions[:-2:2])
    steps, _ = _nearest_orthogonal((4 * short[1::2] @ short[::2] - long) / 3)
    carried = [np.eye(functions.shape[-1])]
    for turn in steps:
        carried.append(turn @ carried[-1])
    return np.stack(carried)


def _nearest_orthogonal(matrices):
    """The orthogonal polar factors of matrices (..., d, d) and their smallest singular values (...,)."""
    left, values, right = np.linalg.svd(matrices)
    return left @ right, values[..., -1]


def _attraction(distance, radius: float):
    """-erf(|x|/radius)/|x|, the softened attraction of the electron to an ion, in hartree."""
    from scipy.special import erf

    distance = np.abs(distance)
    far = np.where(distance < 1e-8, 1.0, distance)
    return -np.where(distance < 1e-8, 2 / (np.sqrt(np.pi) * radius), erf(far / radius) / far)


def _tail_signs(functions):
    """The sign of each wavefunction (points, d) where, from the right, it exceeds 1e-3 of its maximum."""
    size = np.abs(functions)
    first = functions.shape[0] - 1 - np.argmax((size > 1e-3 * size.max(axis=0))[::-1], axis=0)
    return np.sign(functions[first, np.arange(functions.shape[1])])


def _check_box(functions, box: float) -> None:
    edge = np.abs(functions[:, [0, -1], :]).max() / np.abs(functions).max()
    if edge > 1e-3:
        raise InvalidInput(
            f"Argument `electron_box` {box} is too small: an electronic state still has {edge:.1g} of its "
            "height at the end; make it larger or keep fewer `states`."
        )


def _range(positions, half: float) -> tuple[float, float]:
    if positions is None:
        if half <= 0.5:
            raise InvalidInput(
                f"Argument `separation` must exceed 1 bohr or come with `positions`, got {2 * half}."
            )
        return -half + 0.5, half - 0.5
    try:
        lowest, highest = positions
    except (TypeError, ValueError):
        raise InvalidInput(
            f"Argument `positions` must be a pair (lowest, highest), got {positions!r}."
        ) from None
    lowest, highest = float(number("positions", lowest)), float(number("positions", highest))
    if not -half < lowest < highest < half:
        raise InvalidInput(
            f"Argument `positions` must increase and lie between the fixed ions at {-half} and {half}, got "
            f"({lowest}, {highest})."
        )
    return lowest, highest
