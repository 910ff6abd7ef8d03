"""`Figure`: a picture in a report, with words for those who do not see it. Drawn when it is made, except plotly's."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, cast

from sendkit.errors import MessageError
from sendkit.report._block import Block, refuse
from sendkit.report._characters import one_line, shortened
from sendkit.report._picture import Picture, description_of, library_of, picture_of
from sendkit.report._piece import Page, Piece, note_html
from sendkit.report._theme import INK, Theme

if TYPE_CHECKING:
    from sendkit import Attachment

_MOST = 500  # characters of an alternative text
_WIDTH = Theme().inner


@dataclass(slots=True, frozen=True, eq=False)
class Figure(Block):
    """A figure of matplotlib, seaborn, plotnine, plotly or altair, a Pillow picture, PNG, JPEG or GIF bytes, or a Path.

    `alt` says what it shows, and is required; the title of the figure stands for it where it has one. `width` is that
    on the screen in pixels: that of the card, or of a smaller picture, without. `caption` stands below it. Raises
    MessageError.
    """

    figure: Any = field(repr=False)
    _: KW_ONLY
    alt: str | None = None
    caption: str = ""
    width: int | None = None
    drawn: list[Picture] = field(init=False, repr=False, default_factory=list[Picture])

    def __post_init__(self) -> None:
        if self.width is not None and (not isinstance(cast("object", self.width), int) or not 1 <= self.width <= 2000):
            raise refuse(self, f"width: {self.width!r}", field="width", hint="take 1 to 2000 pixels")
        library = library_of(self.figure)
        try:
            alt = one_line(self.alt if self.alt is not None else description_of(self.figure))
            if library == "plotly":
                object.__setattr__(self, "figure", copy.deepcopy(self.figure))
            else:
                self.drawn.append(picture_of(self.figure, self.width or _WIDTH))
        except MessageError as error:
            raise refuse(self, error.message, field=error.field or "figure", hint=error.hint or "") from error
        if not alt:
            hint = "say what it shows: Figure(fig, alt='Revenue per day, rising'), or give the figure a title"
            raise refuse(self, "a figure without an alternative text", field="alt", hint=hint)
        object.__setattr__(self, "alt", shortened(alt, _MOST))

    @property
    def error_name(self) -> str:
        """What an error calls it."""
        name = self.caption or self.alt
        return f"Figure {shortened(one_line(name), 60)!r}" if name else "Figure"

    def picture(self) -> Picture:
        """The picture, drawn now where it was not yet."""
        if not self.drawn:
            draw([self])
        return self.drawn[0]

    def render(self, page: Page) -> Piece:
        """Render it, no wider than the card."""
        from sendkit import Attachment  # noqa: PLC0415 - it brings the rest of messages

        picture, alt, caption = self.picture(), self.alt or "", one_line(self.caption)
        cid = f"figure-{hashlib.sha256(picture.data).hexdigest()[:12]}"
        name = f"{cid}.{picture.ending}"
        part = Attachment.from_bytes(picture.data, filename=name, content_type=picture.content_type, content_id=cid)
        return Piece(
            before=_image(cid, alt, min(self.width or picture.shown, page.theme.inner)) + note_html(caption),
            text=lambda _: f"[Picture: {alt}]" + (f"\n{caption}" if caption else ""),
            inline=(part,),
        )


def _image(cid: str, alt: str, width: int) -> str:
    # Word takes the width of the attribute alone, and macOS Mail that of the style; the table limits it elsewhere.
    style = f"display:block;width:100%;height:auto;border:0;background-color:#ffffff;font-size:14px;color:{INK}"
    image = f'<img src="cid:{cid}" width="{width}" alt="{escape(alt)}" style="{style}">'
    table = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
    return f'{table}style="max-width:{width}px;table-layout:fixed"><tr><td>{image}</td></tr></table>'


def draw(figures: Iterable[Figure]) -> None:
    """Draw those that are not drawn yet, all in one browser. Raises MessageError."""
    waiting = [figure for figure in figures if not figure.drawn]
    if waiting:
        from sendkit.report._plotly import pictures_of  # noqa: PLC0415 - most reports have none

        wanted = [(figure.figure, figure.width or _WIDTH) for figure in waiting]
        for figure, picture in zip(waiting, pictures_of(wanted), strict=True):
            figure.drawn.append(picture)


def picture(figure: Any, *, alt: str | None = None, width: int = _WIDTH, filename: str | None = None) -> Attachment:
    """A figure as a picture to attach, or to show: `Message(inline={"chart": picture(fig)}, html=…)`.

    `alt` says what it shows (its title does, where it has one), gives the file its name unless there is a `filename`,
    and stands in a PNG as its description. Takes what `Figure` takes. Raises MessageError.
    """
    import re  # noqa: PLC0415 - it serves this one function

    from sendkit import Attachment  # noqa: PLC0415 - as above
    from sendkit.report._picture import described  # noqa: PLC0415 - as above

    block = Figure(figure, alt=alt, width=width)
    found, words = block.picture(), block.alt or ""
    name = (
        filename or f"{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')[:40].strip('-') or 'figure'}.{found.ending}"
    )
    return Attachment.from_bytes(described(found.data, words), filename=name, content_type=found.content_type)
