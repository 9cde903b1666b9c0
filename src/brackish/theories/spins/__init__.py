"""Theories of magnets."""
