"""Which addresses of a server failed, so that the others are asked first (RFC 5321 section 5.1).

An address failed when it did not connect, or ended the session before the login. Must not know: how one connects.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import count
from typing import TypeVar

_Address = TypeVar("_Address", bound=Hashable)


class AddressMemory:
    """The addresses of one server that failed, and in which order they did."""

    def __init__(self) -> None:
        self._failed: dict[Hashable, int] = {}
        self._serial = count(1)

    def ordered(self, addresses: Sequence[_Address]) -> list[_Address]:
        """These addresses, in the order that they have, but those that failed behind them, the last one last."""
        self._failed = {address: when for address, when in self._failed.items() if address in addresses}
        return sorted(addresses, key=lambda address: self._failed.get(address, 0))

    def failed(self, address: Hashable) -> None:
        """Ask the others first from now on."""
        self._failed[address] = next(self._serial)

    def worked(self, address: Hashable) -> None:
        """Ask it in its usual order again."""
        self._failed.pop(address, None)
