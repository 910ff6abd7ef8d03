"""Send mail through an account on a submission server, and get the outcome for each recipient.

The public face: every name is loaded when it is first used, so that `import sendkit` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sendkit._lazy import attribute
from sendkit._version import __version__

if TYPE_CHECKING:
    from sendkit import credentials, errors, messages, observers, outbox, report, results, settings, testing, transports
    from sendkit._credentials import PasswordCommand
    from sendkit._credentials.oauth2 import OAuth2
    from sendkit._delivery.policy import RetryPolicy
    from sendkit._doctor import Check, Diagnosis, Finding, Status
    from sendkit._mailer import AsyncMailer
    from sendkit._many import AsyncSendStream, SendStream
    from sendkit._message.attachment import Attachment
    from sendkit._message.invite import Invite
    from sendkit._message.mailbox import Mailbox
    from sendkit._message.message import Message
    from sendkit._message.purpose import Unsubscribe
    from sendkit._message.ready import ReadyMessage
    from sendkit._message.template import MessageTemplate
    from sendkit._providers.provider import Provider
    from sendkit._send import open as open  # noqa: A004 - read as sendkit.open, and exported
    from sendkit._send import send, send_async
    from sendkit._server.security import Security
    from sendkit._server.server import Server, Timeouts
    from sendkit._smtp.envelope import Envelope
    from sendkit._smtp.explain import Explanation
    from sendkit._smtp.phase import Phase
    from sendkit._smtp.reply import Reply
    from sendkit._smtp.verdict import Outcome
    from sendkit._submission import SubmissionOptions
    from sendkit._sync import Mailer
    from sendkit._tls import InsecureTLSWarning
    from sendkit._transport.console import ConsoleTransport
    from sendkit._transport.file import FileTransport
    from sendkit._transport.memory import MemoryTransport
    from sendkit.errors import DeliveryError
    from sendkit.outbox._asynchronous import AsyncOutbox
    from sendkit.outbox._synchronous import Outbox
    from sendkit.results import Attempt, DeliveryResult, RecipientResult, StreamResult
    from sendkit.signing import DKIM

__all__ = [  # noqa: RUF022 - in the order of `sorted`; without `open`, which would hide the builtin one
    "AsyncMailer",
    "AsyncOutbox",
    "AsyncSendStream",
    "Attachment",
    "Attempt",
    "Check",
    "ConsoleTransport",
    "DKIM",
    "DeliveryError",
    "DeliveryResult",
    "Diagnosis",
    "Envelope",
    "Explanation",
    "FileTransport",
    "Finding",
    "InsecureTLSWarning",
    "Invite",
    "Mailbox",
    "Mailer",
    "MemoryTransport",
    "Message",
    "MessageTemplate",
    "OAuth2",
    "Outbox",
    "Outcome",
    "PasswordCommand",
    "Phase",
    "Provider",
    "ReadyMessage",
    "RecipientResult",
    "Reply",
    "RetryPolicy",
    "Security",
    "SendStream",
    "Server",
    "Status",
    "StreamResult",
    "SubmissionOptions",
    "Timeouts",
    "Unsubscribe",
    "__version__",
    "credentials",
    "errors",
    "messages",
    "observers",
    "outbox",
    "report",
    "results",
    "send",
    "send_async",
    "settings",
    "testing",
    "transports",
]

_MODULES = (
    "credentials",
    "errors",
    "messages",
    "observers",
    "outbox",
    "report",
    "results",
    "settings",
    "testing",
    "transports",
)
_HOMES = {
    "AsyncMailer": "_mailer",
    "AsyncOutbox": "outbox._asynchronous",
    "AsyncSendStream": "_many",
    "Attachment": "_message.attachment",
    "Attempt": "results",
    "Check": "_doctor",
    "ConsoleTransport": "_transport.console",
    "DKIM": "signing",
    "DeliveryError": "errors",
    "DeliveryResult": "results",
    "Diagnosis": "_doctor",
    "Envelope": "_smtp.envelope",
    "Explanation": "_smtp.explain",
    "FileTransport": "_transport.file",
    "Finding": "_doctor",
    "InsecureTLSWarning": "_tls",
    "Invite": "_message.invite",
    "Mailbox": "_message.mailbox",
    "Mailer": "_sync",
    "MemoryTransport": "_transport.memory",
    "Message": "_message.message",
    "MessageTemplate": "_message.template",
    "OAuth2": "_credentials.oauth2",
    "Outbox": "outbox._synchronous",
    "Outcome": "_smtp.verdict",
    "PasswordCommand": "_credentials",
    "Phase": "_smtp.phase",
    "Provider": "_providers.provider",
    "ReadyMessage": "_message.ready",
    "RecipientResult": "results",
    "Reply": "_smtp.reply",
    "RetryPolicy": "_delivery.policy",
    "Security": "_server.security",
    "SendStream": "_many",
    "Server": "_server.server",
    "Status": "_doctor",
    "StreamResult": "results",
    "SubmissionOptions": "_submission",
    "Timeouts": "_server.server",
    "Unsubscribe": "_message.purpose",
    "open": "_send",
    "send": "_send",
    "send_async": "_send",
}


def __getattr__(name: str) -> object:
    return import_module(f"sendkit.{name}") if name in _MODULES else attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted([*__all__, "open"])
