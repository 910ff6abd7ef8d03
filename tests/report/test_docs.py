"""docs/reports.md is true: its blocks of Python run, and every name and setting of reports stands there."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from sendkit import report
from sendkit.report import MailHandler, Report, Table, Theme, report_failure
from tests.docs.pages import BLOCKS, CODE, ROOT, Block, is_told
from tests.each import each
from tests.report.frames import columns, orders, png

BLOCKS_HERE = [
    b for b in BLOCKS if b.language == "python" and (b.page == "docs/reports.md" or "sendkit.report" in b.text)
]
FOREIGN = {"airflow", "prefect"}


def runs(block: Block) -> bool:
    return not any(f"from {name}" in block.text for name in FOREIGN)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the blocks run: mail becomes files, and a template is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENDKIT_TRANSPORT", f"file:{tmp_path}/sent")
    monkeypatch.setenv("SENDKIT_FROM", "ana@example.com")
    (tmp_path / "templates").mkdir()
    (template,) = (b.text for b in BLOCKS if b.language == "html" and b.page == "docs/reports.md")
    (tmp_path / "templates" / "weekly.html").write_text(template)
    return tmp_path


@pytest.mark.parametrize("block", [b for b in BLOCKS_HERE if runs(b)], ids=str)
def test_every_block_runs(block: Block, folder: Path) -> None:
    if "parquet" in block.text:
        pytest.importorskip("pyarrow", reason="pip install --group plots")
    handlers = list(logging.getLogger().handlers)
    names: dict[str, Any] = {
        "week": [1, 3, 2],
        "orders": columns(12),
        "fig": png(1184, 400),
        "Report": Report,
        "Table": Table,
    }
    try:
        exec(compile("\n" * (block.line - 1) + block.text, str(ROOT / block.page), "exec"), names)
    finally:
        for handler in [each for each in logging.getLogger().handlers if each not in handlers]:
            logging.getLogger().removeHandler(handler)
            handler.close()
    made = names.get("report")
    if isinstance(made, Report):
        assert made.message(to="b@example.com").html


@pytest.mark.parametrize("block", [b for b in BLOCKS_HERE if not runs(b)], ids=str)
def test_blocks_for_other_programs_can_be_read(block: Block) -> None:
    compile(block.text, str(ROOT / block.page), "exec")


@each(report.__all__)
def test_every_name_is_told(name: str) -> None:
    assert is_told(name) or is_told(f"report.{name}") or f"{name}(" in CODE


SETTINGS = [
    *[(Table, f.name) for f in dataclasses.fields(Table) if f.init and f.name not in ("data", "_")],
    *[(Report, f.name) for f in dataclasses.fields(Report) if f.init and f.name not in ("title", "body", "_")],
    *[(Theme, f.name) for f in dataclasses.fields(Theme)],
    *[(MailHandler, name) for name in inspect.signature(MailHandler).parameters if name not in ("sender", "subject")],
    *[(report_failure, name) for name in ("to", "name", "locals", "mailer", "outbox")],
]


@each(SETTINGS, called=lambda value: getattr(value, "__name__", value))
def test_every_setting_is_told(kind: object, name: str) -> None:
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    assert re.search(rf"`[^`]*\b{name}\b", page) or f"{name}=" in page


def test_the_weekly_report_is_a_program_of_15_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "matplotlib"):
        pytest.importorskip(name, reason="pip install --group plots")
    importlib.import_module("matplotlib").use("Agg")
    example = ROOT / "examples" / "weekly_report.py"
    rows = ["region,day,orders,revenue,margin"]
    rows += [f"{o.region},{o.day},{o.orders},{o.revenue or 0},{o.margin}" for o in orders(40)]
    (folder / "orders.csv").write_text("\n".join(rows))
    monkeypatch.setattr("sys.argv", ["weekly_report.py", "orders.csv", "boss@example.com"])
    exec(compile(example.read_text(encoding="utf-8"), str(example), "exec"), {"__name__": "__main__"})
    (sent,) = (folder / "sent").rglob("*.eml")
    assert b"orders.xlsx" in sent.read_bytes()
    code = [line for line in example.read_text(encoding="utf-8").split('"""')[2].splitlines() if line.strip()]
    own = [line for line in code if not line.startswith(("import ", "from "))]
    assert len(own) <= 15


def test_the_notebook_shows_a_report() -> None:
    """Its cells run as Jupyter would run them; what the last one comes to is what it shows."""
    cells = json.loads((ROOT / "examples" / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for source in sources:
        *statements, last = ast.parse(source).body
        exec(compile(ast.Module(statements, []), "report.ipynb", "exec"), names)
        assert isinstance(last, ast.Expr | ast.Assign)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), "report.ipynb", "eval"), names)
        else:
            exec(compile(ast.Module([last], []), "report.ipynb", "exec"), names)
    assert "<iframe" in shown._repr_html_()
    assert "Sales, week 48" in shown._repr_html_()
