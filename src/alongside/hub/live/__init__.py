"""Doors that wait: runner sync, event streams, log following."""
