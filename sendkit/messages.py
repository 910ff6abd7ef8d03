"""What can be sent, and the parts of it: messages, templates, attachments, mailboxes and addresses.

Only names here, no code.
"""

from __future__ import annotations

from sendkit._message.attachment import Attachment, Readable
from sendkit._message.compose import AnyMessage, Recipients
from sendkit._message.head import HeaderField
from sendkit._message.invite import Invite
from sendkit._message.letter import Redirection
from sendkit._message.mailbox import Mailbox, MailboxLike
from sendkit._message.message import Message
from sendkit._message.purpose import AutoSubmitted, Priority, Unsubscribe
from sendkit._message.ready import ReadyContent, ReadyMessage
from sendkit._message.template import MessageTemplate
from sendkit._reading.lint import Advice
from sendkit._smtp.address import Address
from sendkit._smtp.envelope import Envelope
from sendkit._submission import Notice, Returned, SubmissionOptions

__all__ = [
    "Address",
    "Advice",
    "AnyMessage",
    "Attachment",
    "AutoSubmitted",
    "Envelope",
    "HeaderField",
    "Invite",
    "Mailbox",
    "MailboxLike",
    "Message",
    "MessageTemplate",
    "Notice",
    "Priority",
    "Readable",
    "ReadyContent",
    "ReadyMessage",
    "Recipients",
    "Redirection",
    "Returned",
    "SubmissionOptions",
    "Unsubscribe",
]
