"""What reports are made of in these tests: the same orders in every form, one of each block, and a small PNG."""

from __future__ import annotations

import datetime as dt
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sendkit.report import KPI, Block, Button, Code, Divider, Figure, Html, Log, Markdown, Report, Table


def png(width: int, height: int) -> bytes:
    """A white picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\xff" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PNG = png(8, 4)


@dataclass(frozen=True)
class Order:
    """One row."""

    region: str
    day: dt.date
    orders: int
    revenue: float | None
    margin: float
    open: bool


REGIONS = ("East", "West", "Norte & Sur", "日本")


def orders(rows: int) -> list[Order]:
    """So many orders, the same ones at each call."""
    first = dt.date(2026, 11, 1)
    return [
        Order(
            region=REGIONS[i % 4],
            day=first + dt.timedelta(days=i % 28),
            orders=50 + i * 7 % 350,
            revenue=None if i % 17 == 2 else 500 + (i * 977) % 8500 + 0.25,
            margin=((i * 37) % 500) / 1000 - 0.1,
            open=i % 3 == 0,
        )
        for i in range(rows)
    ]


def columns(rows: int) -> dict[str, list[Any]]:
    """The same as columns."""
    made = orders(rows)
    return {name: [getattr(order, name) for order in made] for name in Order.__dataclass_fields__}


LIBRARIES = ("pandas", "polars", "pyarrow")


def frame(library: str, data: dict[str, list[Any]]) -> Any:
    """The columns as a frame of this library, which skips the test where it is missing."""
    module = pytest.importorskip(library, reason="pip install --group plots")
    make: Callable[[dict[str, list[Any]]], Any] = module.table if library == "pyarrow" else module.DataFrame
    return make(data)


PROSE = """\
# A title

Revenue is **up 12 %**; see [the *dashboard*](https://example.com/?a=1&b=2), `code` and ~~nothing~~.

- one
- two
    1. three

> A quotation,
> of two lines.

```sql
SELECT <b> FROM "orders"
```

| step | took |
|---|--:|
| load | 3 s |

### A smaller title

---
"""


def blocks() -> dict[str, Block]:
    """One of each block, with all that it can show."""
    rows = orders(9)
    formats: dict[str, Any] = {"revenue": "currency:EUR", "margin": "percent", "orders": ","}
    return {
        "Markdown": Markdown(PROSE),
        "Table": Table(
            rows,
            caption="Orders",
            formats=formats,
            max_rows=5,
            tint=["margin"],
            bars=["revenue"],
            total=True,
            zebra=True,
        ),
        "Table with heat": Table(rows, tint={"orders": "heat"}, formats={"region": "link:https://example.com/{}"}),
        "Table without rows": Table([], caption="Nothing"),
        "KPI": KPI("Orders", 1234, change="▼ 3 %", good=False, trend=[1, 3, 2, 5]),
        "Figure": Figure(png(1184, 400), alt="A white picture", caption="White"),
        "small Figure": Figure(PNG, alt="A small one"),
        "Code": Code("SELECT *\n  FROM orders", caption="The query"),
        "Log": Log("INFO a\nWARNING b\nERROR c\n" * 20, last=5),
        "Divider": Divider(),
        "Button": Button("Open", "https://example.com/?a=1&b=2"),
        "Html": Html("<p>Hello <b>you</b></p>"),
    }


def whole() -> Report:
    """A report of all blocks."""
    body = [*blocks().values(), [KPI("Revenue", 5.2e6, format="currency:EUR:0"), KPI("Orders", 9)]]
    return Report("Sales, week 48", body, footer="weekly.py on db1\nsecond line", preheader="West lost margin")
