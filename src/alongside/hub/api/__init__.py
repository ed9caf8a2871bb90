"""Doors of our own REST API: parse, call one room function, serialise."""
