"""Boxes, arrows and lines of text, as SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

INK, PAPER, FAINT, OURS = "#1f2933", "#ffffff", "#6b7680", "#0f7b6c"
GOOD, BAD, LATER, DOUBT = "#0f7b6c", "#b42318", "#b54708", "#6941c6"
SANS = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, DejaVu Sans Mono, monospace"


@dataclass(frozen=True)
class Box:
    """A rectangle with a few words in its middle."""

    x: float
    y: float
    words: str
    width: float = 120
    height: float = 36
    colour: str = INK

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def drawn(self) -> str:
        """As SVG."""
        x, y = self.middle
        size = f"x='{self.x}' y='{self.y}' width='{self.width}' height='{self.height}'"
        return f"<rect {size} rx='6' fill='{PAPER}' stroke='{self.colour}' stroke-width='1.5'/>" + text(
            x, y + 5, self.words, anchor="middle", colour=self.colour
        )


def text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK, size: float = 14) -> str:
    """A line of text; `y` is its base line."""
    where = f"x='{x:g}' y='{y:g}' text-anchor='{anchor}'"
    return f"<text {where} font-size='{size:g}' fill='{colour}'>{escape(words)}</text>"


def arrow(start: tuple[float, float], end: tuple[float, float], words: str = "", *, colour: str = FAINT) -> str:
    """A straight arrow, with words above its middle."""
    (x1, y1), (x2, y2) = start, end
    line = f"<line x1='{x1:g}' y1='{y1:g}' x2='{x2:g}' y2='{y2:g}' stroke='{colour}' marker-end='url(#head)'/>"
    if not words:
        return line
    return line + text((x1 + x2) / 2, (y1 + y2) / 2 - 6, words, anchor="middle", colour=colour, size=12)


def page(width: float, height: float, title: str, parts: Iterable[str], *, font: str = SANS, paper: str = PAPER) -> str:
    """The whole picture, on paper of its own, so that it is legible on any page."""
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' width='{width:g}' "
        f"height='{height:g}' font-family='{font}' role='img'>"
    )
    marker = (
        "<defs><marker id='head' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' "
        f"orient='auto-start-reverse'><path d='M0 0L8 4L0 8z' fill='{FAINT}'/></marker></defs>"
    )
    ground = f"<rect width='100%' height='100%' rx='8' fill='{paper}'/>"
    return "\n".join([head, f"<title>{escape(title)}</title>", marker, ground, *parts, "</svg>"]) + "\n"
