"""What is noted of a conversation, as values: each reply with its phase, and the facts of the TLS session.

Must not know: what becomes of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply


@dataclass(slots=True, frozen=True)
class TLSFacts:
    """The TLS session: protocol version and cipher suite, as OpenSSL names them."""

    version: str
    cipher: str


@dataclass(slots=True, frozen=True)
class AttemptReply:
    """One reply of an attempt: the phase it belongs to, and the recipient for RCPT, and for the end of data in LMTP."""

    phase: Phase
    reply: Reply
    recipient: str | None = None
