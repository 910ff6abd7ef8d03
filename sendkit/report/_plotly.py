"""Figures of plotly as pictures. A browser draws them, whose start takes seconds: one serves a whole report."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sendkit.errors import MessageError
from sendkit.report._characters import one_line, shortened
from sendkit.report._extra import needed
from sendkit.report._picture import SCALE, Picture, drawn

_LIMIT = 90  # seconds for a figure


def pictures_of(figures: list[tuple[Any, int]]) -> list[Picture]:
    """Draw figures, each with its width in pixels. Raises MessageError where there is no browser."""
    kaleido = needed("kaleido", "a figure of plotly", "plotly kaleido")
    try:
        # On a thread of its own: this one may run a loop. Kaleido's own server hangs where it finds no browser.
        with ThreadPoolExecutor(1, thread_name_prefix="sendkit-plotly") as pool:
            drawings = pool.submit(asyncio.run, _draw(kaleido, figures)).result()
    except (RuntimeError, ValueError, OSError, TimeoutError) as error:
        problem = f"a figure of plotly cannot be drawn: {shortened(one_line(str(error)), 200)}"
        hint = "it needs Chrome or Chromium: install one, or run kaleido_get_chrome"
        raise MessageError(problem, field="figure", hint=hint) from error
    return [drawn(data, width) for data, (_, width) in zip(drawings, figures, strict=True)]


async def _draw(kaleido: Any, figures: list[tuple[Any, int]]) -> list[bytes]:
    async with kaleido.Kaleido(n=1, timeout=_LIMIT) as browser:
        return [await browser.calc_fig(figure, opts=_size(figure, width)) for figure, width in figures]


def _size(figure: Any, width: int) -> dict[str, Any]:
    wide = int(figure.layout.width or width)
    high = int(figure.layout.height or wide * 5 / 8)
    return {"format": "png", "width": wide, "height": high, "scale": SCALE}
