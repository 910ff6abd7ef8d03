"""Each block as html and as text, and what none of them takes."""

from __future__ import annotations

import logging
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from sendkit.errors import MessageError
from sendkit.report import KPI, Button, Code, Divider, Html, Log, Markdown, Report, Table
from sendkit.report._spark import blocks as spark_blocks
from sendkit.report._spark import png as spark_png
from tests.report.frames import PROSE, blocks, orders


@pytest.mark.parametrize("name", blocks())
def test_every_block_gives_its_four_parts_and_is_frozen(name: str) -> None:
    block = blocks()[name]
    assert block.html
    assert block.text
    assert set(block.inline) == set(re.findall(r"cid:([\w.-]+)", block.html))
    assert all(file.filename for file in block.files)
    with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
        block.source = "x"  # type: ignore[attr-defined]


class TestMarkdown:
    """Prose."""

    def test_its_text_is_what_was_written(self) -> None:
        assert Markdown(f"\n{PROSE}\n").text == PROSE.strip("\n")

    def test_html_in_it_is_shown_as_text(self) -> None:
        html = Markdown("<script>alert(1)</script> <b onclick=x>b</b>\n\n<div>\n\n[x](javascript:alert(1))").html
        assert "<script" not in html
        assert "<b" not in html.replace("<blockquote", "")
        assert "<div" not in html
        assert "href" not in html

    def test_the_indentation_of_a_program_is_no_code(self) -> None:
        assert (
            "<pre"
            not in Markdown("""
            Hello
            - one
        """).html
        )

    def test_pictures_come_from_https_and_parts_alone(self) -> None:
        html = Markdown("![a](https://example.com/a.png) ![b](cid:chart) ![c](/etc/passwd) ![d](http://x/p.gif)").html
        assert re.findall(r'src="([^"]+)"', html) == ["https://example.com/a.png", "cid:chart"]
        assert "[Picture: c]" in html

    def test_every_tag_has_its_style(self) -> None:
        for tag in re.findall(r"<(?:p|h\d|ul|ol|li|a|code|pre|table|th|td|blockquote)\b[^>]*>", Markdown(PROSE).html):
            assert "style=" in tag or tag == "<code>"

    def test_a_control_character_is_none_of_it(self) -> None:
        assert "\0" not in Markdown("a\0b\u202e").html + Markdown("a\0b\u202e").text


class TestKPI:
    """Tiles."""

    @pytest.mark.parametrize(
        ("value", "form", "shown"),
        [
            (1234, None, "1,234"),
            (1234.5, None, "1,234.5"),
            ("€5.2 M", None, "€5.2 M"),
            (0.141, "percent", "14.1%"),
            (5.2e6, "currency:EUR:0", "€5,200,000"),
            (None, None, "–"),
            (float("nan"), "percent", "–"),
        ],
    )
    def test_its_value_is_written_as_its_format_says(self, value: Any, form: str | None, shown: str) -> None:
        kpi = KPI("Figure", value, format=form)
        assert f">{shown}</b>" in kpi.html
        assert kpi.text == f"Figure: {shown}"

    def test_its_change_is_good_bad_or_neither(self) -> None:
        tones = [
            re.findall(r'class="(pos|neg|m)"[^>]*>▲', KPI("F", 1, change="▲", good=good).html)
            for good in (True, False, None)
        ]
        assert tones == [["pos"], ["neg"], ["m"]]

    def test_its_trend_is_a_picture_with_the_same_in_characters(self) -> None:
        kpi = KPI("F", 1, trend=[1, 2, None, 4])
        (part,) = kpi.inline.values()
        assert part.read().startswith(b"\x89PNG")
        assert 'alt="▁▃█"' in kpi.html
        assert kpi.text.endswith("▁▃█")

    def test_a_trend_may_be_a_series(self) -> None:
        polars = pytest.importorskip("polars", reason="pip install --group plots")
        assert KPI("F", 1, trend=polars.Series([1.0, None, 2.0])).trend == (1.0, 2.0)

    @pytest.mark.parametrize("values", [[1], [1, 1, 1], list(range(500)), [-1e300, 1e300], [0.1, float("inf"), 0.2]])
    def test_any_numbers_can_be_drawn(self, values: list[float]) -> None:
        assert KPI("F", 1, trend=values).html
        finite = [value for value in values if abs(value) < 1e301]
        assert len(spark_blocks(finite)) <= 30
        assert spark_png(finite, "#0b5cad").endswith(b"IEND\xaeB`\x82")

    def test_four_stand_beside_each_other_and_five_do_not(self) -> None:
        four, five = ([KPI(f"F{i}", i) for i in range(count)] for count in (4, 5))
        widths = [re.findall(r'class="w"[^>]*max-width:(\d+)px', Report("R", [tiles]).html) for tiles in (four, five)]
        assert widths == [["151", "151", "151", "139"], ["201", "201", "189", "201", "201"]]

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"label": "", "value": 1}, "a tile without a label"),
            ({"label": "F", "value": 1, "trend": ["x"]}, "trend: 'x' is not a number"),
        ],
    )
    def test_what_is_none_is_refused(self, settings: dict[str, Any], told: str) -> None:
        with pytest.raises(MessageError, match=told):
            KPI(**settings)

    def test_a_format_that_does_not_fit_says_where(self) -> None:
        with pytest.raises(MessageError, match=r"body\[0\]: KPI 'F': the format 'percent' does not fit 'x'"):
            _ = Report("R", [[KPI("F", "x", format="percent")]]).html


class TestCodeAndLog:
    """Lines."""

    def test_lines_are_as_they_are(self) -> None:
        code = Code("if a < b:\n\treturn  1\n")
        assert "if a &lt; b:\n    return  1\n" in code.html
        assert code.text == "    if a < b:\n        return  1"

    def test_a_log_shows_its_last_lines_and_marks_what_matters(self, tmp_path: Path) -> None:
        file = tmp_path / "app.log"
        file.write_text("".join(f"INFO {i}\n" for i in range(99)) + "WARNING w\nERROR e\nValueError: v\n")
        log = Log(file, last=3)
        assert re.findall(r'class="(warn|neg)"', log.html) == ["warn", "neg", "neg"]
        assert "The last 3 lines; all of them are in app.log." in log.html
        assert log.files[0].read() == file.read_bytes()

    def test_a_log_may_be_lines(self) -> None:
        assert Log(["a\n", "b"]).text == "    a\n    b"

    def test_a_huge_log_is_read_from_its_end_and_stays_at_home(self, tmp_path: Path) -> None:
        file = tmp_path / "huge.log"
        file.write_bytes(b"x" * 99 + b"\n" * 1 + b"INFO line\n" * 600_000)
        log = Log(file)
        assert "The last 40 lines of huge.log." in log.html
        assert log.files == ()

    @pytest.mark.parametrize("source", [5, b"x", Path("/nowhere/app.log")])
    def test_what_cannot_be_read_is_refused(self, source: Any) -> None:
        with pytest.raises(MessageError, match="Log: ") as caught:
            Log(source)
        assert caught.value.hint

    def test_what_is_no_text_is_refused(self) -> None:
        for kind in (Code, Markdown):
            with pytest.raises(MessageError, match="int is not text"):
                kind(5)  # type: ignore[arg-type]


class TestButtonAndDivider:
    """A link, a line."""

    def test_a_button_leads_somewhere(self) -> None:
        button = Button('Open "it"', "https://example.com/?a=1&b=2")
        assert 'href="https://example.com/?a=1&amp;b=2"' in button.html
        assert button.text == 'Open "it": https://example.com/?a=1&b=2'

    @pytest.mark.parametrize(
        ("label", "url"), [("x", "javascript:alert(1)"), ("x", "example.com"), ("", "https://e.com")]
    )
    def test_nowhere_is_refused(self, label: str, url: str) -> None:
        with pytest.raises(MessageError, match="Button: "):
            Button(label, url)

    def test_a_divider_is_a_line(self) -> None:
        assert set(Divider().text) == {"-"}


class TestHtml:
    """What others draw."""

    def test_its_css_is_written_into_the_tags_and_scripts_are_left_out(self) -> None:
        html = Html(
            "<style>td{color:red}</style><table><tr><td>x</td></tr></table><script>alert(1)</script><!-- c -->"
        ).html
        assert 'style="color: red' in html
        assert not re.search("<style|<script|<!--", html)

    def test_it_reads_no_file_and_no_network(self, tmp_path: Path) -> None:
        (tmp_path / "x.css").write_text("p{color:red}")
        html = Html(f'<style>b{{}}</style><link rel="stylesheet" href="{tmp_path}/x.css"><p>x</p>').html
        assert "red" not in html
        assert "<link" not in html

    def test_anything_that_draws_itself_will_do(self) -> None:
        class Drawn:
            def _repr_html_(self) -> str:
                return "<b>drawn</b>"

        assert "<b>drawn</b>" in Html(Drawn()).html
        assert Html(Drawn(), text_part="a drawing").text == "a drawing"
        assert Html("<p>one</p><p>two</p>").text == "one\n\ntwo"

    def test_what_has_no_html_is_refused(self) -> None:
        with pytest.raises(MessageError, match="Html: int has no html"):
            Html(5)

    def test_a_styler_and_a_great_table_are_taken(self) -> None:
        pandas = pytest.importorskip("pandas", reason="pip install --group plots")
        tables = pytest.importorskip("great_tables", reason="pip install --group plots")
        frame = pandas.DataFrame({"a": [1.5]})
        for drawn in (frame.style.format("{:.3f}"), tables.GT(frame)):
            html = Html(drawn).html
            assert "1.5" in html
            assert not re.search("<style|<script", html)


class TestReport:
    """What a report takes, and what it is."""

    def test_text_tables_and_tiles_need_no_names(self) -> None:
        report = Report("R", ["Hello", [KPI("a", 1)], Table(orders(2))])
        assert "Hello" in report.text
        assert Report("R", "Hello").text == "R\n=\n\nHello\n"
        assert Report("R", Divider()).text == f"R\n=\n\n{'-' * 40}\n"

    def test_its_message_is_an_ordinary_one(self) -> None:
        report = Report("Sales\nof today", ["x"], footer="db1")
        message = report.message(
            sender="ana@example.com", to="luis@example.com", cc="b@example.com", headers={"X-A": "1"}
        )
        assert (message.subject, message.html, message.text) == ("Sales of today", report.html, report.text)
        assert report.message(sender="ana@example.com", to="b@example.com", subject="Other").subject == "Other"

    def test_a_notebook_shows_it_in_a_frame_with_its_pictures(self) -> None:
        shown = Report("R", [KPI("a", 1, trend=[1, 2])])._repr_html_()
        assert shown.startswith("<iframe")
        assert "cid:" not in shown
        assert "data:image/png;base64," in KPI("a", 1, trend=[1, 2])._repr_html_()

    def test_a_preview_is_a_page_and_sends_nothing(self) -> None:
        assert "Hello" in Report("R", ["Hello"]).preview(open_browser=False).read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("title", "body", "told"),
        [
            ("", ["x"], "title: a report without a title"),
            ("R", [], "body: a report without a body"),
            ("R", [5], r"body\[0\]: int is not a block"),
            ("R", ["x", [5]], r"body\[1\]: a list holds int"),
            ("R", ["x", []], r"body\[1\]: a list holds nothing"),
            ("R", {"a": 1}, "body: dict is not a list of blocks"),
            ("R", b"x", "body: bytes is not a list of blocks"),
        ],
    )
    def test_what_is_none_is_refused_with_its_place(self, title: str, body: Any, told: str) -> None:
        with pytest.raises(MessageError, match=told) as caught:
            Report(title, body)
        assert caught.value.hint

    def test_a_language_is_a_tag(self) -> None:
        with pytest.raises(MessageError, match="lang"):
            Report("R", ["x"], lang='en"><script>')

    def test_nothing_is_logged_and_nothing_warned(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            _ = Report("R", list(blocks().values())).html
        assert caplog.records == []
