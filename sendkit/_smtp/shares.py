"""How many recipients one transaction takes, by what the server announced (RFC 9422 section 4)."""

from __future__ import annotations

from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities


def share(recipients: tuple[Address, ...], server: Capabilities) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Those who go into the next transaction, and those who are left for further ones."""
    most, domains = server.max_recipients, server.max_domains
    if not server.limits_recipients or (domains is None and most is not None and len(recipients) <= most):
        return recipients, ()
    now, later, named = list[Address](), list[Address](), set[str]()
    for recipient in recipients:
        domain = recipient.domain.lower()
        room = most is None or len(now) < most
        if room and (domains is None or domain in named or len(named) < domains):
            named.add(domain)
            now.append(recipient)
        else:
            later.append(recipient)
    return tuple(now), tuple(later)
