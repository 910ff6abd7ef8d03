"""Where in a session something happened. The verdict of a failure depends on it (RFC 5321 section 3)."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """One step of an SMTP session, in the order in which a session takes them."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    END_OF_DATA = "end_of_data"
    QUIT = "quit"


# Nothing of a message is out yet: what fails here says nothing about it.
BEFORE_TRANSACTION = frozenset(
    {Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH}
)
TRANSACTION = frozenset(Phase) - BEFORE_TRANSACTION - {Phase.QUIT}
