"""Templates of the user's own: what strangers wrote is escaped, what is missing is an error, blocks keep the budget."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sendkit.errors import MessageError
from sendkit.report import KPI, Figure, Report, Table
from tests.report.frames import LIBRARIES, columns, frame, orders, png

INSIDE = """\
<style>.note{color:#5b6673} @media (max-width:480px){.note{font-size:14px !important}}</style>
<p class="note">Good morning {{ name }}, {{ total | fmt("currency:EUR:0") }}.</p>
{{ orders }}
{{ words | markdown }}
"""
WHOLE = """\
<!doctype html><html><head><title>Week {{ week }} &amp; more</title><style>p{color:#333333}</style></head>
<body><!--[if mso]>word<![endif]--><p>{{ name }}</p>{% for one in tables %}
<div>{{ one }}</div>{% endfor %}</body></html>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inside.html").write_text(INSIDE)
    (tmp_path / "whole.html").write_text(WHOLE)
    return tmp_path


def inside(folder: Path, **values: Any) -> Report:
    given = {"name": "Ana", "total": 5_200_000, "orders": Table(orders(3), caption="Orders"), "words": "**so**"}
    return Report.from_template("inside.html", folder=folder, title="Sales", **{**given, **values})


def test_a_part_stands_in_the_usual_card(folder: Path) -> None:
    report = inside(folder)
    assert report.html.count("<html") == 1
    assert '<p class="note" style="color: #5b6673;">Good morning Ana, €5,200,000.</p>' in report.html
    assert "@media (max-width:480px)" in report.html
    assert "<strong>so</strong>" in report.html
    assert report.html.index("Orders") < report.html.index("<strong>so")


def test_its_text_holds_the_texts_of_the_blocks(folder: Path) -> None:
    text = inside(folder).text
    assert text.startswith("Sales\n=====\n\nGood morning Ana, €5,200,000.\n\nOrders\n\nregion")
    assert text.endswith("**so**\n")


def test_what_strangers_wrote_is_escaped(folder: Path) -> None:
    html = inside(folder, name="<script>alert(1)</script>", words="<b onclick=x>").html
    assert "<script" not in html
    assert "<b onclick" not in html


def test_a_whole_document_is_taken_as_it_is(folder: Path) -> None:
    report = Report.from_template("whole.html", folder=folder, week=48, name="Ana", tables=[Table(orders(2))])
    assert report.title == "Week 48 & more"
    assert 'class="card"' not in report.html
    assert '<p style="color: #333333;">Ana</p>' in report.html
    assert "<!--[if mso]>word<![endif]-->" in report.html


def test_a_text_beside_it_is_the_text_part(folder: Path) -> None:
    (folder / "whole.txt").write_text("Week {{ week }} <&>\n{{ tables[0] }}\nGood bye")
    report = Report.from_template("whole.html", folder=folder, week=48, name="Ana", tables=[Table([{"a": 1}])])
    assert report.text == "Week 48 <&>\n\na\n-\n1\n\nGood bye\n"


def test_blocks_keep_the_budget(folder: Path) -> None:
    tables = [Table(orders(2000), max_rows=None, name="orders"), Table(orders(3))]
    report = Report.from_template("whole.html", folder=folder, week=48, name="Ana", tables=tables)
    assert 90_000 < len(report.html.encode()) <= 95_000
    assert [file.filename for file in report.files] == ["orders.xlsx"]


def test_values_may_be_frames_tiles_and_figures(folder: Path) -> None:
    values = [columns(2), [KPI("a", 1)], Figure(png(9, 9), alt="White")]
    report = Report.from_template("whole.html", folder=folder, week=1, name="Ana", tables=values[1:])
    assert "[Picture: White]" in report.text
    assert len(report.inline) == 1
    assert report.message(sender="ana@example.com", to="b@example.com").inline


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_is_a_table(folder: Path, library: str) -> None:
    assert "Norte &amp; Sur" in inside(folder, orders=frame(library, columns(3))).html


def test_css_may_be_given_beside_it(folder: Path) -> None:
    report = Report.from_template("whole.html", folder=folder, css="p{margin:0}", week=1, name="x", tables=[])
    assert 'style="color: #333333;margin: 0;"' in report.html


def test_a_package_has_a_folder_of_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "reports_of_a_test" / "templates"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "a.html").write_text("<p>{{ name }}</p>")
    monkeypatch.syspath_prepend(tmp_path)
    assert "<p>Ana</p>" in Report.from_template("a.html", package="reports_of_a_test", title="T", name="Ana").html


def test_its_marks_leave_no_trace(folder: Path) -> None:
    report = inside(folder)
    assert not re.search(r"sendkit-[0-9a-f]{16}", report.html + report.text)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ nobody }}", r"a.html, line 1: 'nobody' is undefined"),
        ("\n{{ name.nothing }}", r"a.html, line 2: .*'nothing'"),
        ("\n{% if %}", r"a.html, line 2: Expected an expression"),
        ('{% include "b.html" %}', r"there is no 'b.html' in"),
        ("{{ name | fmt('percnt') }}", "'percnt' is not a format"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_its_line(tmp_path: Path, source: str, told: str) -> None:
    (tmp_path / "a.html").write_text(source)
    with pytest.raises(MessageError, match=told) as caught:
        _ = Report.from_template("a.html", folder=tmp_path, title="T", name="Ana").html
    assert caught.value.hint


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({}, "folder= or package="),
        ({"folder": "a", "package": "b"}, "folder= or package="),
        ({"folder": "/nowhere"}, "there is no folder '/nowhere'"),
        ({"package": "nowhere_at_all"}, "package 'nowhere_at_all'"),
    ],
)
def test_a_place_that_is_none_is_refused(place: dict[str, Any], told: str) -> None:
    with pytest.raises(MessageError, match=told):
        _ = Report.from_template("a.html", title="T", **place).html


def test_a_template_leads_to_no_other_file(folder: Path) -> None:
    (folder / "a.html").write_text('{% include "../../etc/passwd" %}')
    with pytest.raises(MessageError, match="there is no"):
        _ = Report.from_template("a.html", folder=folder, title="T").html
