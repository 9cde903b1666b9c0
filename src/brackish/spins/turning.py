r"""Classical spins turn: how fast, $\boldsymbol\Omega$ of $\dot{\mathbf n}=\mathbf n\times\boldsymbol\Omega$, and where
to.

$$\boldsymbol\Omega_i=a\,\boldsymbol\omega_i-b\,\mathbf n_i\times\boldsymbol\omega_i,\qquad
\boldsymbol\omega_i=-\frac1{\hbar s_i}\frac{\partial E}{\partial\mathbf n_i}+\boldsymbol\xi_i$$

Large magnets on CPUs are taken through compiled loops (`exchange_kernel.py`), spin by spin; small ones, other machines
and derivatives through `SpinSystem.precession` and the formulas below.
"""

from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from brackish.randomness import StepDraws, normals
from brackish.spins.system import SpinSystem
from brackish.typing import Array, Float, Int, RealScalar

Vectors = Float[Array, "N 3"]
LARGE = 128
"""Spins from which on a compiled loop is worth its call."""
SMALL_ANGLE = 1e-2
"""Below it, in radians, three terms of a series are exact to round-off."""


class Turning(eqx.Module):
    r"""$\boldsymbol\Omega$ of a magnet, made once for many steps: `along`, a, and `across`, b, in the formula above."""

    magnet: SpinSystem
    along: RealScalar
    across: RealScalar
    loop: "Loop | None"

    def __call__(self, t: Any, directions: Vectors, thermal: Vectors | None = None) -> Vectors:
        r"""$\boldsymbol\Omega$, (N, 3), at time t; `thermal`: $\boldsymbol\xi$."""
        if self.loop is None:
            return self._by_formula(t, directions, thermal)
        return _by_loop(self, self.loop, jnp.asarray(t, float), directions, thermal)

    def _by_formula(self, t, directions, thermal):
        precession = self.magnet.precession(directions, t)
        precession = precession if thermal is None else precession + thermal
        return self.along * precession - self.across * cross(directions, precession)


def turning(magnet: SpinSystem, along: RealScalar, across: RealScalar) -> Turning:
    """Angular velocities of this magnet."""
    return Turning(
        magnet, jnp.asarray(along), jnp.asarray(across), _loop(magnet) if magnet.count >= LARGE else None
    )


class Loop(eqx.Module):
    r"""What the compiled loop reads: frequencies that belong to unit vectors. `site`: partners, (N, Z). `coupling`:
    $J_{ij}s_j/\hbar$, (N, Z), or $-A_{ij}s_j/\hbar$, (N, Z, 3, 3). `crystal`: of each spin the axis, (N, 3), and
    $2Ks/\hbar$, (N,); the cubic axes, (3, 3), and $4K^cs^3/\hbar$, (N,); empty for exchange alone. `field`:
    $g\mu_B\mathbf B/\hbar$, (N, 3), or None if it depends on the time.
    """

    site: Int[Array, "N Z"]
    coupling: Float[Array, "N Z ..."]
    crystal: tuple[Array, ...]
    field: Vectors | None


def _larmor(magnet: SpinSystem, t: Any) -> Vectors:
    """The precession in the field alone."""
    factor = jnp.asarray(magnet.g_factor) * magnet.units.bohr_magneton / magnet.units.planck
    return factor[:, None] * magnet.field_at(t)


def _loop(magnet: SpinSystem) -> Loop:
    table, spins, planck = magnet.neighbours, jnp.asarray(magnet.spins), magnet.units.planck
    partner = spins[table.site] / planck
    field = None if magnet.driven else _larmor(magnet, 0.0)
    exchange = jnp.asarray(table.exchange) * partner
    if table.matrix is None and magnet.uniaxial is None and magnet.cubic is None:
        return Loop(jnp.asarray(table.site), exchange, (), field)
    matrix = (
        exchange[..., None, None] * jnp.eye(3)[None, None]
        if table.matrix is None
        else -partner[..., None, None] * table.matrix
    )
    axis, cubic_axes = jnp.zeros((magnet.count, 3)), jnp.eye(3)
    uniaxial = cubic = jnp.zeros(())
    if magnet.uniaxial is not None:
        axis = jnp.broadcast_to(jnp.asarray(magnet.uniaxial.axis), (magnet.count, 3))
        uniaxial = 2 * jnp.asarray(magnet.uniaxial.constant)
    if magnet.cubic is not None:
        cubic_axes, cubic = jnp.asarray(magnet.cubic.axes), 4 * jnp.asarray(magnet.cubic.constant)
    crystal = (axis, uniaxial * spins / planck, cubic_axes, cubic * spins**3 / planck)
    return Loop(jnp.asarray(table.site), matrix, crystal, field)


@eqx.filter_custom_jvp
def _by_loop(omega: Turning, loop: Loop, t, directions, thermal):
    def on_cpu(directions, thermal):
        _load_kernel()
        field = _larmor(omega.magnet, t) if loop.field is None else loop.field
        field = field if thermal is None else field + thermal
        name = "brackish_turn_by_all" if loop.crystal else "brackish_turn_by_exchange"
        call = jax.ffi.ffi_call(name, jax.ShapeDtypeStruct(directions.shape, float), vmap_method="sequential")
        return call(loop.site, loop.coupling, *loop.crystal, field, directions, omega.along, omega.across)

    def elsewhere(directions, thermal):
        return omega._by_formula(t, directions, thermal)

    return lax.platform_dependent(directions, thermal, cpu=on_cpu, default=elsewhere)


@_by_loop.def_jvp
def _derivative_of_loop(primals, tangents):
    return eqx.filter_jvp(lambda omega, _, *rest: omega._by_formula(*rest), primals, tangents)


def rotate(directions: Vectors, first: Vectors, second: Vectors, duration: Any) -> Vectors:
    r"""Where unit vectors are after $\dot{\mathbf n}=\mathbf n\times\boldsymbol\Omega$ with the mean of two angular
    velocities: the formula of Rodrigues, and what round-off adds to the length taken away.
    """
    duration = jnp.asarray(duration, float)
    if directions.shape[0] < LARGE:
        return _rotate(directions, first, second, duration)
    return _rotate_by_loop(directions, first, second, duration)


def _rotate(directions, first, second, duration):
    turn = 0.5 * duration * (first + second)
    squared = jnp.sum(turn**2, axis=1, keepdims=True)
    small = squared < SMALL_ANGLE**2
    angle = jnp.sqrt(jnp.where(small, 1.0, squared))
    sine = jnp.where(small, 1 - squared / 6 + squared**2 / 120, jnp.sin(angle) / angle)
    cosine = jnp.where(small, 0.5 - squared / 24 + squared**2 / 720, 2 * (jnp.sin(0.5 * angle) / angle) ** 2)
    across = cross(directions, turn)
    return at_unit_length(directions + sine * across + cosine * cross(across, turn))


@eqx.filter_custom_jvp
def _rotate_by_loop(directions, first, second, duration):
    def on_cpu(*arguments):
        _load_kernel()
        shape = jax.ShapeDtypeStruct(directions.shape, float)
        return jax.ffi.ffi_call("brackish_rotate", shape, vmap_method="sequential")(*arguments)

    return lax.platform_dependent(directions, first, second, duration, cpu=on_cpu, default=_rotate)


@_rotate_by_loop.def_jvp
def _derivative_of_rotation(primals, tangents):
    return eqx.filter_jvp(_rotate, primals, tangents)


def random_vectors(draws: StepDraws, count: int) -> Vectors:
    """Vectors of three independent normal deviates, (count, 3), one set for each step."""
    bits = draws.bits(-(-3 * count // 2))

    def on_cpu(bits):
        _load_kernel()
        shape = jax.ShapeDtypeStruct((2 * bits.size,), float)
        return jax.ffi.ffi_call("brackish_normals", shape, vmap_method="sequential")(bits)

    numbers = normals(bits) if count < LARGE else lax.platform_dependent(bits, cpu=on_cpu, default=normals)
    return numbers[: 3 * count].reshape(count, 3)


def random_turns(draws: StepDraws, spread: Float[Array, " N"]) -> Vectors:
    r"""Rotation vectors of diffusion on the sphere, (N, 3): normal vectors $\mathbf h$ of this `spread`, in radians,
    times $1-h^2/120$, by which spherical harmonics decay as they should to second order in time.
    """
    turn = spread[:, None] * random_vectors(draws, spread.shape[0])
    return turn * (1 - jnp.sum(turn**2, axis=1, keepdims=True) / 120)


def at_unit_length(vectors: Vectors) -> Vectors:
    """Vectors that are of unit length but for round-off, without that."""
    return vectors * (1.5 - 0.5 * jnp.sum(vectors**2, axis=1, keepdims=True))


def cross(a: Vectors, b: Vectors) -> Vectors:
    """The cross product, row by row."""
    x, y, z = a[:, 0], a[:, 1], a[:, 2]
    u, v, w = b[:, 0], b[:, 1], b[:, 2]
    return jnp.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=1)


@cache
def _load_kernel() -> None:
    """Compile the loops, or read them from numba's cache, and make them known to XLA; once in a process."""
    from brackish.spins import exchange_kernel  # noqa: F401
