"""The pictures of the page on koopmons: `python docs/make_koopmons.py [tully1 tully2 tully3 rabi]`."""

import sys

from make_gallery import keep

import brackish as bk


def tully(number: int, momentum: float, level: int, stop: float, with_clouds: bool = True) -> None:
    """A Tully model with exact quantum mechanics, Ehrenfest and koopmons; the cloud in phase space."""
    packet = bk.QuasiRandom(bk.GaussianPacket(-8.0, momentum, 10 / momentum, level))
    theories = [bk.Exact(), bk.Ehrenfest(), bk.Koopmons(bk.InSpreads(0.3), bk.InSpreads(1.0))]
    result = bk.compare(
        bk.models.tully(number), theories, packet, bk.times(stop=stop, saves=50), trajectories=500, follow=500
    )
    keep(bk.plot.compare(result), f"koopmons_tully{number}")
    if with_clouds:
        clouds = result.sel(theory=["Ehrenfest", "Koopmons"])
        keep(bk.plot.cloud(clouds), f"koopmons_tully{number}_cloud")


def rabi() -> None:
    """A qubit and a mode as strongly coupled as they are fast."""
    packet = bk.QuasiRandom(bk.GaussianPacket(2.0, 0.0, 0.5**0.5, 0))
    theories = [bk.Exact(), bk.Ehrenfest(), bk.Koopmons(bk.InSpreads(0.5), bk.InSpreads(1.0))]
    result = bk.compare(
        bk.models.rabi(frequency=1.0, splitting=1.0, coupling=1.0),
        theories,
        packet,
        bk.times(stop=12.0, saves=60, step=0.02),
        trajectories=500,
    )
    keep(bk.plot.compare(result), "koopmons_rabi")


SCENES = {
    "tully1": lambda: tully(1, 10.0, 0, 4000.0),
    "tully2": lambda: tully(2, 16.0, 0, 2400.0, with_clouds=False),
    "tully3": lambda: tully(3, 10.0, 1, 3600.0),
    "rabi": rabi,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
