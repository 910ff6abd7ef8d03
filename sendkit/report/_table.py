"""`Table`: a DataFrame, or whatever else has rows and columns, as a block. What it does not show is attached as a file.

Knows what it was given and what is wrong with it. Must not know how html or text look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from sendkit.errors import MessageError
from sendkit.report import _table_html as markup
from sendkit.report import _table_text as plain_text
from sendkit.report._block import Block, refuse
from sendkit.report._cells import Cells, Look, Reading, Tint, Total, cells_of
from sendkit.report._characters import one_line, shortened
from sendkit.report._format import Spec
from sendkit.report._frame import Frame, frame_of
from sendkit.report._locale import locale_of
from sendkit.report._piece import Page, Piece
from sendkit.report._theme import INK, MUTED

if TYPE_CHECKING:
    from sendkit import Attachment

Rest: TypeAlias = Literal["auto", "xlsx", "csv", "parquet"]
_ENDINGS = ("auto", "xlsx", "csv", "parquet")
_FOR_XLSX = 20_000  # rows; 50,000 take seconds to write, and csv a tenth of one
_MOST_ROWS = 3_000  # no row is below 30 octets, so that more never fit into a mail
_NAME = re.compile(r"[^\w.()-]+")


@dataclass(slots=True, frozen=True, eq=False)
class Table(Block):
    """A table: a frame of pandas, polars or pyarrow, a duckdb relation, a cursor, a list of dicts or dataclasses.

    `data` are the rows, `caption` stands above them, `labels` are other words for the heads of columns, and
    `header=False` leaves the heads out. `formats` maps a column to `number`, `integer`, `percent`, `currency:EUR`,
    `date:%d.%m.%Y`, `bytes`, `duration`, `link`, to a format of Python or to a callable. The first `max_rows` rows are
    shown (None: as many as the report's budget allows), and all of them attached as `name`.xlsx, or .csv above 20,000
    rows; `rest` chooses the format, or None for no file. `tint` colours numbers by their sign, or by `heat` or a
    callable of its own (`{"margin": lambda m: "bad" if m < 0.1 else None}`), `bars` draws a bar below them, and `total`
    sums all rows. `max_columns` are shown, `zebra` shades every other row, `missing` stands for no value and `empty`
    for no row, and `locale` says how numbers are written. Read when it is made. Raises MessageError, which names the
    column.
    """

    data: Any = field(repr=False)
    _: KW_ONLY
    caption: str = ""
    formats: Mapping[str, Spec] = field(default_factory=dict[str, Spec])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    max_rows: int | None = 50
    max_columns: int = 30
    rest: Rest | None = "auto"
    name: str = ""
    tint: Sequence[str] | Mapping[str, Tint] = ()
    bars: Sequence[str] = ()
    total: bool | Sequence[str] | Mapping[str, Total] = False
    zebra: bool = False
    header: bool = True
    missing: str = "–"
    empty: str = "No rows."
    locale: str | None = None
    _frame: Frame = field(init=False, repr=False)
    _look: Look = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check_settings(self)
        try:
            frame = frame_of(self.data)
        except MessageError as error:
            raise refuse(self, error.message, field=error.field or "data", hint=error.hint or "") from error
        object.__setattr__(self, "_frame", frame)
        object.__setattr__(self, "_look", _look_of(self))
        if frame.columns:
            self._look.check(frame.names, self.error_name)

    @property
    def error_name(self) -> str:
        """What an error calls it."""
        return f"Table {self.caption or self.name!r}" if self.caption or self.name else "Table"

    def render(self, page: Page) -> Piece:
        """Render it. Raises MessageError for a format that does not fit a value."""
        frame = self._frame
        if not frame.rows or not frame.columns:
            return self._without_rows()
        locale = page.locale if self.locale is None else locale_of(self.locale)
        rows = min(_MOST_ROWS if self.max_rows is None else self.max_rows, frame.rows)
        shown = frame.columns[: self.max_columns]
        columns = cells_of(frame, shown, Reading(self._look, locale, self.error_name, rows))
        page.heat = page.heat or "heat" in self._look.tint.values()
        ending = self._ending()
        name = page.name(self._file_name(), ending) if ending else ""
        told = _Told(frame, len(columns), any(column.cut for column in columns), name)
        caption = one_line(self.caption)
        label = caption or self.name or f"Table of {', '.join(column.name for column in columns[:6])}"
        return Piece(
            before=markup.opening(columns, caption, shortened(one_line(label), 120), page.theme.inner, self.header),
            rows=markup.rows(columns, zebra=self.zebra),
            after=markup.closing(columns),
            text=lambda count: _with_note(columns, count, caption, told, header=self.header),
            note=told.note,
            files=lambda count: self._files(name) if name and told.lacks(count) else (),
        )

    def _without_rows(self) -> Piece:
        caption, sentence = one_line(self.caption), one_line(self.empty)
        title = f'<b style="font-size:15px;color:{INK}">{escape(caption)}</b><br>' if caption else ""
        style = f"margin:0;font-size:14px;line-height:22px;color:{MUTED}"
        text = f"{caption}\n\n{sentence}" if caption else sentence
        return Piece(before=f'<p class="m" style="{style}">{title}{escape(sentence)}</p>', text=lambda _: text)

    def _ending(self) -> str | None:
        if self.rest == "auto":
            return "xlsx" if self._frame.rows <= _FOR_XLSX and len(self._frame.columns) <= 16_384 else "csv"
        return self.rest

    def _file_name(self) -> str:
        wanted = _NAME.sub("-", one_line(self.name or self.caption)).strip("-.")
        return shortened(wanted, 60).rstrip("…-") or "table"

    def _files(self, name: str) -> tuple[Attachment, ...]:
        from sendkit.report import _files  # noqa: PLC0415 - most tables show all that they have

        write: Callable[..., Attachment] = getattr(_files, name.rpartition(".")[2])
        try:
            return (
                write(self._frame, name, formats=self.formats) if name.endswith("xlsx") else write(self._frame, name),
            )
        except MessageError as error:
            raise refuse(self, error.message, field="rest", hint=error.hint or "") from error


@dataclass(slots=True, frozen=True)
class _Told:
    """What is said of the rows and columns that are not shown."""

    frame: Frame
    columns: int
    cut: bool
    name: str

    def lacks(self, count: int) -> bool:
        """Whether something of the frame is not shown."""
        return count < self.frame.rows or self.columns < len(self.frame.columns) or self.cut

    def note(self, count: int) -> str:
        rows, columns, missing = self.frame.rows, len(self.frame.columns), list[str]()
        if not count:
            missing.append(f"{rows:,} rows")
        elif count < rows:
            missing.append(f"The first {count:,} of {rows:,} rows")
        if self.columns < columns:
            missing.append(f"{'the' if missing else 'The'} first {self.columns:,} of {columns:,} columns")
        if not missing:
            return f"Long cells are cut; whole ones are in {self.name}." if self.cut and self.name else ""
        where = "not shown" if not count else ""
        if self.name:
            where = f"{'they' if not count else 'all of them'} are in {self.name}"
        return f"{', '.join(missing)}{'; ' if where else ''}{where}."


def _with_note(columns: list[Cells], count: int, caption: str, told: _Told, *, header: bool) -> str:
    text, shown = plain_text.text_of(columns, count, caption, header=header) if count else (caption, 0)
    note = told.note(shown)
    return f"{text}\n\n{note}".strip("\n") if note else text


def _look_of(table: Table) -> Look:
    tint: Mapping[str, Tint] = table.tint if isinstance(table.tint, Mapping) else _signs(_names(table, "tint"))
    total: bool | Mapping[str, Total]
    if isinstance(table.total, bool | Mapping):
        total = table.total
    else:
        total = dict.fromkeys(_names(table, "total"), cast("Total", "sum"))
    return Look(
        formats=dict(table.formats),
        labels={name: one_line(str(label)) for name, label in table.labels.items()},
        tint=tint,
        bars=tuple(_names(table, "bars")),
        total=total,
        missing=table.missing,
    )


def _signs(names: Sequence[str]) -> dict[str, Tint]:
    return dict.fromkeys(names, "sign")


def _names(table: Table, setting: str) -> Sequence[str]:
    value = getattr(table, setting)
    if isinstance(value, str):
        raise refuse(
            table, f"{setting}: {value[:40]!r} is one name", field=setting, hint=f"write {setting}=[{value[:40]!r}]"
        )
    return cast("Sequence[str]", value)


def _check_settings(table: Table) -> None:
    if table.rest is not None and table.rest not in _ENDINGS:
        hint = "take 'xlsx', 'csv', 'parquet', or None for no file"
        raise refuse(table, f"rest: {str(table.rest)[:20]!r} is not a format", field="rest", hint=hint)
    for setting in ("max_rows", "max_columns"):
        value = getattr(table, setting)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise refuse(table, f"{setting}: {value!r}", field=setting, hint="take a number from 1 on, or None for all")
    if not isinstance(cast("object", table.formats), Mapping):
        hint = 'write formats={"revenue": ",.2f"}'
        raise refuse(table, f"formats: {type(table.formats).__name__} is not a mapping", field="formats", hint=hint)
    if table.locale is not None:
        locale_of(table.locale)
