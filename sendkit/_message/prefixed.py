"""A content with fields in front of it that were added after it was written: the base of what signs and redirects it.

Must not know what the fields say. Of another form of the content a subclass makes its own (`_over`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from sendkit._smtp.content import Content


@dataclass(slots=True, frozen=True)
class Prefixed:
    """Fields in ASCII, and the content as it was (see `sendkit._smtp.content.Content`)."""

    fields: bytes = field(repr=False)
    content: Content = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.fields) + self.content.size

    @property
    def eight_bit(self) -> bool:
        return self.content.eight_bit

    @property
    def utf8(self) -> bool:
        return self.content.utf8

    @property
    def stored(self) -> bool:
        return self.content.stored

    def check(self) -> None:
        self.content.check()

    def blocks(self) -> Iterator[bytes]:
        blocks = iter(self.content.blocks())
        yield self.fields + next(blocks, b"")
        yield from blocks

    def seven_bit(self) -> Self | None:
        return self._again(self.content.seven_bit()) if self.eight_bit else self

    def without_utf8(self) -> Self | None:
        return self._again(self.content.without_utf8()) if self.utf8 else self

    def _again(self, content: Content | None) -> Self | None:
        return None if content is None else self._over(content)

    @abstractmethod
    def _over(self, content: Content) -> Self:
        """The same for another form of the content."""
