"""The picture and the numbers of the page on hybrid magnets: `python docs/make_hybrid_magnet.py`."""

import numpy as np
from make_gallery import keep

import brackish as bk

COUNT = 8
CENTRE = COUNT // 2
CLUSTERS = {"classical": 0, "cluster of 2": 2, "cluster of 4": 4, "cluster of 6": 6}


def chain(spin: float = 0.5):
    """An antiferromagnetic chain in a field along x, and a start in which neighbours are antiparallel."""
    system = bk.SpinSystem(
        [spin] * COUNT,
        bk.Bonds(np.arange(COUNT - 1), np.arange(1, COUNT), -1.0),
        field=[0.3, 0.0, 0.0],
    )
    up_and_down = np.where(np.arange(COUNT)[:, None] % 2, -1.0, 1.0) * np.array([[0.0, 0.0, 1.0]])
    return system, bk.Directions(up_and_down)


def sites(size: int) -> range:
    """The middle of the chain."""
    return range(CENTRE - size // 2, CENTRE + size - size // 2)


def main() -> None:
    """All clusters beside the magnet that is quantum throughout."""
    system, start = chain()
    times = bk.times(16.0, 160, step=0.02)
    whole = bk.simulate(system, bk.QuantumLLG(0.1), start, times)
    panels = {}
    for name, size in CLUSTERS.items():
        found = bk.simulate(system, bk.HybridMagnet(sites(size), 0.1), start, times)
        panels[name] = {"hybrid magnet": found, "all quantum": whole}
        apart = np.linalg.norm((found.spin_direction - whole.spin_direction)[:, CENTRE], axis=-1)
        length = np.linalg.norm(found.spin_direction[-1, CENTRE])
        energy = found.energy.values
        print(
            f"| {name} | {np.sqrt(np.mean(apart**2)):.3f} | {length:.3f} | {energy[-1]:.3f} | "
            f"{max(0.0, np.diff(energy).max()):.1e} |"
        )
    length = np.linalg.norm(whole.spin_direction[-1, CENTRE])
    print(f"| all quantum | | {length:.3f} | {float(whole.energy[-1]):.3f} | |")
    title = "A chain of eight spins ½: how many of them must be quantum?"
    keep(bk.plot.spin_components(panels, spin=CENTRE, title=title), "hybrid_magnet")


if __name__ == "__main__":
    main()
