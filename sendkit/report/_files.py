"""Tables as files: `xlsx`, `csv` and `parquet`, each an Attachment.

A cell that begins with `=` is a formula for Excel and LibreOffice, and runs when the file is opened (CWE-1236). In
xlsx every text is written as a text; in csv such a cell gets an apostrophe, as OWASP advises.
"""

from __future__ import annotations

import csv as csv_module
import datetime as dt
import decimal
import io
import re
from collections.abc import Mapping
from typing import Any, cast

from sendkit import Attachment
from sendkit.errors import MessageError
from sendkit.report._characters import clean, one_line, width
from sendkit.report._extra import needed
from sendkit.report._format import Spec, format_of
from sendkit.report._frame import Column, Frame, frame_of, is_frame
from sendkit.report._locale import locale_of
from sendkit.report._values import kind_of

_FORMULA = re.compile("[=+@\\-\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?%?")
_SHEET = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_MOST_ROWS, _MOST_COLUMNS, _LONGEST = 1_048_576, 16_384, 32_767
_EXACT = 10**15  # Excel keeps 15 digits
_FIRST_DAY = dt.date(1900, 3, 1)  # before it, Excel counts a 29 February that never was
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OPTIONS: dict[str, Any] = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}


def xlsx(data: object, filename: str = "table.xlsx", *, formats: Mapping[str, Spec] | None = None) -> Attachment:
    """A table as a spreadsheet: a fixed header with filters, columns as wide as their values; texts are never formulas.

    `data` is whatever `Table` takes, or a dict of such tables, one for each sheet; `filename` is that of the file;
    `formats` are those of `Table`.
    Raises MessageError for more than 1,048,576 rows or 16,384 columns.
    """
    xlsxwriter = needed("xlsxwriter", "an xlsx file")
    file = io.BytesIO()
    book: Any = xlsxwriter.Workbook(file, _OPTIONS)
    taken: set[str] = set()
    for name, frame in _sheets(data, filename).items():
        if frame.rows >= _MOST_ROWS or len(frame.columns) > _MOST_COLUMNS:
            told = f"{frame.rows:,} rows and {len(frame.columns):,} columns are more than a sheet holds"
            raise MessageError(told, field="data", hint="write csv or parquet instead")
        _write_sheet(book, book.add_worksheet(_sheet_name(name, taken)), frame, formats or {})
    book.close()
    return Attachment.from_bytes(file.getvalue(), filename=filename, content_type=_XLSX)


def _sheets(data: object, filename: str) -> dict[str, Frame]:
    whole = data
    if isinstance(data, Mapping):
        parts = cast("Mapping[object, object]", data)
        if parts and all(is_frame(part) or isinstance(part, Frame) for part in parts.values()):
            return {str(name): frame_of(part) for name, part in parts.items()}
    return {filename.removesuffix(".xlsx"): frame_of(whole)}


def _sheet_name(name: str, taken: set[str]) -> str:
    base = _SHEET.sub(" ", one_line(name)).strip("' ")[:28] or "Sheet"
    base = f"{base} " if base.lower() == "history" else base  # Excel keeps that name for itself
    found, number = base, 1
    while found.lower() in taken:
        number += 1
        found = f"{base} {number}"
    taken.add(found.lower())
    return found


def _write_sheet(book: Any, sheet: Any, frame: Frame, formats: Mapping[str, Spec]) -> None:
    bold = book.add_format({"bold": True, "bottom": 1})
    columns = [column.all() for column in frame.columns]
    for j, (column, values) in enumerate(zip(frame.columns, columns, strict=True)):
        excel = _excel_format(column, values, formats)
        sheet.set_column(j, j, _wide(column, values), book.add_format({"num_format": excel}) if excel else None)
    days, moments = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    spans = book.add_format({"num_format": "[h]:mm:ss"})
    for j, column in enumerate(frame.columns):
        sheet.write_string(0, j, clean(column.name)[:_LONGEST], bold)
    for i in range(frame.rows):  # row by row: that is what constant memory means
        for j, values in enumerate(columns):
            _write_cell(sheet, i + 1, j, values[i], (days, moments, spans))
    sheet.freeze_panes(1, 0)
    if frame.columns:
        sheet.autofilter(0, 0, frame.rows, len(frame.columns) - 1)


def _excel_format(column: Column, values: list[Any], formats: Mapping[str, Spec]) -> str | None:
    spec = formats.get(column.name)
    head = values[:200]
    return None if callable(spec) else format_of(spec, head, kind_of(head), locale_of(None)).excel


def _wide(column: Column, values: list[Any]) -> int:
    longest = max((width(str(value)[:60]) for value in values[:200]), default=0)
    return min(60, max(width(column.name) + 4, longest + 2, 9))


def _write_cell(sheet: Any, i: int, j: int, value: Any, looks: tuple[Any, Any, Any]) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(i, j, value)
    elif _is_exact(value):
        sheet.write_number(i, j, value)
    elif isinstance(value, dt.datetime) and value.date() >= _FIRST_DAY:
        sheet.write_datetime(i, j, value.replace(tzinfo=None), looks[0] if value.time() == dt.time() else looks[1])
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime) and value >= _FIRST_DAY:
        sheet.write_datetime(i, j, value, looks[0])
    elif isinstance(value, dt.timedelta) and value >= dt.timedelta():
        sheet.write_number(i, j, value / dt.timedelta(days=1), looks[2])
    else:
        sheet.write_string(i, j, clean(str(value))[:_LONGEST])


def _is_exact(value: Any) -> bool:
    return isinstance(value, int | float | decimal.Decimal) and -_EXACT < value < _EXACT


def csv(data: object, filename: str = "table.csv", *, delimiter: str = ",") -> Attachment:
    """A table as CSV (RFC 4180): UTF-8 with a mark, so that Excel reads it, and no cell that it would run.

    `data` is whatever `Table` takes, `filename` the name of the file, and `delimiter` stands between two values. Raises
    MessageError.
    """
    frame = frame_of(data)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise MessageError(f"{delimiter[:10]!r} divides no fields", field="delimiter", hint="take ',', ';' or a tab")
    file = io.StringIO(newline="")
    writer = csv_module.writer(file, delimiter=delimiter)
    writer.writerow([_harmless(name) for name in frame.names])
    writer.writerows(zip(*([_field(value) for value in column.all()] for column in frame.columns), strict=True))
    kind = "text/csv; charset=utf-8; header=present"
    return Attachment.from_bytes(file.getvalue().encode("utf-8-sig"), filename=filename, content_type=kind)


def _field(value: Any) -> Any:
    if value is None or isinstance(value, int | float | decimal.Decimal):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="auto")
    return str(value) if isinstance(value, dt.date | dt.timedelta) else _harmless(str(value))


def _harmless(text: str) -> str:
    text = clean(text)
    return f"'{text}" if _FORMULA.match(text.lstrip(" ")) and not _NUMBER.fullmatch(text) else text


def parquet(data: Any, filename: str = "table.parquet") -> Attachment:
    """A table (`data`) as a file of Parquet (`filename`), with its types.

    Needs polars or pyarrow. Raises MessageError.
    """
    frame = frame_of(data)
    pa, pq = needed("pyarrow", "a parquet file", "pyarrow"), needed("pyarrow.parquet", "a parquet file", "pyarrow")
    file = io.BytesIO()
    names = _distinct(frame.names)
    try:
        arrays = [pa.array(column.all()) for column in frame.columns]
    except pa.ArrowException as error:
        hint = "give each column values of one type, or write xlsx"
        raise MessageError(f"parquet: {one_line(str(error))[:200]}", field="data", hint=hint) from error
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), file)
    kind = "application/vnd.apache.parquet"
    return Attachment.from_bytes(file.getvalue(), filename=filename, content_type=kind)


def _distinct(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        wanted, number = name or "column", 1
        while (unique := wanted if number == 1 else f"{wanted}_{number}") in found:
            number += 1
        found.append(unique)
    return found
