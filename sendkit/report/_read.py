"""Tables from files and from standard input, for the command line: csv, json, parquet and xlsx.

A csv has no types: a column is a number, a date or a truth where all of it is; `007` stays a text.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from sendkit.errors import MessageError
from sendkit.report._characters import one_line, shortened
from sendkit.report._extra import needed
from sendkit.report._frame import Column, Frame, frame_of

_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_TRUTH = {"true": True, "false": False, "True": True, "False": False}
_NOTHING = {"", "NA", "NaN", "nan", "null", "NULL", "None"}
_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_WHOLE, int),
    (_NUMBER, float),
    (_DATE, dt.date.fromisoformat),
    (_MOMENT, dt.datetime.fromisoformat),
    (re.compile("[Tt]rue|[Ff]alse"), _TRUTH.__getitem__),
)
_DELIMITERS = ",;\t|"


def tables_of(path: Path) -> Iterator[tuple[str, Frame]]:
    """The tables of a file, each with its name. Raises MessageError for what cannot be read."""
    match path.suffix.lower():
        case ".parquet":
            yield path.stem, _parquet(path)
        case ".xlsx":
            yield from _xlsx(path)
        case _:
            yield path.stem, table_of(_octets(path), path.name)


def table_of(octets: bytes, name: str) -> Frame:
    """A table from the octets of a csv or json file. Raises MessageError."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refuse(name, "it is not UTF-8", "convert it first, such as with iconv -f latin1 -t utf-8") from error
    start = text.lstrip()[:1]
    if start and start in "[{":
        return _json(text, name)
    return _csv(text, name)


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refuse(str(path), f"it cannot be read: {error.strerror}", "give the path of a file") from error


def _json(text: str, name: str) -> Frame:
    try:
        rows = json.loads(text)
    except ValueError:
        try:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise _refuse(name, f"it is not json: {error}", "write a list of objects, or one on each line") from error
    if isinstance(rows, dict):
        mapping = cast("dict[str, Any]", rows)
        rows = [mapping] if not all(isinstance(value, list) for value in mapping.values()) else mapping
    try:
        return frame_of(rows)
    except MessageError as error:
        raise _refuse(name, error.message, "write a list of objects, or one on each line") from error


def _csv(text: str, name: str) -> Frame:
    delimiter = _delimiter(text)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise _refuse(name, f"it is not csv: {error}", "check its quotes") from error
    if not rows:
        return Frame((), 0)
    header, *records = rows
    for number, record in enumerate(records, 2):
        if len(record) > len(header):
            told = f"row {number} has {len(record)} fields, and the first one {len(header)}"
            raise _refuse(name, told, "the first row names the columns; put fields that hold commas into quotes")
    columns = [[record[i] if i < len(record) else "" for record in records] for i in range(len(header))]
    named = zip(header, columns, strict=True)
    return Frame(tuple(Column(one_line(head), _typed(values)) for head, values in named), len(records))


def _delimiter(text: str) -> str:
    line = text.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=line.count)


def _typed(values: list[str]) -> list[Any]:
    given = [value.strip() for value in values]
    told = [value for value in given if value not in _NOTHING]
    for pattern, read in _KINDS if told else ():
        if all(pattern.fullmatch(value) for value in told):
            try:
                return [None if value in _NOTHING else read(value) for value in given]
            except ValueError:  # 2026-02-30
                break
    return [value or None for value in values]


def _parquet(path: Path) -> Frame:
    pa, pq = needed("pyarrow", "reading parquet", "pyarrow"), needed("pyarrow.parquet", "reading parquet", "pyarrow")
    try:
        return frame_of(pq.read_table(io.BytesIO(_octets(path))))
    except pa.ArrowException as error:
        raise _refuse(
            path.name, f"it is not a Parquet file: {shortened(one_line(str(error)), 100)}", "check the file"
        ) from error


def _xlsx(path: Path) -> Iterator[tuple[str, Frame]]:
    openpyxl = needed("openpyxl", "reading xlsx", "openpyxl")
    import zipfile  # noqa: PLC0415 - workbooks alone need it

    try:
        book: Any = openpyxl.load_workbook(io.BytesIO(_octets(path)), read_only=True, data_only=True)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _refuse(path.name, f"it is not an xlsx file: {one_line(str(error))}", "save it as .xlsx") from error
    for sheet in book.worksheets:
        rows: list[tuple[Any, ...]] = [
            row for row in sheet.iter_rows(values_only=True) if any(v is not None for v in row)
        ]
        if rows:
            header, *records = rows
            columns = [Column(one_line(str(head or "")), [row[i] for row in records]) for i, head in enumerate(header)]
            yield (sheet.title if len(book.worksheets) > 1 else path.stem), Frame(tuple(columns), len(records))


def _refuse(name: str, problem: str, hint: str) -> MessageError:
    return MessageError(f"{name}: {problem}", field="data", hint=hint)
