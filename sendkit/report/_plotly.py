"""Figures of plotly as pictures. A browser draws them, whose start takes seconds: one serves a whole report."""

from __future__ import annotations

from typing import Any

from sendkit.errors import MessageError
from sendkit.report._characters import one_line, shortened
from sendkit.report._extra import needed_for
from sendkit.report._picture import SCALE, Picture, drawn


def pictures_of(figures: list[tuple[Any, int]]) -> list[Picture]:
    """Draw figures, each with its width in pixels. Raises MessageError where there is no browser."""
    with needed_for("a figure of plotly", "plotly kaleido"):
        import kaleido  # noqa: PLC0415 - of the user's libraries
    try:
        kaleido.start_sync_server(n=1, silence_warnings=True)
        try:
            return [_picture(kaleido, figure, width) for figure, width in figures]
        finally:
            kaleido.stop_sync_server(silence_warnings=True)
    except (RuntimeError, ValueError, OSError) as error:
        problem = f"a figure of plotly cannot be drawn: {shortened(one_line(str(error)), 200)}"
        hint = "it needs Chrome or Chromium: install one, or run kaleido_get_chrome"
        raise MessageError(problem, field="figure", hint=hint) from error


def _picture(kaleido: Any, figure: Any, width: int) -> Picture:
    wide = int(figure.layout.width or width)
    high = int(figure.layout.height or wide * 5 / 8)
    size = {"format": "png", "width": wide, "height": high, "scale": SCALE}
    return drawn(kaleido.calc_fig_sync(figure, opts=size), width)
