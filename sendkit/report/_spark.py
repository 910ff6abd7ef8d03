"""A trend in a tile: a small line as a PNG (ISO/IEC 15948) drawn here, and the same as block characters for text."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

WIDTH, HEIGHT = 120, 30  # as shown; drawn at twice the size
_SCALE = 2
_HALF = 2.2  # half of the line's thickness, in drawn pixels
_DOT = 5.5  # the radius of the point at the end
_EDGE = 8
_BLOCKS = "▁▂▃▄▅▆▇█"


def blocks(values: Sequence[float]) -> str:
    """The values as block characters, at most 30 of them."""
    values = _thinned(values, 30)
    low, high = min(values), max(values)
    return "".join(_BLOCKS[round((value - low) / (high - low) * 7) if high > low else 3] for value in values)


def png(values: Sequence[float], colour: str) -> bytes:
    """The values as a line with a light area below and a point at its end, on a transparent ground."""
    wide, high = WIDTH * _SCALE, HEIGHT * _SCALE
    heights = _heights(_thinned(values, 60), wide, high)
    end = wide - _EDGE, heights[wide - _EDGE]
    alphas = [bytearray([0]) + bytearray(_row(y, heights, end)) for y in range(high)]
    # Greyscale with alpha would not do: a palette of one colour, whose 256 entries differ in their alpha alone.
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    header = struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", bytes([red, green, blue]) * 256),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(b"".join(alphas), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG: length, kind, data and their CRC."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _thinned(values: Sequence[float], most: int) -> Sequence[float]:
    if len(values) <= most:
        return values
    step = len(values) / most
    return [sum(part := values[int(i * step) : int((i + 1) * step)]) / len(part) for i in range(most)]


def _heights(values: Sequence[float], wide: int, high: int) -> list[float]:
    """The height of the line's middle in each column of pixels, from the top."""
    low, top = min(values), max(values)
    room = high - 2 * _EDGE
    points = [high - _EDGE - ((value - low) / (top - low) if top > low else 0.5) * room for value in values]
    if len(points) == 1:
        points *= 2
    heights: list[float] = []
    for x in range(wide):
        position = min(x / (wide - _EDGE), 1) * (len(points) - 1)
        left = min(int(position), len(points) - 2)
        heights.append(points[left] + (points[left + 1] - points[left]) * (position - left))
    return heights


def _row(y: int, heights: list[float], end: tuple[int, float]) -> list[int]:
    row: list[int] = []
    for x, height in enumerate(heights):
        slope = heights[min(x + 1, len(heights) - 1)] - height
        line = _HALF * (1 + slope * slope) ** 0.5 + 0.5 - abs(y - height) if x <= end[0] else 0
        dot = _DOT + 0.5 - ((x - end[0]) ** 2 + (y - end[1]) ** 2) ** 0.5
        area = 0.14 if y > height and x <= end[0] else 0.0
        row.append(round(255 * min(1.0, max(line, dot, area, 0.0))))
    return row
