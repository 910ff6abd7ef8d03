"""What mail clients lack (caniemail, May 2026) is in no block and no report; contrast, headings and names are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest

from sendkit.errors import MessageError
from sendkit.report import Report, Theme
from sendkit.report._theme import contrast
from tests.each import each
from tests.report.frames import blocks, whole

AVOIDED = {
    r"<svg|<link|<script|<form|<video": "Gmail drops it",
    r"""(?:src|href)=["']?(?:data|javascript|file):""": "Gmail shows no data: pictures",
    r"\b(?:display|grid|flex)\s*:\s*(?:flex|grid|inline-flex)|\bfloat\s*:|\bposition\s*:": "Word",
    r"\brgba?\(|\bhsla?\(|\d(?:rem|vw|vh|ch)\b|\bcalc\(|\bvar\(": "Gmail drops the block, Word the rule",
    r"\b(?:border-radius|opacity|box-shadow|background-image|object-fit|aspect-ratio)\b": "Word",
    r":nth-child|:not\(|:has\(|@import|@font-face": "Gmail",
    r"aria-labelledby|aria-describedby": "Gmail; aria-label instead",
}
VOID = {"br", "img", "meta", "hr", "col"}


class Tags(HTMLParser):
    """Every tag with its attributes, and a check that they are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def each(self, *names: str) -> Iterator[dict[str, str | None]]:
        """The attributes of all tags of these names."""
        return (attributes for tag, attributes in self.tags if tag in names)


@cache
def pages() -> dict[str, str]:
    """The html of each block alone, and of a report of all."""
    return {**{name: block.html for name, block in blocks().items()}, "Report": whole().html}


NAMES = [*blocks(), "Report"]
every_page = each(NAMES)


@each(product(NAMES, AVOIDED))
def test_what_clients_lack_is_not_used(page: str, pattern: str) -> None:
    assert re.search(pattern, pages()[page], re.IGNORECASE) is None, AVOIDED[pattern]


@every_page
def test_tags_are_closed_in_order(page: str) -> None:
    assert Tags(pages()[page]).open == []


@every_page
def test_a_greatest_width_is_given_to_tables_alone(page: str) -> None:
    wide = [tag for tag, attributes in Tags(pages()[page]).tags if "max-width" in (attributes.get("style") or "")]
    assert set(wide) <= {"table"}


@every_page
def test_tables_of_layout_say_so_and_tables_of_data_have_a_name_and_heads(page: str) -> None:
    for attributes in Tags(pages()[page]).each("table"):
        if attributes.get("role") != "presentation" and "margin:0 0 14px" not in (attributes.get("style") or ""):
            assert attributes["aria-label"]
    for attributes in Tags(pages()[page]).each("th"):
        assert attributes["scope"] in ("col", "row")


@every_page
def test_pictures_have_words_and_both_widths(page: str) -> None:
    for attributes in Tags(pages()[page]).each("img"):
        assert attributes["alt"]
        assert str(attributes["width"]).isdigit(), "Word takes the attribute alone"
        assert re.search(r"(?:^|;)width:", str(attributes["style"])), "macOS Mail takes the style alone"


@every_page
def test_what_has_a_ground_of_its_own_has_it_for_word_too(page: str) -> None:
    for tag, attributes in Tags(pages()[page]).tags:
        if "background-color" in (attributes.get("style") or "") and tag in ("td", "th", "table", "body"):
            assert attributes.get("bgcolor")


def test_every_picture_is_a_part_and_every_part_is_shown() -> None:
    report = whole()
    assert set(re.findall(r'src="cid:([^"]+)"', report.html)) == set(report.inline)


def test_headings_are_in_order_across_blocks() -> None:
    report = Report("Title", ["### deep first", "# one\n\n## two\n\n#### far too deep", "# one again"])
    assert [int(level) for level in re.findall(r"<h(\d)", report.html)] == [1, 2, 2, 3, 4, 2]


def test_the_language_and_the_title_are_told() -> None:
    html = Report("Ventas", ["Hola"], lang="es").html
    assert '<html lang="es"' in html
    assert "<title>Ventas</title>" in html
    assert html.count("<h1") == 1


def test_the_preheader_is_hidden_and_comes_first() -> None:
    html = Report("T", ["Body"], preheader="West <lost>").html
    assert html.index("West &lt;lost&gt;") < html.index("<h1")
    assert "mso-hide:all" in html


class TestStyleBlock:
    """The style block adds to what stands in the tags, and is never needed."""

    def test_it_is_small(self) -> None:
        (style,) = re.findall(r"<style>(.*?)</style>", whole().html, re.DOTALL)
        assert len(style.encode()) < 4_000

    def test_rules_against_the_tags_are_important(self) -> None:
        for rules in re.findall(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\}", Theme().style(heat=True)):
            declarations = [
                one for body in re.findall(r"\{([^{}]*)\}", rules) for one in body.split(";") if one.strip()
            ]
            assert [one for one in declarations if "!important" not in one] == []

    def test_its_braces_are_in_pairs(self) -> None:
        style = Theme().style(heat=True)
        assert style.count("{") == style.count("}")
        assert "{{" not in style

    def test_without_it_the_font_stands_on_the_card(self) -> None:
        bare = re.sub(r"<style>.*?</style>", "", whole().html, flags=re.DOTALL)
        card = next(attributes for attributes in Tags(bare).each("table") if attributes.get("class") == "card")
        assert "font-family:-apple-system" in str(card["style"])

    def test_word_has_a_ghost_table_of_a_fixed_width(self) -> None:
        html = whole().html
        assert '<!--[if mso]><table role="presentation" width="640"' in html
        opened, closed = html.count("<!--[if mso]>"), html.count("<![endif]-->")
        assert opened == closed


class TestTheme:
    """A theme that cannot be read is refused."""

    @pytest.mark.parametrize(
        "theme", [Theme(), Theme(accent="#7a1fa2", accent_dark="#d9a5f0")], ids=["usual", "violet"]
    )
    def test_every_pair_of_colours_has_a_contrast_of_4_5(self, theme: Theme) -> None:
        assert [(pair, contrast(*pair)) for pair in theme.pairs() if contrast(*pair) < 4.5] == []

    def test_every_colour_of_a_report_is_in_one_of_those_pairs(self) -> None:
        known = {colour for pair in Theme().pairs() for colour in pair}
        for attributes in Tags(whole().html).tags:
            for colour in re.findall(r"(?<![-\w])color:(#\w+)", attributes[1].get("style") or ""):
                assert colour in known

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"accent": "#ffff00"}, "has a contrast of 1"),
            ({"accent_dark": "#000000"}, "has a contrast of 1"),
            ({"accent": "red"}, "'red' is not a colour"),
            ({"font": "x;}</style>"}, "is not a list of fonts"),
            ({"width": 50}, "50 pixels"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, settings: dict[str, Any], told: str) -> None:
        with pytest.raises(MessageError, match=re.escape(told)) as caught:
            Theme(**settings)
        assert caught.value.field == "theme"

    def test_black_on_white_is_21(self) -> None:
        assert (round(contrast("#000000", "#ffffff"), 2), contrast("#777777", "#777777")) == (21.0, 1.0)

    def test_a_theme_is_followed(self) -> None:
        html = Report("T", ["[x](https://example.com)"], theme=Theme(accent="#7a1fa2", font="Georgia, serif")).html
        assert "color:#7a1fa2" in html
        assert "font-family:Georgia, serif" in html
