"""Clients of data repositories."""
