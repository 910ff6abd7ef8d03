"""Which characters may stand in a header, and in its name (RFC 5322 section 2.2). One judge for every string."""

from __future__ import annotations

import functools
import re
import unicodedata

from sendkit._smtp.address import LINE_BREAKS
from sendkit.errors import MessageError

_FIELD_NAME = re.compile(r"[!-9;-~]{1,70}")
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}


def forbidden(text: str) -> str | None:
    """The first character that would end a header line, or that no encoding can carry, such as `U+0000`; or None."""
    if text.isprintable():
        return None
    found = next((char for char in text if unicodedata.category(char) in _FORBIDDEN), None)
    return found and f"U+{ord(found):04X}" + (" (a line break)" if found in LINE_BREAKS else "")


def check_text(field: str, text: str) -> None:
    """Refuse controls, line separators and lone surrogates in what goes into a header. Raises MessageError."""
    if not text.isprintable() and (found := forbidden(text)):
        octets = "U+D800" <= found <= "U+DFFF"  # what is left of a text that was decoded with another encoding
        hint = "take control characters and line ends out"
        hint = f"decode it with the right encoding first, and {hint}" if octets else hint
        raise MessageError(f"{field}: {text[:80]!r} holds {found}", field=field, hint=hint)


@functools.lru_cache(maxsize=256)
def check_field_name(field: str, name: str) -> None:
    """Refuse a header name that RFC 5322 section 3.6.8 does not allow. Raises MessageError."""
    if _FIELD_NAME.fullmatch(name) is None:
        raise MessageError(
            f"{field}: {name[:80]!r} is not a header name", field=field, hint="letters, digits and hyphens, 70 at most"
        )
