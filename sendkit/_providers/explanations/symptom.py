"""One line of the tables of symptoms: what other programs, libraries and this machine say when mail does not go out."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(slots=True, frozen=True, kw_only=True)
class Symptom:
    """What one kind of text means that is no reply of a mail server.

    `words` is a regular expression, searched for without regard to case. The fix for sendkit is the hint of the reason
    `why` (a value of `Reason`), or `remedy`; `elsewhere` is the fix in any other program.
    """

    words: str
    title: str
    cause: str
    elsewhere: str
    source: str
    why: str | None = None
    remedy: str = ""

    def fits(self, text: str) -> bool:
        """Whether it is about this text."""
        return re.search(self.words, text, re.IGNORECASE) is not None
