"""A message that the local server took, with what it said to whom: the envelope, recipient by recipient.

Knows replies (RFC 5321 section 4.2) and facts of the session, as text to show. Must not know sockets or pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendkit._reading.received import ReceivedMessage

__all__ = ["CaughtMessage"]


@dataclass(frozen=True, repr=False)
class CaughtMessage(ReceivedMessage):
    """A `ReceivedMessage`, with more to show of how it came.

    `replies` has every recipient that was named, the refused ones too, with what the server answered; `facts` are names
    and values such as `("TLS", "TLSv1.3")`.
    """

    replies: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
