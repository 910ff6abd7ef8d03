"""The message of the demo: a report with a table, a picture and an attachment, as a program would write it.

Knows only the public face, so that it can be read as an example.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from sendkit.report import Figure, Report, Table, csv
from sendkit.report._spark import chunk

if TYPE_CHECKING:
    from sendkit import Message

ACCEPTED, GREYLISTED, REJECTED = "luis@example.com", "mia@example.net", "nobody@example.org"

_SALES = {"Norte": 96, "Centro": 132, "Levante": 118, "Sur": 74}
_WIDTH, _HEIGHT, _BAR, _GAP = 320, 160, 56, 20
_INK, _PAPER = (0x2B, 0x6C, 0xB0), (0xF7, 0xFA, 0xFC)


def report() -> Message:
    """The report to all three recipients."""
    rows = [{"Región": region, "Sold": sold} for region, sold in _SALES.items()]
    made = Report(
        "Informe semanal – weekly report 📈",
        [
            Table(rows, caption="Sales of the week", total=True),
            Figure(_chart(), alt="Sales of the week as bars: Centro leads, Sur is last"),
        ],
        footer="A demonstration: this mail never left your machine.",
    )
    to = [f"Luis <{ACCEPTED}>", f"Mía <{GREYLISTED}>"]
    return made.message(
        sender="Ana Núñez <ana@example.com>", to=to, cc=REJECTED, attachments=[csv(rows, "ventas-España.csv")]
    )


def _chart() -> bytes:
    """Bars as a PNG (ISO/IEC 15948): 8 bits for each of red, green and blue."""
    top = max(_SALES.values())
    heights = [sold * (_HEIGHT - _GAP) // top for sold in _SALES.values()]
    lines = (b"\0" + b"".join(_pixels(heights, _HEIGHT - row)) for row in range(_HEIGHT))
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def _pixels(heights: list[int], altitude: int) -> list[bytes]:
    step = _BAR + _GAP
    bars = [bytes(_PAPER) * _GAP + bytes(_INK if altitude <= height else _PAPER) * _BAR for height in heights]
    return [*bars, bytes(_PAPER) * (_WIDTH - step * len(heights))]
