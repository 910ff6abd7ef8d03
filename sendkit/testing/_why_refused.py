"""Why a client of the local server got no message through, in words, and what to change in the client."""

from __future__ import annotations

from enum import Enum

_OR_PLAIN = ", or run `sendkit catch --plain`"


class WhyRefused(Enum):
    """Each with its two sentences: `text` and `hint`."""

    IMPLICIT_TLS = ("the client began with TLS at once", "choose STARTTLS in the client, not implicit TLS (SSL)")
    NO_TLS = ("the client did not start TLS", f"turn on STARTTLS in the client{_OR_PLAIN}")
    NO_TRUST = ("the client did not trust the certificate", f"give it the CA file of this server{_OR_PLAIN}")
    NO_LOGIN = ("the client did not log in", f"give it the username and the password of this server{_OR_PLAIN}")
    WRONG_SECRET = ("the username or the password was wrong", "give the client those that the terminal shows")

    def __init__(self, text: str, hint: str) -> None:
        self.text, self.hint = text, hint
