"""The small blocks: `Divider`, `Button`, and `Html` for what other libraries draw."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from sendkit._message.plaintext import text_of
from sendkit.report._block import Block, refuse
from sendkit.report._characters import clean, one_line
from sendkit.report._extra import needed_for
from sendkit.report._piece import Page, Piece
from sendkit.report._theme import INK, LINE, PAPER
from sendkit.report._values import URL

if TYPE_CHECKING:
    from sendkit import Attachment

_DROPPED = re.compile(
    r"<(script|style)\b.*?</\1\s*>|<!--(?!\[if).*?-->|<link\b[^>]*>|<meta\b[^>]*>", re.DOTALL | re.IGNORECASE
)
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)


@dataclass(slots=True, frozen=True)
class Divider(Block):
    """A line between two parts."""

    def render(self, page: Page) -> Piece:
        """Render it."""
        cell = (
            f'<td class="line" height="1" style="border-top:1px solid {LINE};font-size:1px;line-height:1px">&nbsp;</td>'
        )
        table = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
        return Piece(before=f"{table}<tr>{cell}</tr></table>", text=lambda _: "-" * 40)


@dataclass(slots=True, frozen=True)
class Button(Block):
    """A link to `url` with a `label`, that looks like a button, in Word too.

    Raises MessageError for an address that leads nowhere.
    """

    label: str
    url: str

    def __post_init__(self) -> None:
        if not one_line(self.label):
            raise refuse(self, "a button without a label", field="label", hint="say where it leads")
        if URL.fullmatch(self.url) is None:
            hint = "give a whole address: https://… or mailto:…"
            raise refuse(self, f"{self.url[:80]!r} is not an address", field="url", hint=hint)

    def render(self, page: Page) -> Piece:
        """Render it."""
        accent, label = page.theme.accent, one_line(self.label)
        look = f"color:{PAPER};font-size:15px;line-height:20px;font-weight:bold;text-decoration:none"
        link = f'<a href="{escape(self.url)}" style="{look}">{escape(label)}</a>'
        cell = f'<td class="go" bgcolor="{accent}" style="padding:11px 22px">{link}</td>'
        table = '<table role="presentation" cellpadding="0" cellspacing="0" border="0">'
        return Piece(before=f"{table}<tr>{cell}</tr></table>", text=lambda _: f"{label}: {self.url}")


@dataclass(slots=True, frozen=True, eq=False)
class Html(Block):
    """Html of yours: a str, a table of great_tables, a Styler of pandas, anything with `__html__` or `_repr_html_`.

    It is the `source`. Its css is written into the tags. It is trusted, except for scripts, which no client runs:
    escape what strangers wrote. `text_part` is its plain text; one is made from the html without. `name` is that of a
    file, where there is no room for it. Raises MessageError.
    """

    source: Any = field(repr=False)
    _: KW_ONLY
    text_part: str | None = None
    name: str = "table"
    _html: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_html", _inlined(_source_of(self.source)))

    def render(self, page: Page) -> Piece:
        """Render it whole, or as a file where the report has no room for it."""
        style = f"font-size:14px;line-height:20px;color:{INK}"
        text = text_of(self._html).strip("\n") if self.text_part is None else clean(self.text_part)
        name = page.name(self.name, "html")
        return Piece(
            rows=[f'<div style="overflow-x:auto;{style}">{self._html}</div>'],
            text=lambda _: text,
            note=lambda count: "" if count else f"This part is too large for a mail; it is in {name}.",
            files=lambda count: () if count else _whole(self._html, name),
        )


def _whole(html: str, name: str) -> tuple[Attachment, ...]:
    from sendkit import Attachment  # noqa: PLC0415 - only where it was left out

    page = f'<!doctype html>\n<meta charset="utf-8">\n{html}\n'
    return (Attachment.from_bytes(page.encode(), filename=name, content_type="text/html; charset=utf-8"),)


def _source_of(value: Any) -> str:
    if isinstance(value, str):
        return str(value)  # Markup of markupsafe too
    for name in ("as_raw_html", "__html__", "_repr_html_"):
        if callable(method := getattr(value, name, None)) and isinstance(found := method(), str):
            return found
    hint = "give a str, or an object with __html__ or _repr_html_"
    raise refuse("Html", f"{type(value).__name__} has no html", field="body", hint=hint)


def _inlined(html: str) -> str:
    html = clean(html)
    if "<style" in html.lower():
        html = inline_css(html)
    found = _BODY.search(html)
    return _DROPPED.sub("", found[1] if found else html).strip()


def inline_css(html: str, *, keep_media: bool = False, extra: str | None = None) -> str:
    """Write the rules of the style blocks into the tags; `@media` rules stay where asked. Loads nothing."""
    with needed_for("html with a style block"):
        import css_inline  # noqa: PLC0415 - of the extra
    # Without the last setting it reads files of this machine, and the network, that a <link> names.
    inliner = css_inline.CSSInliner(
        keep_style_tags=False, keep_at_rules=keep_media, load_remote_stylesheets=False, extra_css=extra
    )
    try:
        return inliner.inline(html)
    except (css_inline.InlineError, ValueError) as error:
        raise refuse("Html", f"its css cannot be read: {error}", field="body", hint="check its style block") from error
