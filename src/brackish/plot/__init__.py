"""Figures from a dataset alone."""
