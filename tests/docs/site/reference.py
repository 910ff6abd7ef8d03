"""The reference: a page for each public module, from its docstrings, and what the command line and the files take."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from importlib import import_module

from sendkit._cli import parser
from sendkit._cli.arguments import Command, described
from sendkit._plan.options import OPTIONS
from tests.docs.reference import modules
from tests.docs.site.markdown import code, table


def pages() -> dict[str, str]:
    """Path and text of each page."""
    names = list(modules())
    return {
        "reference/index.md": _index(names),
        "reference/command-line.md": _command_line(),
        "reference/options.md": _options(),
        **{f"reference/{name}.md": _module(name) for name in names},
    }


def _index(names: list[str]) -> str:
    rows = ((f"[`{name}`]({name}.md)", _first(import_module(name).__doc__)) for name in names)
    return (
        "# Reference\n\nEvery public name stands on the page of its module. `help(sendkit.Mailer)` says the same.\n\n"
        + table(("module", ""), rows)
        + "\nAnd [every command](command-line.md), [every option of a mailer](options.md).\n"
    )


def _module(name: str) -> str:
    module = import_module(name)
    public = [one for one in module.__all__ if not one.startswith("__")]
    parts = [f"# {name}\n", inspect.cleandoc(module.__doc__ or "")]
    parts += [f"::: {name}.{one}" for one in public if not inspect.ismodule(getattr(module, one))]
    return "\n\n".join(parts) + "\n"


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _options() -> str:
    rows = ((f"`{name}`", f"`{option.default!r}`", option.help) for name, option in OPTIONS.items())
    return "# Options of a mailer\n\nWhat every way to make a mailer takes beside its server.\n\n" + table(
        ("option", "default", "it says"), rows
    )


def _command_line() -> str:
    main: argparse.ArgumentParser = parser._parsers()[0]
    parts = ["# Commands\n", main.description or "", code(main.format_help())]
    return "\n".join([*parts, *(part for command in described(main).inner for part in _command(command))])


def _command(command: Command) -> Iterator[str]:
    yield f"## sendkit {' '.join(command.words)}\n"
    yield command.description + "\n"
    yield code(command.usage)
    rows = (
        (", ".join(f"`{flag}`" for flag in each.flags) or f"`{each.value}`", each.text) for each in command.arguments
    )
    yield table(("option", ""), rows)
    if command.epilog:
        yield code(command.epilog)
    for inner in command.inner:
        yield from _command(inner)
