"""Plain text made from html: for readers that show no html, and for filters that mistrust a message without text.

Knows that html often holds what strangers wrote: time and text are linear in its size, and where the html is larger
than anybody reads as text (512 Ki characters), or the parser gives up on it, a short note stands for the text.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "main",
        "nav",
        "section",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "caption",
        "tr",
    ]
)
_PARAGRAPHS = frozenset(
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "table", "blockquote", "dl", "figure"]
)
_SILENT = frozenset(["script", "style", "head", "title", "template", "noscript", "svg"])
_MAX_HTML = 512 * 1024  # characters
_MAX_INDENT = 8  # levels of lists
NOTE = "This message can only be read as HTML.\n"


def text_of(html: str) -> str:
    """Readable text: paragraphs and lists on lines, links with their target, table cells divided by bars.

    NOTE where `html` has over 512 Ki characters, or the parser gives up on it. Never raises.
    """
    if len(html) > _MAX_HTML:
        return NOTE
    reader = _Reader()
    try:
        # A tag that never ends is dropped with what follows, as browsers do. `close()` would read it again as text,
        # in quadratic time (CVE-2025-6069); the line end makes `feed` give out the last words without it.
        reader.feed(f"{html}\n")
    except (AssertionError, ValueError):  # `<![x`, and a character reference of over 4,300 digits
        return NOTE
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._silent = ""
        self._silent_depth = 0
        self._lists: list[int | None] = []
        self._link: tuple[str, int] | None = None
        self._preformatted = 0
        self._cells = 0

    def text(self) -> str:
        text = "".join(self._out).replace("\xa0", " ")
        text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n ") + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._silent and tag in _SILENT:
            self._silent = tag
        if tag == self._silent:
            self._silent_depth += 1
        elif not self._silent:
            self._open(tag, {name: value or "" for name, value in attrs})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._silent and tag not in _SILENT:
            self._open(tag, {name: value or "" for name, value in attrs})
            self._close(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent_depth -= 1
            self._silent = tag if self._silent_depth else ""
        elif not self._silent:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._preformatted:
            self._write(data)
            return
        words = re.sub(r"[ \t\r\n\f]+", " ", data)
        self._write(words.lstrip(" ") if self._at_line_start() or self._out[-1].endswith(" ") else words)

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        self._break(tag)
        match tag:
            case "br":
                self._write("\n")
            case "hr":
                self._break("p")
                self._write("-" * 40 + "\n\n")
            case "ul" | "ol":
                self._lists.append(0 if tag == "ol" else None)
            case "li":
                self._item()
            case "td" | "th":
                self._write(" | " if self._cells else "")
                self._cells += 1
            case "tr":
                self._cells = 0
            case "pre":
                self._preformatted += 1
            case "a":
                self._end_link()  # there are no links inside links (HTML, section 4.5.1)
                self._link = (attributes.get("href", ""), len(self._out))
            case "img":
                self._write(f"[{alt}]" if (alt := attributes.get("alt", "").strip()) else "")
            case _:
                pass

    def _close(self, tag: str) -> None:
        match tag:
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "pre":
                self._preformatted = max(0, self._preformatted - 1)
            case "a":
                self._end_link()
            case "tr":
                self._cells = 0
            case _:
                pass
        self._break(tag)

    def _item(self) -> None:
        if not self._at_line_start():
            self._write("\n")
        mark = "- "
        if self._lists and (number := self._lists[-1]) is not None:
            self._lists[-1] = number + 1
            mark = f"{number + 1}. "
        self._write("  " * min(max(0, len(self._lists) - 1), _MAX_INDENT) + mark)

    def _end_link(self) -> None:
        if self._link is None:
            return
        (target, start), self._link = self._link, None
        label = "".join(self._out[start:]).strip()
        address = target.removeprefix("mailto:")
        if address and not target.startswith(("#", "javascript:")) and label != address:
            self._write(f" ({address})" if label else address)

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS and self._out and not (tag in {"ul", "ol"} and self._lists):
            self._write("\n\n")
        elif tag in _BLOCKS and not self._at_line_start():
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._out.append(text)

    def _at_line_start(self) -> bool:
        return not self._out or self._out[-1].endswith("\n")
