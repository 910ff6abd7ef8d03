"""Reports: a DataFrame, a figure and some prose become a Message that looks right everywhere (extra `report`).

Blocks give html, text, inline parts and files; a Report puts them into one layout and keeps it below what Gmail clips.
Every name is loaded when it is first used, and nothing here is loaded by any other room. `MailHandler` and
`report_failure` need no extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

_MODULES = {
    "KPI": "_kpi",
    "Block": "_block",
    "Button": "_blocks",
    "Code": "_code",
    "Dispatch": "_dispatch",
    "Divider": "_blocks",
    "FailureWatch": "_failure",
    "Figure": "_figure",
    "Filled": "_template",
    "Html": "_blocks",
    "Locale": "_locale",
    "Log": "_code",
    "MailHandler": "_handler",
    "Mails": "_dispatch",
    "Markdown": "_markdown",
    "Page": "_piece",
    "Picture": "_picture",
    "Piece": "_piece",
    "Puts": "_dispatch",
    "Report": "_report",
    "Table": "_table",
    "Template": "_template",
    "Theme": "_theme",
    "csv": "_files",
    "parquet": "_files",
    "picture": "_figure",
    "report_failure": "_failure",
    "xlsx": "_files",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'sendkit.report' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"sendkit.report.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
