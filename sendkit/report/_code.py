"""`Code` and `Log`: lines as they are, in a fixed width. What a report has no room for is attached as a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sendkit.report._block import Block, refuse
from sendkit.report._characters import clean, one_line, shortened
from sendkit.report._piece import Page, Piece
from sendkit.report._theme import BAD, INK, MONO, TILE, WARN

if TYPE_CHECKING:
    from sendkit import Attachment

_LOOK = (
    f"margin:0;font-family:{MONO};font-size:13px;line-height:19px;color:{INK};white-space:pre-wrap;word-wrap:break-word"
)
_LONGEST = 1000  # characters of a line
_TAIL = 256 * 1024  # octets of a log file that are read
_WHOLE = 5_000_000  # octets of a log file that is attached
_LEVELS = (
    (re.compile(r"\b(?:ERROR|CRITICAL|FATAL|Traceback)\b|\b\w+(?:Error|Exception):"), "neg", BAD),
    (re.compile(r"\bWARN(?:ING)?\b"), "warn", WARN),
)


@dataclass(slots=True, frozen=True)
class Code(Block):
    """Lines in a fixed width: a query, a traceback, a diff.

    `source` is the text, `caption` stands above it. What there is no room for is attached as `name`.
    """

    source: str
    _: KW_ONLY
    caption: str = ""
    name: str = "code.txt"

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.source), str):
            raise refuse(self, f"{type(self.source).__name__} is not text", field="body", hint="give a str")

    def render(self, page: Page) -> Piece:
        """Render it, each line as a row."""
        lines = clean(self.source).strip("\n").expandtabs(4).split("\n")
        name = page.name(*_split(self.name))
        return _lines(lines, self.caption, name, lambda: _attached("\n".join(lines), name), _plain, last=False)


@dataclass(slots=True, frozen=True, eq=False)
class Log(Block):
    """The last lines of a log (`source`): a text, lines, or the Path of a file. Errors and warnings stand out.

    `last` is how many are shown below the `caption`; the whole is attached as the file `name` where it has more (a file
    up to 5 MB). Read when it is made. Raises MessageError for a file that cannot be read.
    """

    source: str | Path | Iterable[str] = field(repr=False)
    _: KW_ONLY
    last: int = 40
    caption: str = ""
    name: str = "log.txt"
    _lines: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.last), int) or self.last < 1:
            raise refuse(self, f"last: {self.last!r}", field="last", hint="take a number from 1 on")
        lines = clean(_read(self.source)).strip("\n").expandtabs(4).split("\n")
        object.__setattr__(self, "_lines", tuple(lines))

    def render(self, page: Page) -> Piece:
        """Render it, each line as a row."""
        shown = self._lines[-self.last :]
        if isinstance(self.source, Path):
            name = page.name(*_split(self.source.name))
            size = self.source.stat().st_size if self.source.is_file() else 0
            files = (lambda: _attached("\n".join(self._lines), name)) if size <= _TAIL else (lambda: _large(self, size))
            attached = size <= _WHOLE
        else:
            name, attached = page.name(*_split(self.name)), True
            files = lambda: _attached("\n".join(self._lines), name)  # noqa: E731 - beside its brother above
        more = len(self._lines) > len(shown)
        return _lines(shown, self.caption, name, files, _levels, last=True, more=more, attached=attached)


def _large(log: Log, size: int) -> tuple[Attachment, ...]:
    from sendkit import Attachment  # noqa: PLC0415 - only where something was left out

    path = log.source
    return (Attachment.from_path(path, content_type="text/plain"),) if isinstance(path, Path) and size <= _WHOLE else ()


def _split(name: str) -> tuple[str, str]:
    stem, dot, ending = one_line(name).rpartition(".")
    return (stem, ending) if dot and stem else (one_line(name) or "lines", "txt")


def _read(source: object) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                file.seek(max(0, source.stat().st_size - _TAIL))
                return file.read().decode("utf-8", "replace")
        except OSError as error:
            problem = f"{str(source)!r} cannot be read: {error.strerror}"
            raise refuse("Log", problem, field="body", hint="give the path of a file that exists") from error
    if isinstance(source, Iterable) and not isinstance(source, bytes):
        return "\n".join(str(line).rstrip("\n") for line in cast("Iterable[object]", source))
    raise refuse("Log", f"{type(source).__name__} is not text", field="body", hint="give a str, lines, or a Path")


def _attached(text: str, name: str) -> tuple[Attachment, ...]:
    from sendkit import Attachment  # noqa: PLC0415 - only where something was left out

    return (Attachment.from_bytes(f"{text}\n".encode(), filename=name, content_type="text/plain; charset=utf-8"),)


def _plain(line: str) -> str:
    return escape(line, quote=False)


def _levels(line: str) -> str:
    for pattern, tone, colour in _LEVELS:
        if pattern.search(line):
            return f'<span class="{tone}" style="color:{colour}">{_plain(line)}</span>'
    return _plain(line)


def _lines(
    lines: Iterable[str],
    caption: str,
    name: str,
    files: Callable[[], tuple[Attachment, ...]],
    look: Callable[[str], str],
    *,
    last: bool,
    more: bool = False,
    attached: bool = True,
) -> Piece:
    short = [shortened(line, _LONGEST) for line in lines]
    title = one_line(caption)
    head = f'<p style="margin:0 0 6px;font-size:15px;line-height:22px;font-weight:bold;color:{INK}">{escape(title)}</p>'
    table = (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="table-layout:fixed">'
    )
    cell = f'<td class="code" bgcolor="{TILE}" style="padding:12px 14px"><pre style="{_LOOK}">'

    def note(count: int) -> str:
        if count == len(short) and not more:
            return ""
        which = f"The {'last' if last else 'first'} {count:,} lines" if count else "The lines are not shown"
        return f"{which}; all of them are in {name}." if attached else f"{which} of {name}."

    def text(count: int) -> str:
        kept = short[len(short) - count :] if last else short[:count]
        parts = [title, "\n".join(f"    {line}".rstrip() for line in kept), note(count)]
        return "\n\n".join(part for part in parts if part)

    return Piece(
        before=f"{head if title else ''}{table}<tr>{cell}",
        rows=[f"{look(line)}\n" for line in short],
        after="</pre></td></tr></table>",
        text=text,
        note=note,
        files=lambda count: files() if note(count) else (),
        last=last,
    )
