"""Mailbox lists as they stand in the header of a ready message: comments, groups and all (RFC 5322 section 3.4).

Knows what `parse_address_list` refuses and headers may hold: comments, groups (`undisclosed-recipients:;`), empty
entries between commas. What remains is judged by the same grammar; nothing is cut to another address. Linear time: a
double quote without its end is refused where it stands, and so looked for once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendkit._message.mailbox import PIECE, Mailbox, mailbox_from, refuse_open_quote
from sendkit._smtp.address import AddressError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"|[^"()]+|.', re.DOTALL)
_INSIDE = re.compile(r"\\.|[^\\()]+|.", re.DOTALL)
_MAX_MAILBOX = 1_000


def mailboxes_in(text: str) -> list[Mailbox]:
    """Read an unfolded header value. Raises AddressError for what is not a list of mailboxes or groups."""
    return [mailbox_from(pieces, encoded=True) for pieces in _split(_without_comments(text))]


def _without_comments(text: str) -> str:
    if "(" not in text and ")" not in text:
        return text
    kept: list[str] = []
    depth = 0
    match = _OUTSIDE.match(text)
    while match and depth >= 0:
        piece = match.group()
        if not depth:
            refuse_open_quote(piece, text)
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece == "(":
            kept.append(" ")
        elif not depth and piece != ")":
            kept.append(piece)
        match = (_INSIDE if depth else _OUTSIDE).match(text, match.end())
    if depth:
        raise AddressError(f"{text[:80]!r} holds a comment that is not balanced", "balance its round brackets")
    return "".join(kept)


def _split(text: str) -> Iterator[list[str]]:
    pieces: list[str] = []
    in_group = False
    length = 0
    for match in PIECE.finditer(text):
        piece = match.group()
        refuse_open_quote(piece, text)
        length += len(piece)
        if length > _MAX_MAILBOX:
            raise AddressError(f"a mailbox of over {_MAX_MAILBOX} characters: {text[:60]!r}…", "correct the header")
        if piece == ":":
            _check_group_name(pieces, text, in_group=in_group)
            pieces, in_group, length = [], True, 0
        elif piece in {",", ";"} and not _inside_brackets(pieces):
            if piece == ";" and not in_group:
                raise AddressError(f"{text[:80]!r} ends a group that was not started", "divide mailboxes with commas")
            yield from _filled(pieces)
            pieces, length = [], 0
            in_group = in_group and piece == ","
        else:
            pieces.append(piece)
    if in_group:
        raise AddressError(f"{text[:80]!r} holds a group without its end", "end it with a semicolon")
    yield from _filled(pieces)


def _filled(pieces: list[str]) -> Iterator[list[str]]:
    if "".join(pieces).strip(" \t"):
        yield pieces


def _inside_brackets(pieces: list[str]) -> bool:
    return "<" in pieces and ">" not in pieces


def _check_group_name(pieces: list[str], text: str, *, in_group: bool) -> None:
    # A source route (`<@a:b@c>`) looks like a group to a careless reader, who then mails a stranger; and the colon of
    # an address literal (`[IPv6:`) begins no group either.
    bare = "".join(piece for piece in pieces if not piece.startswith('"'))
    if in_group or not "".join(pieces).strip(" \t") or not set("@<>[]").isdisjoint(bare):
        raise AddressError(f"{text[:80]!r} holds a colon that begins no group", "source routes are not taken")
