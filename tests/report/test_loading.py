"""Reports cost nothing until they are used, and what needs no extra works without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sendkit import report
from tests.each import each

ROOT = Path(__file__).parents[2]
EXTRA = ("narwhals", "markdown_it", "css_inline", "jinja2", "xlsxwriter")
# A stranger's machine without the extra: its packages cannot be imported.
WITHOUT = f"import sys; sys.modules.update(dict.fromkeys({EXTRA!r})); "


def run(program: str) -> str:
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "SENDKIT_FROM": "ana@example.com"}
    command = [sys.executable, "-W", "error", "-c", program]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@each(report.__all__)
def test_every_name_resolves_and_is_listed(name: str) -> None:
    assert getattr(report, name) is getattr(report, name)
    assert name in dir(report)


def test_names_are_sorted_and_another_is_an_ordinary_error() -> None:
    assert sorted(report.__all__) == sorted(set(report.__all__))
    with pytest.raises(AttributeError, match="Tabel"):
        _ = report.Tabel  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement", ["import sendkit", "from sendkit import Mailer, Message", "import sendkit.report"]
)
def test_nothing_of_it_is_loaded_before_it_is_used(statement: str) -> None:
    told = json.loads(run(f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in told if name.startswith("sendkit.report.")] == []
    assert set(EXTRA).isdisjoint(told)


def test_tables_of_dicts_figures_tiles_and_lines_need_no_extra() -> None:
    program = (
        "from sendkit.report import *; from tests.report.frames import png; "
        "report = Report('R', [Table([{'a': 1}]), [KPI('a', 1)], Figure(png(9, 9), alt='x'), Code('x'), Log('x'), "
        "Divider(), Button('x', 'https://example.com'), Html('<b>x</b>')]); "
        "print(len(report.message(to='b@example.com').html) > 1000, len(csv([{'a': 1}]).read()))"
    )
    assert run(WITHOUT + program) == "True 9"


def test_the_handler_and_the_failure_need_no_extra() -> None:
    program = (
        "import logging; from sendkit import Mailer, MemoryTransport; from sendkit.report import *\n"
        "transport = MemoryTransport(); mailer = Mailer(transport=transport)\n"
        "handler = MailHandler(mailer=mailer); logging.getLogger().addHandler(handler)\n"
        "logging.error('x'); handler.flush()\n"
        "try:\n  with report_failure(mailer=mailer): 1 / 0\nexcept ZeroDivisionError: print(len(transport.sent))"
    )
    assert run(WITHOUT.replace("; ", "\n", 1) + "\n" + program) == "2"


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("Report('R', ['text']).html", "markdown_it"),
        ("xlsx([{'a': 1}])", "xlsxwriter"),
        ("Html('<style>b{}</style>')", "css_inline"),
        ("Report.from_template('a.html', folder='.', title='T').html", "jinja2"),
    ],
)
def test_what_needs_it_says_how_to_install_it(program: str, package: str) -> None:
    told = run(
        f"{WITHOUT}from sendkit.errors import MessageError; from sendkit.report import *\n"
        f"try: {program}\nexcept MessageError as error: print(error)"
    )
    assert f"needs {package}, which is not installed" in told
    assert "[report]" in told
