r"""A quantum cluster in a classical magnet: a few spins by the quantum analogue of Gilbert's equation, the others by
Gilbert's, each in the mean field of the other side.

$$E=\mathrm{Tr}\,\hat\rho\,\hat H(\mathbf n)+E_c(\mathbf n),\qquad\hat H(\mathbf n)=\hat H_Q+\sum_{ij}\hat{\mathbf
S}_i^TA_{ij}\,s_j\mathbf n_j$$

$$\dot{\hat\rho}=\frac i\hbar[\hat\rho,\hat H(\mathbf n)]+i\kappa[\hat\rho,\dot{\hat\rho}],\qquad
\dot{\mathbf n}_j=\mathbf n_j\times(\boldsymbol\omega_j+\boldsymbol\xi_j)-\alpha\,\mathbf n_j\times\dot{\mathbf n}_j,
\qquad\boldsymbol\omega_j=-\frac1{\hbar s_j}\frac{\partial E}{\partial\mathbf n_j}$$

i runs over the spins of the cluster, j over those of the lattice around it. Both sides move by one energy, which is
conserved without damping and never grows without drive or noise. Eqs. (1) and (3) of Y. Liu et al., "Quantum Analog
of Landau-Lifshitz-Gilbert Dynamics", Phys. Rev. Lett. 133, 266704 (2024), which names the combination as an outlook.

With a temperature every spin also turns at random, as in a white field $\boldsymbol\xi_i$ of which it is not damped:
isotropically, at the rate $\frac\alpha{1+\alpha^2}\frac{k_BT}{\hbar s}$, that of LLG; a quantum spin by the
Hamiltonian $-\hbar\boldsymbol\xi_i\cdot\hat{\mathbf S}_i$, with $\kappa$ for $\alpha$. That keeps the eigenvalues of
$\hat\rho$; in a coherent state a quantum spin then is a classical one, and ends in the distribution of Langevin, not in
that of Brillouin.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Annotated, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.integrators import LieHeun
from brackish.manifolds import Spheres
from brackish.observables import PURITY, SPIN_OBSERVABLES, Observable
from brackish.preparations import Preparation
from brackish.promises import ENERGY_OF_EACH, energy_scale, spread_of_levels
from brackish.quantum import (
    SpectralState,
    dagger,
    frame_generator,
    gilbert_kernel,
    product,
    propagate_columns,
)
from brackish.spins import SpinSpace, SpinSystem, require_magnet, spin_space
from brackish.spins.turning import random_turns, rotate, turning
from brackish.theories.spins._arguments import damping_number, temperature_or_function
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float, Int, RealScalar

LARGEST_CLUSTER = 256
"""States of a cluster: a step multiplies matrices of this size."""
LARGEST_DEFECT = 1e-6
"""Of the norms of eigenvectors, before a run is stopped."""


class HybridMagnetState(eqx.Module):
    r"""A lattice and a cluster. `directions`: unit vectors of the classical spins, (n, 3). `columns`: eigenvectors
    $a_j$ of the cluster's density operator $p_0\hat1+\sum_j(p_j-p_0)|a_j\rangle\langle a_j|$, (D, r); a pure state
    is one. `weights`, `rest`: $p_j$, (r,), and $p_0$, which never change. `time`: at which the field is meant.
    """

    directions: Float[Array, "n 3"]
    columns: Complex[Array, "D r"]
    weights: Float[Array, " r"]
    rest: RealScalar
    time: RealScalar

    @property
    def spectral(self) -> SpectralState:
        """The cluster's density operator."""
        return SpectralState(self.columns, self.weights, self.rest)


class HybridGenerators(eqx.Module):
    """How fast both sides turn. `angular_velocity`: of every classical spin, (n, 3). `hermitian`: K of the cluster's
    eigenvectors, (D, D), a frequency.
    """

    angular_velocity: Float[Array, "n 3"]
    hermitian: Complex[Array, "D D"]


class Cluster(eqx.Module):
    """The quantum spins: the `magnet` that they are by themselves; its Hamiltonian without a field, `matrix`, (D, D),
    and its `operators` S_i, (m, 3, D, D), written out; the `space` of its states.
    """

    magnet: SpinSystem
    matrix: Complex[np.ndarray | Array, "D D"]
    operators: Complex[np.ndarray | Array, "m 3 D D"]
    space: SpinSpace

    def hamiltonian(self, t, felt: Float[Array, "m 3"]) -> Complex[Array, "D D"]:
        """H at a time, with what spins feel beside the external field: energy that stands with -S_i."""
        magneton = jnp.asarray(self.magnet.g_factor)[:, None] * self.magnet.units.bohr_magneton
        field = magneton * self.magnet.field_at(t) + felt
        return jnp.asarray(self.matrix) + self.along(-field)

    def along(self, vectors: Float[Array, "m 3"]) -> Complex[Array, "D D"]:
        """sum_i v_i S_i."""
        return jnp.sum(vectors[..., None, None] * jnp.asarray(self.operators), axis=(0, 1))

    def spins(self, y: HybridMagnetState) -> Float[Array, "m 3"]:
        """<S_i>; the rest of the density operator has none."""
        occupied = product(y.columns * y.spectral.excess()[None], dagger(y.columns))
        return jnp.sum(self.operators * occupied.T[None, None], axis=(-2, -1)).real


class Cut(eqx.Module):
    """A magnet cut in two, settled before anything is compiled.

    `inside`, `outside`: sites of the cluster and of the lattice. `cluster`, `lattice`: the two parts, None where there
    are no spins. `inner`, `outer`: of each bond that was cut the end in the cluster and the end in the lattice, counted
    there. `coupling`: what stands between S_inner and S_outer, (bonds, 3, 3). `start`: of the cluster. `around`: the
    preparation of the lattice.
    """

    inside: tuple[int, ...] = eqx.field(static=True)
    outside: tuple[int, ...] = eqx.field(static=True)
    cluster: Cluster | None
    lattice: SpinSystem | None
    inner: Int[np.ndarray | Array, " bonds"]
    outer: Int[np.ndarray | Array, " bonds"]
    coupling: Float[np.ndarray | Array, "bonds 3 3"]
    start: SpectralState
    around: Preparation

    def field_of_lattice(self, y: HybridMagnetState) -> Float[Array, "m 3"]:
        """What stands with -S_i in the cluster's Hamiltonian, energy: - sum_j A_ij s_j n_j."""
        field = jnp.zeros((len(self.inside), 3))
        if self.lattice is None:
            return field
        around = (jnp.asarray(self.lattice.spins)[:, None] * y.directions)[self.outer]
        return field.at[self.inner].add(-jnp.sum(self.coupling * around[:, None, :], axis=-1))

    def field_of_cluster(self, y: HybridMagnetState) -> Float[Array, "n 3"]:
        """What stands with -S_j in the energy of the lattice: - sum_i A_ij^T <S_i>."""
        field = jnp.zeros((len(self.outside), 3))
        if self.cluster is None:
            return field
        spins = self.cluster.spins(y)[self.inner]
        return field.at[self.outer].add(-jnp.sum(self.coupling * spins[:, :, None], axis=1))


class HybridMagnet(Theory):
    r"""A quantum cluster (q-LLG) in a classical lattice (LLG), coupled through their mean fields.

    `quantum`: the sites of the cluster, counted from 0; all others are classical. `damping`: alpha of the classical
    spins. `cluster_damping`: kappa; by default as `damping`. `temperature`: of the thermal field of the lattice, in the
    units of the magnet, a number or a function of time. `cluster_temperature`: of the random field on the cluster; by
    default none. `cut`: made by `resolve`; leave it out.

    With no classical spin it is `QuantumLLG`, with no quantum one `LLG`. Keeps lengths of classical spins and
    eigenvalues of the cluster's density operator to round-off. The cluster sees mean fields, so it is not entangled
    with the lattice, and one trajectory of the lattice belongs to one state of the cluster. The limits of
    `QuantumLLG` hold for the cluster.

    Raises `InvalidInput` for sites that are not there, or named twice, and `UnsupportedHamiltonian` for a cluster of
    more than 256 states.
    """

    quantum: tuple[int, ...] = eqx.field(static=True, converter=lambda sites: tuple(int(i) for i in sites))
    damping: Float[np.ndarray | Array, ""] = eqx.field(converter=damping_number)
    cluster_damping: Float[np.ndarray | Array, ""] | None = eqx.field(
        converter=lambda value: None if value is None else damping_number(value), default=None
    )
    temperature: Annotated[Float[np.ndarray | Array, ""] | Callable | None, "magnet temperature"] = eqx.field(
        converter=temperature_or_function, default=0.0
    )
    cluster_temperature: Annotated[Float[np.ndarray | Array, ""] | Callable | None, "magnet temperature"] = (
        eqx.field(converter=temperature_or_function, default=0.0)
    )
    cut: Cut | None = eqx.field(default=None, metadata={"settled": True})
    coupled: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether there is a random field."""
        return self.temperature is not None or self.cluster_temperature is not None

    def requirements(self):
        return Requirements(manifolds=(Spheres,), largest_levels=1)

    def default_integrator(self, hamiltonian):
        return LieHeun()

    def promises(self, hamiltonian):
        """Without a random field and one that changes: the energy, or with damping that it never grows."""
        if self.random or hamiltonian.driven:
            return ()
        dampings = [one for one in (self.damping, self.cluster_damping) if one is not None]
        damped = any(bool(one > 0) for one in dampings)
        return (dataclasses.replace(ENERGY_OF_EACH, scale=_energy_scale, may_fall=damped),)

    def standard_observables(self, hamiltonian):
        return (*SPIN_OBSERVABLES, PURITY, *_ENERGIES)

    # -- before anything is compiled ---------------------------------------------------------------------------------

    def resolve(self, hamiltonian, preparation, times):
        """The magnet cut in two, and the start of the cluster."""
        require_magnet(type(self).__name__, hamiltonian)
        return dataclasses.replace(self, cut=_cut(hamiltonian, self.quantum, preparation))

    def _settled(self) -> Cut:
        if self.cut is None:
            raise InvalidInput("HybridMagnet is not cut yet: let `resolve` do it.")
        return self.cut

    def prepare(self, hamiltonian, preparation, index, key):
        cut = self._settled()
        directions, weight = jnp.zeros((0, 3)), jnp.ones(())
        if cut.lattice is not None:
            draw = cut.around.draw(cut.lattice, index, key)
            directions, weight = draw.point, draw.weight
        columns, weights, rest = (
            jnp.asarray(x) for x in (cut.start.columns, cut.start.weights, cut.start.rest)
        )
        return HybridMagnetState(directions, columns, weights, rest, jnp.zeros(())), weight

    # -- the motion ------------------------------------------------------------------------------------------------

    def generators(self, hamiltonian):
        """(t, state) -> how fast both sides turn."""
        cut, planck = self._settled(), hamiltonian.units.planck
        damping = jnp.asarray(self.damping)
        size = 1 + damping**2
        turn = None if cut.lattice is None else turning(cut.lattice, 1 / size, damping / size)
        kernel = gilbert_kernel(self._kappa())

        def at(t, y):
            velocity, hermitian = jnp.zeros((0, 3)), jnp.zeros((1, 1), complex)
            if turn is not None:
                velocity = turn(t, y.directions, cut.field_of_cluster(y) / planck)
            if cut.cluster is not None:
                matrix = cut.cluster.hamiltonian(t, cut.field_of_lattice(y)) / planck
                hermitian = frame_generator(y.columns, product(matrix, y.columns), y.weights, y.rest, kernel)
            return HybridGenerators(velocity, hermitian)

        return at

    def _kappa(self):
        return self.damping if self.cluster_damping is None else self.cluster_damping

    def moved(self, hamiltonian, y, generators, dt):
        """Classical spins rotated, eigenvectors turned by exp(-i K dt)."""
        directions = y.directions
        if directions.shape[0]:
            directions = rotate(directions, generators.angular_velocity, generators.angular_velocity, dt)
        columns = propagate_columns(generators.hermitian, y.columns, dt)
        return HybridMagnetState(directions, columns, y.weights, y.rest, y.time + dt)

    def shaken(self, hamiltonian, t, dt, y, draws):
        """Every spin turned at random, as in diffusion on the sphere for a time dt."""
        if not self.random:
            return y
        cut, units = self._settled(), hamiltonian.units
        heat = jnp.zeros(hamiltonian.count)
        for sites, damping, temperature in (
            (cut.outside, self.damping, self.temperature),
            (cut.inside, self._kappa(), self.cluster_temperature),
        ):
            if temperature is not None and sites:
                temperature = temperature(t + 0.5 * dt) if callable(temperature) else temperature
                mobility = damping / (1 + damping**2) / (units.planck * jnp.asarray(hamiltonian.spins))
                heat = heat.at[np.array(sites)].set(
                    (mobility * units.boltzmann * temperature)[np.array(sites)]
                )
        turns = random_turns(draws, jnp.sqrt(2 * heat * dt))
        directions, columns = y.directions, y.columns
        if cut.lattice is not None:
            own = turns[np.array(cut.outside)]
            directions = rotate(directions, own, own, 1.0)
        if cut.cluster is not None:
            own = turns[np.array(cut.inside)]
            columns = propagate_columns(cut.cluster.along(-own), columns, 1.0)
        return HybridMagnetState(directions, columns, y.weights, y.rest, y.time)

    # -- what is seen of it ----------------------------------------------------------------------------------------

    def cluster_energy(self, hamiltonian, y) -> RealScalar:
        """<H_Q>, in the external field alone."""
        cluster = self._settled().cluster
        if cluster is None:
            return jnp.zeros(())
        matrix = cluster.hamiltonian(y.time, jnp.zeros((cluster.magnet.count, 3)))
        return jnp.sum(y.spectral.density() * matrix.T).real

    def lattice_energy(self, hamiltonian, y) -> RealScalar:
        """E_c, in the external field alone."""
        lattice = self._settled().lattice
        return jnp.zeros(()) if lattice is None else lattice.classical_energy(y.directions, y.time)

    def coupling_energy(self, hamiltonian, y) -> RealScalar:
        """Of the bonds between them."""
        cut = self._settled()
        if cut.cluster is None:
            return jnp.zeros(())
        return -jnp.sum(cut.cluster.spins(y) * cut.field_of_lattice(y))

    def energy(self, hamiltonian, y):
        return (
            self.cluster_energy(hamiltonian, y)
            + self.lattice_energy(hamiltonian, y)
            + self.coupling_energy(hamiltonian, y)
        )

    def spin_direction(self, hamiltonian, y):
        """<S_i>/s_i of all spins, (N, 3): unit vectors of classical ones, shorter for quantum ones."""
        cut = self._settled()
        directions = jnp.zeros((hamiltonian.count, 3))
        if cut.lattice is not None:
            directions = directions.at[np.array(cut.outside)].set(y.directions)
        if cut.cluster is not None:
            inside = cut.cluster.spins(y) / jnp.asarray(cut.cluster.magnet.spins)[:, None]
            directions = directions.at[np.array(cut.inside)].set(inside)
        return directions

    def purity(self, hamiltonian, y):
        """Tr rho^2 of the cluster."""
        return y.spectral.purity()

    def reduced_density(self, hamiltonian, y, sites: tuple[int, ...]) -> Complex[Array, "part part"]:
        """The density operator of some spins of the cluster, by their numbers in the magnet."""
        cut = self._settled()
        strangers = [site for site in sites if site not in cut.inside]
        if strangers or cut.cluster is None:
            raise UnsupportedHamiltonian(
                f"Spins {list(sites)} are not all in the quantum cluster {list(cut.inside)}."
            )
        within = tuple(cut.inside.index(site) for site in sites)
        return cut.cluster.space.reduced_density(y.spectral, within)

    def configurations(self, hamiltonian, y):
        return (
            None  # the energy of a magnet may depend on the time; its fields are looked at where it is made
        )

    def classical_points(self, hamiltonian, y):
        return Weighted(self.spin_direction(hamiltonian, y)[None], jnp.ones((1, 1, 1)), jnp.ones(1))

    def check(self, hamiltonian, y):
        defect = y.spectral.defect()
        lost = jnp.where(defect > LARGEST_DEFECT, Status.lost_norm, Status.fine)
        finite = jnp.isfinite(defect) & jnp.all(jnp.isfinite(y.directions))
        return jnp.where(finite, lost, Status.not_finite)


def _energy_scale(theory, hamiltonian, y) -> RealScalar:
    """That of all spins in their mean fields, and the standard deviation of the levels of the cluster alone."""
    cluster, whole = theory._settled().cluster, energy_scale(theory, hamiltonian, y)
    return whole if cluster is None else whole + spread_of_levels(jnp.asarray(cluster.matrix))


def _cut(magnet: SpinSystem, inside: tuple[int, ...], preparation: Preparation) -> Cut:
    """The magnet in two, and the bonds between them."""
    for site in inside:
        if not 0 <= site < magnet.count:
            raise InvalidInput(
                f"Argument `quantum` of HybridMagnet names site {site}; the magnet has sites 0 to {magnet.count - 1}."
            )
    if len(set(inside)) < len(inside):
        raise InvalidInput(f"Argument `quantum` of HybridMagnet names a site twice: {list(inside)}.")
    outside = tuple(site for site in range(magnet.count) if site not in set(inside))
    of_cluster, around = preparation.parted(inside, outside)
    cluster, start = None, SpectralState(np.ones((1, 1), complex), np.ones(1), np.zeros(()))
    if inside:
        part = magnet.part(inside)
        size = math.prod(part.dimensions())
        if size > LARGEST_CLUSTER:
            raise UnsupportedHamiltonian(
                f"HybridMagnet takes clusters of at most {LARGEST_CLUSTER} states, these {len(inside)} spins have "
                f"{size}."
            )
        of_cluster.check(part)
        alone = part.with_field([0.0, 0.0, 0.0]).matrix()
        cluster = Cluster(part, alone, part.spin_operators(), spin_space(part))
        start = of_cluster.spin_state(part)
    lattice = magnet.part(outside) if outside else None
    if lattice is not None:
        around.check(lattice)
    number = np.zeros(magnet.count, int)
    number[list(inside)], number[list(outside)] = np.arange(len(inside)), np.arange(len(outside))
    quantum = np.isin(np.arange(magnet.count), inside)
    first, second, matrices = magnet.bonds.first, magnet.bonds.second, magnet.bonds.matrices()
    forth, back = quantum[first] & ~quantum[second], ~quantum[first] & quantum[second]
    inner = np.concatenate([number[first[forth]], number[second[back]]])
    outer = np.concatenate([number[second[forth]], number[first[back]]])
    coupling = np.concatenate([matrices[forth], np.swapaxes(matrices[back], 1, 2)])
    return Cut(inside, outside, cluster, lattice, inner, outer, coupling, start, around)


def _energy_observable(name: str, meaning: str) -> Observable:
    def value(theory, hamiltonian, y):
        return getattr(theory, name)(hamiltonian, y)

    return Observable(name, value, (), "hartree", meaning)


_ENERGIES = (
    _energy_observable("cluster_energy", "energy of the quantum cluster alone"),
    _energy_observable("lattice_energy", "energy of the classical lattice alone"),
    _energy_observable("coupling_energy", "energy of the bonds between them"),
)
