"""The text of a content as far as it takes no time to read: to see whether it quotes what we have logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendkit._smtp.content import Content

_MOST = 1_000_000  # octets


def text_of(content: Content) -> str:
    """Head and body with their lines joined (RFC 5322 2.2.3, RFC 2045 6.7); without the content of files."""
    if content.stored or content.size > _MOST:
        return ""
    text = b"".join(content.blocks()).decode("latin-1")
    return text.replace("=\r\n", "").replace("\r\n ", " ").replace("=3D", "=")
