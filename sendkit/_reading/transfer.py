"""Media types and transfer encodings as mail readers take them (RFC 2045), where `email` is stricter or says nothing.

Knows which type and encoding a part has, and what it holds without it. Must not know what is in a part.
"""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from email.message import Message

FIELD: Final = "Content-Transfer-Encoding"
IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary"})
_REAL = frozenset({"base64", "uuencode", "uue"})
_COMMENT = re.compile(r"\([^()]*\)")
_BESIDE_THE_WORD = re.compile(rf"{_COMMENT.pattern}|[\s\";,]+")


def types_of(part: Message) -> tuple[str, ...]:
    """The media types that a part says it has, in lower case, without comments and blanks; none where it says nothing.

    More than one where the field stands there more than once, of which each reader takes another.
    """
    fields = [_COMMENT.sub("", str(field)).partition(";")[0] for field in part.get_all("Content-Type", [])]
    return tuple("".join(field.split()).lower() for field in fields)


def encoding_of(part: Message) -> str:
    """The encoding that a part says it has, in lower case; "" where it says nothing.

    Without comments, blanks, quotes and parameters: `email` takes `base64;` for no encoding.
    """
    words = _BESIDE_THE_WORD.sub(" ", str(part.get(FIELD, ""))).split()
    return words[0].lower() if words else ""


def decoded(part: Message) -> bytes:
    """The octets of a leaf without its transfer encoding, or as they are where it cannot be undone."""
    return _read(part, encoding_of(part))


def encoded(part: Message) -> bytes:
    """The octets of a leaf as they stand in the message."""
    return _read(part, "8bit")


def can_be_undone(part: Message) -> bool:
    """Whether what a part holds is known: an `x-` encoding says nothing of it, and base64 may be broken.

    A word without `x-` that nobody knows (`8-bit`, `utf-8`) is a slip, and no encoding.
    """
    encoding = encoding_of(part)
    if encoding not in _REAL and not encoding.startswith("x-"):
        return True
    return b"".join(decoded(part).split()) != b"".join(encoded(part).split())  # `email` may drop the line ends


def _read(part: Message, encoding: str) -> bytes:
    bare = copy(part)
    del bare[FIELD]  # of the copy alone, which gets a list of fields of its own here
    bare[FIELD] = encoding or "7bit"
    data = bare.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""
