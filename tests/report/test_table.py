"""`Table`: every source gives the same table, what is missing or strange is shown, what is wrong has its cure."""

from __future__ import annotations

import datetime as dt
import math
import re
import sqlite3
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from sendkit.report import Report, Table
from tests.report.frames import LIBRARIES, columns, frame, orders

PLOTS = "pip install --group plots"
NAIVE = dt.datetime(2026, 11, 1, 6, 30)  # noqa: DTZ001 - as frames have them


def cells(table: Table) -> list[list[str]]:
    """The cells of its text part, split at two blanks and more."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.text.splitlines()]


class TestSources:
    """Whatever has rows and columns will do."""

    @pytest.mark.parametrize("library", LIBRARIES)
    def test_the_same_frame_gives_the_same_html(self, library: str) -> None:
        assert Table(frame(library, columns(50))).html == Table(orders(50)).html
        assert Table(frame(library, columns(50))).text == Table(columns(50)).text

    def test_rows_may_be_dicts_named_tuples_and_models(self) -> None:
        class Model(BaseModel):
            a: int
            b: str

        pair = namedtuple("pair", ["a", "b"])
        wanted = Table([{"a": 1, "b": "x"}]).html
        assert [Table([row]).html for row in (pair(1, "x"), Model(a=1, b="x"))] == [wanted, wanted]

    def test_a_row_without_a_key_has_nothing_there(self) -> None:
        assert cells(Table([{"a": 1}, {"a": 2, "b": "x"}]))[2:] == [["1", "–"], ["2", "x"]]

    def test_rows_may_come_once(self) -> None:
        table = Table({"a": i} for i in range(3))
        assert (table.text, table.text) == (Table([{"a": 0}, {"a": 1}, {"a": 2}]).text,) * 2

    def test_a_cursor_is_read_when_the_table_is_made(self) -> None:
        connection = sqlite3.connect(":memory:")
        table = Table(connection.execute("SELECT 1 AS n, 'x' AS s UNION SELECT 2, 'y'"))
        rows = Table(connection.execute("SELECT 1 AS n, 'x' AS s").fetchall() and [{"n": 1, "s": "x"}])
        connection.row_factory = sqlite3.Row
        named = Table(connection.execute("SELECT 1 AS n, 'x' AS s").fetchall())
        connection.close()
        assert cells(table) == [["n", "s"], ["-", "-"], ["1", "x"], ["2", "y"]]
        assert named.text == rows.text

    def test_a_cursor_may_give_dicts(self) -> None:
        cursor = SimpleNamespace(description=[("n", None), ("s", None)], fetchall=lambda: [{"s": "x", "n": 1}])
        assert cells(Table(cursor))[2] == ["1", "x"]

    def test_a_duckdb_relation_is_a_table(self) -> None:
        duckdb = pytest.importorskip("duckdb", reason=PLOTS)
        assert cells(Table(duckdb.sql("SELECT 1 AS n, 'x' AS s")))[2] == ["1", "x"]
        assert "1  x" in Report("R", [duckdb.sql("SELECT 1 AS n, 'x' AS s")]).text

    def test_lazy_frames_and_series_are_tables(self) -> None:
        polars = pytest.importorskip("polars", reason=PLOTS)
        pandas = pytest.importorskip("pandas", reason=PLOTS)
        frames = [polars.DataFrame({"a": [1]}).lazy(), polars.Series("a", [1]), pandas.Series([1], name="a")]
        assert {Table(each).text for each in frames} == {"a\n-\n1"}

    def test_record_batches_are_tables(self) -> None:
        pyarrow = pytest.importorskip("pyarrow", reason=PLOTS)
        batch = pyarrow.record_batch({"a": [1]})
        reader = pyarrow.RecordBatchReader.from_batches(batch.schema, [batch])
        assert [Table(batch).text, Table(reader).text] == ["a\n-\n1"] * 2

    def test_a_frame_that_changes_later_may_change_the_rows_but_not_what_was_checked(self) -> None:
        data = columns(3)
        table = Table(data)
        data["region"].clear()
        assert "Norte & Sur" in table.text


class TestPandas:
    """What pandas has and narwhals has not."""

    @pytest.fixture
    def pd(self) -> Any:
        return pytest.importorskip("pandas", reason=PLOTS)

    def test_a_named_index_is_a_column_that_labels_the_rows(self, pd: Any) -> None:
        frame = pd.DataFrame({"g": ["u", "u", "v"], "x": [1, 2, 3]})
        table = Table(frame.groupby("g").sum())
        assert cells(table) == [["g", "x"], ["-", "-"], ["u", "3"], ["v", "3"]]
        assert table.html.count('scope="row"') == 2
        assert cells(Table(frame.groupby(["g", "x"]).size()))[0] == ["g", "x", "value"]

    def test_names_of_rows_are_kept_and_mere_numbers_are_not(self, pd: Any) -> None:
        frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
        assert cells(Table(frame.describe()))[3][0] == "mean"
        assert cells(Table(frame[frame.x > 1]))[0] == ["x"]

    def test_an_index_with_the_name_of_a_column_is_no_clash(self, pd: Any) -> None:
        frame = pd.DataFrame({"x": [1]}, index=pd.Index(["a"], name="x"))
        assert cells(Table(frame)) == [["x", "x"], ["-", "-"], ["a", "1"]]

    @pytest.mark.parametrize(
        ("names", "shown"),
        [
            (["a", "a"], ["a", "a"]),
            ([0, 1], ["0", "1"]),
            ([("a", "x"), ("a", "")], ["a / x", "a"]),
            ([1.5, "b"], ["1.5", "b"]),
        ],
    )
    def test_names_may_be_twice_numbers_or_of_several_levels(self, pd: Any, names: list[Any], shown: list[str]) -> None:
        index = pd.MultiIndex.from_tuples(names) if isinstance(names[0], tuple) else names
        assert cells(Table(pd.DataFrame([[1, 2]], columns=index)))[0] == shown

    def test_missing_values_of_every_kind_are_the_same(self, pd: Any) -> None:
        frame = pd.DataFrame({"a": [pd.NaT], "b": [pd.NA], "c": pd.array([None], dtype="Int64"), "d": [math.nan]})
        assert cells(Table(frame))[2] == ["–"] * 4
        assert cells(Table(frame, missing="n/a"))[2] == ["n/a"] * 4

    def test_whole_numbers_with_gaps_are_whole(self, pd: Any) -> None:
        assert cells(Table(pd.DataFrame({"year": [2026, None]})))[2:] == [["2026"], ["–"]]

    def test_moments_at_midnight_are_dates(self, pd: Any) -> None:
        frame = pd.DataFrame({"day": pd.to_datetime(["2026-11-01", None])})
        assert cells(Table(frame))[2:] == [["2026-11-01"], ["–"]]


class TestLook:
    """Alignment, totals, tints and bars."""

    def test_numbers_stand_at_the_right_and_on_one_line(self) -> None:
        html = Table([{"n": -1, "s": "x y", "d": dt.date(2026, 11, 1)}]).html
        assert re.findall(r"<td([^>]*?)( nowrap)? style", html) == [
            (' align="right"', " nowrap"),
            ("", ""),
            ("", " nowrap"),
        ]
        assert '<th scope="col" align="left"' in html

    def test_totals_are_those_of_all_rows(self) -> None:
        table = Table(orders(100), max_rows=5, total=["orders"], formats={"orders": ","})
        assert f"{sum(order.orders for order in orders(100)):,}" in table.html
        assert "Total" in table.text

    def test_a_total_may_be_a_mean_or_a_function(self) -> None:
        table = Table(
            {"s": ["x", "y"], "a": [1, 3], "b": [1, 3]}, total={"a": "mean", "b": lambda values: max(values) * 10}
        )
        assert cells(table)[-1] == ["Total", "2", "30"]

    def test_percentages_are_not_summed_by_themselves(self) -> None:
        assert cells(Table({"s": ["x"], "a": [0.5], "b": [2]}, total=True, formats={"a": "percent"}))[-1] == [
            "Total",
            "2",
        ]

    def test_signs_are_told_by_colour_and_by_the_sign(self) -> None:
        html = Table({"a": [-1, 0, 1]}, tint=["a"]).html
        assert (html.count('class="neg"'), html.count('class="pos"'), ">-1<" in html) == (1, 1, True)

    def test_heat_and_functions_shade_cells_in_word_too(self) -> None:
        html = Table({"a": [1, 2, 3, None]}, tint={"a": "heat"}).html
        assert ('class="h1" bgcolor="#' in html, 'class="h5" bgcolor="#' in html) == (True, True)
        assert 'class="warn"' in Table({"a": [1]}, tint={"a": lambda value: "warn"}).html

    def test_a_bar_is_a_cell_with_a_colour_and_a_width(self) -> None:
        html = Table({"a": [32, 64, -16, 0, None]}, bars=["a"]).html
        assert [f'width="{width}"' in html for width in (32, 64, 16)] == [True] * 3
        assert html.count('class="bar"') == 3

    def test_the_text_is_aligned_by_width_and_not_by_letters(self) -> None:
        lines = Table([{"a": "日本", "b": 1}, {"a": "e\u0301t", "b": 22}]).text.splitlines()
        assert lines == ["a      b", "----  --", "日本   1", "e\u0301t    22"]

    def test_a_table_that_is_too_wide_for_78_becomes_records(self) -> None:
        text = Table([{f"column {i}": "x" * 10 for i in range(9)}] * 30, caption="Wide").text
        assert max(map(len, text.splitlines())) <= 78
        assert text.count("column 0") == 20
        assert "The first 20 of 30 rows" in text

    def test_an_empty_frame_is_a_sentence(self) -> None:
        table = Table([], caption="Orders", empty="Nothing came in.")
        assert ("<th" in table.html, table.text) == (False, "Orders\n\nNothing came in.")

    def test_a_thousand_columns_are_cut_and_attached(self) -> None:
        table = Table({f"c{i}": [i] for i in range(1000)}, name="wide")
        assert "The first 30 of 1,000 columns; all of them are in wide.xlsx." in table.html
        assert [file.filename for file in table.files] == ["wide.xlsx"]

    def test_six_columns_of_fifty_rows_are_at_most_25_kb(self) -> None:
        report = Report(
            "Orders", [Table(orders(50), formats={"margin": "percent", "revenue": ",.2f"}, tint=["margin"])]
        )
        assert len(report.html.encode()) <= 25_000
