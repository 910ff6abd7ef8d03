"""Texts in the parameters of MAIL and RCPT (RFC 3461 section 4)."""

from __future__ import annotations

_LONGEST_ENVID = 100  # RFC 3461 section 4.4


def xtext(text: str) -> str:
    """Printable ASCII as a parameter's value (RFC 3461 section 4).

    Angle brackets could stand as they are; some servers look for the last one of the line, which ends the address.
    """
    return "".join(char if "!" <= char <= "~" and char not in "+=<>" else f"+{ord(char):02X}" for char in text)


def fits_envid(text: str) -> bool:
    """Whether this can be an ENVID (RFC 3461 section 4.4)."""
    return bool(text) and text.isascii() and text.isprintable() and len(xtext(text)) <= _LONGEST_ENVID
