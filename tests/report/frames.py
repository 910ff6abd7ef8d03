"""What reports are made of in these tests: the same orders in every form, and the small letters of a PNG."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x04\x08\x02\x00\x00\x00\x8e\x82\xb0\xa6"
    b"\x00\x00\x00\x0eIDATx\x9cc`\x18\x05\x83\x0e\x00\x00\x01d\x00\x01\x97\xc3\xb6V\x00\x00\x00\x00IEND\xaeB`\x82"
)


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
