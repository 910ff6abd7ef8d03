"""One message that a double or a local server took, read for whoever looks at it: an assertion, a test, a page.

Knows the octets, the envelope, when they came and who was logged in; parses when first asked, with the standard
library's `email` (RFC 5322, RFC 2045 to 2047, RFC 2392). Anybody may have written those octets: nothing in here raises
for what they hold, and every text can be encoded.
Must not know: sockets, transports, html beyond its links, or what is expected of the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit._lifetime.once import computed_once
from sendkit._reading.parts import Headers, Parts, ReceivedPart, head_of, links_in, parsed
from sendkit._reading.sent import Sent
from sendkit._reading.snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from email.message import EmailMessage

__all__ = ["ReceivedMessage"]


@dataclass(frozen=True, repr=False)
class ReceivedMessage(Sent):
    """A message as it arrived: `envelope` and `content` as `Sent` has them, and what they say, read.

    `when` is the time (UTC) at which the server took it, `username` who was logged in. Texts are decoded; a header
    that is not there is "" or empty. Nothing here raises, whatever the octets hold.
    """

    when: datetime | None = None
    username: str | None = None

    def __repr__(self) -> str:
        to = ", ".join(self.envelope.recipients)
        return f"<ReceivedMessage {self.subject!r} from {self.envelope.reverse_path or '<>'} to {to}>"

    @property
    def raw(self) -> bytes:
        """The octets as they arrived, with CRLF and without dot-stuffing."""
        return self.content

    @property
    def message(self) -> EmailMessage:
        """The content, parsed by the standard library; what it gives out may raise where the content is malformed."""
        return self._message

    @computed_once
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Every header field of the message, in order: its name and its decoded value."""
        return self._headers.fields

    def header(self, name: str) -> str:
        """The first header field of that name, decoded; "" where there is none."""
        return self._headers.first(name)

    @property
    def subject(self) -> str:
        """The Subject."""
        return self.header("Subject")

    @property
    def message_id(self) -> str:
        """The Message-ID, with its angle brackets."""
        return self.header("Message-ID")

    @computed_once
    def sender(self) -> str:
        """The mailbox in From, as `Ana Núñez <ana@example.com>`."""
        return next(iter(self._headers.mailboxes("From")), self.header("From"))

    @computed_once
    def to(self) -> tuple[str, ...]:
        """The mailboxes in To; who really got it is in `envelope.recipients`."""
        return self._headers.mailboxes("To")

    @computed_once
    def cc(self) -> tuple[str, ...]:
        """The mailboxes in Cc."""
        return self._headers.mailboxes("Cc")

    @property
    def text(self) -> str:
        """The plain text, with LF line ends; "" where there is none."""
        return self._parts.text

    @property
    def html(self) -> str:
        """The html, as the author wrote it; "" where there is none. It may hold anything: show it with care."""
        return self._parts.html

    @property
    def attachments(self) -> tuple[ReceivedPart, ...]:
        """The files: what is neither a text to read nor shown within the html."""
        return self._parts.attachments

    @property
    def inline(self) -> Mapping[str, ReceivedPart]:
        """What the html shows by `src="cid:NAME"`, by that name (RFC 2392)."""
        return self._parts.inline

    @computed_once
    def links(self) -> tuple[str, ...]:
        """The targets of the links in the html, then the web addresses in the text; each once."""
        return links_in(self.html, self.text)

    def snapshot(self) -> str:
        """The message as text that is the same on every run, for snapshot tools.

        Line ends are LF; `<message-id>`, `<date>` and `boundary-1`, … stand for what differs from run to run.
        """
        return snapshot_of(self)

    @computed_once
    def _message(self) -> EmailMessage:
        return parsed(self.content)

    @computed_once
    def _headers(self) -> Headers:
        # The head alone, so that a list of large messages needs no more of them.
        return Headers(parsed(head_of(self.content)))

    @computed_once
    def _parts(self) -> Parts:
        return Parts.of(self.message)
