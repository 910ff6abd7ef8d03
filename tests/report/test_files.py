"""Files of tables: no cell of a stranger is ever a formula, values keep their types, and Excel reads the letters."""

from __future__ import annotations

import csv as csv_module
import datetime as dt
import decimal
import io
import math
import zipfile
from typing import Any

import pytest

from sendkit import Message, report
from sendkit.errors import MessageError
from sendkit.report import Report, Table
from tests.report.frames import LIBRARIES, columns, frame, orders

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", '=HYPERLINK("x")']


def sheets(data: bytes) -> dict[str, str]:
    """The parts of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}


def values(data: bytes) -> list[list[Any]]:
    """The cells of the first sheet."""
    openpyxl = pytest.importorskip("openpyxl", reason="pip install --group plots")
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True)]


def table(data: bytes) -> list[list[str]]:
    return list(csv_module.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


class TestFormulas:
    """CWE-1236."""

    def test_no_sheet_holds_one(self) -> None:
        hostile = [{text: text, "n": -5} for text in FORMULAS]
        for name, part in sheets(report.xlsx(hostile).read()).items():
            assert "<f>" not in part, name
            assert "<hyperlink" not in part, name

    def test_nor_does_the_rest_of_a_report(self) -> None:
        files = Report("R", [Table([{"a": text} for text in FORMULAS] * 10)]).files
        assert all("<f" not in part for name, part in sheets(files[0].read()).items() if "sheet" in name)

    @pytest.mark.parametrize("text", FORMULAS)
    def test_csv_holds_none_in_cells_and_names(self, text: str) -> None:
        for row in table(report.csv([{text: text}]).read()):
            assert row[0].startswith("'")

    @pytest.mark.parametrize("text", ["-5", "+3.5", "-1,234.5", "1e5", "-12%"])
    def test_a_text_that_is_a_number_stays_one_in_csv(self, text: str) -> None:
        assert table(report.csv([{"a": text}]).read())[1] == [text]


class TestXlsx:
    """What Excel gets."""

    def test_values_keep_their_types(self) -> None:
        moment = dt.datetime(2026, 11, 1, 6, 30, tzinfo=dt.UTC)
        row = {"t": "x", "n": 1.5, "w": 7, "d": dt.date(2026, 11, 1), "m": moment, "b": True, "none": None}
        row |= {
            "nan": math.nan,
            "inf": math.inf,
            "c": decimal.Decimal("1.25"),
            "id": 10**17,
            "s": dt.timedelta(hours=36),
        }
        read = values(report.xlsx([row]).read())[1]
        assert read[:4] == ["x", 1.5, 7, dt.datetime(2026, 11, 1)]  # noqa: DTZ001 - a sheet knows no time zone
        assert read[4:7] == [moment.replace(tzinfo=None), True, None]
        assert read[7:11] == [None, "inf", 1.25, str(10**17)]
        assert read[11] in (dt.timedelta(hours=36), dt.datetime(1900, 1, 1, 12), 1.5)  # noqa: DTZ001 - as above

    def test_the_header_stays_and_has_filters(self) -> None:
        sheet = sheets(report.xlsx(orders(3)).read())["xl/worksheets/sheet1.xml"]
        assert 'state="frozen"' in sheet
        assert "<autoFilter" in sheet

    def test_formats_are_those_of_the_table(self) -> None:
        styles = sheets(report.xlsx(orders(3), formats={"margin": "percent", "revenue": "currency:EUR"}).read())
        assert 'formatCode="0.0%"' in styles["xl/styles.xml"]
        assert "EUR" in styles["xl/styles.xml"]

    def test_a_dict_of_frames_is_a_sheet_for_each(self) -> None:
        frames = {
            "Orders": frame("pandas", {"a": [1]}),
            "a/b:c*?" * 9: frame("pandas", {"b": [2]}),
            "ORDERS": frame("pandas", {}),
        }
        workbook = sheets(report.xlsx(frames, "x.xlsx").read())["xl/workbook.xml"]
        assert 'name="Orders"' in workbook
        assert 'name="ORDERS 2"' in workbook

    @pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 40_000, "a\u202eb"])
    def test_any_text_can_be_written(self, text: str) -> None:
        assert len(values(report.xlsx([{"a": text}]).read())[1][0]) <= 32_767

    def test_days_before_1900_are_texts(self) -> None:
        assert values(report.xlsx([{"a": dt.date(1850, 1, 2)}]).read())[1] == ["1850-01-02"]

    def test_more_than_a_sheet_holds_is_an_error_that_names_another(self) -> None:
        with pytest.raises(MessageError, match="20,000 columns are more than a sheet holds") as caught:
            report.xlsx({f"c{i}": [] for i in range(20_000)})
        assert "csv" in str(caught.value.hint)

    def test_above_20_000_rows_the_rest_is_csv(self) -> None:
        (file,) = Table([{"a": i} for i in range(20_001)], name="many").files
        assert (file.filename, len(table(file.read()))) == ("many.csv", 20_002)


class TestCsv:
    """RFC 4180, with a mark for Excel."""

    def test_it_is_utf_8_with_a_mark_and_crlf(self) -> None:
        data = report.csv([{"región": 'a "b"\nc', "n": 1.5, "d": dt.date(2026, 11, 1), "x": None}]).read()
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.decode("utf-8-sig") == 'región,n,d,x\r\n"a ""b""\nc",1.5,2026-11-01,\r\n'

    def test_the_delimiter_may_be_another(self) -> None:
        assert report.csv([{"a": 1, "b": 2}], delimiter=";").read().endswith(b"a;b\r\n1;2\r\n")
        with pytest.raises(MessageError, match="divides no fields"):
            report.csv([], delimiter="ab")


class TestParquet:
    """With the types of its columns."""

    @pytest.mark.parametrize("library", LIBRARIES)
    def test_it_can_be_read_again(self, library: str) -> None:
        parquet = pytest.importorskip("pyarrow.parquet", reason="pip install --group plots")
        data = report.parquet(frame(library, columns(20))).read()
        assert parquet.read_table(io.BytesIO(data)).to_pydict() == columns(20)

    def test_it_may_be_the_rest_of_a_table(self) -> None:
        pytest.importorskip("pyarrow", reason="pip install --group plots")
        assert [file.filename for file in Table(orders(60), rest="parquet", name="o").files] == ["o.parquet"]

    def test_values_of_several_types_are_an_error(self) -> None:
        pytest.importorskip("pyarrow", reason="pip install --group plots")
        with pytest.raises(MessageError, match="parquet: "):
            report.parquet([{"a": 1}, {"a": "x"}])


def test_a_message_takes_them_in_one_line() -> None:
    rows = orders(3)
    message = Message(
        sender="ana@example.com",
        to="luis@example.com",
        text="Sales",
        attachments=[report.xlsx(rows, "sales.xlsx"), report.csv(rows, "sales.csv")],
    )
    assert [part.content_type for part in message.attachments] == [
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/csv; charset=utf-8; header=present",
    ]
