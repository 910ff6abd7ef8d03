"""Takes the secrets that a server may have heard out of all that it says, from the first octet of a connection.

Those of the process, and in more spellings those of the account, on earlier connections too; and every line of an
exchange that was sent. A mask changes what is shown: never a reply's code, nor what a server offers or refuses.
Must not know: SMTP commands, or who asks.
"""

from __future__ import annotations

from sendkit._redaction import SHORTEST, Keep, Redactor, redacted
from sendkit._smtp.reply import code_length


class Mask:
    """Takes out of a text what must not be shown."""

    __slots__ = ("_own",)

    def __init__(self, own: Redactor | None = None) -> None:
        self._own = own or Redactor()

    def cover(self, line: str) -> None:
        """Also take out this line, which was sent."""
        if len(line) > SHORTEST:
            self._own = Redactor.joined((Redactor((line,)), self._own))

    def __call__(self, text: str, keep: Keep | None = None) -> str:
        return redacted(self._own(text, keep), keep)

    def reply(self, code: int, text: str) -> str:
        """The text of a reply that was read without its code: a line may be a secret together with it."""
        return "\n".join(self._line(code, line) for line in text.split("\n"))

    def _line(self, code: int, line: str) -> str:
        for separator in "- ":
            whole = f"{code}{separator}{line}"
            line = self(whole, code_length)[4:]
        return line


BARE = Mask()
"""For words of nobody who was given a secret of this account; it is never told more."""
