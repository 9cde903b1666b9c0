"""The pictures of the page on the fields of an exact factorization, and its numbers:
`python docs/make_conditional_fields.py [tully2 shin_metiu]`.
"""

import sys

import jax
import numpy as np
from make_gallery import keep

import brackish as bk

KEPT = (bk.observables.wavefunction(),)


@jax.jit
def residuals(fields):
    """How far (66) and (68) are from holding, each with the rate that it is about."""
    forces, rho = fields.forces(), fields.conditional_density
    operator = fields.potential + fields.coupling
    product = (operator[:, :, None] * rho[None]).sum(axis=1)
    turned = -1j * (product - product.conj().swapaxes(0, 1))
    turning = fields.material_rate_of(lambda fields: fields.conditional_density)
    kick = fields.material_rate_of(lambda fields: fields.momentum)
    return turning - turned, turning, kick - forces.total, kick


def report(system, run, time: float) -> None:
    """Residuals where the density is above 1e-4 of its maximum, and the mean size of each force."""
    fields = bk.analysis.factorize_run(system, run, time)
    density = np.asarray(fields.density)
    seen = density > 1e-4 * density.max()
    sizes = [float(np.abs(np.asarray(value)[..., seen]).max()) for value in residuals(fields)]
    print(f"  t = {time:g}: (66) {sizes[0] / sizes[1]:.1e}, (68) {sizes[2] / sizes[3]:.1e}")
    forces = fields.forces()
    for name in ("mean", "fubini_study", "quantum", "magnetic"):
        values = np.asarray(getattr(forces, name))[0]
        size = np.sum(density * np.abs(values)) * fields.grid.cell
        net = np.sum(density * values) * fields.grid.cell
        print(f"    {name}: mean size {size:.2e}, net {net:.1e} hartree/bohr")


def tully2() -> None:
    """The packet in and behind the region of coupling."""
    system, grid = bk.models.tully(2), bk.Grid(-20.0, 20.0, 1280)
    packet = bk.GaussianPacket(-10.0, 16.0, 10 / 16, bk.Adiabatic(0))
    run = bk.simulate(system, bk.Exact(grid), packet, bk.times(1800.0, 6, step=2.0), observables=KEPT)
    fields = bk.analysis.conditional_fields(system, run, [1200.0, 1500.0, 1800.0])
    keep(bk.plot.forces(fields), "fields_tully2")
    keep(bk.plot.bloch(fields), "fields_tully2_bloch")
    for time in (1200.0, 1800.0):
        report(system, run, time)


def shin_metiu() -> None:
    """The ion past the crossing of the two lowest surfaces."""
    system, grid = bk.models.shin_metiu(3), bk.Grid(-9.0, 9.0, 288)
    packet = bk.GaussianPacket(-4.0, 0.0, 0.296, bk.Adiabatic(1))
    run = bk.simulate(system, bk.Exact(grid), packet, bk.times(1440.0, 9), observables=KEPT)
    fields = bk.analysis.conditional_fields(system, run, [1120.0, 1440.0])
    keep(bk.plot.forces(fields), "fields_shin_metiu")
    for time in (1120.0, 1440.0):
        report(system, run, time)


SCENES = {"tully2": tully2, "shin_metiu": shin_metiu}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        print(name)
        SCENES[name]()
