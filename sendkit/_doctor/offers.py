"""What a server announced that a message may ask for, and how much it takes, in words (RFC 3461, 8689, 4865, 9422)."""

from __future__ import annotations

from collections.abc import Iterator

from sendkit._smtp.capabilities import Capabilities


def offers(server: Capabilities, *, tls: bool) -> str:
    """One line: what is offered, what is not, and the limits."""
    told = {
        "reports (DSN)": server.dsn,
        "REQUIRETLS": server.require_tls and tls,
        f"a later release (FUTURERELEASE{_until(server)})": server.future_release,
    }
    offered = ", ".join(words for words, there in told.items() if there) or "none"
    missing = ", ".join(words for words, there in told.items() if not there)
    limits = ", ".join(_limits(server))
    return offered + (f"; not offered: {missing}" if missing else "") + (f"; at most {limits}" if limits else "")


def _until(server: Capabilities) -> str:
    return f", at most {server.max_hold:,} s" if server.max_hold else ""


def _limits(server: Capabilities) -> Iterator[str]:
    if server.max_recipients:
        yield f"{server.max_recipients:,} recipients a transaction"
    if server.max_domains:
        yield f"{server.max_domains:,} domains a transaction"
    if server.max_transactions:
        yield f"{server.max_transactions:,} transactions a connection"
