"""From a value to what a reader sees: the formats by name, Python's own, and those that follow from the kind.

A format is written `name` or `name:argument`; everything else is a format of Python (`,.2f`, `%d.%m.%Y`), or any
callable. Must not know html.
"""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from sendkit.errors import MessageError
from sendkit.report._characters import clean
from sendkit.report._locale import Locale, decimals_of
from sendkit.report._values import URL, Kind, kind_of

Spec: TypeAlias = str | Callable[[Any], object] | None
_NAMES = ("number", "integer", "percent", "currency", "date", "bytes", "duration", "link", "text")
_MINI = re.compile(r"(?:.?[<>=^])?[+ -]?z?#?0?\d*[,_]?(?:\.\d+)?[bcdeEfFgGnosxX%]?")
_HUGE = 1e15  # from here on, a float has no decimals left, and its digits say more than it knows
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_NUMBER = (int, float, decimal.Decimal)


@dataclass(slots=True, frozen=True)
class Format:
    """How the values of a column are shown: `show` writes one, `right` is where they stand.

    `excel` is the number format of a spreadsheet, and `link` where a value leads to.
    """

    show: Callable[[Any], str]
    right: bool = False
    excel: str | None = None
    link: Callable[[Any], str | None] | None = None
    summable: bool = True


def format_of(spec: Spec, values: list[Any], kind: Kind, locale: Locale) -> Format:
    """The format for a column with these values. Raises MessageError for a format that there is not."""
    if callable(spec):
        return Format(lambda value: clean(str(spec(value))), right=kind.numeric)
    if spec is None:
        return _usual(values, kind, locale)
    name, _, argument = spec.partition(":")
    if name in _NAMES:
        return _named(name, argument, locale)
    if "%" in spec and not spec.endswith("%"):
        return Format(lambda value: _strftime(value, spec))
    if _MINI.fullmatch(spec) is None:
        near = difflib.get_close_matches(name, _NAMES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"take one of {', '.join(_NAMES)}, or a format of Python"
        raise MessageError(f"{spec[:40]!r} is not a format", field="formats", hint=hint)
    show = locale.percent if spec.endswith("%") else locale.number
    return Format(lambda value: _python(value, spec, show), right=True, excel=_excel(spec), summable=spec[-1:] != "%")


def _named(name: str, argument: str, locale: Locale) -> Format:  # noqa: PLR0911 - one for each name
    match name:
        case "number" | "integer" | "percent":
            usual = {"number": 2, "integer": 0, "percent": 1}[name]
            letter = "%" if name == "percent" else "f"
            return format_of(f",.{_decimals(argument, usual)}{letter}", [], Kind.NUMBER, locale)
        case "currency":
            return _currency(argument, locale)
        case "date":
            return Format(lambda value: _strftime(value, argument or "%Y-%m-%d"), excel="yyyy-mm-dd")
        case "bytes":
            return Format(lambda value: _bytes(value, locale), right=True, excel="#,##0")
        case "duration":
            return Format(_duration, right=True, excel="[h]:mm:ss")
        case "link":
            return Format(_label if not argument else lambda value: clean(str(value)), link=_link(argument))
        case _:
            return Format(lambda value: clean(str(value)))


def _decimals(argument: str, usual: int) -> int:
    if not argument:
        return usual
    if not (argument.isascii() and argument.isdigit() and int(argument[:3]) <= 12):
        hint = "write a number from 0 to 12, such as percent:0"
        raise MessageError(f"{argument[:20]!r} is not a number of decimals", field="formats", hint=hint)
    return int(argument)


def _currency(argument: str, locale: Locale) -> Format:
    code, _, decimals = argument.partition(":")
    if re.fullmatch("[A-Z]{3}", code) is None:
        hint = "write the code of ISO 4217, such as currency:EUR or currency:USD:0"
        raise MessageError(f"{code[:20]!r} is not a currency", field="formats", hint=hint)
    spec = f",.{_decimals(decimals, decimals_of(code))}f"
    excel = f'{_excel(spec)} "{code}"'
    return Format(lambda v: _python(v, spec, lambda text: locale.money(text, code)), right=True, excel=excel)


def _excel(spec: str) -> str | None:
    found = re.fullmatch(r"(,?)\.(\d+)([f%])", spec)
    if found is None:
        return None
    decimals = "." + "0" * int(found[2]) if found[2] != "0" else ""
    return f"{'#,##0' if found[1] and found[3] == 'f' else '0'}{decimals}{'%' if found[3] == '%' else ''}"


def _python(value: Any, spec: str, signs: Callable[[str], str]) -> str:
    if not isinstance(value, _NUMBER):
        return format(value, spec)
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size: Any = abs(value)
    if size >= (10**30 if isinstance(value, int) else _HUGE) and spec[-1:] in "dfF%,":
        return f"{decimal.Decimal(value):.3e}"  # an int may be more than a float holds
    text = format(value, spec)
    if text.startswith("-") and not any("1" <= char <= "9" for char in text):
        text = text[1:]  # -0.00 is nothing
    return signs(text.removesuffix("%")) if spec.endswith("%") else signs(text)


def _usual(values: list[Any], kind: Kind, locale: Locale) -> Format:  # noqa: PLR0911 - one for each kind
    match kind:
        case Kind.WHOLE:
            # Not grouped: 2026 is a year and 100234 an id as often as an amount.
            return Format(lambda value: _python(value, ".0f" if isinstance(value, float) else "d", locale.number), True)
        case Kind.NUMBER:
            spec = _spec_for([abs(v) for v in values if isinstance(v, _NUMBER) and not math.isinf(v)])
            return Format(lambda value: _python(value, spec, locale.number), right=True, excel=_excel(spec))
        case Kind.DATE:
            return Format(lambda value: _strftime(value, "%Y-%m-%d"), excel="yyyy-mm-dd")
        case Kind.MOMENT:
            return Format(lambda value: _moment(value, seconds=_any_seconds(values)), excel="yyyy-mm-dd hh:mm")
        case Kind.DURATION:
            return Format(_duration, right=True, excel="[h]:mm:ss")
        case Kind.BOOL:
            return Format(lambda value: "yes" if value else "no")
        case _:
            return Format(lambda value: clean(str(value)))


def _spec_for(sizes: list[Any]) -> str:
    """As few decimals as show the values: up to two from 10 on, three below, and digits that count for the tiny."""
    most = float(max(sizes, default=0))
    if 0 < most < 0.001:
        return ".3g"
    if all(isinstance(size, decimal.Decimal) for size in sizes) and sizes:
        return f",.{min(6, max(_scale(size) for size in sizes))}f"  # as many as the database keeps
    limit = 2 if most >= 10 else 3
    for decimals in range(limit):
        if all(math.isclose(float(size), round(float(size), decimals), abs_tol=1e-9) for size in sizes):
            return f",.{decimals}f"
    return f",.{limit}f"


def _scale(number: decimal.Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _any_seconds(values: list[Any]) -> bool:
    return any(isinstance(value, dt.datetime) and value.second for value in values)


def _moment(value: Any, *, seconds: bool) -> str:
    if not isinstance(value, dt.datetime):
        return str(value)
    zone = "" if value.tzinfo is None else f" {value:%Z}".rstrip()
    return f"{value:%Y-%m-%d %H:%M:%S}{zone}" if seconds else f"{value:%Y-%m-%d %H:%M}{zone}"


def _strftime(value: Any, spec: str) -> str:
    if isinstance(value, dt.date | dt.time):
        return clean(value.strftime(spec))
    if isinstance(value, str):
        try:
            return clean(dt.datetime.fromisoformat(value).strftime(spec))
        except ValueError as error:
            raise ValueError(f"{value[:40]!r} is not a date") from error
    raise ValueError(f"{type(value).__name__} is not a date")


def _bytes(value: Any, locale: Locale) -> str:
    if not isinstance(value, _NUMBER) or (isinstance(value, float) and math.isinf(value)):
        return _python(value, ",.0f", locale.number) if isinstance(value, float) else str(value)
    size, unit = float(value), 0
    while abs(size) >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{_python(size, ',.0f' if unit == 0 or abs(size) >= 99.95 else ',.1f', locale.number)} {_UNITS[unit]}"


def _duration(value: Any) -> str:
    """A timedelta, or seconds: `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 05 min`, `3 d 4 h`."""
    seconds = value.total_seconds() if isinstance(value, dt.timedelta) else float(value)
    if not math.isfinite(seconds):
        return "∞" if seconds > 0 else "-∞"
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if rest < 60:
        return f"{sign}{rest * 1000:.0f} ms" if 0 < rest < 0.9995 else f"{sign}{rest:.3g} s"
    whole = round(rest)
    if whole < 3600:
        return f"{sign}{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    if whole < 86400:
        return f"{sign}{whole // 3600} h" + (f" {whole % 3600 // 60:02} min" if whole % 3600 >= 60 else "")
    return f"{sign}{whole // 86400} d" + (f" {whole % 86400 // 3600} h" if whole % 86400 >= 3600 else "")


def _label(value: Any) -> str:
    return re.sub(r"^(?:https?://(?:www\.)?|mailto:)", "", clean(str(value)), flags=re.IGNORECASE).rstrip("/")


def _link(pattern: str) -> Callable[[Any], str | None]:
    if not pattern:
        return lambda value: str(value) if URL.fullmatch(str(value)) else None
    if URL.match(pattern) is None or "{}" not in pattern:
        hint = "write one such as link:https://example.com/orders/{}"
        raise MessageError(f"{pattern[:60]!r} is not an address to link to", field="formats", hint=hint)
    return lambda value: pattern.replace("{}", quote(str(value), safe=""))


def value_text(value: Any, spec: Spec, locale: Locale) -> str:
    """One value alone, as a tile or a template shows it: numbers grouped. Raises MessageError."""
    kind = kind_of([value])
    if spec is None and kind is Kind.WHOLE:
        spec = ",.0f" if isinstance(value, float) else ","
    try:
        return format_of(spec, [value], kind, locale).show(value)
    except (ValueError, TypeError) as error:
        if isinstance(error, MessageError):
            raise
        hint = f"it is a {type(value).__name__}"
        raise MessageError(
            f"the format {spec!r} does not fit {str(value)[:40]!r}", field="format", hint=hint
        ) from error
