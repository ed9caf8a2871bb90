"""Alongside runs tools, tasks and workflows beside the data they need."""

__version__ = "0.1.0"
