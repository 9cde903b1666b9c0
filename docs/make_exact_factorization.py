"""The pictures of the page on trajectories of the exact factorization: `python docs/make_exact_factorization.py`."""

from make_gallery import keep

import brackish as bk

FAMILY = {
    "Exact": bk.Exact(),
    "Ehrenfest": bk.Ehrenfest(),
    "geometric + quantum": bk.ExactFactorization(width=bk.InSpreads(0.2)),
    "geometric alone": bk.ExactFactorization(bk.GeometricAlone(), bk.InSpreads(0.2)),
    "quantum alone": bk.ExactFactorization(bk.QuantumAlone(without_net_transfer=False), bk.InSpreads(0.2)),
    "quantum, shifted": bk.ExactFactorization(bk.QuantumAlone(), bk.InSpreads(0.2)),
}


def family() -> None:
    """Tully II at k = 16: populations and decoherence of the whole family."""
    packet = bk.QuasiRandom(bk.GaussianPacket(-10.0, 16.0, 0.625, bk.Adiabatic(0)))
    kept = (bk.observables.conditional_coherence,)
    result = bk.compare(
        bk.models.tully(2),
        FAMILY,
        packet,
        bk.times(stop=3000.0, saves=100),
        trajectories=400,
        observables=kept,
    )
    keep(bk.plot.decoherence(result), "exact_factorization_family")


def splitting() -> None:
    """Tully III at k = 10: trajectories in phase space, at the end."""
    packet = bk.QuasiRandom(bk.GaussianPacket(-10.0, 10.0, 1.0, bk.Adiabatic(0)))
    theories = [bk.Ehrenfest(), bk.ExactFactorization(width=bk.InSpreads(0.2))]
    result = bk.compare(
        bk.models.tully(3), theories, packet, bk.times(stop=4000.0, saves=50), trajectories=400, follow=400
    )
    keep(bk.plot.cloud(result), "exact_factorization_cloud")


if __name__ == "__main__":
    family()
    splitting()
