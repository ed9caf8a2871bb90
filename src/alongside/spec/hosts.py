"""Hosts that an address names: in figures or not, of the public internet or not."""

from __future__ import annotations

from ipaddress import ip_address


def is_literal(host: str) -> bool:
    """Whether a host is an IP address in figures, which no resolver is asked about."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    ip = ip_address(address)
    inner = getattr(ip, "ipv4_mapped", None)
    return (inner or ip).is_global and not ip.is_multicast
