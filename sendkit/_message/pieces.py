"""Content in pieces: octets at hand, and large ones that become base64 only on their way out, block by block.

Knows sizes before anything is read. Must not know what the pieces mean.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sendkit._message.octets import base64_lines, base64_size, blocks
from sendkit._message.stored import BLOCK, SMALL_FILE, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


Octets: TypeAlias = bytes | StoredFile


@dataclass(slots=True, frozen=True)
class Encoded:
    """Octets, or a file, to be sent in base64."""

    source: Octets = field(repr=False)

    @property
    def size(self) -> int:
        """Octets of base64, line ends included."""
        return base64_size(len(self.source) if isinstance(self.source, bytes) else self.source.size)

    def blocks(self) -> Iterator[bytes]:
        """The base64 in blocks of whole lines. Raises MessageError when the file has changed."""
        return map(base64_lines, _raw(self.source))


Piece: TypeAlias = bytes | Encoded


def encoded(source: Octets) -> Piece:
    """The source in base64: now if it is small, or else when it leaves."""
    return base64_lines(source) if isinstance(source, bytes) and len(source) <= SMALL_FILE else Encoded(source)


def whole(source: Octets) -> bytes:
    """All octets, read now."""
    return source if isinstance(source, bytes) else b"".join(source.blocks())


def is_utf8(source: Octets) -> bool:
    """Whether the octets are UTF-8 text; a file is read for it, block by block."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _raw(source):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _raw(source: Octets) -> Iterator[bytes | memoryview]:
    if isinstance(source, StoredFile):
        return source.blocks()
    view = memoryview(source)
    return (view[start : start + BLOCK] for start in range(0, len(view), BLOCK))


def packed(pieces: Sequence[Piece]) -> tuple[int, tuple[Piece, ...], Sequence[StoredFile]]:
    """The same content in as few pieces as can be: its size, these pieces, and the files that are still to be read."""
    octets: Sequence[Any] = pieces
    try:
        one = b"".join(octets)
    except TypeError:  # one of few that are not octets throughout
        return _packed(pieces)
    return len(one), (one,), ()


def _packed(pieces: Sequence[Piece]) -> tuple[int, tuple[Piece, ...], Sequence[StoredFile]]:
    found: list[Piece] = []
    run: list[bytes] = []
    files: list[StoredFile] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            run.append(piece)
            continue
        if isinstance(piece.source, StoredFile):
            files.append(piece.source)
        found += [b"".join(run), piece]
        run = []
    found.append(b"".join(run))
    size = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in found)
    return size, tuple(found), files


def blocks_of(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """All octets in order, in blocks of which none ends between CR and LF. Raises MessageError."""
    held = b""  # a short piece leaves with the block behind it, not in a packet of its own
    for piece in pieces:
        if isinstance(piece, bytes) and len(piece) < SMALL_FILE:
            held += piece
            continue
        for block in blocks(piece) if isinstance(piece, bytes) else piece.blocks():
            yield held + block if held else block
            held = b""
    if held:
        yield held
