r"""Memory kernels of friction as sums of exponentials, by which a past that acts becomes a few variables more.

$$K(t)=\mathrm{Re}\sum_kc_ke^{-z_kt}=\mathbf b^Te^{-At}\mathbf b,\qquad A+A^T\succeq0$$

The second form is that of a bath: variables $\mathbf y$ with $\dot{\mathbf y}=-A\mathbf y-\mathbf bv$ and noise, on
which the velocity v acts and which act back with the force $\mathbf b^T\mathbf y=-\int_0^tK(t-s)\,v(s)\,ds$. With
noise of variance $k_BT(A+A^T)$ a time they are in thermal equilibrium at temperature T (the theorem of fluctuation and
dissipation). It exists if and only if the spectrum $\int_0^\infty K\cos(\omega t)\,dt$ is nowhere negative. Then the
Laplace transform splits, $\hat K(s)+\hat K(-s)=h(s)h(-s)$ with all poles and zeros of $h(s)=\sum_jh_j/(s+z_j)$ where
the real part of s is not positive, $c_k=h_k\sum_jh_j/(z_j+z_k)$, and one source of noise is enough.
"""

from typing import NamedTuple

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.typing import Array, Float

LONGEST_SERIES = 800
"""Samples of a kernel, at most, from which poles are found."""
NEGLIGIBLE = 1e-12
"""Singular values below this share of the largest are round-off."""
ROUND_OFF = 1e-8
"""A kernel that comes back from its factors as it went in differs by less than this share of K(0)."""


class MemoryKernel(eqx.Module):
    r"""A memory kernel of friction, $K(t)=\mathbf b^Te^{-At}\mathbf b$; calling it with times t >= 0 of any shape
    gives K.

    `generator`: A, (a, a), per atomic time. `coupling`: $\mathbf b$, (a,); its square is K(0), hartree/bohr^2.
    Made by `prony_kernel` or `fitted_kernel`, or from a model of a bath.

    Raises `InvalidInput` for shapes that do not fit, and where $A+A^T$ has a negative eigenvalue, for then there is no
    noise that keeps the bath in equilibrium.
    """

    generator: Float[np.ndarray | Array, "a a"] = eqx.field(converter=lambda a: np.asarray(a, dtype=float))
    coupling: Float[np.ndarray | Array, " a"] = eqx.field(converter=lambda b: np.asarray(b, dtype=float))

    def __check_init__(self):
        generator = self.generator
        if generator.shape != (*self.coupling.shape, *self.coupling.shape) or self.coupling.ndim != 1:
            raise InvalidInput(
                f"Argument `generator` of MemoryKernel must be square and fit `coupling`, got shapes {generator.shape} "
                f"and {self.coupling.shape}."
            )
        finite = np.all(np.isfinite(generator)) and np.all(np.isfinite(self.coupling))
        if not (finite and np.any(self.coupling != 0)):
            raise InvalidInput(
                "Arguments `generator` and `coupling` of MemoryKernel must be finite, and the coupling not 0, got "
                f"{generator.tolist()} and {self.coupling.tolist()}."
            )
        least = np.linalg.eigvalsh(generator + generator.T)[0]
        if least < -ROUND_OFF * np.abs(generator).max():
            raise InvalidInput(
                "Argument `generator` of MemoryKernel must take energy away: the smallest eigenvalue of A + A^T is "
                f"{least:.6g}, below 0."
            )

    def __call__(self, times) -> Float[np.ndarray, "..."]:
        """K(t) at times t >= 0, any shape."""
        rates, left, right = self._modes()
        times = np.asarray(times, dtype=float)
        return np.asarray(np.sum(left * right * np.exp(-rates * times[..., None]), axis=-1).real)

    def spectrum(self, frequencies) -> Float[np.ndarray, "..."]:
        r"""$\int_0^\infty K(t)\cos(\omega t)\,dt$ at frequencies of any shape: the friction that an oscillation
        feels, and at 0 slow motion. Nowhere negative.
        """
        rates, left, right = self._modes()
        frequencies = np.asarray(frequencies, dtype=float)[..., None]
        # the kernel is real, its modes are not: both signs of a frequency stand for one cosine
        both = 1 / (rates + 1j * frequencies) + 1 / (rates - 1j * frequencies)
        return np.asarray(0.5 * np.sum(left * right * both, axis=-1).real)

    def _modes(self):
        """Eigenvalues of A, and the coupling in its right and left eigenvectors."""
        rates, vectors = np.linalg.eig(self.generator)
        return rates, self.coupling @ vectors, np.linalg.solve(vectors, self.coupling + 0j)


class KernelFit(NamedTuple):
    """A `kernel` that was fitted to samples, and its largest `error` at any of them, as a share of K(0)."""

    kernel: MemoryKernel
    error: float


def prony_kernel(amplitudes, rates) -> MemoryKernel:
    r"""The kernel $K(t)=\mathrm{Re}\sum_kc_ke^{-z_kt}$ as a bath.

    `amplitudes`: $c_k$, (k,); `rates`: $z_k$, (k,), with positive real parts, no two alike; both may be complex. A
    damped cosine is one complex rate.

    Raises `InvalidInput` for shapes that do not fit, rates that do not decay, and a spectrum that is negative
    somewhere.
    """
    amplitudes = np.atleast_1d(np.asarray(amplitudes, dtype=complex))
    rates = np.atleast_1d(np.asarray(rates, dtype=complex))
    if amplitudes.shape != rates.shape or amplitudes.ndim != 1 or not np.all(np.isfinite(amplitudes * rates)):
        raise InvalidInput(
            "Arguments `amplitudes` and `rates` of prony_kernel must be finite, one rate for each amplitude; got "
            f"shapes {amplitudes.shape} and {rates.shape}."
        )
    if not np.all(rates.real > 0):
        raise InvalidInput(f"Argument `rates` must have positive real parts, got {rates.tolist()}.")
    # rates with their conjugates, in units of the mean one
    single = rates.imag == 0
    unit = np.mean(np.abs(rates))
    waves = rates[~single] / unit
    turning = np.where(waves.imag > 0, waves, waves.conj())
    shares = np.where(waves.imag > 0, amplitudes[~single], amplitudes[~single].conj()) / 2
    ours = _Poles(rates[single].real / unit, turning)
    height = amplitudes.real.sum()
    if not height > 0:
        raise InvalidInput(f"A memory kernel of friction is positive at time 0, got {height:.6g}.")
    factor = ours.factor(ours.every(amplitudes[single].real, shares) / height)
    kernel = ours.kernel(factor, height, 1 / unit)
    times = np.linspace(0.0, 10 / rates.real.min(), 1000)
    exact = np.sum(amplitudes * np.exp(-rates * times[:, None]), axis=-1).real
    error = np.max(np.abs(kernel(times) - exact))
    if not error < ROUND_OFF * height:
        frequencies = np.linspace(0.0, 10 * np.abs(rates).max(), 10_000)
        spectrum = np.sum(amplitudes / (rates - 1j * frequencies[:, None]), axis=-1)
        spectrum = 0.5 * (spectrum + np.sum(amplitudes / (rates + 1j * frequencies[:, None]), axis=-1)).real
        raise InvalidInput(
            "This kernel is no friction: its spectrum is negative, or two of its rates are alike; its smallest value "
            f"is {spectrum.min():.6g} at frequency {frequencies[np.argmin(spectrum)]:.6g}."
        )
    return kernel


def fitted_kernel(
    times: Float[np.ndarray, " t"],
    values: Float[np.ndarray, " t"],
    exponentials: int = 6,
    tolerance: float = 0.01,
) -> KernelFit:
    """The kernel of so many `exponentials`, or fewer, that is closest to samples; a damped cosine counts as two.

    `times`: (t,), evenly spaced from 0 on; `values`: (t,). The rates are found first (matrix pencil: Y. Hua and T. K.
    Sarkar, IEEE Trans. Acoust. Speech Signal Process. 38, 814 (1990)), then all numbers together by least squares. A
    fit has a spectrum that is nowhere negative, whatever the samples have.

    Raises `InvalidInput` if times are not even, or if the largest error is above `tolerance`, a share of K(0): then
    more exponentials are needed, or the kernel is no friction.
    """
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    step = times[1] - times[0] if times.size > 1 else 0.0
    enough = 4 * exponentials
    even = times.size >= enough and times[0] == 0 and np.allclose(np.diff(times), step, rtol=1e-6, atol=0)
    if not (even and step > 0 and values.shape == times.shape and np.all(np.isfinite(values))):
        raise InvalidInput(
            f"Arguments `times` and `values` of fitted_kernel must be finite samples at even times from 0 on, at least "
            f"{enough} of them for {exponentials} exponentials; got shapes {times.shape} and {values.shape}."
        )
    if not values[0] > 0:
        raise InvalidInput(f"A memory kernel of friction is positive at time 0, got {values[0]:.6g}.")
    lasting, height = times[-1], values[0]
    # damped cosines come in pairs, so that one exponential less may fit better
    fits = [
        _fit(times / lasting, values / height, count) for count in {exponentials, max(1, exponentials - 1)}
    ]
    found = min(fits, key=lambda fit: fit.error)
    kernel, error = (
        MemoryKernel(found.kernel.generator / lasting, found.kernel.coupling * np.sqrt(height)),
        found.error,
    )
    if not error <= tolerance:
        raise InvalidInput(
            f"The best fit by {exponentials} exponentials with a positive spectrum is off by {error:.3g} of K(0), more "
            f"than the tolerance of {tolerance:g}. Give more `exponentials`, or a kernel whose spectrum is nowhere "
            f"negative."
        )
    return KernelFit(kernel, error)


def _fit(times, values, exponentials) -> KernelFit:
    poles, factor = _closest(_poles_of(times, values, exponentials), times, values)
    kernel = poles.kernel(factor, 1.0, 1.0)
    return KernelFit(kernel, float(np.max(np.abs(kernel(times) - values))))


class _Poles(NamedTuple):
    """Real rates, and one of each pair of complex ones."""

    single: np.ndarray
    waves: np.ndarray

    def every(self, single, waves):
        """Numbers that belong to the rates, with their conjugates."""
        return np.concatenate([single, waves, np.conj(waves)]).astype(complex)

    def rates(self):
        return self.every(self.single, self.waves)

    def amplitudes(self, factor):
        """c from h."""
        rates = self.rates()
        return factor * np.sum(factor[None, :] / (rates[:, None] + rates[None, :]), axis=1)

    def factor(self, amplitudes):
        """h from c, by the zeros of K(s) + K(-s); where its real part changes sign, of one that does not."""
        squared, residues = self.rates() ** 2, -2 * amplitudes * self.rates()
        # sum of residues / (s^2 - rate^2) as one fraction in s^2
        numerator = np.zeros(squared.size, complex)
        for index, residue in enumerate(residues):
            numerator += residue * np.poly(np.delete(squared, index))
        numerator = numerator.real
        first = np.argmax(np.abs(numerator) > ROUND_OFF * np.abs(numerator).max())
        zeros = np.roots(numerator[first:])
        crossing = np.sort(zeros[(zeros.imag == 0) & (zeros.real < 0)].real)
        touching = crossing[: crossing.size // 2 * 2].reshape(-1, 2).mean(axis=1)
        roots = -np.sqrt(zeros[(zeros.imag != 0) | (zeros.real >= 0)] + 0j)
        roots = np.concatenate([roots, 1j * np.sqrt(-touching), -1j * np.sqrt(-touching)])
        rates = self.rates()
        gaps = rates[None, :] - rates[:, None] + np.eye(rates.size)
        size = np.sqrt(np.abs(numerator[first]))
        return size * np.prod(-rates[:, None] - roots[None, :], axis=1) / np.prod(gaps, axis=1)

    def kernel(self, factor, height, unit) -> MemoryKernel:
        """The bath in the coordinates in which its equilibrium has the variance 1 of every variable."""
        rates = self.rates()
        waves = self.waves.size
        # real and imaginary parts in place of conjugates
        real = np.eye(rates.size, dtype=complex)
        first, second = (
            slice(self.single.size + shift, self.single.size + shift + waves) for shift in (0, waves)
        )
        half = np.eye(waves) / np.sqrt(2)
        real[first, first], real[first, second] = half, 1j * half
        real[second, first], real[second, second] = half, -1j * half
        back = np.conj(real.T)
        variance = np.conj(factor)[:, None] * factor[None, :] / (np.conj(rates)[:, None] + rates[None, :])
        sizes, axes = np.linalg.eigh((back @ variance @ real).real)
        kept = sizes > NEGLIGIBLE * sizes[-1]
        root = np.sqrt(sizes[kept])[:, None] * axes[:, kept].T
        undone = axes[:, kept] / np.sqrt(sizes[kept])[None, :]
        moving = root @ (back @ np.diag(rates) @ real).real @ undone
        noise = (factor @ real).real @ undone
        # A + A^T is the square of the noise, to all digits
        generator = 0.5 * (moving - moving.T + noise[:, None] * noise[None, :])
        coupling = root @ (back @ np.ones(rates.size)).real
        return MemoryKernel(generator / unit, coupling * np.sqrt(height))


def _poles_of(times, values, exponentials) -> _Poles:
    """Rates of samples by the matrix pencil."""
    import scipy.linalg

    every = -(-times.size // LONGEST_SERIES)
    samples, step = values[::every], times[every] - times[0]
    rows = samples.size // 2
    _, sizes, right = np.linalg.svd(scipy.linalg.hankel(samples[:rows], samples[rows - 1 :]))
    kept = max(1, min(exponentials, int(np.sum(sizes > NEGLIGIBLE * sizes[0]))))
    right = right[:kept].T
    multipliers = np.linalg.eigvals(np.linalg.lstsq(right[:-1], right[1:], rcond=None)[0])
    rates = -np.log(multipliers + 0j) / step
    # one that grows is noise; what is nearest to it decays
    rates = np.maximum(np.abs(rates.real), 1e-3) + 1j * rates.imag
    # a multiplier below zero turns by half a period a sample, and has no conjugate
    single = (np.abs(rates.imag) < 1e-9 * rates.real) | (np.abs(rates.imag * step) > 3.14)
    return _Poles(rates[single].real, rates[~single & (rates.imag > 0)])


def _closest(poles: _Poles, times, values) -> tuple[_Poles, np.ndarray]:
    """Rates and factor by least squares, from the rates and the amplitudes that fit best with them."""
    import scipy.optimize

    def waves_of(rates):
        return np.exp(-rates[None, :] * times[:, None])

    single, pairs = waves_of(poles.single), waves_of(poles.waves)
    columns = np.concatenate([single, 2 * pairs.real, -2 * pairs.imag], axis=1).real
    shares = np.linalg.lstsq(columns, values, rcond=None)[0]
    alone, paired, waves = poles.single.size, poles.waves.size, shares[poles.single.size :]
    start = poles.factor(poles.every(shares[:alone], waves[:paired] + 1j * waves[paired:]))

    def unpacked(numbers):
        logs, rest = np.split(numbers, [alone + 2 * paired])
        rates = np.exp(logs)
        found = _Poles(rates[:alone], rates[alone : alone + paired] + 1j * rates[alone + paired :])
        return found, found.every(rest[:alone], rest[alone : alone + paired] + 1j * rest[alone + paired :])

    def off(numbers):
        found, factor = unpacked(numbers)
        return np.sum(found.amplitudes(factor)[None] * waves_of(found.rates()), axis=1).real - values

    logs = np.log(np.concatenate([poles.single, poles.waves.real, poles.waves.imag]))
    half = start[alone : alone + paired]
    numbers = np.concatenate([logs, start[:alone].real, half.real, half.imag])
    result = scipy.optimize.least_squares(off, numbers, xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=300)
    return unpacked(result.x)
