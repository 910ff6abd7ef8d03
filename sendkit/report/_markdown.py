"""`Markdown`: prose, as CommonMark with tables. Html in it is shown as text: prose often holds what strangers wrote."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, cast

from sendkit.report._block import Block, refuse
from sendkit.report._characters import clean, shortened
from sendkit.report._extra import needed_for
from sendkit.report._piece import Page, Piece
from sendkit.report._theme import INK, LINE, MONO, MUTED, RULE, TILE

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from sendkit import Attachment

_BODY = f"font-size:16px;line-height:25px;color:{INK}"
_STYLES = {
    "p": f"margin:0 0 14px;{_BODY}",
    "h2": f"margin:0 0 8px;font-size:20px;line-height:28px;color:{INK}",
    "h3": f"margin:0 0 8px;font-size:17px;line-height:25px;color:{INK}",
    "h4": f"margin:0 0 8px;font-size:15px;line-height:22px;color:{INK}",
    "h5": f"margin:0 0 8px;font-size:15px;line-height:22px;color:{INK}",
    "h6": f"margin:0 0 8px;font-size:15px;line-height:22px;color:{INK}",
    "ul": "margin:0 0 14px;padding:0 0 0 22px",
    "ol": "margin:0 0 14px;padding:0 0 0 26px",
    "li": f"margin:0 0 4px;{_BODY}",
    "blockquote": f"margin:0 0 14px;padding:2px 0 2px 14px;border-left:3px solid {RULE}",
    "code": f"font-family:{MONO};font-size:14px;background-color:{TILE}",
    "pre": f"margin:0 0 14px;padding:12px 14px;font-family:{MONO};font-size:13px;line-height:19px;color:{INK};"
    f"background-color:{TILE};white-space:pre-wrap;word-wrap:break-word",
    "table": f"margin:0 0 14px;border-collapse:collapse;font-size:14px;line-height:20px;color:{INK}",
    "th": f"padding:6px 14px 6px 0;border-bottom:2px solid {RULE};font-size:13px;color:{MUTED}",
    "td": f"padding:6px 14px 6px 0;border-bottom:1px solid {LINE}",
    "hr": f"margin:0 0 14px;border:0;border-top:1px solid {LINE}",
}
_CLASSES = {"code": "code", "pre": "code", "table": "d", "hr": "line"}
_SAFE_PICTURE = re.compile(r"(?:https://|cid:)", re.IGNORECASE)
_TITLE_GAP = 10


@cache
def _parser() -> MarkdownIt:
    with needed_for("Markdown"):
        from markdown_it import MarkdownIt  # noqa: PLC0415 - of the extra
    return MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable(["table", "strikethrough"])


@dataclass(slots=True, frozen=True)
class Markdown(Block):
    """Prose in Markdown (CommonMark 0.31 with tables): the text `source`; a `str` in a report is one.

    `accent` is the colour of its links, by default that of the theme. Its text part is what was written. `# Title`
    stands below the title of the report. What the budget of the report leaves no room for is attached as `name`.md.
    Raises MessageError for what is not text.
    """

    source: str
    _: KW_ONLY
    accent: str | None = None
    name: str = "text"

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.source), str):
            raise refuse(self, f"{type(self.source).__name__} is not text", field="body", hint="give a str")

    def render(self, page: Page) -> Piece:
        """Render it, each of its paragraphs as a row."""
        source = clean(textwrap.dedent(self.source)).strip("\n")
        parser = _parser()
        groups = list(_top_level(parser.parse(source)))
        for tokens in groups:
            _dress(tokens, page, self.accent or page.theme.accent, final=tokens is groups[-1])
        rows = [parser.renderer.render(tokens, parser.options, {}) for tokens in groups]
        name = page.name(self.name, "md") if len(rows) > 1 or len(source) > 50_000 else f"{self.name}.md"
        return Piece(
            rows=rows,
            text=lambda _: source,
            note=lambda count: f"The rest is in {name}." if count < len(rows) else "",
            files=lambda count: _whole(source, name) if count < len(rows) else (),
            gap=_TITLE_GAP if groups and groups[-1][0].type == "heading_open" else 28,
        )


def _whole(source: str, name: str) -> tuple[Attachment, ...]:
    from sendkit import Attachment  # noqa: PLC0415 - only where something was left out

    return (Attachment.from_bytes(source.encode(), filename=name, content_type="text/markdown; charset=utf-8"),)


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    group: list[Token] = []
    depth = 0
    for token in tokens:
        group.append(token)
        depth += token.nesting
        if depth == 0:
            yield group
            group = []


def _dress(tokens: Sequence[Token], page: Page, accent: str, *, final: bool) -> None:
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            token.tag = f"h{page.heading(int(token.tag[1]))}"
        elif token.type == "heading_close":
            token.tag = f"h{page.level}"
        if token.type == "image":
            _dress_picture(token)
        if token.nesting >= 0:
            ends = token.type == "paragraph_open" and [t.type for t in tokens[i + 3 : i + 4]] == ["blockquote_close"]
            _dress_tag(token, accent, final=ends or (final and token.level == 0))
        if token.children:
            _dress(token.children, page, accent, final=False)


def _dress_tag(token: Token, accent: str, *, final: bool) -> None:
    tag = "pre" if token.type in ("fence", "code_block") else token.tag
    style = f"color:{accent}" if tag == "a" else _STYLES.get(tag)
    if style is None:
        return
    if final:
        style = style.replace("margin:0 0 14px", "margin:0").replace("margin:0 0 8px", "margin:0")
    if tag == "pre":  # markdown-it puts attributes on the code within it
        token.type = "html_block"
        token.content = f'<pre class="code" style="{style}">{escape(token.content, quote=False)}</pre>\n'
        return
    if tag in ("th", "td"):
        _align(token)
    token.attrSet("style", style)
    if tag in _CLASSES:
        token.attrSet("class", _CLASSES[tag])
    if tag == "th":
        token.attrSet("scope", "col")


def _align(token: Token) -> None:
    given = str(token.attrGet("style") or "")
    token.attrSet("align", given.partition("text-align:")[2] or "left")


def _dress_picture(token: Token) -> None:
    # A path of this machine is of no use to a reader, and a tracking pixel in a stranger's prose of none to the author.
    source = str(token.attrGet("src") or "")
    if _SAFE_PICTURE.match(source) is None:
        token.type, token.tag, token.children = "text", "", None
        token.content = f"[Picture: {shortened(token.content, 80)}]"
