"""What all blocks have in common: frozen values that give html, text, inline parts and files, alone or in a report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sendkit.errors import MessageError
from sendkit.report._locale import locale_of
from sendkit.report._piece import Page, Piece
from sendkit.report._theme import Theme

if TYPE_CHECKING:
    from sendkit import Attachment


class Block(ABC):
    """A part of a report."""

    __slots__ = ()

    @abstractmethod
    def render(self, page: Page) -> Piece:
        """Render it for a page. Raises MessageError for what cannot be shown."""

    @property
    def error_name(self) -> str:
        """What an error calls it."""
        return type(self).__name__

    @property
    def html(self) -> str:
        """Its html, as in a report of the usual look. Pictures are referred to by `cid:` (RFC 2392)."""
        piece = self._alone()
        return piece.html(len(piece.rows))

    @property
    def text(self) -> str:
        """Its plain text."""
        piece = self._alone()
        return piece.text(len(piece.rows))

    @property
    def inline(self) -> Mapping[str, Attachment]:
        """The pictures that its html refers to, by content id."""
        return {part.content_id: part for part in self._alone().inline if part.content_id is not None}

    @property
    def files(self) -> tuple[Attachment, ...]:
        """The files that go with it: what it does not show."""
        piece = self._alone()
        return piece.files(len(piece.rows))

    def __html__(self) -> str:
        """Its html, for templates (the protocol of markupsafe)."""
        return self.html

    def _repr_html_(self) -> str:
        return with_pictures(self.html, self._alone().inline)

    def _alone(self) -> Piece:
        return self.render(Page(Theme(), locale_of(None)))


def with_pictures(html: str, parts: tuple[Attachment, ...]) -> str:
    """The html with its inline parts in it, for a browser or a notebook; mail clients show no `data:` pictures."""
    for part in parts:
        source = f"data:{part.content_type};base64,{b64encode(part.read()).decode()}"
        html = html.replace(f"cid:{part.content_id}", source)
    return html


def refuse(block: Block | str, problem: str, *, field: str, hint: str) -> MessageError:
    """The error for a block that cannot be as it is written."""
    return MessageError(f"{block if isinstance(block, str) else block.error_name}: {problem}", field=field, hint=hint)
