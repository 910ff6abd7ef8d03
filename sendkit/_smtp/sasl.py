"""Which mechanism to log in with (RFC 4954, RFC 4616)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Mechanism(StrEnum):
    """The SASL mechanisms that we speak, the preferred one first."""

    PLAIN = "PLAIN"
    LOGIN = "LOGIN"


def choose_mechanism(offered: Iterable[str]) -> Mechanism | None:
    """The mechanism that we prefer among those offered, or None.

    One is chosen, and one only: a server counts each refused AUTH towards a lock-out, so that a second mechanism with
    the same secret does nothing but harm.
    """
    names = {name.upper() for name in offered}
    return next((mechanism for mechanism in Mechanism if mechanism in names), None)
