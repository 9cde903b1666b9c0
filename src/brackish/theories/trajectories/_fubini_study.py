r"""The Fubini–Study energy of an ensemble of trajectories with quantum states, in the form of a sum over pairs.

The energy $E_{FS}=\frac{\hbar^2}4\int n\,\xi^{ij}\,\mathrm{Tr}(\partial_i\hat\rho\,\partial_j\hat\rho)\,dx$ is what it
costs that the quantum state turns from place to place. From it follow, by
$n\,\delta\hat H=\delta E_{FS}/\delta\hat\rho$ and by displacements at fixed $\hat\rho$, the operator and the force of
eqs. (67) and (64) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems",

$$\delta\hat H=-\frac{\hbar^2}{2n}\xi^{ij}\partial_i(n\,\partial_j\hat\rho),\qquad
F_k=-\frac{\hbar^2}n\xi^{ij}\partial_i(n\,g_{kj}).$$

On trajectories $(x_I,\hat\rho_I)$ of weights $W_I$, with Gaussians $G_{IJ}$ of standard deviation h and
$n_I=\sum_JW_JG_{IJ}$,

$$E_{FS}=\frac c4\sum_{IJ}W_IW_JG_{IJ}\Big(\frac1{n_I}+\frac1{n_J}\Big)\mathrm{Tr}(\hat\rho_I-\hat\rho_J)^2,$$
$$\delta\hat H_I=c\sum_JW_JG_{IJ}\Big(\frac1{n_I}+\frac1{n_J}\Big)(\hat\rho_I-\hat\rho_J),\qquad
c=\frac{\hbar^2\xi}{2h^2}.$$

Since every pair enters evenly, $\sum_IW_I[\delta\hat H_I,\hat\rho_I]=0$ and $\sum_IW_IF_I=0$ whatever the width and the
number of trajectories.

In components (`quantum/components.py`) $\hat\rho=\hat1/d+\frac12s\cdot\hat\lambda$, so that
$\mathrm{Tr}(\hat\rho_I-\hat\rho_J)^2=q_I+q_J-s_I\cdot s_J$ with $q=\frac12s\cdot s$, and all sums over pairs become
Gaussian sums of columns that belong to single trajectories.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids.smoothing import GaussianSums, gaussian_sums
from brackish.hamiltonians import SeparableHamiltonian
from brackish.theories.trajectories._ensembles import InSpreads
from brackish.typing import Array, Float, RealScalar

FEWEST = 0.5
"""Neighbours below which a run says that trajectories have none."""
FAINT = 1e-9
"""Where the sum over all others is this share of the largest weight, round-off makes it up."""


class Neighbours(eqx.Module):
    r"""What depends on the positions of an ensemble alone.

    `position`: (N, n). `sums`: Gaussian sums over all pairs. `weight`: W, (N,). `density`, `density_slope`: n, (N,),
    and its derivatives, (n, N); `reached`: 1, or 0 for a tracer that is out of reach of all others, whose density is
    then taken as infinite, so that it feels nothing. `inverse_mass`: $\xi$, (n,). `stiffness`: c, in hartree.
    """

    position: Float[Array, "N n"]
    sums: GaussianSums
    weight: Float[Array, " N"]
    density: Float[Array, " N"]
    density_slope: Float[Array, "n N"]
    reached: Float[Array, " N"]
    inverse_mass: Float[Array, " n"]
    stiffness: RealScalar

    @property
    def osmotic_velocity(self) -> Float[Array, "n N"]:
        r"""$u^j=-\frac\hbar2\xi^{jj}\,\partial_j\ln n$."""
        return -0.5 * self.inverse_mass[:, None] * self.density_slope / self.density[None]

    def means(self, values: Float[Array, "N k"]) -> tuple[Float[Array, "N k"], Float[Array, "N k"]]:
        """Sums over J of W G times the values, and of W G / n times the values."""
        columns = self.weight[:, None] * jnp.concatenate([values, values / self.density[:, None]], axis=1)
        return _halves(self.sums.values(columns))

    def means_and_slopes(self, values: Float[Array, "N k"]):
        """The same, and their derivatives, (n, N, k)."""
        columns = self.weight[:, None] * jnp.concatenate([values, values / self.density[:, None]], axis=1)
        sums, slopes = self.sums.values_and_slopes(columns)
        return *_halves(sums), *_halves(slopes)

    def slopes(self, components: Float[Array, "N k"]) -> Float[Array, "n N k"]:
        r"""$\partial_js$ at each trajectory: the derivative of the local mean of s."""
        means, slopes = self.sums.values_and_slopes(self.weight[:, None] * components)
        density = self.density[:, None]
        return (slopes - self.density_slope[..., None] * (means / density)[None]) / density[None]


def neighbours(
    positions: Float[Array, "N n"],
    weight: Float[Array, " N"],
    width: Float[np.ndarray | Array, " n"],
    masses: Float[np.ndarray | Array, " n"],
) -> Neighbours:
    """The neighbourhoods of an ensemble at rest; `width` (n,), such that all $m_kh_k^2$ are equal."""
    sums = gaussian_sums(positions, width)
    density, slope = sums.values_and_slopes(weight[:, None])
    inverse_mass = 1 / jnp.asarray(masses)
    stiffness = 0.5 * inverse_mass[0] / jnp.asarray(width)[0] ** 2
    reached = density[:, 0] > FAINT * jnp.max(weight)
    number = jnp.where(reached, density[:, 0], jnp.inf)
    return Neighbours(
        positions, sums, weight, number, slope[..., 0], reached.astype(float), inverse_mass, stiffness
    )


def mean_neighbours(near: Neighbours) -> RealScalar:
    """How many others a trajectory has within its kernel, each counted by its Gaussian; the mean, by weight."""
    present = (near.weight > 0).astype(float)
    around = near.sums.values(present[:, None])[:, 0] - present
    return jnp.sum(near.weight * around) / jnp.sum(near.weight)


def about_neighbours(name: str, means: dict[str, np.ndarray]) -> tuple[str, ...]:
    """What a user has to know if trajectories have no neighbours; `means`: of the observables, by name."""
    most = float(np.max(means["neighbours"]))
    if most >= FEWEST:
        return ()
    return (
        f"{name}: a trajectory has at most {most:.2g} neighbours within its kernel, in the mean, so that it hardly "
        "feels them, at the price of a coupled ensemble; give more trajectories, or a wider `width`.",
    )


def check_width(theory: Any) -> None:
    """Raise `InvalidInput` unless the `width` of a theory, if it is numbers, is positive and finite."""
    width = theory.width
    if isinstance(width, np.ndarray) and not np.all(np.isfinite(width) & (width > 0)):
        name = type(theory).__name__
        raise InvalidInput(f"Argument `width` of {name} must be positive, got {width.tolist()}.")


def resolved_width(theory: Any, hamiltonian: SeparableHamiltonian, preparation: Any) -> np.ndarray | Array:
    r"""The `width` of a theory as numbers, (n,), bohr; `InSpreads` is measured on the start.

    All $m_kh_k^2$ have to be equal: a sum over pairs counts each direction as $h_k^2$, and is to give each its own
    inverse mass. Raises `InvalidInput` if they are not, `UnsupportedHamiltonian` if the start has no spread.
    """
    name, masses, width = type(theory).__name__, np.asarray(hamiltonian.manifold.masses), theory.width
    if isinstance(width, InSpreads):
        try:
            spread = np.asarray(preparation.standard_deviations(hamiltonian)[0])
        except UnsupportedHamiltonian:
            raise UnsupportedHamiltonian(
                f"{name} cannot measure the spread of {type(preparation).__name__}; give `width` a number."
            ) from None
        if not np.all(spread > 0):
            raise UnsupportedHamiltonian(
                f"{name} cannot measure the spread of {type(preparation).__name__}, which is 0 somewhere; give "
                "`width` a number."
            )
        return width.factor * np.exp(np.mean(np.log(spread * np.sqrt(masses)))) / np.sqrt(masses)
    if width.shape not in ((), (1,), masses.shape):
        raise InvalidInput(
            f"Argument `width` of {name} must be one number or {masses.size} (one per coordinate), got {width.size}."
        )
    if isinstance(width, Array):
        return jnp.broadcast_to(width, masses.shape)
    width = np.broadcast_to(width, masses.shape)
    scaled = width * np.sqrt(masses)
    if np.ptp(scaled) > 1e-9 * scaled.max():
        fitting = np.array2string(scaled.min() / np.sqrt(masses), precision=4, separator=", ")
        raise InvalidInput(
            f"Argument `width` of {name} must fall with the mass as 1/sqrt(m), got {width.tolist()}; {fitting} will do."
        )
    return width


def coupling_energy(near: Neighbours, components: Float[Array, "N k"]) -> RealScalar:
    r"""$E_{FS}=\frac c2\sum_IW_Ie_I$, in hartree; e is the mean of $\mathrm{Tr}(\hat\rho_I-\hat\rho_J)^2$ around I."""
    squares = _squares(components)
    sums, _ = near.means(jnp.concatenate([squares, components], axis=1))
    return 0.5 * near.stiffness * jnp.sum(near.weight * _local_spread(near, squares, components, sums))


def coupling_operator(near: Neighbours, components: Float[Array, "N k"]) -> Float[Array, "N k"]:
    r"""$\delta\hat H_I$ as coefficients of $\hat\lambda$, (N, k), in hartree."""
    ones = jnp.ones_like(near.density)[:, None]
    sums, shared = near.means(jnp.concatenate([ones, components], axis=1))
    return _operator(near, components, sums[:, 1:], shared[:, :1], shared[:, 1:])


def osmotic_operator(near: Neighbours, components: Float[Array, "N k"]) -> Float[Array, "N k"]:
    r"""Of $\delta\hat H$ the half with the density, $\hbar u^j\partial_j\hat\rho$, as coefficients of
    $\hat\lambda$, (N, k), in hartree.
    """
    return 0.5 * jnp.sum(near.osmotic_velocity[..., None] * near.slopes(components), axis=0)


def coupling_operator_and_force(
    near: Neighbours, components: Float[Array, "N k"]
) -> tuple[Float[Array, "N k"], Float[Array, "n N"]]:
    r"""$\delta\hat H_I$ as above, and $F_I=-W_I^{-1}\,\partial E_{FS}/\partial x_I$, (n, N), in hartree per bohr."""
    squares, ones = _squares(components), jnp.ones_like(near.density)[:, None]
    values = jnp.concatenate([ones, squares, components], axis=1)
    sums, shared, slopes, shared_slopes = near.means_and_slopes(values)
    operator = _operator(near, components, sums[:, 2:], shared[:, :1], shared[:, 2:])
    spread = _local_spread(near, squares, components, sums[:, 1:])
    _, spread_slope = near.sums.values_and_slopes((near.weight * spread / near.density)[:, None])
    square, density = squares[:, 0], near.density
    # the derivative of the sum over pairs: each (1/n_I + 1/n_J) (q_I + q_J - s_I s_J), term by term
    own = ((square - spread) / density)[None] * near.density_slope + slopes[..., 1] / density[None]
    others = square[None] * shared_slopes[..., 0] + shared_slopes[..., 1] - spread_slope[..., 0]
    overlaps = slopes[..., 2:] / density[None, :, None] + shared_slopes[..., 2:]
    force = own + others - jnp.sum(components[None] * overlaps, axis=-1)
    return operator, -0.5 * near.stiffness * force


def _operator(near, components, sums, shared_ones, shared):
    around = sums / near.density[:, None] + shared
    return 0.5 * near.stiffness * (components * (near.reached[:, None] + shared_ones) - around)


def _local_spread(near, squares, components, sums):
    r"""$e_I=n_I^{-1}\sum_JW_JG_{IJ}\mathrm{Tr}(\hat\rho_I-\hat\rho_J)^2$, from the sums of (q, s)."""
    around = sums / near.density[:, None]
    return squares[:, 0] + around[:, 0] - jnp.sum(components * around[:, 1:], axis=1)


def _squares(components):
    return 0.5 * jnp.sum(components**2, axis=1, keepdims=True)


def _halves(columns):
    half = columns.shape[-1] // 2
    return columns[..., :half], columns[..., half:]
