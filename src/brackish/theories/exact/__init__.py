"""Theories of the full wavefunction."""
