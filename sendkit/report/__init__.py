"""Reports: a DataFrame, a figure and some prose become a Message that looks right everywhere (extra `report`).

Blocks give html, text, inline parts and files; a Report puts them into one layout and keeps it below what Gmail clips.
Every name is loaded when it is first used, and nothing here is loaded by any other room. `MailHandler` and
`report_failure` need no extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._lazy import attribute

if TYPE_CHECKING:
    from sendkit.report._block import Block
    from sendkit.report._blocks import Button, Divider, Html
    from sendkit.report._code import Code, Log
    from sendkit.report._dispatch import Dispatch, Mails, Puts
    from sendkit.report._failure import FailureWatch, report_failure
    from sendkit.report._figure import Figure, picture
    from sendkit.report._files import csv, parquet, xlsx
    from sendkit.report._handler import MailHandler
    from sendkit.report._kpi import KPI
    from sendkit.report._locale import Locale
    from sendkit.report._markdown import Markdown
    from sendkit.report._picture import Picture
    from sendkit.report._piece import Page, Piece
    from sendkit.report._report import Report
    from sendkit.report._table import Table
    from sendkit.report._template import Filled, Template
    from sendkit.report._theme import Theme

__all__ = [
    "KPI",
    "Block",
    "Button",
    "Code",
    "Dispatch",
    "Divider",
    "FailureWatch",
    "Figure",
    "Filled",
    "Html",
    "Locale",
    "Log",
    "MailHandler",
    "Mails",
    "Markdown",
    "Page",
    "Picture",
    "Piece",
    "Puts",
    "Report",
    "Table",
    "Template",
    "Theme",
    "csv",
    "parquet",
    "picture",
    "report_failure",
    "xlsx",
]

_HOMES = {
    "KPI": "report._kpi",
    "Block": "report._block",
    "Button": "report._blocks",
    "Code": "report._code",
    "Dispatch": "report._dispatch",
    "Divider": "report._blocks",
    "FailureWatch": "report._failure",
    "Figure": "report._figure",
    "Filled": "report._template",
    "Html": "report._blocks",
    "Locale": "report._locale",
    "Log": "report._code",
    "MailHandler": "report._handler",
    "Mails": "report._dispatch",
    "Markdown": "report._markdown",
    "Page": "report._piece",
    "Picture": "report._picture",
    "Piece": "report._piece",
    "Puts": "report._dispatch",
    "Report": "report._report",
    "Table": "report._table",
    "Template": "report._template",
    "Theme": "report._theme",
    "csv": "report._files",
    "parquet": "report._files",
    "picture": "report._figure",
    "report_failure": "report._failure",
    "xlsx": "report._files",
}


def __getattr__(name: str) -> object:
    return attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return __all__
