"""A report is never over its budget; what it cut it says, and attaches whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit.errors import MessageError
from sendkit.report import KPI, Code, Html, Log, Markdown, Report, Table
from sendkit.report._piece import Piece, fit
from tests.report.frames import orders

BUDGET = 95_000


def size(report: Report) -> int:
    return len(report.html.encode())


def names(report: Report) -> list[str]:
    return [file.filename for file in report.files]


def test_a_long_table_is_cut_says_so_and_is_attached_whole() -> None:
    report = Report("R", [Table(orders(1000), max_rows=None, name="orders")])
    told = re.search(r"The first (\d+) of 1,000 rows; all of them are in orders.xlsx\.", report.html)
    assert told is not None
    assert BUDGET - 1000 < size(report) <= BUDGET
    assert report.html.count('<tr><td style="border') == int(told[1])
    assert told[0] in report.text
    assert names(report) == ["orders.xlsx"]


def test_the_largest_loses_first() -> None:
    small, large = Table(orders(20), name="small"), Table(orders(2000), max_rows=None, name="large")
    report = Report("R", [large, small])
    assert names(report) == ["large.xlsx"]
    assert "small.xlsx" not in report.html


def test_two_tables_of_one_name_have_two_files() -> None:
    report = Report("R", [Table(orders(60), name="orders"), Table(orders(70), name="orders")])
    assert names(report) == ["orders.xlsx", "orders-2.xlsx"]
    assert "all of them are in orders-2.xlsx" in report.html


def test_without_a_file_it_says_only_what_is_missing() -> None:
    report = Report("R", [Table(orders(60), rest=None)])
    assert "The first 50 of 60 rows.<" in report.html
    assert names(report) == []


def test_a_name_may_be_anything_and_becomes_a_file_name() -> None:
    report = Report("R", [Table(orders(60), name="../sales: <week> 48")])
    assert names(report) == ["sales-week-48.xlsx"]


def test_long_prose_loses_paragraphs() -> None:
    report = Report("R", [Markdown("\n\n".join(f"Paragraph {i} " + "x" * 500 for i in range(300)))])
    assert size(report) <= BUDGET
    assert "The rest is in text.md." in report.html
    assert report.files[0].read().count(b"Paragraph") == 300


def test_a_long_log_keeps_its_last_lines_and_code_its_first() -> None:
    lines = "\n".join(f"line {i} " + "<" * 100 for i in range(3000))
    log, code = Report("R", [Log(lines, last=3000)]), Report("R", [Code(lines)])
    assert "line 2999 " in log.html
    assert "line 0 " not in log.html
    assert "line 0 " in code.html
    for report in (log, code):
        assert size(report) <= BUDGET
        assert report.files[0].read().count(b"line") == 3000


def test_html_that_is_too_large_is_a_file() -> None:
    report = Report("R", ["Before", Html("<p>" + "x" * 200_000 + "</p>", name="big"), "After"])
    assert "too large for a mail; it is in big.html" in report.html
    assert size(report) < 10_000
    assert len(report.files[0].read()) > 200_000


def test_a_cell_of_any_length_leaves_room_for_others() -> None:
    report = Report("R", [Table([{"a": "x" * 200_000}, {"a": "y"}], name="long")])
    assert "Long cells are cut; whole ones are in long.xlsx." in report.html
    assert size(report) < 10_000


def test_what_no_cut_can_help_is_an_error_that_says_so() -> None:
    with pytest.raises(MessageError, match=r"500 blocks are over 95,000 octets") as caught:
        _ = Report("R", [KPI(f"Figure {i}", i) for i in range(500)]).html
    assert "two reports" in str(caught.value.hint)


def test_the_budget_may_be_another() -> None:
    assert size(Report("R", [Table(orders(1000), max_rows=None)], budget=20_000)) <= 20_000


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 200), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 20_000),
)
def test_what_fits_is_shown_and_never_more(shape: list[tuple[int, int, bool]], budget: int) -> None:
    pieces = [
        Piece(
            rows=["é" * length] * rows,
            last=last,
            note=lambda count, rows=rows: "cut" if count < rows else "",  # type: ignore[misc]
        )
        for rows, length, last in shape
    ]
    counts = fit(pieces, budget)
    if counts is None:
        assert sum(len(piece.html(0).encode()) for piece in pieces) > budget
        return
    assert sum(len(piece.html(count).encode()) for piece, count in zip(pieces, counts, strict=True)) <= budget
    whole = sum(len(piece.html(len(piece.rows)).encode()) for piece in pieces)
    assert whole > budget or counts == [len(piece.rows) for piece in pieces]
