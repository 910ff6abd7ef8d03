"""A server at a unix socket, written as `unix:///run/smtp.sock` (RFC 3986; unix(7) has the limit of its length)."""

from __future__ import annotations

from urllib.parse import quote, unquote

_SCHEME = "unix:"
_LONGEST = 107  # sun_path has 108 octets with its end on Linux, and 104 elsewhere
_SAFE = "/!$&'()*+,;=:@"


def is_unix(host: str) -> bool:
    """Whether a host is written as a unix socket."""
    return str(host)[: len(_SCHEME)].lower() == _SCHEME  # pydantic says of what is no text that it is none


def canonical_unix(host: str) -> str:
    """The one form of the address. Raises ValueError for what is none."""
    path = host[len(_SCHEME) :]
    path = path[2:] if path.startswith("//") else path
    try:
        path = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("the path of a unix socket must be UTF-8") from None
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError("a unix socket is written unix:///run/smtp.sock, with its whole path")
    if not path.isprintable():
        raise ValueError("the path of a unix socket has control characters in it")
    if len(path.encode()) > _LONGEST:
        raise ValueError(f"the path of a unix socket has at most {_LONGEST} octets")
    return f"{_SCHEME}//{quote(path, safe=_SAFE)}"


def unix_path(host: str) -> str:
    """The path of the socket."""
    return unquote(host[len(_SCHEME) + 2 :])
