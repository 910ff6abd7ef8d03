"""A message as a server has it: the envelope and the octets, before anybody reads them.

Must not know who took it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from sendkit._smtp.envelope import Envelope
from sendkit._submission import SubmissionOptions


@dataclass(slots=True, frozen=True)
class Sent:
    """A message that the double took: its envelope (the recipients taken), and its octets without dot-stuffing.

    `options` are what the server was asked for beside it; none, where nothing was.
    """

    envelope: Envelope
    content: bytes
    options: SubmissionOptions = field(default_factory=SubmissionOptions)

    @property
    def message(self) -> EmailMessage:
        """The content, parsed by the standard library."""
        return message_from_bytes(self.content.replace(b"\r\n", b"\n"), policy=policy.default)
