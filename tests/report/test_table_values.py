"""Values of a table as a reader wants them, and what cannot be meant."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
import sqlite3
from typing import Any

import pytest

from sendkit.errors import MessageError
from sendkit.report import Report, Table
from tests.report.frames import orders

NAIVE = dt.datetime(2026, 11, 1, 6, 30)  # noqa: DTZ001 - as frames have them


def cells(table: Table) -> list[list[str]]:
    """The cells of its text part, split at two blanks and more."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.text.splitlines()]


class TestValues:
    """Values as a reader wants them."""

    @pytest.mark.parametrize(
        ("values", "shown"),
        [
            ([1, 20], ["1", "20"]),
            ([2026], ["2026"]),
            ([1234567.5, 2.0], ["1,234,567.5", "2.0"]),
            ([0.5, 0.25], ["0.50", "0.25"]),
            ([0.123456, 2.0], ["0.123", "2.000"]),
            ([12.3456], ["12.35"]),
            ([0.00001234], ["1.23e-05"]),
            ([1e300, -1e300], ["1.000e+300", "-1.000e+300"]),
            ([math.inf, -math.inf, math.nan, 1.5], ["∞", "-∞", "–", "1.5"]),
            ([-0.0001, 12.5], ["0.00", "12.50"]),
            ([decimal.Decimal("12.50"), decimal.Decimal(3)], ["12.50", "3.00"]),
            ([10**40], ["1.000e+40"]),
            ([12345678901234567890], ["12345678901234567890"]),
            ([True, False, None], ["yes", "no", "–"]),
            ([dt.date(2026, 11, 1)], ["2026-11-01"]),
            ([NAIVE], ["2026-11-01 06:30"]),
            ([dt.datetime(2026, 11, 1, 6, 30, 5, tzinfo=dt.UTC)], ["2026-11-01 06:30:05 UTC"]),
            ([dt.timedelta(hours=2, minutes=5)], ["2 h 05 min"]),
            (["a\nb"], ["a b"]),
            ([["x", 1]], ["['x', 1]"]),
        ],
    )
    def test_without_a_format(self, values: list[Any], shown: list[str]) -> None:
        assert [line for line, *_ in cells(Table({"a": values}))[2:]] == shown

    @pytest.mark.parametrize(
        ("spec", "value", "shown"),
        [
            ("number", 1234.5, "1,234.50"),
            ("number:0", -0.4, "0"),
            ("integer", 1234.5, "1,234"),
            ("percent", 0.1234, "12.3%"),
            ("percent:0", -0.5, "-50%"),
            ("currency:EUR", -1234.5, "-€1,234.50"),
            ("currency:JPY", 1234.5, "¥1,234"),
            ("currency:CHF", 5, "CHF 5.00"),
            ("currency:USD:0", 1e6, "$1,000,000"),
            (",.2f", 1e300, "1.000e+300"),
            (",.2f", 10**400, "1.000e+400"),
            (".0%", 0.5, "50%"),
            ("bytes", 1234567, "1.2 MB"),
            ("bytes", 999, "999 B"),
            ("duration", 0.85, "850 ms"),
            ("duration", 4.2, "4.2 s"),
            ("duration", 185, "3 min 5 s"),
            ("duration", -100000, "-1 d 3 h"),
            ("date", NAIVE, "2026-11-01"),
            ("date:%d.%m.%Y", "2026-11-01", "01.11.2026"),
            ("%H:%M", NAIVE, "06:30"),
            ("link", "https://www.example.com/x/", "example.com/x"),
            (str.upper, "x", "X"),
        ],
    )
    def test_with_a_format(self, spec: Any, value: Any, shown: str) -> None:
        assert Table({"a": [value]}, formats={"a": spec}).text.splitlines()[2] == shown

    @pytest.mark.parametrize(
        ("locale", "shown"),
        [
            ("de", ["1.234,50_€", "12,3_%"]),
            ("fr", ["1\u202f234,50_€", "12,3_%"]),
            ("pl", ["1_234,50_€", "12,3_%"]),
            ("de-CH", ["€1’234.50", "12.3%"]),
            ("pt-BR", ["€1.234,50", "12,3%"]),
            ("en-GB", ["€1,234.50", "12.3%"]),
        ],
    )
    def test_in_a_language(self, locale: str, shown: list[str]) -> None:
        table = Table({"a": [1234.5], "b": [0.123]}, formats={"a": "currency:EUR", "b": "percent"}, locale=locale)
        assert re.findall(r">([^<>]+)</td>", table.html.replace("\u00a0", "_")) == shown
        same = Table({"a": [1234.5], "b": [0.123]}, formats={"a": "currency:EUR", "b": "percent"})
        assert f">{shown[0]}<" in Report("R", [same], lang=locale).html.replace("\u00a0", "_")

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("nul\0", "nul\ufffd"),
            ("gpj.\u202eexe", "gpj.exe"),
            ("\ud800", "\ufffd"),
            ("\x1b[31mred", "\ufffd[31mred"),
            ("a\u2028b", "a b"),
            ("x" * 400, "x" * 299 + "…"),
        ],
    )
    def test_characters_that_no_mail_may_hold_are_replaced(self, value: str, shown: str) -> None:
        table = Table([{"a": value}])
        assert shown.replace(" ", "<br>") in table.html or shown in table.html
        assert shown in table.text
        Report("R", [table]).message(sender="ana@example.com", to="b@example.com")

    def test_html_in_cells_names_and_captions_is_shown_and_not_run(self) -> None:
        evil = "<script>alert(1)</script>\"'"
        table = Table([{evil: evil}], caption=evil, labels={evil: evil}, name=evil)
        assert "<script" not in table.html
        assert table.html.count("&lt;script&gt;") >= 3

    def test_only_addresses_become_links(self) -> None:
        html = Table({"a": ["javascript:alert(1)", 'https://example.com/"x']}, formats={"a": "link"}).html
        assert "<a " not in html
        linked = Table(
            {"a": ["https://example.com/?a=1&b=2"], "b": ["7/8"]}, formats={"a": "link", "b": "link:https://e.com/{}"}
        )
        assert 'href="https://example.com/?a=1&amp;b=2"' in linked.html
        assert 'href="https://e.com/7%2F8"' in linked.html


@pytest.mark.parametrize(
    ("settings", "field", "told"),
    [
        ({"formats": {"margn": "percent"}}, "formats", "did you mean 'margin'?"),
        ({"formats": {"xyz": "percent"}}, "formats", "there are 'region', 'day'"),
        ({"labels": {"Region": "R"}}, "labels", "'region'"),
        ({"tint": ["margn"]}, "tint", "'margin'"),
        ({"bars": ["margn"]}, "bars", "'margin'"),
        ({"total": ["margn"]}, "total", "'margin'"),
        ({"tint": "margin"}, "tint", "write tint=['margin']"),
        ({"formats": ["margin"]}, "formats", "write formats="),
        ({"rest": "xls"}, "rest", "'xlsx'"),
        ({"max_rows": 0}, "max_rows", "None for all"),
        ({"locale": "xx"}, "locale", "take one of"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_its_cure(settings: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(MessageError) as caught:
        Table(orders(3), caption="Orders", **settings)
    assert (caught.value.field, told in f"{caught.value.hint}") == (field, True)


@pytest.mark.parametrize(
    ("formats", "told"),
    [
        ({"region": ",.2f"}, r"formats\['region'\]: ,.2f does not fit 'East'"),
        ({"margin": "percnt"}, r"formats\['margin'\]: 'percnt' is not a format"),
        ({"margin": "percent:x"}, "'x' is not a number of decimals"),
        ({"margin": "currency:Euro"}, "'Euro' is not a currency"),
        ({"region": "date"}, "'East' is not a date"),
        ({"region": "link:ftp://x"}, "is not an address to link to"),
        ({"region": lambda value: value + 1}, "<lambda> does not fit 'East'"),
    ],
)
def test_a_format_that_does_not_fit_names_the_place_of_the_block(formats: dict[str, Any], told: str) -> None:
    with pytest.raises(MessageError, match=rf"body\[1\]: Table 'Orders': .*{told}") as caught:
        _ = Report("R", ["Hello", Table(orders(3), caption="Orders", formats=formats)]).html
    assert caught.value.hint


@pytest.mark.parametrize("data", ["abc", b"abc", 5, None, [1, 2], {"a": 1}, {"a": [1], "b": [1, 2]}, object()])
def test_what_is_no_table_says_what_one_is(data: object) -> None:
    with pytest.raises(MessageError, match=r"^Table: ") as caught:
        Table(data)
    assert "give" in str(caught.value.hint)


def test_a_cursor_without_a_result_says_so() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(MessageError, match="a cursor without a result"):
        Table(connection.execute("CREATE TABLE t (x)"))
    connection.close()
