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
        import plotly.io  # noqa: PLC0415
    try:
        kaleido.start_sync_server(n=1, silence_warnings=True)
        try:
            return [_picture(plotly.io, figure, width) for figure, width in figures]
        finally:
            kaleido.stop_sync_server(silence_warnings=True)
    except (RuntimeError, ValueError, OSError) as error:
        problem = f"a figure of plotly cannot be drawn: {shortened(one_line(str(error)), 200)}"
        hint = "it needs Chrome or Chromium: install one, or run kaleido_get_chrome"
        raise MessageError(problem, field="figure", hint=hint) from error


def _picture(io: Any, figure: Any, width: int) -> Picture:
    layout: dict[str, Any] = figure.get("layout", {})
    wide = int(layout.get("width") or width)
    high = int(layout.get("height") or wide * 5 / 8)
    return drawn(io.to_image(figure, format="png", width=wide, height=high, scale=SCALE), width)
