"""The cells of a table as texts: formats, totals, tints and bars found for each column, once for html and text.

Must not know html, or how wide a text table is.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from sendkit.errors import MessageError
from sendkit.report._block import refuse
from sendkit.report._characters import shortened
from sendkit.report._format import Format, Spec, format_of
from sendkit.report._values import Kind, kind_of, total_of

if TYPE_CHECKING:
    from sendkit.report._frame import Column, Frame
    from sendkit.report._locale import Locale

Tint: TypeAlias = Literal["sign", "heat"] | Callable[[Any], str | None]
Total: TypeAlias = Literal["sum", "mean", "min", "max"] | Callable[[list[Any]], object]
LONGEST = 300  # characters of a cell
HEADER = 60
BAR = 64  # pixels
_TONES = {"good": "pos", "bad": "neg", "warn": "warn", "pos": "pos", "neg": "neg"}
_TOTALS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": total_of,
    "mean": lambda values: math.fsum(map(float, values)) / len(values),
    "min": min,
    "max": max,
}


@dataclass(slots=True, frozen=True)
class Cells:
    """A column of texts. `tones` are the classes of its cells, `bars` their lengths in pixels (negative below zero)."""

    name: str
    right: bool
    nowrap: bool
    labels_rows: bool
    texts: list[str]
    links: list[str | None] | None = None
    tones: list[str] | None = None
    bars: list[int] | None = None
    total: str = ""
    cut: bool = False


@dataclass(slots=True, frozen=True, kw_only=True)
class Look:
    """How the author wants the columns: what `Table` was given, by the name of a column."""

    formats: Mapping[str, Spec]
    labels: Mapping[str, str]
    tint: Mapping[str, Tint]
    bars: tuple[str, ...]
    total: bool | Mapping[str, Total]
    missing: str

    def check(self, names: Sequence[str], table: str) -> None:
        """Raise MessageError for a column that is not there."""
        asked = {"formats": self.formats, "labels": self.labels, "tint": self.tint, "bars": self.bars}
        if not isinstance(self.total, bool):
            asked["total"] = self.total
        for field, columns in asked.items():
            for name in columns:
                if name not in names:
                    raise refuse(
                        table, f"{field}: there is no column {name!r}", field=field, hint=_nearest(name, names)
                    )


def _nearest(name: object, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(name), names, 2)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(map(repr, names[:12]))}"


class Reading(NamedTuple):
    """How columns are read: what the author wants, the language, whose table it is, and how many rows are shown."""

    look: Look
    locale: Locale
    table: str
    rows: int


def cells_of(frame: Frame, columns: Iterable[Column], reading: Reading) -> list[Cells]:
    """The first rows of these columns. Raises MessageError for a format that does not fit a value."""
    return [_column(column, reading, more=reading.rows < frame.rows) for column in columns]


def _column(column: Column, reading: Reading, *, more: bool) -> Cells:
    look, locale, table, rows = reading
    values = column.head(rows)
    kind, spec = kind_of(values), look.formats.get(column.name)
    try:
        form = format_of(spec, values, kind, locale)
    except MessageError as error:
        where = f"formats[{column.name!r}]: {error.message}"
        raise refuse(table, where, field="formats", hint=error.hint or "") from error
    texts = [look.missing if v is None else _shown(form, v, spec, column.name, table) for v in values]
    short = [shortened(text, LONGEST) for text in texts]
    right = kind.numeric or kind is Kind.DURATION or (form.right and kind is not Kind.TEXT)
    return Cells(
        name=shortened(look.labels.get(column.name, column.name), HEADER),
        right=right,
        nowrap=right or kind in (Kind.DATE, Kind.MOMENT, Kind.TIME),
        labels_rows=column.labels_rows,
        texts=short,
        links=None if form.link is None else [None if v is None else form.link(v) for v in values],
        tones=_tones(look.tint[column.name], values) if column.name in look.tint else None,
        bars=_bars(values) if column.name in look.bars else None,
        total=_total(column, column.all() if more else values, form, reading),
        cut=short != texts,
    )


def _shown(form: Format, value: Any, spec: Spec, name: str, table: str) -> str:
    try:
        return form.show(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        told = spec if isinstance(spec, str) else getattr(spec, "__name__", "the function")
        problem = f"formats[{name!r}]: {told} does not fit {str(value)[:40]!r} ({error})"
        hint = f"the value is a {type(value).__name__}; take another format, or convert the column first"
        raise refuse(table, problem, field="formats", hint=hint) from error


def _tones(tint: Tint, values: list[Any]) -> list[str]:
    if tint == "heat":
        return _heat(values)
    if callable(tint):
        return ["" if v is None else _TONES.get(tint(v) or "", "") for v in values]
    return ["neg" if n < 0 else "pos" if n > 0 else "" for n in map(_number, values)]


def _heat(values: list[Any]) -> list[str]:
    finite = [number for value in values if value is not None and math.isfinite(number := _number(value))]
    low, high = min(finite, default=0), max(finite, default=0)
    if low == high:
        return [""] * len(values)
    return [
        "" if v is None or not math.isfinite(n := _number(v)) else f"h{min(5, 1 + int(5 * (n - low) / (high - low)))}"
        for v in values
    ]


def _bars(values: list[Any]) -> list[int]:
    numbers = [number if math.isfinite(number := _number(value)) else 0 for value in values]
    most = max(map(abs, numbers), default=0)
    return [math.copysign(max(1, round(BAR * abs(n) / most)), n).__int__() if n else 0 for n in numbers]


def _number(value: Any) -> float:
    try:
        return float(value.total_seconds() if hasattr(value, "total_seconds") else value)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _total(column: Column, values: list[Any], form: Format, reading: Reading) -> str:
    look = reading.look
    if look.total is False:
        return ""
    how: Total = "sum"
    if look.total is True:
        if not kind_of(values).numeric or not form.summable or column.labels_rows:
            return ""
    elif column.name not in look.total:
        return ""
    else:
        how = look.total[column.name]
    values = [value for value in values if value is not None]
    try:
        found: Any = (how if callable(how) else _TOTALS[how])(values) if values else None
        return look.missing if found is None else form.show(found)
    except (TypeError, ValueError, ArithmeticError) as error:
        problem = f"total: column {column.name!r} has none ({error})"
        raise refuse(reading.table, problem, field="total", hint="name the columns of numbers: total=[…]") from error
