"""Pictures that stand within html as `data:` URIs, which Gmail and Outlook do not show, as inline parts (RFC 2397).

Each becomes a part named after its octets, so that the same html gives the same message. What is not a picture, or
cannot be decoded, stays as it is. Linear time.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from hashlib import blake2b
from urllib.parse import unquote_to_bytes

from sendkit._message.attachment import Attachment

_URI = re.compile(
    r"""((?:\b(?:src|background|poster)[ \t\n]*=[ \t\n]*|url\([ \t\n]*)["']?)data:(image/[a-z0-9.+-]{1,60})"""
    r"""((?:;[a-z0-9=_.-]{1,60}){0,5}),([^"'<>)]*)""",
    re.IGNORECASE,
)


def with_parts(html: str) -> tuple[str, dict[str, Attachment]]:
    """The html with `cid:` in place of data, and the pictures by their names."""
    pictures: dict[str, Attachment] = {}

    def taken(match: re.Match[str]) -> str:
        before, kind, options, data = match.groups()
        octets = _decoded(data, base64=options.lower().endswith(";base64"))
        if not octets:
            return match[0]
        name = f"data-{blake2b(octets, digest_size=8).hexdigest()}"
        ending = kind.lower().partition("/")[2].removesuffix("+xml")
        pictures[name] = Attachment(
            filename=f"{name}.{ending}", content_type=kind.lower(), content_id=name, data=octets
        )
        return f"{before}cid:{name}"

    return _URI.sub(taken, html), pictures


def _decoded(data: str, *, base64: bool) -> bytes:
    octets = unquote_to_bytes(data)
    if not base64:
        return octets
    try:
        return b64decode(b"".join(octets.split()), validate=True)
    except binascii.Error:
        return b""
