"""Which addresses are this machine, so that nobody is in between (RFC 1122 3.2.1.3, RFC 4291 2.5.3).

A name proves nothing, since a resolver decides where it leads: before a secret is sent, the peer's address is checked.
"""

from __future__ import annotations

import ipaddress

HERE = "127.0.0.1"
_NAMES = ("localhost", "localhost.localdomain")


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that this text is, or None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def names_here(host: str) -> bool:
    """Whether a name is one that this machine should have (RFC 6761 section 6.3)."""
    return host.rstrip(".").lower() in _NAMES


def is_loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether nobody is in between, also for an IPv4 address that is written as an IPv6 one (RFC 4291 2.5.5.2)."""
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def is_here(peer: str) -> bool:
    """Whether the address of a peer, as a socket names it, is this machine."""
    address = ip_address(peer.partition("%")[0])
    return address is not None and is_loopback(address)
