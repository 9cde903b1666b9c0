r"""The linear hybrid model: a Koopman–van Hove wavefunction with a quantum spinor at every point.

$$i\hbar\,\partial_t\Upsilon=i\hbar\{\hat H,\Upsilon\}-\hat{\mathcal L}\Upsilon,\qquad
\hat{\mathcal L}=n\cdot\nabla\hat H-\hat H\ \text{ or }\ p\,\partial_p\hat H-\hat H$$

$$\hat{\mathcal D}=\Upsilon\Upsilon^\dagger+\mathrm{div}(n\Upsilon\Upsilon^\dagger)
+i\hbar\{\Upsilon,\Upsilon^\dagger\},\qquad
\hat\rho_q=\int\hat{\mathcal D}=\int\Upsilon\Upsilon^\dagger,\qquad\rho_c=\mathrm{Tr}\,\hat{\mathcal D}$$

Eqs. (28), (30)–(32) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems"; on the plane,
with $\partial_p(p\,\Upsilon\Upsilon^\dagger)$ in place of the divergence, the quantum–classical wave equation of D.
I. Bondar, F. Gay-Balmaz and C. Tronci, Proc. R. Soc. A 475, 20180879 (2019).

**On a sphere** the wavefunction lives on a thin shell about it, and observables are integrals across the shell. The
divergence is then nothing in the hybrid operator, $\hat{\mathcal
D}=\Upsilon\Upsilon^\dagger+i\hbar\{\Upsilon,\Upsilon^\dagger\}$, but it is something in the energy,
$\mathrm{Tr}\int\hat H\hat{\mathcal D}=\int\langle\Upsilon|\hat{\mathcal L}_H\Upsilon\rangle$ with $\hat{\mathcal
L}_H\Upsilon$ the right-hand side above, because $\hat H$ changes across the shell.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from brackish.grids import FieldGrid, hybrid_fields
from brackish.manifolds import Canonical, Extension, Homogeneous, Spheres
from brackish.promises import ENERGY_OF_FIELD, NORM
from brackish.quantum import field_apply, field_outer
from brackish.theories.fields._koopman import (
    along_operator_flow,
    drift_shear,
    hybrid_lagrangian,
    largest_rate,
    linear_integrator,
    linear_step,
    potential_shear,
    require_separable,
    starting_phase,
    van_hove_operator,
)
from brackish.theories.fields._on_grid import (
    check_grid,
    field_status,
    grid_of,
    points_of_operator,
    starting_density,
    starting_spinors,
)
from brackish.theory import Generator, Requirements, Theory
from brackish.typing import Array, Complex


class HybridKoopmanState(eqx.Module):
    r"""`psi`: the spinor $\Upsilon$ at the nodes, (d, *grid), $\int\|\Upsilon\|^2=1$. Its phases mean something."""

    psi: Complex[Array, "d *grid"]


class HybridKoopman(Theory):
    r"""The hybrid Koopman–van Hove equation on a grid, one coordinate or one sphere.

    Linear and unitary. $\hat\rho_q$ is positive always; $\rho_c$ **need not be**: the dataset says by how much
    (`negative_mass`, `least_density`) and where. Covariant under constant unitaries and, but for the grid, under
    canonical maps. Conserves the norm (to round-off with `Exponential`) and the energy
    $\int\langle\Upsilon|\hat{\mathcal L}_H\Upsilon\rangle$.

    `extension`: how $H_C$ and $\hat H_I$ are continued off the sphere, on which the phase depends ($\hat H_Q$ is
    the same at all vectors). With degree 1, the default, what is classical obeys the Liouville equation; with any
    other, $\partial_t\rho_c=\mathrm{Tr}\{\hat H,\hat{\mathcal D}\}-\mathrm{Tr}\{\hat{\mathcal
    L},\Upsilon\Upsilon^\dagger\}$, as $\rho_c$ is an integral across the shell. For H linear in n, `AsWritten` is
    the same.

    On the plane the run starts from $|\Upsilon|^2$ as prepared, with the phase $\bar p(q-\bar q)+\frac12(p-\bar
    p)(q-\bar q)$ over hbar about its mean, so that the means of $\rho_c$ are those prepared; $\rho_c$ itself is
    $D+\frac12\partial_q[(q-\bar q)D]+\frac12\partial_p[(p-\bar p)D]$, negative in the tails from the start. No
    smooth phase would do better. `planck`: the size of hbar.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    extension: Extension = Homogeneous()
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1)

    def promises(self, hamiltonian):
        return ENERGY_OF_FIELD, NORM

    def default_integrator(self, hamiltonian):
        return linear_integrator(hamiltonian)

    def suggested_step(self, hamiltonian):
        return linear_step(hamiltonian)

    def resolve(self, hamiltonian, preparation, times):
        check_grid(self, hamiltonian, preparation)
        return self

    @property
    def nodes(self):
        """The grid. Raises `InvalidInput` if there is none."""
        return grid_of(self)

    def prepare(self, hamiltonian, preparation, index, key):
        density = starting_density(hamiltonian, preparation, self.nodes)
        wave = jnp.sqrt(density) * starting_phase(hamiltonian, self.nodes, density, self.planck)
        psi = self.nodes.dealias(wave[None] * starting_spinors(hamiltonian, preparation, self.nodes))
        norm = self.nodes.integrate(jnp.sum(jnp.abs(psi) ** 2, axis=0))
        return HybridKoopmanState(psi / jnp.sqrt(norm)), jnp.ones(())

    def generator(self, hamiltonian):
        r"""$\Upsilon\to\{\hat H,\Upsilon\}+\frac i\hbar\hat{\mathcal L}\Upsilon$."""
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)
        classical, operator = hybrid_lagrangian(hamiltonian, grid, self.extension)

        def apply(y):
            phase = classical[None] * y.psi + field_apply(operator, y.psi)
            turned = 1j / self.planck * grid.dealias(phase)
            return HybridKoopmanState(along_operator_flow(grid, fields, y.psi) + turned)

        turning = jnp.abs(classical) + jnp.sqrt(jnp.sum(jnp.abs(operator) ** 2, axis=(0, 1)))
        return Generator(apply, largest_rate(grid, fields) + jnp.max(turning) / self.planck)

    def flow(self, hamiltonian, t, y):
        return self.generator(hamiltonian).apply(y)

    def parts(self, hamiltonian):
        """For kinetic energy plus V(q): the potential, exact for each q and each wave along p; the drift."""
        require_separable("HybridKoopman", hamiltonian)

        def potential(duration):
            move = potential_shear(hamiltonian, self.nodes, self.planck, duration)
            return lambda y: HybridKoopmanState(move(y.psi))

        def drift(duration):
            move = drift_shear(hamiltonian, self.nodes, self.planck, duration)
            return lambda y: HybridKoopmanState(move(y.psi))

        return potential, drift

    def hybrid_operator(self, hamiltonian, y) -> Complex[Array, "d d *grid"]:
        r"""$\hat{\mathcal D}$ of eq. (30) at the nodes: Hermitian, of no sign."""
        return van_hove_operator(hamiltonian, self.nodes, y.psi, self.planck)

    def energy(self, hamiltonian, y):
        r"""$\int\langle\Upsilon|\hat{\mathcal L}_H\Upsilon\rangle$: on the plane $\mathrm{Tr}\int\hat
        H\hat{\mathcal D}$.
        """
        change = self.generator(hamiltonian).apply(y).psi
        return self.planck * self.nodes.integrate(-jnp.sum(jnp.conj(y.psi) * change, axis=0).imag)

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(field_outer(y.psi, y.psi))

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, self.hybrid_operator(hamiltonian, y))

    def check(self, hamiltonian, y):
        norm = self.nodes.integrate(jnp.sum(jnp.abs(y.psi) ** 2, axis=0))
        return field_status(self.nodes, y.psi, norm)
