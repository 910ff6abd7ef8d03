"""How addresses are looked up: two spellings of one mailbox are the same, and only the domain ignores case.

RFC 5321 section 2.4. A domain is the same in Unicode and as A-labels (RFC 5891). Letters keep what their author wrote.
"""

from __future__ import annotations

from typing import NamedTuple

from sendkit._smtp.address import Address, AddressError, parse_address


class Spellings(NamedTuple):
    """The ways to write an address, apart from case, and the beginning in which case matters: `local@`."""

    whole: tuple[str, ...]
    beginning: str


def mailbox(text: str) -> str:
    """Equal for two spellings of one mailbox; what is no address is itself."""
    found = _parsed(text)
    return text if found is None else found.key


def spellings(text: str) -> Spellings:
    """How the same mailbox may have been written; what is no address is nobody's."""
    found = _parsed(text)
    if found is None:
        return Spellings((), "")
    domains = (found.domain, _unicode(found.domain))
    return Spellings(tuple(dict.fromkeys((text, *(f"{found.local}@{one}" for one in domains)))), f"{found.local}@")


def _parsed(text: str) -> Address | None:
    try:
        return parse_address(text)
    except AddressError:
        return None


def _unicode(domain: str) -> str:
    if "xn--" not in domain.lower():
        return domain
    import idna  # noqa: PLC0415 - most domains are ASCII, and its tables take time to load

    try:
        return idna.decode(domain)
    except idna.IDNAError:  # nobody can have written it so
        return domain
