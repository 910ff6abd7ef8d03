"""Html as a flat list: what opens, what is said, what closes, in the order of the tree that a browser makes of it.

Knows the tokens of HTML (section 13.2.5) and which elements close by themselves (13.1.2.4, 13.2.6): `</p>`, `</li>` and
`</head>` may be left out. Must not know what any of it means to a reader. Anybody may have written the html: nothing
raises, and time and memory are linear in its size, which no tree builder that was measured holds to (docs/messages.md).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from html import unescape
from html.entities import html5
from typing import TYPE_CHECKING, TypeAlias

from sendkit._reading import html_names as names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAME, _VALUE = r"[^ \t\n\f/>][^ \t\n\f/>=]*", r"""(?:"[^"]*"|'[^']*'|[^ \t\n\f>"'][^ \t\n\f>]*)"""
_SPACE = r"[ \t\n\f]*"
_ATTRIBUTES = re.compile(rf"({_NAME})(?:{_SPACE}={_SPACE}({_VALUE})?)?")
_TAG = re.compile(rf"<(/?)([a-zA-Z][^ \t\n\f/>]*)((?:[ \t\n\f/]++|{_NAME}(?:{_SPACE}={_SPACE}{_VALUE}?)?)*+)>")
_MARKUP = re.compile(r"<(?=[a-zA-Z!?]|/.)", re.DOTALL)
_COMMENT_END = re.compile(r"--!?>")
_RAW_END = {name: re.compile(rf"</{name}(?=[ \t\n\f/>])", re.IGNORECASE) for name in names.RAW}
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")  # beyond every character, and `int` refuses very long ones
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*)(;?)(=?)")


@dataclass(slots=True, eq=False)
class Element:
    """An element where it opens: its name, and its attributes as they were written."""

    name: str
    written: str = field(repr=False)
    nested: bool = False  # for a table: whether there is another one in it
    items: int = 0  # of a list
    skipped: bool = False  # both for who reads it
    styled: bool = False

    def attributes(self) -> dict[str, str]:
        """The attributes, decoded; the first of a name counts."""
        found: dict[str, str] = {}
        for match in _ATTRIBUTES.finditer(self.written):
            value = match[2] or ""
            value = value[1:-1] if value[:1] in {'"', "'"} else value
            found.setdefault(match[1].lower(), attribute_value(value) if "&" in value else value)
        return found


@dataclass(slots=True, eq=False)
class Closed:
    """The end of an element."""

    element: Element


Event: TypeAlias = "str | Element | Closed"


def attribute_value(text: str) -> str:
    """Decode references as in an attribute: `&region=eu` is no `&reg`, where in text it is (section 13.2.5.73)."""
    return _unescaped(_NAMED.sub(_kept_in_attribute, text))


def _kept_in_attribute(match: re.Match[str]) -> str:
    name, end, equals = match.groups()
    known = name + end in html5 and not (equals and not end)
    return match[0] if known else f"&amp;{match[0][1:]}"


def _unescaped(text: str) -> str:
    return unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def events_of(html: str) -> list[Event]:
    """The events of html: elements where they open, texts with their references decoded, and the ends of elements."""
    tree = _Tree()
    text = html.replace("\r\n", "\n").replace("\r", "\n") if "\r" in html else html
    for token in _tokens(text.replace("\0", "")):
        tree.take(token)
    tree.close_all()
    return tree.events


def _tokens(html: str) -> Iterator[str | tuple[str, str, str]]:
    """Texts, and tags as (slash, name, attributes). What never ends is dropped with all behind it, as browsers do."""
    start = 0
    while (found := _MARKUP.search(html, start)) is not None:
        position = found.start()
        if start < position:
            yield _unescaped(html[start:position])
        match = _TAG.match(html, position)
        if match is not None:
            slash, name, _ = tag = (match[1], match[2].lower(), match[3])
            yield tag
            start = match.end()
            if name in names.RAW and not slash and not _closes_itself(match[3]):
                closing = _RAW_END[name].search(html, start)
                stop = len(html) if closing is None else closing.start()
                if start < stop:
                    yield _unescaped(html[start:stop]) if name in names.ESCAPABLE else html[start:stop]
                start = stop
        elif html[position + 1] in "!?" or not html[position + 1 :].lstrip("/")[:1].isalpha():
            start = _past_comment(html, position)
        else:
            return  # a tag that never ends
    if start < len(html):
        yield _unescaped(html[start:])


def _closes_itself(written: str) -> bool:
    # Of no meaning in HTML, but XHTML is sent as well; a slash may end the value of an attribute.
    return written.endswith("/") and written[-2:-1] in {"", " ", "\n", '"', "'"}


def _past_comment(html: str, position: int) -> int:
    if html.startswith("<!--", position):
        match = _COMMENT_END.search(html, position + 2)
        return len(html) if match is None else match.end()
    return html.find(">", position) + 1 or len(html)


class _Tree:
    """The open elements, and where each name stands among them, so that nothing is ever looked for step by step."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._open: list[Element | None] = []  # None for one that was closed while others in it stay open
        self._depths: defaultdict[str, list[int]] = defaultdict(list)
        self._scopes: list[int] = [-1]  # the depths of cells and their like, which hide what is open around them
        self._blocks: list[int] = [-1]
        self._foreign = 0  # how many svg are open

    def take(self, token: str | tuple[str, str, str]) -> None:
        if isinstance(token, str):
            self.events.append(token)
        elif token[0]:
            self._end(token[1])
        else:
            self._start(token[1], token[2])

    def close_all(self) -> None:
        self._close_to(0)

    def _last(self, several: Iterable[str]) -> int:
        last = -1
        for name in several:
            if (depths := self._depths.get(name)) and depths[-1] > last:
                last = depths[-1]
        return last

    def _start(self, name: str, written: str) -> None:
        if name in names.FRAME:
            return
        if self._foreign and name in names.NOT_FOREIGN:
            self._close_to(self._depths["svg"][0])
        if name in names.ENDING:
            self._close_what_ends_before(name)
        element = Element(name, written)
        self.events.append(element)
        if (
            name == "li"
            and (depth := self._last(("ol", "ul", "menu"))) >= 0
            and (outer := self._open[depth]) is not None
        ):
            outer.items += 1
        if name in names.VOID or (_closes_itself(written) and (self._foreign or name in names.RAW or name == "svg")):
            self.events.append(Closed(element))
            return
        depth = len(self._open)
        self._open.append(element)
        self._depths[name].append(depth)
        if name not in names.INLINE:
            self._push_block(name, depth)

    def _push_block(self, name: str, depth: int) -> None:
        self._blocks.append(depth)
        if name in names.SCOPES:
            self._scopes.append(depth)
        if name == "table" and len(outer := self._depths[name]) > 1 and (around := self._open[outer[-2]]) is not None:
            around.nested = True
        self._foreign += name == "svg"

    def _close_what_ends_before(self, name: str) -> None:
        scope = self._scopes[-1]
        if (depth := self._last(("p",))) > scope and name in names.ENDS_PARAGRAPH and depth > self._last(("button",)):
            self._close_to(depth)
        if (rule := names.ENDED_BY.get(name)) is not None:
            closed, kept_by = rule
            kept = max(self._last(kept_by), -1 if "table" in kept_by else scope)
            found = [depths[-1] for one in closed if (depths := self._depths.get(one)) and depths[-1] > kept]
            if found:
                self._close_to(min(found))
        elif name in names.HEADINGS and self._open and (top := self._open[-1]) and top.name in names.HEADINGS:
            self._close_to(len(self._open) - 1)
        elif name in names.NOT_IN_ITSELF and self._last((name,)) > scope:
            self._end(name)

    def _end(self, name: str) -> None:
        if name in names.ENDS_ALONE and (name == "br" or self._last(("p",)) <= self._scopes[-1]):
            self._start(name, "")
        depth = self._last(names.HEADINGS if name in names.HEADINGS else (name,))
        if depth < 0 or depth < (self._last(("table",)) if name in names.TABLE_PARTS else self._scopes[-1]):
            return
        element = self._open[depth]
        if name in names.INLINE and self._blocks[-1] > depth and element is not None:
            self.events.append(Closed(element))
            self._open[depth] = None
            self._depths[name].pop()
            return
        self._close_to(depth)

    def _close_to(self, depth: int) -> None:
        while len(self._open) > depth:
            element = self._open.pop()
            for depths in (self._scopes, self._blocks):
                if depths[-1] == len(self._open):
                    depths.pop()
            if element is not None:
                self._depths[element.name].pop()
                self._foreign -= element.name == "svg"
                self.events.append(Closed(element))
