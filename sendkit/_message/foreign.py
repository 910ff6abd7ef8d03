"""What people hand to a message in place of text or files, such as tables and figures of other libraries.

Knows what to write instead.
"""

from __future__ import annotations

_TABLES = {"pandas", "polars", "pyarrow", "duckdb", "_duckdb", "modin", "dask", "ibis"}
_FIGURES = {"matplotlib", "seaborn", "plotnine", "plotly", "altair", "PIL"}


def is_table(value: object) -> bool:
    """Whether a value is a frame of pandas, polars and the like: iterable, and no list of attachments."""
    return bool(libraries_of(value) & _TABLES)


def cure_for(value: object, usual: str, *, shown: bool = False) -> str:
    """What to write in place of a table or a figure, as a file or `shown` in the body; `usual` for all else."""
    libraries = libraries_of(value)
    if libraries & _TABLES:
        if shown:
            return "make a report of it: sendkit.report.Report('Title', [df]).message(to=…)"
        return "write sendkit.report.xlsx(df, 'table.xlsx'), or csv, which make an attachment of it"
    if libraries & _FIGURES:
        if shown:
            return "make a report of it: sendkit.report.Report('Title', [Figure(fig, alt='…')]).message(to=…)"
        return "write sendkit.report.picture(fig, alt='…'), which makes an attachment of it"
    return usual


def text_for(value: object) -> str:
    """What to write where this was given in place of text."""
    if isinstance(value, bytes | bytearray):
        return "give a str: data.decode()"
    usual = "give a str: path.read_text()" if hasattr(value, "__fspath__") else "give a str"
    return cure_for(value, usual, shown=True)


def libraries_of(value: object) -> set[str]:
    """The top-level packages that a value's class and its bases come from."""
    return {base.__module__.partition(".")[0] for base in type(value).__mro__}
