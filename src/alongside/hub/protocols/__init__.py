"""Doors of other people's protocols."""
