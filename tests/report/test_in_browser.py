"""A report in a real browser: on a desk and on a phone, light and dark, with its style block and without."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit.report._block import with_pictures
from tests.report.frames import whole

if TYPE_CHECKING:
    from tests.servers.browser import Browser

PICTURES = os.environ.get("SENDKIT_SCREENSHOTS")
PAGE = "document.body.getBoundingClientRect().width > 0 && document.documentElement.scrollWidth"
COLOUR = "getComputedStyle(document.querySelector('{}')).{}"


@pytest.fixture(scope="module")
def html() -> str:
    report = whole()
    return with_pictures(report.html, tuple(report.inline.values()))


def opened(browser: Browser, folder: Path, html: str) -> None:
    (folder / "report.html").write_text(html, encoding="utf-8")
    browser.open((folder / "report.html").as_uri())
    browser.until("document.readyState === 'complete' && !!document.querySelector('.card')")


@pytest.mark.parametrize("style", ["style", "no style"])
@pytest.mark.parametrize("width", [375, 700, 1100])
def test_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path, html: str, width: int, style: str) -> None:
    """A table that is wider than a phone scrolls by itself."""
    browser.size(width, 800, phone=width < 500)
    opened(browser, tmp_path, html if style == "style" else re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    assert browser.until(PAGE) <= width
    if PICTURES:
        browser.picture(Path(PICTURES) / f"report-{width}-{style.replace(' ', '-')}.png")


def test_the_dark_is_dark_and_is_read(browser: Browser, tmp_path: Path, html: str) -> None:
    browser.size(375, 800, phone=True, dark=True)
    opened(browser, tmp_path, html)
    assert browser.value(COLOUR.format(".card", "backgroundColor")) == "rgb(22, 27, 34)"
    assert browser.value(COLOUR.format(".card h1", "color")) == "rgb(230, 237, 243)"
    assert browser.value(COLOUR.format(".d td.neg", "color")) == "rgb(255, 128, 120)"
    assert browser.value(COLOUR.format(".d td.neg", "borderBottomColor")) == "rgb(45, 52, 61)"


def test_tiles_stand_beside_each_other_on_a_desk_and_below_on_a_phone(
    browser: Browser, tmp_path: Path, html: str
) -> None:
    tops = "[...document.querySelectorAll('.w')].slice(-2).map(tile => Math.round(tile.getBoundingClientRect().top))"
    for width, beside in ((1100, True), (375, False)):
        browser.size(width, 800, phone=not beside)
        opened(browser, tmp_path, html)
        first, second = browser.value(tops)
        assert (first == second) is beside


@pytest.mark.parametrize(
    "program", [["w3m", "-dump", "-T", "text/html"], ["lynx", "-dump", "-stdin"]], ids=["w3m", "lynx"]
)
def test_a_text_browser_reads_it_well(program: list[str]) -> None:
    try:
        ran = subprocess.run(program, input=whole().html.encode(), capture_output=True, check=True, timeout=300)
    except FileNotFoundError:
        pytest.skip(f"apt-get install {program[0]}")
    text = ran.stdout.decode()
    assert re.search(r"region\s+day\s+orders\s+revenue\s+margin\s+open", text)
    assert re.search(r"East\s+2026-11-01\s+50\s+€500.25\s+-10.0%\s+yes", text)
    assert "Sales, week 48" in text
    assert "[if mso]" not in text
