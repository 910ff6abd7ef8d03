"""What the style of an element says of the text in it: whether that is hidden, has a size, and keeps its white space.

Knows the attribute `hidden`, the declarations that hide, and plain rules of a style sheet, such as `.preheader {
display: none }`. What stands in `@media` is for other screens. A size of 0 ends where an element inside has another
one, as in all mail that MJML makes. Must not know what is done with the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendkit._reading.html import Element

_TELLING = re.compile(r"style|hidden", re.IGNORECASE)
_NAMED = re.compile(r"class|id", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_DECLARATION = re.compile(r"([a-z-]+)[ \t\n\f]*:([^;]*)", re.IGNORECASE)
_ZERO = re.compile(r"[+-]?0*\.?0+(?:%|[a-z]+)?")
_RELATIVE = re.compile(r"[0-9.]+(?:em|ex|ch|%)|larger|smaller|inherit|unset")
_FONT_SIZE = re.compile(r"(?:^|[ \t\n\f])([0-9.]+(?:%|[a-z]+)?)(?=[ \t\n\f/])")
_KEPT = {"pre": True, "pre-wrap": True, "pre-line": True, "break-spaces": True, "normal": False, "nowrap": False}
_SELECTOR = re.compile(r"[a-z][a-z0-9]*[.#][\w-]+|[.#][\w-]+", re.IGNORECASE)


class Style(NamedTuple):
    """`sized` and `kept` (white space) are None where they are as around the element."""

    hidden: bool = False
    sized: bool | None = None
    kept: bool | None = None
    displayed: bool = False  # explicitly, which overrides a style sheet


_PLAIN = Style()
_GONE = Style(hidden=True)


class Styles:
    """The styles of the elements of one html."""

    def __init__(self) -> None:
        self._hidden: dict[str, bool] = {}  # by selector, and whether that is `!important`

    def sheet(self, css: str) -> None:
        """Take a style sheet; it holds for the elements that are asked for from now on."""
        for selectors, body in _rules(_COMMENT.sub("", css)):
            if "display" in body or "visibility" in body:
                important, hidden = "!important" in body.replace(" ", ""), style_of(body).hidden
                for selector in map(str.strip, selectors.split(",")):
                    if _SELECTOR.fullmatch(selector) is None:
                        continue
                    if hidden:
                        self._hidden[selector] = important
                    else:
                        self._hidden.pop(selector, None)

    def of(self, element: Element) -> Style:
        """The style of an element."""
        written = element.written
        if len(written) < 5 or not (_TELLING.search(written) or (self._hidden and _NAMED.search(written))):
            return _PLAIN
        attributes = element.attributes()
        if "hidden" in attributes:
            return _GONE
        found = style_of(attributes["style"]) if "style" in attributes else _PLAIN
        if self._hidden and not found.hidden and self._hides(element.name, attributes, displayed=found.displayed):
            return _GONE
        return found

    def _hides(self, name: str, attributes: dict[str, str], *, displayed: bool) -> bool:
        labels = [f".{one}" for one in attributes.get("class", "").split()] + [f"#{attributes.get('id', '')}"]
        found = [self._hidden[key] for one in labels for key in (one, name + one) if key in self._hidden]
        return any(found) or (bool(found) and not displayed)


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of the rules that stand in no other one."""
    depth, selectors = 0, ""
    pieces = re.split(r"([{}])", css)
    for text, brace in zip(pieces[::2], pieces[1::2], strict=False):
        if brace == "{":
            if not depth:
                selectors = text.rpartition(";")[2]
            depth += 1
        elif depth:
            depth -= 1
            if not depth and "@" not in selectors:
                yield selectors, text


@lru_cache(maxsize=512)
def style_of(text: str) -> Style:
    """What declarations say. Never raises."""
    said = _declarations(_COMMENT.sub("", text) if "/*" in text else text)
    display = said.get("display")
    size, font = said.get("font-size"), _FONT_SIZE.search(said.get("font", ""))
    if size is None and font is not None:
        size = font[1]
    return Style(
        hidden=_hides(said),
        sized=None if size is None or (_RELATIVE.fullmatch(size) and not _zero(size)) else not _zero(size),
        kept=_KEPT.get(said.get("white-space", "")),
        displayed=display is not None and display != "none",
    )


def _declarations(text: str) -> dict[str, str]:
    said: dict[str, str] = {}
    important: set[str] = set()
    for name, value in _DECLARATION.findall(text):
        key, (plain, mark, _) = name.lower(), value.lower().partition("!")
        if mark:
            important.add(key)
        if mark or key not in important:
            said[key] = plain.strip()
    return said


def _hides(said: dict[str, str]) -> bool:
    clipped = said.get("overflow", "") in {"hidden", "clip"}
    return (
        said.get("display") == "none"
        or said.get("visibility") in {"hidden", "collapse"}
        or said.get("mso-hide") == "all"
        or any(_zero(said.get(name, "")) for name in ("max-height", "opacity"))
        or (clipped and any(_zero(said.get(name, "")) for name in ("height", "width", "max-width")))
    )


def _zero(value: str) -> bool:
    return _ZERO.fullmatch(value) is not None
