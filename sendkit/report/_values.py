"""Values of cells, whatever library they come from: plain Python ones, or None where they are missing."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_TIME = dt.time()
_MISSING = {"NaTType", "NAType"}  # pandas: comparing one of these with anything says nothing
_PLAIN = (str, bool, int, dt.date, dt.timedelta)
URL = re.compile(r"(?:https?://|mailto:)[^\s\"<>]+", re.IGNORECASE)


class Kind(Enum):
    """What the values of a column are."""

    TEXT = auto()
    BOOL = auto()
    WHOLE = auto()
    NUMBER = auto()
    DATE = auto()
    MOMENT = auto()
    TIME = auto()
    DURATION = auto()
    EMPTY = auto()

    @property
    def numeric(self) -> bool:
        """Stands at the right, and can be summed."""
        return self in (Kind.WHOLE, Kind.NUMBER)


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind reads best
    """A value without its library: numpy scalars as Python numbers, and None for NaN, NaT, NA and None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    name = type(value).__name__
    if name in _MISSING:
        return None
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, decimal.Decimal):
        return None if value.is_nan() else value
    if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0:
        return plain(value.item())
    return value


def kind_of(values: Iterable[Any]) -> Kind:
    """The kind that fits all of these plain values. Moments that are all midnight are dates, whole floats are whole."""
    found = {_kind(value) for value in values if value is not None}
    if not found:
        return Kind.EMPTY
    if len(found) == 1:
        return found.pop()
    if found <= {Kind.WHOLE, Kind.NUMBER}:
        return Kind.NUMBER
    return Kind.MOMENT if found <= {Kind.DATE, Kind.MOMENT} else Kind.TEXT


def _kind(value: Any) -> Kind:  # noqa: PLR0911 - one line for each kind reads best
    if isinstance(value, str):
        return Kind.TEXT
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, int):
        return Kind.WHOLE
    if isinstance(value, float | decimal.Decimal):
        return Kind.WHOLE if isinstance(value, float) and value.is_integer() else Kind.NUMBER
    if isinstance(value, dt.datetime):
        return Kind.DATE if value.time() == NO_TIME and value.tzinfo is None else Kind.MOMENT
    for kind, type_ in ((Kind.DATE, dt.date), (Kind.TIME, dt.time), (Kind.DURATION, dt.timedelta)):
        if isinstance(value, type_):
            return kind
    return Kind.TEXT


def total_of(values: Iterable[Any]) -> int | float | decimal.Decimal | None:
    """The sum of the numbers among these plain values; None where there is none."""
    numbers = [value for value in values if isinstance(value, int | float | decimal.Decimal)]
    if not numbers:
        return None
    if any(isinstance(number, float) for number in numbers):
        return _float_sum([float(number) for number in numbers])
    return sum(numbers)


def _float_sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # more than a float holds; inf beside -inf
        return sum(numbers)
