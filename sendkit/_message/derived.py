"""The text of a merged message: the same as `text_of` makes of its html, in less time where that is possible.

Knows when a value changes nothing of the text but its own place.
"""

from __future__ import annotations

import re
from string import Template
from typing import TYPE_CHECKING

from sendkit._message.plaintext import text_of
from sendkit._reading.html import Closed, Element, events_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKED = re.compile("\ue000([^\ue001]*)\ue001+")  # characters for private use, which html may hold, but does not
_MAX_HTML = 64 * 1024  # far below the size of which no text is made
_BEGUN = re.compile("[<&][^ \\t\\n\\f<>&;]*\ue000|<xmp", re.IGNORECASE)  # a value would end what begins there


class DerivedText:
    """The text of a template of html, filled."""

    def __init__(self, html: Template) -> None:
        self._template = _text_template(html)

    def of(self, html: str, values: Mapping[str, object]) -> str:
        """The text of `html`, which is the template filled with `values`."""
        if self._template is None or not all(map(_is_plain, values.values())):
            return text_of(html)
        return self._template.substitute(values)


def _text_template(html: Template) -> Template | None:
    """The text with the placeholders of the html; None where a value may change more than its own place.

    That is within a tag, or a style sheet, which hides; within a link, whose target is left out where the label says
    it; and where a longer value moves others, as in the columns of a table.
    """
    marked = _with_marks(html, 1)
    if len(marked) > _MAX_HTML or _BEGUN.search(marked) or _in_tag_or_link(marked):
        return None
    texts = {_MARKED.sub(r"${\1}", text_of(_with_marks(html, length)).replace("$", "$$")) for length in (1, 9, 90)}
    template = Template(texts.pop())
    return template if not texts and template.is_valid() else None


def _with_marks(html: Template, length: int) -> str:
    return html.substitute({name: f"\ue000{name}" + "\ue001" * length for name in html.get_identifiers()})


def _in_tag_or_link(marked: str) -> bool:
    links = 0  # and style sheets
    for event in events_of(marked):
        if isinstance(event, Element):
            if "\ue000" in event.written or "\ue000" in event.name:
                return True
            links += event.name in {"a", "style"}
        elif isinstance(event, Closed):
            links -= event.element.name in {"a", "style"}
        elif links and "\ue000" in event:
            return True
    return False


def _is_plain(value: object) -> bool:
    """Whether it stands in the text as it is: words with one space between them, and nothing invisible."""
    text = "" if hasattr(value, "__html__") else str(value)
    return bool(text) and text.isprintable() and text == text.strip(" ") and "  " not in text and "\u034f" not in text
