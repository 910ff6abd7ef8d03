"""What a client asked for in the parameters of MAIL and RCPT: the reverse of the table that writes them.

RFC 3461 section 4, RFC 8689 section 2, RFC 4865 section 4. Must not know what a server offers, or says.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from functools import cache
from typing import NamedTuple

from sendkit._submission import SubmissionOptions
from sendkit.errors import MessageError

_HEX = re.compile(r"\+([0-9A-F]{2})")
_ORCPT = re.compile(r"[!-~]+;[!-~]+")
_RETURNED = {"HDRS": "headers", "FULL": "full"}
_NAMES = {
    "RET": ("ret", "DSN"),
    "ENVID": ("envid", "DSN"),
    "NOTIFY": ("notify", "DSN"),
    "ORCPT": ("orcpt", "DSN"),
    "REQUIRETLS": ("require_tls", "REQUIRETLS"),
    "HOLDFOR": ("hold_for", "FUTURERELEASE"),
    "HOLDUNTIL": ("hold_until", "FUTURERELEASE"),
}
_EVERYTHING = frozenset(extension for _, extension in _NAMES.values())


class Read(NamedTuple):
    """The options that some words ask for, and the other words."""

    options: SubmissionOptions
    others: list[str]


def read(words: Iterable[str], offered: Container[str] = _EVERYTHING) -> Read:
    """Take the parameters of these extensions from the words of a command line.

    Raises MessageError for a value that its RFC does not allow; `field` is the parameter.
    """
    found: dict[str, object] = {}
    others: list[str] = []
    for word in words:
        name, _, value = word.partition("=")
        option, extension = _NAMES.get(name.upper(), ("", ""))
        if extension not in offered:
            others.append(word)
        elif option in found:
            raise _wrong(name, "it is there twice")
        else:
            found[option] = _value(option, value)
    if not found.pop("orcpt", True):
        raise _wrong("ORCPT", "it is not type;address")
    options = SubmissionOptions(**found) if found else _none()  # type: ignore[arg-type]  # they are checked there
    return Read(options, others)


@cache
def _none() -> SubmissionOptions:
    return SubmissionOptions()  # one for most messages: pydantic takes as long for it as a transaction for a recipient


def _value(option: str, value: str) -> object:
    match option:
        case "require_tls":
            return not value
        case "ret":
            return _RETURNED.get(value.upper(), value)
        case "envid":
            return _HEX.sub(lambda found: chr(int(found[1], 16)), value)
        case "hold_for":
            return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else value
        case "orcpt":
            return _ORCPT.fullmatch(value) is not None
        case _:
            return value


def _wrong(name: str, words: str) -> MessageError:
    return MessageError(f"{name}: {words}", field=name.upper(), hint="RFC 3461 section 4 says how it is written")
