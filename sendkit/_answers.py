"""What a web application answers to a visitor whose mail was not sent: the status of HTTP, and what to do.

The words name nobody and quote no server; what happened is for the log. Must not know: frameworks.
"""

from __future__ import annotations

from typing import NamedTuple

from sendkit.errors import DeliveryError, InDoubtError, MessageError, RejectedError

RETRY_AFTER = 600
"""Seconds until it makes sense to ask again."""


class Answer(NamedTuple):
    """The status, the text, and the seconds of `Retry-After` (RFC 9110 section 10.2.3)."""

    status: int
    text: str
    retry_after: int | None = None


def answer(error: MessageError | DeliveryError) -> Answer:
    """422 for what the visitor can correct, 202 for what may have been sent, 503 for what can be tried again."""
    if isinstance(error, MessageError):
        named = not error.field or error.message.startswith(f"{error.field}:")
        return Answer(422, error.message if named else f"{error.field}: {error.message}")
    if isinstance(error, RejectedError):
        return Answer(422, "this address accepts no mail")
    if isinstance(error, InDoubtError):
        return Answer(202, "the mail may have been sent; if it does not arrive, ask for it again")
    return Answer(503, "the mail cannot be sent now; try again later", RETRY_AFTER)
