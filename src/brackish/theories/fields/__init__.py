"""Theories of fields on a grid of the classical manifold."""
