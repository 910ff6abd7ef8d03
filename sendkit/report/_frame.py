"""Any table of the Python world as columns of plain values, read lazily where the library allows it.

pandas, polars, pyarrow and all else that narwhals knows; DB-API cursors, duckdb relations and SQLAlchemy results; lists
of dicts, dataclasses, named tuples and pydantic models; a dict of columns. Must not know how a table looks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sendkit._message.foreign import libraries_of
from sendkit.errors import MessageError
from sendkit.report._characters import one_line, shortened
from sendkit.report._extra import needed, needed_for
from sendkit.report._values import plain

_FRAMES = {"pandas", "polars", "pyarrow", "narwhals", "modin", "cudf", "dask", "ibis", "pyspark", "sqlframe", "daft"}
_HINT = "give a DataFrame of pandas, polars or pyarrow, a list of dicts or dataclasses, or a cursor that ran a SELECT"


@dataclass(slots=True, frozen=True, eq=False)
class Column:
    """One column: its name as a text, and its values, from a list or a series of narwhals."""

    name: str
    source: Any
    labels_rows: bool = False

    def head(self, rows: int) -> list[Any]:
        """The first values, plain."""
        source: Any = self.source
        first: list[Any] = source.head(rows).to_list() if hasattr(source, "to_list") else source[:rows]
        return [plain(value) for value in first]

    def all(self) -> list[Any]:
        """All values, plain."""
        source: Any = self.source
        values: list[Any] = source.to_list() if hasattr(source, "to_list") else source
        return [plain(value) for value in values]


@dataclass(slots=True, frozen=True, eq=False)
class Frame:
    """Columns of the same length."""

    columns: tuple[Column, ...]
    rows: int

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]


def frame_of(data: object) -> Frame:
    """Read any table. Raises MessageError for what is none."""
    if isinstance(data, Frame):
        return data
    if libraries_of(data) & _FRAMES:
        return _of_a_library(data)
    if _has(data, "fetchall", "description") or _has(data, "fetchall", "keys"):
        return _of_a_cursor(data)
    if isinstance(data, Mapping):
        return _of_columns(cast("Mapping[object, object]", data))
    if _has(data, "__arrow_c_stream__"):
        return _of_a_library(needed("pyarrow", "reading an Arrow stream", "pyarrow").table(data))
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | bytearray):
        return _of_rows(list(cast("Iterable[object]", data)))
    raise MessageError(f"{type(data).__name__} is not a table", field="data", hint=_HINT)


def is_frame(value: object) -> bool:
    """Whether a value comes from a library of tables."""
    return bool(libraries_of(value) & (_FRAMES | {"duckdb", "_duckdb"}))


def _has(value: object, *names: str) -> bool:
    return all(hasattr(value, name) for name in names)


def _of_a_library(data: Any) -> Frame:
    with needed_for(f"a table of {type(data).__module__.partition('.')[0]}"):
        import narwhals as nw  # noqa: PLC0415 - of the extra
    native = nw.to_native(data, pass_through=True)
    names, labels, native = _normalised(native)
    try:
        frame: Any = nw.from_native(native)
    except TypeError as error:
        raise MessageError(f"{type(native).__name__} is not a table", field="data", hint=_HINT) from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    names = names or [_name(name) for name in frame.columns]
    series: list[Any] = list(frame.iter_columns())
    columns = zip(names, series, strict=True)
    return Frame(tuple(Column(name, one, i < labels) for i, (name, one) in enumerate(columns)), len(frame))


def _normalised(native: Any) -> tuple[list[str], int, Any]:
    """The names as texts, how many columns label the rows, and a frame whose names narwhals takes.

    narwhals drops the index of pandas, and refuses duplicate names, numbers as names and names of several levels.
    """
    libraries = libraries_of(native)
    if "pandas" in libraries:
        return _of_pandas(native)
    if "pyarrow" in libraries:
        table: Any = native.read_all() if hasattr(native, "read_all") else native
        if type(table).__name__ == "RecordBatch":
            table = needed("pyarrow", "a record batch", "pyarrow").Table.from_batches([table])
        if not hasattr(table, "rename_columns"):
            raise MessageError(f"{type(native).__name__} is not a table", field="data", hint=_HINT)
        names = [_name(name) for name in table.column_names]
        return names, 0, table.rename_columns([f"c{i}" for i in range(len(names))])
    if "polars" in libraries and hasattr(native, "to_frame"):
        return [], 0, native.to_frame()
    return [], 0, native


def _of_pandas(native: Any) -> tuple[list[str], int, Any]:
    if not hasattr(native, "index") or getattr(native, "ndim", 0) not in (1, 2):
        raise MessageError(f"{type(native).__name__} is not a table", field="data", hint=_HINT)
    frame = native.to_frame(name="value" if native.name is None else native.name) if native.ndim == 1 else native
    index = frame.index
    unnamed = all(name is None for name in index.names)
    kept = 0 if unnamed and (index.inferred_type == "integer" or not len(index)) else index.nlevels
    names = ["" if name is None else _name(name) for name in index.names[:kept]] + [_name(n) for n in frame.columns]
    flat = frame.set_axis([f"c{i}" for i in range(frame.shape[1])], axis="columns")
    if kept:
        flat = flat.rename_axis(index=[f"i{i}" for i in range(kept)]).reset_index()
    return names, kept, flat


def _name(name: object) -> str:
    if isinstance(name, tuple):
        levels = [one_line(str(level)) for level in cast("tuple[object, ...]", name)]
        return " / ".join(level for level in levels if level)
    return shortened(one_line(str(name)), 80)


def _of_a_cursor(cursor: Any) -> Frame:
    if hasattr(cursor, "description") and cursor.description is None:
        raise MessageError("a cursor without a result", field="data", hint="execute a SELECT first")
    keys = list(cursor.keys() if hasattr(cursor, "keys") else [column[0] for column in cursor.description])
    rows = [_fields(row, keys) for row in cursor.fetchall()]
    names = [_name(key) for key in keys]
    return Frame(tuple(Column(name, [row[i] for row in rows]) for i, name in enumerate(names)), len(rows))


def _fields(row: Any, keys: list[Any]) -> tuple[Any, ...]:
    if isinstance(row, Mapping):  # of a cursor that gives dicts
        mapping = cast("Mapping[object, Any]", row)
        return tuple(mapping[key] for key in keys)
    return tuple(row)


def _of_columns(data: Mapping[object, object]) -> Frame:
    columns: list[Column] = []
    for name, values in data.items():
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            hint = "give a list for each column, or a list of dicts, one for each row"
            raise MessageError(f"column {_name(name)!r} is not a list of values", field="data", hint=hint)
        columns.append(Column(_name(name), list(cast("Iterable[object]", values))))
    lengths = {len(column.source) for column in columns}
    if len(lengths) > 1:
        told = ", ".join(f"{column.name!r} has {len(column.source)}" for column in columns[:4])
        raise MessageError(f"columns of different lengths: {told}", field="data", hint="give as many values for each")
    return Frame(tuple(columns), lengths.pop() if lengths else 0)


def _of_rows(rows: list[object]) -> Frame:
    records = [_record(row, number) for number, row in enumerate(rows)]
    keys: dict[object, None] = {}
    for record in records:
        keys.update(dict.fromkeys(record))
    return Frame(tuple(Column(_name(key), [record.get(key) for record in records]) for key in keys), len(records))


def _record(row: object, number: int) -> Mapping[object, object]:
    if isinstance(row, Mapping):
        return cast("Mapping[object, object]", row)
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    thing = cast("Any", row)
    if hasattr(row, "_fields") and isinstance(row, tuple):
        return dict(zip(thing._fields, thing, strict=True))
    if hasattr(row, "_mapping"):  # SQLAlchemy
        return dict(thing._mapping)  # noqa: SLF001 - as above
    if hasattr(row, "model_fields_set"):  # pydantic
        return dict(thing)
    if hasattr(row, "keys") and hasattr(row, "__getitem__"):  # sqlite3.Row, asyncpg.Record
        return {key: thing[key] for key in list(thing.keys())}
    hint = "give dicts, dataclasses or named tuples, so that each column has a name"
    raise MessageError(f"row {number} is a {type(row).__name__}", field="data", hint=hint)
