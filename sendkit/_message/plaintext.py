"""Plain text made from html: for readers that show no html, and for filters that mistrust a message without text.

Knows what a mail reader shows: `noscript`, for no mail reader runs scripts; not a preheader that is hidden, nor the
characters that fill it up. Html often holds what strangers wrote: time and text are linear in its size, and where the
html is larger than anybody reads as text (512 Ki characters), a short note stands for the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendkit._message.grid import Grid
from sendkit._message.hidden import Styles
from sendkit._message.lines import Lines
from sendkit._message.numbers import Numbers, whole
from sendkit._reading.html import Closed, Element, events_of

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "legend", "main", "nav", "option",
    "section", "summary", "table", "tbody", "thead", "tfoot", "caption", "tr", "td", "th",
})  # fmt: skip
_PARAGRAPHS = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "menu", "pre", "table", "blockquote", "dl", "figure",
    "xmp",
})  # fmt: skip
_SILENT = frozenset({
    "script", "style", "title", "template", "svg", "iframe", "noembed", "noframes", "datalist",
})  # fmt: skip
_INVISIBLE = "\u034f\u00ad\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff"
_FILLER = re.compile(rf"[\u2007\xa0 ]*[{_INVISIBLE}](?:[\u2007\xa0 ]*[{_INVISIBLE}]){{2,}}[\u2007\xa0 ]*")
_ALONE = re.compile(rf"(?<!\S)[{_INVISIBLE}]+(?!\S)")  # which joins nothing
_NOT_SHOWN = re.compile(r"#|(?:javascript|vbscript|data):", re.IGNORECASE)
_SCHEME = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\n\f]+")
_MAX_HTML = 512 * 1024  # characters
NOTE = "This message can only be read as HTML.\n"


def text_of(html: str) -> str:
    """Readable text: paragraphs and lists on lines, links with their target, tables of data in columns.

    NOTE where `html` has over 512 Ki characters. Never raises.
    """
    if len(html) > _MAX_HTML:
        return NOTE
    reader = _Reader()
    for event in events_of(html):
        reader.take(event)
    return reader.text()


class _Reader:
    """Reads the events of html one by one, and writes lines."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._outer: Lines | None = None  # what is around the table whose cells are read now
        self._grid: Grid | None = None
        self._hidden = 0
        self._preformatted = 0
        self._lists: list[Numbers | None] = []
        self._link: tuple[str, list[str]] | None = None
        self._styles = Styles()
        self._in_sheet = False
        # Elements with a size or white space of their own, with both as they are in them.
        self._styled: list[tuple[Element, bool, bool]] = []

    def text(self) -> str:
        return self._lines.text()

    def take(self, event: str | Element | Closed) -> None:
        if isinstance(event, str):
            if self._in_sheet:
                self._styles.sheet(event)
            elif not self._hidden:
                self._say(event)
        elif isinstance(event, Closed):
            self._close(event.element)
        elif self._hidden or event.name in _SILENT or self._is_hidden(event):
            event.skipped = True
            self._hidden += 1
            self._in_sheet = event.name == "style"
        else:
            self._open(event)

    def _is_hidden(self, element: Element) -> bool:
        style = self._styles.of(element)
        if not style.hidden and (style.sized is not None or style.kept is not None):
            _, sized, kept = self._styled[-1] if self._styled else (None, True, False)
            element.styled = True
            own = (sized if style.sized is None else style.sized, kept if style.kept is None else style.kept)
            self._styled.append((element, *own))
        return style.hidden

    def _say(self, text: str) -> None:
        _, sized, kept = self._styled[-1] if self._styled else (None, True, False)
        if not sized:
            return
        if self._preformatted or (kept and not text.isspace()):
            self._lines.preformatted(text.replace("\xa0", " "))
            if self._link is not None:
                self._link[1].append(text)
            return
        words = _SPACES.sub(" ", text)
        if not words.isascii():
            words = _FILLER.sub(" ", words).replace("\xad", "").replace("\u200b", "").replace("\ufeff", "")
            words = _ALONE.sub("", words).replace("\xa0", " ")
        self._write(words)

    def _write(self, text: str) -> None:
        if self._link is not None:
            self._link[1].append(text)
        self._lines.write(text)

    def _open(self, element: Element) -> None:
        name = element.name
        self._break(name)
        if (act := _OPENS.get(name)) is not None:
            act(self, element)

    def _close(self, element: Element) -> None:
        self._in_sheet = False
        if element.styled:
            element.styled = False
            while self._styled and not self._styled[-1][0].styled:
                self._styled.pop()
        self._hidden -= element.skipped
        if self._hidden or element.skipped:
            return
        if (act := _CLOSES.get(element.name)) is not None:
            act(self)
        self._break(element.name)

    def _break(self, name: str) -> None:
        if name in _PARAGRAPHS and not (name in {"ul", "ol", "menu"} and self._lists):
            self._lines.end(blank=True)
        elif name in _PARAGRAPHS or name in _BLOCKS:
            self._lines.end()

    def rule(self, _element: Element) -> None:
        self._lines.end(blank=True)
        self._lines.write("-" * 40)
        self._lines.end(blank=True)

    def new_line(self, _element: Element) -> None:
        self._lines.new_line()

    def open_list(self, element: Element) -> None:
        self._lists.append(Numbers.of(element) if element.name == "ol" else None)
        self._lines.indent()

    def close_list(self) -> None:
        if self._lists:
            self._lists.pop()
            self._lines.outdent()

    def item(self, element: Element) -> None:
        numbers = self._lists[-1] if self._lists else None
        self._lines.begin_item("- " if numbers is None else numbers.mark(element.attributes().get("value")))

    def end_item(self) -> None:
        self._lines.end_item()

    def open_pre(self, _element: Element) -> None:
        self._preformatted += 1
        self._lines.begin_preformatted()

    def close_pre(self) -> None:
        self._preformatted -= 1

    def open_link(self, element: Element) -> None:
        self._link = (re.sub(r"[\t\n\r]", "", element.attributes().get("href", "")).strip(), [])

    def end_link(self) -> None:
        if self._link is None:
            return
        (target, said), self._link = self._link, None
        label = "".join(said).strip()
        address = _SCHEME.sub("", target)
        if address and not _NOT_SHOWN.match(target) and label not in {address, target}:
            self._lines.target(f"({address})" if label else address)

    def picture(self, element: Element) -> None:
        if alt := " ".join(element.attributes().get("alt", "").split()):
            self._write(f"[{alt}]")

    def open_table(self, element: Element) -> None:
        role = element.attributes().get("role", "").strip().lower()
        if self._grid is None and not element.nested and role not in {"presentation", "none"}:
            self._grid, self._outer = Grid(), self._lines

    def close_table(self) -> None:
        if self._grid is not None and self._outer is not None:
            grid, self._grid, self._lines = self._grid, None, self._outer
            self._lines.lines(grid.rows())

    def row(self, _element: Element) -> None:
        if self._grid is not None:
            self._grid.new_row()

    def cell(self, element: Element) -> None:
        if self._grid is not None:
            attributes = element.attributes()
            across, down = (whole(attributes.get(name), 1) for name in ("colspan", "rowspan"))
            self._lines = self._grid.new_cell(head=element.name == "th", across=across, down=down)

    def end_cell(self) -> None:
        if self._grid is not None and self._outer is not None:
            self._lines = self._outer  # text between cells goes before the table (section 13.2.6.1)


_OPENS: dict[str, Callable[[_Reader, Element], None]] = {
    "a": _Reader.open_link,
    "br": _Reader.new_line,
    "hr": _Reader.rule,
    "img": _Reader.picture,
    "li": _Reader.item,
    "menu": _Reader.open_list,
    "ol": _Reader.open_list,
    "pre": _Reader.open_pre,
    "table": _Reader.open_table,
    "textarea": _Reader.open_pre,
    "td": _Reader.cell,
    "th": _Reader.cell,
    "tr": _Reader.row,
    "ul": _Reader.open_list,
    "xmp": _Reader.open_pre,
}
_CLOSES: dict[str, Callable[[_Reader], None]] = {
    "a": _Reader.end_link,
    "li": _Reader.end_item,
    "menu": _Reader.close_list,
    "ol": _Reader.close_list,
    "pre": _Reader.close_pre,
    "table": _Reader.close_table,
    "td": _Reader.end_cell,
    "textarea": _Reader.close_pre,
    "th": _Reader.end_cell,
    "ul": _Reader.close_list,
    "xmp": _Reader.close_pre,
}
