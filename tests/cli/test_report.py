"""`sendkit report` as a shell sees it: tables from files and from a pipe, pictures, prose, and what is wrong."""

from __future__ import annotations

import json
from email import message_from_string, policy
from pathlib import Path

import pytest

from sendkit.testing import LocalServer
from tests.cli.shell import Shell, account
from tests.report.frames import PNG

CSV = "region;day;revenue;margin;id\nEast;2026-11-01;1200.5;0.12;007\nWest;2026-11-02;;-0.05;008\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text(CSV)
    (tmp_path / "notes.md").write_text("# Notes\n\nAll went **well**.\n")
    (tmp_path / "sales-rising.png").write_bytes(PNG)
    return tmp_path


def shown(shell: Shell, *arguments: str, stdin: str = "") -> str:
    """The text part of what would be sent."""
    answer = shell(
        "report", "-f", "ana@example.com", "-t", "luis@example.com", "--dry-run", *arguments, stdin=stdin.encode()
    )
    assert answer.code == 0, answer.err
    body = message_from_string(answer.out, policy=policy.default).get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content())


def test_a_csv_becomes_a_table_with_types(shell: Shell, folder: Path) -> None:
    text = shown(shell, "orders.csv", "--title", "Orders", "--format", "margin=percent")
    assert text.splitlines()[3:6] == [
        "region  day         revenue  margin  id",
        "------  ----------  -------  ------  ---",
        "East    2026-11-01  1,200.5   12.0%  007",
    ]


@pytest.mark.parametrize(
    "stdin", ['[{"a": 1, "b": "x"}]', '{"a": 1, "b": "x"}\n{"a": 2}\n', "a,b\n1,x\n", '{"a": [1], "b": ["x"]}']
)
def test_standard_input_is_csv_or_json(shell: Shell, folder: Path, stdin: str) -> None:
    assert "a  b\n-  -\n1  x" in shown(shell, "--title", "T", stdin=stdin)


def test_prose_stands_above_and_figures_below(shell: Shell, folder: Path) -> None:
    text = shown(shell, "orders.csv", "--title", "T", "--markdown", "notes.md", "--figure", "sales-rising.png")
    assert text.index("All went") < text.index("East") < text.index("[Picture: sales rising]")


def test_it_is_sent_like_any_message(shell: Shell, folder: Path, server: LocalServer) -> None:
    to = ("-f", "ana@example.com", "-t", "luis@example.com", *account(server))
    answer = shell("report", "orders.csv", "--title", "Orders", *to, "--json")
    assert (answer.code, json.loads(answer.out)["recipients"]["luis@example.com"]["outcome"]) == (0, "accepted")
    (sent,) = server.messages
    assert sent.message["Subject"] == "Orders"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nope.csv", "--title", "T"], 65, "nope.csv: it cannot be read"),
        (["orders.csv"], 64, "no title"),
        (["orders.csv", "--title", "T", "--format", "margin"], 64, "write margin=percent"),
        (["orders.csv", "--title", "T", "--format", "margin=percnt"], 65, "did you mean 'percent'?"),
        (["notes.md", "--title", "T", "--figure", "nope.png"], 65, "nope.png"),
        (["-", "-", "--title", "T"], 64, "named twice"),
        (["orders.csv", "--title", "T", "--alt", "x"], 64, "more --alt than --figure"),
        (["orders.csv", "--title", "T", "--rows", "0"], 64, "is not a number from 1 on"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure(
    shell: Shell, folder: Path, arguments: list[str], code: int, told: str
) -> None:
    answer = shell("report", "-f", "ana@example.com", "-t", "luis@example.com", "--dry-run", *arguments)
    assert (answer.code, told in answer.err, "hint:" in answer.err) == (code, True, True)
