"""A server's certificate in words, and when to begin to worry about it (RFC 5280 section 4.1.2.5).

A certificate that was not verified may contain anything: what is not plain text is not shown as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sendkit._doctor.diagnosis import Check, Finding, Status
from sendkit._server.server import Server
from sendkit._smtp.reply import plain
from sendkit._tls import CertificateFacts, facts_of

# Those that are renewed by themselves are renewed a month before their end.
_SOON = 14
_MANY = 6


def certificate_finding(certificate: bytes, server: Server, now: datetime | None = None) -> Finding:
    """What is to be said of a certificate that was taken."""
    try:
        facts = facts_of(certificate)
    except ValueError:  # OpenSSL reads what others do not
        text = "valid, in a form that cannot be shown"
        return Finding(check=Check.CERTIFICATE, status=Status.OK, text=text, server=server.address)
    days = (facts.ends - (now or datetime.now(UTC))).days
    soon = days < _SOON
    return Finding(
        check=Check.CERTIFICATE,
        status=Status.WARNING if soon else Status.OK,
        text=f"{_words(facts)}, {_count(days)} left",
        remedy="whoever runs the server must renew it, or no mail goes out from then on" if soon else None,
        server=server.address,
    )


def described(certificate: bytes) -> str | None:
    """What stands in a certificate that was refused, if it can be read."""
    try:
        facts, now = facts_of(certificate), datetime.now(UTC)
    except ValueError:
        return None
    if facts.ends < now:
        when = f"expired {_count((now - facts.ends).days)} ago, on {facts.ends:%Y-%m-%d}"
    elif facts.begins > now:
        when = f"valid from {facts.begins:%Y-%m-%d} on"
    else:
        when = f"valid until {facts.ends:%Y-%m-%d}"
    return f"{_words(facts)}, {when}"


def _words(facts: CertificateFacts) -> str:
    names = ", ".join(facts.names[:_MANY]) or "no name"
    if len(facts.names) > _MANY:
        names += f" and {len(facts.names) - _MANY} more"
    return plain(f"for {names}, issued by {facts.issuer}")


def _count(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
