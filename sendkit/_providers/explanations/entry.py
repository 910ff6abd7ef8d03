"""One line of the tables: which replies it is about, and what it says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sendkit._smtp.reply import Reply

NOTHING: Final = "nothing"
LATER: Final = "try again later"
LOGIN: Final = (
    "check the username and the password (many providers require an app password); "
    "`sendkit login HOST USER` stores a new one"
)


@dataclass(slots=True, frozen=True, kw_only=True)
class Entry:
    """What one kind of reply means.

    `codes` and `enhanced` are those it comes with (empty: any); `words` is a regular expression, searched for in the
    text without regard to case. An entry of a provider holds for replies that are known to be its own; where nobody is
    known to have spoken, only if it has `words` that nobody else uses (`own`). `why` is the value of the `Reason` that
    the reply gives, where its code does not say it.
    """

    title: str
    cause: str
    remedy: str
    source: str
    provider: str | None = None
    codes: tuple[int, ...] = ()
    enhanced: tuple[str, ...] = ()
    words: str | None = None
    own: bool = True
    why: str | None = None

    @property
    def _telling(self) -> bool:
        return self.words is not None and self.own

    def says(self, text: str) -> bool:
        """Whether its words stand in this text."""
        return self._telling and re.search(self.words or "", text, re.IGNORECASE) is not None

    def fits(self, reply: Reply, provider: str | None) -> bool:
        """Whether it is about this reply, which `provider` gave, as far as that is known."""
        if self.provider != provider and self.provider is not None and (provider is not None or not self._telling):
            return False
        if self.codes and reply.code not in self.codes:
            return False
        if self.enhanced and reply.enhanced not in self.enhanced:
            return False
        return self.words is None or re.search(self.words, reply.text, re.IGNORECASE) is not None
