"""`Report`: a title and blocks, which become the html and the text of a Message within the budget of Gmail.

Knows the order of things: what a body may hold, who draws, what is cut, which parts are attached. How anything looks is
for the blocks and the layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Self, cast

from sendkit._lifetime.once import computed_once
from sendkit.errors import MessageError
from sendkit.report import _layout as layout
from sendkit.report._block import Block, with_pictures
from sendkit.report._characters import clean, one_line, width
from sendkit.report._figure import Figure, draw
from sendkit.report._frame import is_frame
from sendkit.report._kpi import KPI, Tiles
from sendkit.report._locale import known, locale_of
from sendkit.report._markdown import Markdown
from sendkit.report._picture import is_figure
from sendkit.report._piece import Page, Piece, fit
from sendkit.report._table import Table
from sendkit.report._template import Template
from sendkit.report._theme import Theme

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from sendkit import Attachment, Message
    from sendkit._message.mailbox import MailboxLike

BUDGET = 95_000  # octets of html; Gmail clips at 102 kB
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(slots=True, frozen=True)
class Rendered:
    """A report as its parts."""

    html: str
    text: str
    inline: tuple[Attachment, ...]
    files: tuple[Attachment, ...]


@dataclass(frozen=True, eq=False)
class Report:
    """A report: its title is the subject, its body a list of blocks.

    A `str` in the body is Markdown, a list of `KPI`s a row of tiles, a DataFrame a `Table`, a figure that has a title a
    `Figure`. `footer` stands small below it, `preheader` is what readers show beside the subject, and `theme` has the
    colours. `lang` (RFC 5646) is told to screen readers, and says how numbers are written. Html over `budget` octets
    loses rows of its largest blocks, says so, and has all of them attached. Raises MessageError, whose message begins
    with the name of the block.
    """

    title: str
    body: Sequence[Any] | Block | Template | str = field(repr=False)
    _: KW_ONLY
    footer: str = ""
    preheader: str = ""
    lang: str = "en"
    theme: Theme = field(default_factory=Theme)
    budget: int = BUDGET

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.title), str) or not one_line(self.title):
            raise _refuse("title: a report without a title", "title", "it is the subject of the mail")
        if _TAG.fullmatch(self.lang) is None:
            raise _refuse(f"lang: {self.lang[:40]!r} is not a language", "lang", "write one such as en, de or pt-BR")
        object.__setattr__(self, "title", one_line(self.title))
        if not isinstance(self.body, Template):
            object.__setattr__(self, "body", _blocks(self.body))

    @classmethod
    def from_template(
        cls,
        template: str,
        /,
        *,
        package: str | None = None,
        folder: str | PathLike[str] | None = None,
        title: str | None = None,
        css: str | None = None,
        footer: str = "",
        preheader: str = "",
        lang: str = "en",
        theme: Theme | None = None,
        budget: int = BUDGET,
        **values: Any,
    ) -> Self:
        """A report from a jinja2 template in a folder, or in the folder `templates` of a package.

        `values` are what it names: texts, which are escaped, and blocks, which are not; a DataFrame is a Table. What is
        missing is an error. The rules of its style blocks, and `css`, are written into the tags; `@media` stays. A
        template without `<html` stands in the usual card. A .txt of the same name beside it is the text part.
        The title is that of the document unless it is given. Filters: `fmt("currency:EUR")` and `markdown`.
        Raises MessageError, which says the line.
        """
        theme = theme or Theme()
        given = values if title is None else {"title": title, **values}
        body = Template(name=template, package=package, folder=folder, css=css, values=given)
        if title is None:
            title = body.fill(Page(theme, known(lang) or locale_of(None))).title
        return cls(title, body, footer=footer, preheader=preheader, lang=lang, theme=theme, budget=budget)

    @computed_once
    def _rendered(self) -> Rendered:
        if isinstance(self.body, Template):
            return self._in_template(self.body)
        return self._in_blocks(cast("tuple[Block, ...]", self.body))

    def _in_blocks(self, blocks: Sequence[Block]) -> Rendered:
        page = self._page()
        draw(block for block in blocks if isinstance(block, Figure))
        pieces = [_placed(block, number, page) for number, block in enumerate(blocks)]
        around = self._around(page)
        above, below = around.above(), around.below()
        counts = self._fit(pieces, [above, *(layout.block("", piece.gap) for piece in pieces), below])
        html = [layout.block(piece.html(count), piece.gap) for piece, count in zip(pieces, counts, strict=True)]
        texts = [piece.text(count) for piece, count in zip(pieces, counts, strict=True)]
        return _parts(f"{above}{''.join(html)}{below}", self._text(texts), pieces, counts)

    def _in_template(self, template: Template) -> Rendered:
        draw(template.figures())
        page = self._page()
        filled = template.fill(page)
        if not filled.whole:
            around = self._around(page)
            filled.wrap(around.above(filled.media()) + layout.OPEN, layout.CLOSE + around.below())
        order, between = filled.order(), filled.split()
        pieces = [filled.pieces[number] for number in order]
        counts = self._fit(pieces, between)
        html = [piece.html(count) for piece, count in zip(pieces, counts, strict=True)]
        whole = "".join(part for pair in zip(between, [*html, ""], strict=True) for part in pair)
        text = filled.text(
            {number: filled.pieces[number].text(count) for number, count in zip(order, counts, strict=True)}
        )
        return _parts(whole, text if filled.whole or filled.written else self._text([text.strip()]), pieces, counts)

    def _page(self) -> Page:
        return Page(self.theme, known(self.lang) or locale_of(None))

    def _around(self, page: Page) -> layout.Frame:
        return layout.Frame(self.title, clean(self.footer), one_line(self.preheader), self.lang, self.theme, page.heat)

    def _fit(self, pieces: Sequence[Piece], around: Sequence[str]) -> list[int]:
        counts = fit(pieces, self.budget - sum(len(part.encode()) for part in around))
        if counts is None:
            problem = f"body: {len(pieces):,} blocks are over {self.budget:,} octets, even with no row of a table"
            raise _refuse(problem, "body", "make two reports of it, or attach parts of it: report.xlsx(…)")
        return counts

    def _text(self, texts: Sequence[str]) -> str:
        parts = [f"{self.title}\n{'=' * min(width(self.title), 78)}", *filter(None, texts)]
        if self.footer:
            parts.append(f"-- \n{clean(self.footer)}")
        return "\n\n".join(parts) + "\n"

    @property
    def html(self) -> str:
        """The html; pictures are referred to by `cid:`."""
        return self._rendered.html

    @property
    def text(self) -> str:
        """The plain text."""
        return self._rendered.text

    @property
    def inline(self) -> Mapping[str, Attachment]:
        """The pictures, by content id."""
        return {part.content_id: part for part in self._rendered.inline if part.content_id is not None}

    @property
    def files(self) -> tuple[Attachment, ...]:
        """The files that hold what the html does not show."""
        return self._rendered.files

    def message(
        self,
        *,
        to: MailboxLike | Iterable[MailboxLike] | None = (),
        cc: MailboxLike | Iterable[MailboxLike] | None = (),
        bcc: MailboxLike | Iterable[MailboxLike] | None = (),
        sender: MailboxLike | None = None,
        reply_to: MailboxLike | Iterable[MailboxLike] | None = None,
        subject: str | None = None,
        attachments: Iterable[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """The report as a Message; its `subject` is the title unless it is given.

        `to`, `cc`, `bcc`, `sender`, `reply_to`, `attachments` (beside the report's own) and `headers` are those of a
        Message. Raises MessageError.
        """
        from sendkit import Message  # noqa: PLC0415 - a report may only be looked at

        return Message(
            sender=sender,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            subject=self.title if subject is None else subject,
            text=self.text,
            html=self.html,
            inline=self.inline,
            attachments=[*self.files, *attachments],
            headers=headers,
        )

    def preview(self, *, open_browser: bool = True) -> Path:
        """Show it in the browser as it would arrive, and send nothing; returns the file, which `open_browser` opens."""
        message = self.message(sender="you@example.com", to="reader@example.com")
        return message.preview(open_browser=open_browser)

    def _repr_html_(self) -> str:
        """For a notebook: in a frame of its own, so that neither changes the look of the other."""
        page = with_pictures(self.html, self._rendered.inline)
        style = "width:100%;height:640px;border:0"
        return f'<iframe title="{escape(self.title)}" style="{style}" sandbox="" srcdoc="{escape(page)}"></iframe>'


def _parts(html: str, text: str, pieces: Sequence[Piece], counts: Sequence[int]) -> Rendered:
    inline = {part.content_id: part for piece in pieces for part in piece.inline}
    files = [file for piece, count in zip(pieces, counts, strict=True) for file in piece.files(count)]
    return Rendered(html, text, tuple(inline.values()), tuple(files))


def _blocks(body: object) -> tuple[Block, ...]:
    name = type(body).__name__
    if isinstance(body, str | Block) or is_frame(body) or is_figure(body):
        body = [body]
    if not isinstance(body, Iterable) or isinstance(body, bytes | Mapping):
        raise _refuse(f"body: {name} is not a list of blocks", "body", "give a list: [text, Table(df), …]")
    items = list(cast("Iterable[object]", body))
    if not items:
        raise _refuse("body: a report without a body", "body", "give at least a sentence")
    return tuple(_block(item, number) for number, item in enumerate(items))


def _block(item: object, number: int) -> Block:
    try:
        if isinstance(item, Block):
            return item
        if isinstance(item, str):
            return Markdown(item)
        if isinstance(item, list | tuple):
            return _tiles(cast("Sequence[object]", item))
        if is_frame(item):
            return Table(item)
        if is_figure(item):
            return Figure(item)
    except MessageError as error:
        raise _at(number, error) from error
    hint = "give a str, a list of KPIs, or a block: Table, Figure, Markdown, Html, Code, Log, Button, Divider"
    raise _refuse(f"body[{number}]: {type(item).__name__} is not a block", "body", hint)


def _tiles(items: Sequence[object]) -> Tiles:
    if not items or not all(isinstance(item, KPI) for item in items):
        wrong = next((type(item).__name__ for item in items if not isinstance(item, KPI)), "nothing")
        raise _refuse(
            f"a list holds {wrong}", "body", "a list within the body is a row of KPIs; a Table takes a list of dicts"
        )
    return Tiles(tuple(cast("Sequence[KPI]", items)))


def _placed(block: Block, number: int, page: Page) -> Piece:
    try:
        return block.render(page)
    except MessageError as error:
        raise _at(number, error) from error


def _at(number: int, error: MessageError) -> MessageError:
    return _refuse(f"body[{number}]: {error.message}", error.field or "body", error.hint or "")


def _refuse(problem: str, field: str, hint: str) -> MessageError:
    return MessageError(problem, field=field, hint=hint)
