"""What a regular expression of the tables finds, as texts that a person would paste: one for each of its branches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as names  # type: ignore[attr-defined]  # the parser of `re` has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # as above
from typing import Any

_FEW = 12


def samples(words: str | None) -> list[str]:
    """Some texts in which `words` is found, the plain ones; none where there is nothing to find."""
    if words is None:
        return []
    found = (" ".join(text.split()) for text in _texts(list(parser.parse(words, re.IGNORECASE))))
    return [text for text in dict.fromkeys(found) if len(text) > 3 and re.search(words, text, re.IGNORECASE)][:_FEW]


def _texts(items: list[Any]) -> Iterator[str]:
    """Each alternative of one level, and those of the first group that has any."""
    for number, (kind, value) in enumerate(items):
        if kind is names.BRANCH:
            for branch in value[1]:
                for text in _texts(list(branch)):
                    yield "".join([_plain(items[:number]), text, _plain(items[number + 1 :])])
            return
    yield _plain(items)


def _plain(items: list[Any]) -> str:
    """The shortest text with everything that may be left out once."""
    return "".join(_of(kind, value) for kind, value in items)


def _of(kind: object, value: Any) -> str:
    if kind is names.LITERAL:
        return chr(value)
    if kind is names.ANY:
        return " "
    if kind is names.IN:
        return _of(*value[0])
    if kind is names.RANGE:
        return chr(value[0])
    if kind is names.CATEGORY:
        return {names.CATEGORY_DIGIT: "1", names.CATEGORY_SPACE: " "}.get(value, "x")
    if kind in (names.MAX_REPEAT, names.MIN_REPEAT):
        least, _most, what = value
        return " " if next(iter(what))[0] is names.ANY else _plain(list(what)) * max(least, 1)
    if kind is names.SUBPATTERN:
        return _plain(list(value[3]))
    if kind is names.BRANCH:
        return _plain(list(value[1][0]))
    return ""
