"""`KPI`: one figure that matters, in a tile; a list of them in a report stands in a row, and in a column on a phone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, cast

from sendkit.errors import MessageError
from sendkit.report import _spark
from sendkit.report._block import Block, refuse
from sendkit.report._characters import one_line
from sendkit.report._format import Spec, value_text
from sendkit.report._piece import Page, Piece
from sendkit.report._theme import BAD, GOOD, INK, MUTED, TILE, Theme, mixed
from sendkit.report._values import plain

if TYPE_CHECKING:
    from sendkit import Attachment

_TONES = {True: ("pos", GOOD), False: ("neg", BAD), None: ("m", MUTED)}
_IN_A_ROW, _GAP = 4, 12


@dataclass(slots=True, frozen=True)
class KPI(Block):
    """A figure in a tile: its `label`, its value, its `change`, whether that is `good`, and its recent `trend`.

    A value that is not a text is written as `format` says, as in a Table. Raises MessageError.
    """

    label: str
    value: Any
    _: KW_ONLY
    change: str = ""
    good: bool | None = None
    trend: Iterable[Any] = ()  # numbers, in a list or in the column of any frame
    format: Spec = None

    def __post_init__(self) -> None:
        if not one_line(str(self.label)):
            raise refuse(self, "a tile without a label", field="label", hint="say what the figure is")
        object.__setattr__(self, "trend", _trend(self.trend))
        object.__setattr__(self, "value", plain(self.value))

    @property
    def error_name(self) -> str:
        """What an error calls it."""
        return f"KPI {self.label!r}" if self.label else "KPI"

    def shown(self, page: Page) -> str:
        """Its value as a text."""
        if self.value is None:
            return "–"
        try:
            return one_line(value_text(self.value, self.format, page.locale))
        except MessageError as error:
            raise refuse(self, error.message, field="format", hint=error.hint or "") from error

    def render(self, page: Page) -> Piece:
        """Render it as a row of one."""
        return Tiles((self,)).render(page)


def _points(tile: KPI) -> tuple[float, ...]:
    return cast("tuple[float, ...]", tile.trend)  # which the tile made of it


def _trend(values: Iterable[Any]) -> tuple[float, ...]:
    numbers: list[float] = []
    for value in values:
        number = plain(value)
        if number is None:
            continue
        if not isinstance(number, int | float) and not hasattr(number, "__float__"):
            problem = f"trend: {str(cast('object', value))[:40]!r} is not a number"
            raise refuse("KPI", problem, field="trend", hint="give a list of numbers, or one column of a frame")
        if math.isfinite(float(number)):
            numbers.append(float(number))
    return tuple(numbers)


@dataclass(slots=True, frozen=True)
class Tiles(Block):
    """KPIs in a row: what a list in a report becomes."""

    tiles: tuple[KPI, ...]

    def render(self, page: Page) -> Piece:
        """Render them, at most four beside each other."""
        count = math.ceil(len(self.tiles) / math.ceil(len(self.tiles) / _IN_A_ROW))
        lines = [self.tiles[i : i + count] for i in range(0, len(self.tiles), count)]
        pictures: list[Attachment] = []
        html = "".join(_line(line, page, count, pictures) for line in lines)
        return Piece(before=html, text=lambda _: _text(self.tiles, page), inline=tuple(pictures), gap=28 - _GAP)


_TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%"'


def _line(line: Sequence[KPI], page: Page, count: int, pictures: list[Attachment]) -> str:
    """Tables that float, so that a phone has them below each other; for Word, which knows no `max-width`, cells."""
    wide = (page.theme.inner - _GAP * (count - 1)) // count
    last = len(line) == count
    tiles = [
        _tile(tile, page, wide + (0 if last and i == count - 1 else _GAP), pictures, gap=not (last and i == count - 1))
        for i, tile in enumerate(line)
    ]
    cell = f'<td width="{wide + _GAP}" valign="top">'
    between = f"<!--[if mso]></td>{cell}<![endif]-->"
    ghost = f'<!--[if mso]><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>{cell}<![endif]-->'
    return f"{_TABLE}><tr><td>{ghost}{between.join(tiles)}<!--[if mso]></td></tr></table><![endif]--></td></tr></table>"


def _tile(tile: KPI, page: Page, wide: int, pictures: list[Attachment], *, gap: bool) -> str:
    tone, colour = _TONES[tile.good]
    small = "font-size:13px;line-height:18px"
    size = 26 if wide > 150 else 22
    parts = [
        f'<span class="m" style="{small};color:{MUTED}">{escape(one_line(tile.label))}</span>',
        f'<b style="font-size:{size}px;line-height:34px;color:{INK}">{escape(tile.shown(page))}</b>',
    ]
    if tile.change:
        parts.append(f'<span class="{tone}" style="{small};color:{colour}">{escape(one_line(tile.change))}</span>')
    if len(_points(tile)) > 1:
        parts.append(_picture(tile, page.theme, pictures))
    style = f"padding:14px 16px;font-size:13px;line-height:22px;color:{INK}"
    side = f'<td class="gap" width="{_GAP}" style="font-size:1px">&nbsp;</td>' if gap else ""
    below = f'<tr><td height="{_GAP}" style="font-size:1px;line-height:{_GAP}px">&nbsp;</td></tr>'
    row = f'<tr><td class="k" valign="top" bgcolor="{TILE}" style="{style}">{"<br>".join(parts)}</td>{side}</tr>'
    return f'{_TABLE} class="w" align="left" style="max-width:{wide}px;text-align:left">{row}{below}</table>'


def _picture(tile: KPI, theme: Theme, pictures: list[Attachment]) -> str:
    from sendkit import Attachment  # noqa: PLC0415 - only tiles with a trend need one

    data = _spark.png(_points(tile), mixed(theme.accent, theme.accent_dark))  # seen by day and by night
    cid = f"trend-{hashlib.sha256(data).hexdigest()[:12]}"
    pictures.append(Attachment.from_bytes(data, filename=f"{cid}.png", content_type="image/png", content_id=cid))
    return (
        f'<img src="cid:{cid}" width="{_spark.WIDTH}" height="{_spark.HEIGHT}" alt="{_spark.blocks(_points(tile))}" '
        f'style="width:{_spark.WIDTH}px;height:{_spark.HEIGHT}px;border:0;color:{MUTED}">'
    )


def _text(tiles: Iterable[KPI], page: Page) -> str:
    lines: list[str] = []
    for tile in tiles:
        change = f" ({one_line(tile.change)})" if tile.change else ""
        trend = f"  {_spark.blocks(_points(tile))}" if len(_points(tile)) > 1 else ""
        lines.append(f"{one_line(tile.label)}: {tile.shown(page)}{change}{trend}")
    return "\n".join(lines)
