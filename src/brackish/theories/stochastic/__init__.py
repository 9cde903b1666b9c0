"""Theories in which classical noise is the price of what a quantum side does to a classical one."""
