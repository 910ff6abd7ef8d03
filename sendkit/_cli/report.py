"""`sendkit report`: files and standard input become one report, which is sent, shown or printed like any message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sendkit._cli.console import standard_input
from sendkit._cli.message import sender_of
from sendkit._cli.send import deliver
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit import Message
    from sendkit._cli.exit_codes import ExitCode
    from sendkit._cli.options import ReportOptions
    from sendkit.report import Table
    from sendkit.report._table import Rest

_STDIN = Path("-")


def report(options: ReportOptions) -> ExitCode:
    """Make the report and send it; as `send` in everything else."""
    return deliver(lambda: _message(options), options)


def _message(options: ReportOptions) -> Message:
    from sendkit.report import Report  # noqa: PLC0415 - of this command alone

    body = [*_prose(options), *_tables(options), *_figures(options)]
    made = Report(options.title, body, footer=options.footer, preheader=options.preheader, lang=options.lang)
    sender, reply_to = sender_of(options), options.reply_to
    return made.message(sender=sender, to=options.to, cc=options.cc, bcc=options.bcc, reply_to=reply_to)


def _prose(options: ReportOptions) -> list[str]:
    texts: list[str] = []
    for path in options.markdown:
        try:
            texts.append(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            told = getattr(error, "strerror", None) or "it is not UTF-8"
            raise MessageError(f"--markdown {path}: {told}", field="markdown", hint="give a text file") from error
    return texts


def _tables(options: ReportOptions) -> list[Table]:
    from sendkit.report import Table  # noqa: PLC0415 - as above
    from sendkit.report._read import table_of, tables_of  # noqa: PLC0415 - as above

    paths = options.files
    if not paths and not options.markdown and not options.figure:
        paths = (_STDIN,)
    named: list[tuple[str, Any]] = []
    for path in paths:
        named += (
            [("", table_of(standard_input("table", "a table (csv or json)"), "standard input"))]
            if path == _STDIN
            else tables_of(path)
        )
    alone = len(named) == 1
    return [_table(Table, frame, "" if alone else name, name or "table", options) for name, frame in named]


def _table(kind: type[Table], frame: Any, caption: str, name: str, options: ReportOptions) -> Table:
    mine = {column: spec for column, spec in options.format if column in frame.names}
    rest = None if options.rest == "none" else cast("Rest", options.rest)
    return kind(frame, caption=caption, name=name, formats=mine, max_rows=options.rows, rest=rest, total=options.total)


def _figures(options: ReportOptions) -> list[Any]:
    from sendkit.report import Figure  # noqa: PLC0415 - as above

    words = [*options.alt, *[None] * len(options.figure)]
    return [Figure(path, alt=alt or _words(path)) for path, alt in zip(options.figure, words, strict=False)]


def _words(path: Path) -> str | None:
    from sendkit.report._picture import description_of  # noqa: PLC0415 - as above

    return description_of(path) or path.stem.replace("-", " ").replace("_", " ")
