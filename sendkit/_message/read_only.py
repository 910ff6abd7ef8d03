"""A mapping that nobody can change: what frozen values hold where others would hold a dict.

Must not know what it holds.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TypeVar

_Value = TypeVar("_Value")


class ReadOnlyMapping(Mapping[str, _Value]):
    """A mapping that cannot be changed; unlike a mapping proxy it can be pickled and copied."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, _Value]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> _Value:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def values(self) -> ValuesView[_Value]:
        """All values; the inherited way to them takes three times as long."""
        return self._items.values()

    def items(self) -> ItemsView[str, _Value]:
        """All names and values, as above."""
        return self._items.items()

    def __reduce__(self) -> tuple[type[ReadOnlyMapping[_Value]], tuple[dict[str, _Value]]]:
        return type(self), (self._items,)  # every protocol of pickle, which the older ones do not do for slots

    def __repr__(self) -> str:
        return repr(self._items)


class _OfOne(ReadOnlyMapping[_Value]):
    """The same with one name, as most results have it: a dict for it takes four times as much memory."""

    __slots__ = ("_name", "_value")

    def __init__(self, items: Mapping[str, _Value]) -> None:
        ((self._name, self._value),) = items.items()

    @property
    def _items(self) -> dict[str, _Value]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride] - made when it is asked for
        return {self._name: self._value}

    def __len__(self) -> int:
        return 1


def read_only(items: Mapping[str, _Value]) -> ReadOnlyMapping[_Value]:
    """The same items, which nobody can change, in as little memory as they need."""
    return _OfOne(items) if len(items) == 1 else ReadOnlyMapping(items)
