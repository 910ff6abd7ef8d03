"""What a server said that it can do (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(slots=True, frozen=True)
class Capabilities:
    """The extensions of one EHLO reply. Without ESMTP, or before EHLO, there are none.

    `max_hold` (seconds) and `max_hold_until` (as RFC 3339 writes it in UTC) are the limits of FUTURERELEASE; the limits
    of RFC 9422 are `max_recipients` of a transaction, `max_domains` among them, and `max_transactions` of a connection.

    `ahead`: an end of data may be written before the replies to its envelope are read. BDAT has no 354 that marks its
    place among the replies; only an enhanced code (RFC 2034) then tells whether a reply is about an address or about
    the message, and so whether one too many has come.
    """

    esmtp: bool = False
    starttls: bool = False
    pipelining: bool = False
    chunking: bool = False
    eight_bit_mime: bool = False
    smtputf8: bool = False
    enhanced_status_codes: bool = False
    size_announced: bool = False
    max_size: int | None = None
    max_recipients: int | None = None
    max_domains: int | None = None
    max_transactions: int | None = None
    dsn: bool = False
    require_tls: bool = False
    future_release: bool = False
    max_hold: int | None = None
    max_hold_until: str | None = None
    mechanisms: tuple[str, ...] = ()
    ahead: bool = field(init=False, repr=False)
    limits_recipients: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ahead = self.pipelining and self.chunking and self.enhanced_status_codes
        object.__setattr__(self, "ahead", ahead)
        limited = self.max_recipients is not None or self.max_domains is not None
        object.__setattr__(self, "limits_recipients", limited)

    @classmethod
    def parse(cls, text: str) -> Capabilities:
        """Read the text of a 250 reply to EHLO: the greeting, then one keyword with its parameters on each line."""
        words = _keywords(text)
        size, limits, hold = words.get("SIZE"), words.get("LIMITS", []), words.get("FUTURERELEASE", [])
        return cls(
            esmtp=True,
            starttls="STARTTLS" in words,
            pipelining="PIPELINING" in words,
            chunking="CHUNKING" in words,
            eight_bit_mime="8BITMIME" in words,
            smtputf8="SMTPUTF8" in words,
            enhanced_status_codes="ENHANCEDSTATUSCODES" in words,
            size_announced=size is not None,
            max_size=_number(size[0]) if size else None,
            max_recipients=_limit(limits, "RCPTMAX"),
            max_domains=_limit(limits, "RCPTDOMAINMAX"),
            max_transactions=_limit(limits, "MAILMAX"),
            dsn="DSN" in words,
            require_tls="REQUIRETLS" in words,
            future_release="FUTURERELEASE" in words,
            max_hold=_number(hold[0]) if hold else None,
            max_hold_until=hold[1] if len(hold) > 1 and _UTC.fullmatch(hold[1]) else None,
            mechanisms=tuple(dict.fromkeys(words.get("AUTH", []))),
        )


def _keywords(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.split("\n")[1:]:
        # "AUTH=LOGIN" is how servers of the last century wrote it, and some still do.
        keyword, *parameters = line.upper().replace("AUTH=", "AUTH ", 1).split()[:64] or [""]
        found.setdefault(keyword, []).extend(parameters)
    return found


def _number(text: str) -> int | None:
    """A limit; 0 is none (RFC 1870 section 3), and so is what is not a number."""
    return int(text) or None if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _limit(parameters: list[str], name: str) -> int | None:
    """One limit of RFC 9422 section 4."""
    values = (p.partition("=")[2] for p in parameters if p.partition("=")[0] == name)
    return next((number for value in values if (number := _number(value))), None)
