"""What can be the name of a host, in its one form: an A-label in lower case without the dot at the end, or an address.

RFC 1123 section 2.1, RFC 2181 section 11, RFC 5891. Must not know: what is looked up, or where.
"""

from __future__ import annotations

import re

from sendkit._redaction import quoted, redacted
from sendkit._server.addresses import ip_address

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\.?$){_LABEL}(?:\.{_LABEL})*\.?")
# The DNS takes any octet in a label (RFC 2181 section 11), and resolvers find services whose names have an underscore.
_HOST_LABEL = _LABEL.replace("0-9", "0-9_")
_HOST = re.compile(rf"(?=.{{1,253}}\.?$){_HOST_LABEL}(?:\.{_HOST_LABEL})*\.?")


def canonical_host(host: str) -> str:
    """The one form of a host. Raises ValueError for what is neither a name nor an IP address."""
    if (address := ip_address(host)) is not None:
        return str(address)
    ascii_host = _a_label(host)
    if not _HOST.fullmatch(ascii_host):
        raise ValueError(f"not a host name or IP address: {quoted(host)}{_better(host)}")
    # One name for TLS (RFC 6066 section 3: without the dot), the keyring, known_hosts and refused secrets.
    return ascii_host.rstrip(".").lower()


def _better(host: str) -> str:
    """How else it is written: with its port, as an IPv6 address in brackets, or as a URL."""
    if "@" in host and "://" not in host:
        return "; a mail address is the username (username=, --user), and Mailer.discover() finds its server"
    if "://" in host:
        return "; a URL is for Mailer.from_url(), or SENDKIT_URL"
    if re.fullmatch(r"\[.*\](:[0-9]+)?|[^:]+:[0-9]*", host):
        return "; give the port separately (port=, SENDKIT_PORT), and an IPv6 address without brackets"
    return ""


def is_ehlo_name(name: str) -> bool:
    """Whether this may be said in EHLO: a domain name or an address literal (RFC 5321 section 4.1.3)."""
    literal = re.fullmatch(r"\[(?:IPv6:)?([0-9A-Fa-f.:]+)\]", name)
    return bool(_DOMAIN.fullmatch(name) or (literal and ip_address(literal.group(1))))


def _a_label(host: str) -> str:
    if host.isascii():
        return host
    import idna  # noqa: PLC0415 - most hosts are ASCII, and its tables take time to load

    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"not a host name: {quoted(host)} ({redacted(str(error))})") from None
