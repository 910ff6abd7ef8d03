"""Suggests the right name for an unknown one. Knows the words that other libraries have for the same things."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Returned = TypeVar("_Returned")

_ELSEWHERE = {
    "attach": "attachments",
    "attachment": "attachments",
    "body": "text",
    "content": "text",
    "email": "to",
    "files": "attachments",
    "from": "sender",
    "from_": "sender",
    "from_addr": "sender",
    "from_email": "sender",
    "html_body": "html",
    "hostname": "host_or_server",
    "host": "host_or_server",
    "images": "inline",
    "login": "username",
    "message": "text",
    "pass": "password",
    "passwd": "password",
    "plain": "text",
    "pwd": "password",
    "recipient": "to",
    "recipients": "to",
    "replyto": "reply_to",
    "server": "host_or_server",
    "ssl": "security",
    "start_tls": "security",
    "starttls": "security",
    "smtp_server": "host_or_server",
    "timeout": "deadline",
    "title": "subject",
    "to_addrs": "to",
    "tls": "security",
    "use_ssl": "security",
    "use_tls": "security",
    "user": "username",
    "user_name": "username",
}


def meant(name: str, known: Iterable[str]) -> str | None:
    """The one known name that was meant most likely; None where nothing is near."""
    names = [one for one in known if one not in ("self", "cls")]
    if (usual := _ELSEWHERE.get(name.lower())) in names:
        return usual
    import difflib  # noqa: PLC0415 - it serves this one error

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return near[0] if near else None


def unexpected(
    function: str, name: str, known: Iterable[str], *, elsewhere: Callable[[str], str | None] | None = None
) -> TypeError:
    """The error of Python for a wrong keyword, with the one that was meant, or where else it is known."""
    place = elsewhere(name) if elsewhere else None
    near = None if place else meant(name, known)
    told = f"; {place}" if place else f"; did you mean {near!r}?" if near else ""
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}{told}")


def knows_keywords(function: Callable[_Parameters, _Returned]) -> Callable[_Parameters, _Returned]:
    """The function, which says of a wrong keyword what was meant."""
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def checking(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Returned:
        for name in kwargs:
            if name not in known:
                raise unexpected(function.__qualname__, name, known)
        return function(*args, **kwargs)

    return checking
