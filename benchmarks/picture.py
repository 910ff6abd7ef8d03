"""The picture for docs/speed.md: three panels of bars in SVG, written by hand, legible on light and dark pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.report import row_of
from benchmarks.works import ATTACHMENT_OCTETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.report import Row
    from benchmarks.throughput import Outcome

_WIDTH, _MARGIN, _LABEL, _BAR, _STEP = 860, 24, 190, 18, 26
_OURS, _THEIRS, _INK, _PAPER = "#0f7b6c", "#9aa5b1", "#1f2933", "#ffffff"
_OURS_SHOWN = ("sendkit in_flight=32", "sendkit")
_FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True, slots=True)
class Panel:
    """A heading, which work it shows, of which clients, and what a bar says: how long it is, and in which words."""

    heading: str
    work: str
    clients: tuple[str, ...]
    length: Callable[[Row], float]
    words: Callable[[Row], str]


PANELS = (
    Panel(
        "Messages a second on one connection, as a multiple of aiosmtplib (longer is better)",
        "one",
        (*_OURS_SHOWN, "sendkit sync", "python-emails", "nodemailer", "smtplib", "aiosmtplib", "yagmail", "red-mail"),
        lambda row: row.ratio or 0,
        lambda row: f"{row.ratio:.1f} ×" if row.ratio else "",
    ),
    Panel(
        "Round trips for each message over a link of 50 ms (shorter is better)",
        "far",
        (*_OURS_SHOWN, "nodemailer", "smtplib", "aiosmtplib"),
        lambda row: row.elapsed,
        lambda row: f"{row.elapsed:.2f}",
    ),
    Panel(
        "Memory for a file of 20 MB, as a multiple of the file (shorter is better)",
        "attachment",
        ("sendkit", "nodemailer", "smtplib", "yagmail", "red-mail", "aiosmtplib"),
        lambda row: row.growth * 1e6 / ATTACHMENT_OCTETS,
        lambda row: f"{row.growth * 1e6 / ATTACHMENT_OCTETS:.1f} ×",
    ),
)


def picture(outcomes: Iterable[Outcome]) -> str:
    """The SVG; a work that was not done has no panel."""
    by_key = {outcome.work.key: outcome for outcome in outcomes}
    y, parts = _MARGIN, list[str]()
    for panel in PANELS:
        rows = [row for client in panel.clients if (row := _row(by_key, panel, client)) is not None]
        if rows:
            parts += _panel(panel, rows, y)
            y += _STEP * (len(rows) + 2)
    size = f"viewBox='0 0 {_WIDTH} {y}' width='{_WIDTH}' height='{y}'"
    head = f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img'>"
    title = "<title>sendkit and its peers: speed, round trips and memory</title>"
    paper = f"<rect width='{_WIDTH}' height='{y}' rx='8' fill='{_PAPER}'/>"
    return "\n".join([head, title, paper, *parts, "</svg>"]) + "\n"


def _row(by_key: dict[str, Outcome], panel: Panel, client: str) -> Row | None:
    outcome = by_key.get(panel.work)
    return row_of(outcome, client) if outcome else None


def _panel(panel: Panel, rows: list[Row], top: int) -> list[str]:
    room = _WIDTH - 2 * _MARGIN - _LABEL - 70
    longest = max(map(panel.length, rows)) or 1
    parts = [_text(_MARGIN, top + 14, panel.heading, weight="600")]
    for number, row in enumerate(rows, start=1):
        y = top + number * _STEP + 4
        length = max(1.0, room * panel.length(row) / longest)
        colour = _OURS if row.client.startswith("sendkit") else _THEIRS
        x = _MARGIN + _LABEL
        parts.append(_text(x - 10, y + 14, row.client, anchor="end"))
        parts.append(f"<rect x='{x}' y='{y}' width='{length:.1f}' height='{_BAR}' rx='2' fill='{colour}'/>")
        parts.append(_text(x + length + 8, y + 14, panel.words(row)))
    return parts


def _text(x: float, y: float, text: str, *, weight: str = "400", anchor: str = "start") -> str:
    place = f"x='{x:.1f}' y='{y}' text-anchor='{anchor}'"
    return f"<text {place} {_FONT} font-size='14' font-weight='{weight}' fill='{_INK}'>{escape(text)}</text>"
