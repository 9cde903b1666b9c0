"""Linear classical-quantum dynamics in closed form: oscillators with friction, diffusion and couplings."""

from brackish.analysis.oscillators.coupling import Bilinear, OscillatorCoupling, Spring

__all__ = ["Bilinear", "OscillatorCoupling", "Spring"]
