"""Theories of trajectories that carry a quantum state."""
