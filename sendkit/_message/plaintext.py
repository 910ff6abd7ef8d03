"""Plain text made from html: for readers that show no html, and for filters that mistrust a message without text."""

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


def text_of(html: str) -> str:
    """Readable text: paragraphs and lists on lines, links with their target, table cells divided by bars."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._silent: list[str] = []
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int]] = []
        self._preformatted = 0
        self._cells = 0

    def text(self) -> str:
        text = "".join(self._out).replace("\xa0", " ")
        text = re.sub(r"[ \t]+\n", "\n", text)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n ") + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        if not self._silent:
            self._open(tag, {name: value or "" for name, value in attrs})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._silent and tag not in _SILENT:
            self._open(tag, {name: value or "" for name, value in attrs})
            self._close(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            # An end tag closes the innermost element of its name; what was left open inside goes with it.
            if tag in self._silent:
                del self._silent[len(self._silent) - 1 - self._silent[::-1].index(tag) :]
            return
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
                self._links.append((attributes.get("href", ""), len(self._out)))
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
            case "a" if self._links:
                self._end_link(*self._links.pop())
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
        self._write("  " * max(0, len(self._lists) - 1) + mark)

    def _end_link(self, target: str, start: int) -> None:
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
