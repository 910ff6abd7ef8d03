"""One line for scripts: an account by name or of the environment, one message, and the connection closed behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, TypedDict, Unpack

from sendkit._mailer import AsyncMailer, OnProgress
from sendkit._message.attachment import Attachment, Readable
from sendkit._message.compose import AnyMessage, Recipients
from sendkit._message.mailbox import MailboxLike
from sendkit._message.message import Message
from sendkit._plan.options import MailerSettings, takes_settings
from sendkit._spelling import knows_keywords
from sendkit._submission import SubmissionOptions
from sendkit._sync import Mailer
from sendkit.errors import MessageError
from sendkit.results import DeliveryResult

if TYPE_CHECKING:
    from sendkit._plan.signatures_apart import open as open  # noqa: A004, PLC0414 - read as sendkit.open, and exported
else:

    @takes_settings
    def open(name: str, **settings: Unpack[MailerSettings]) -> Mailer:  # noqa: A001 - read as sendkit.open
        """Make a mailer for an account of `sendkit/config.toml`; the same as `Mailer.from_config`."""
        return Mailer.from_config(name, **settings)


@knows_keywords
def send(
    message: AnyMessage | None = None,
    *,
    sender: MailboxLike | None = None,
    to: MailboxLike | Iterable[MailboxLike] | None = (),
    cc: MailboxLike | Iterable[MailboxLike] | None = (),
    bcc: MailboxLike | Iterable[MailboxLike] | None = (),
    reply_to: MailboxLike | Iterable[MailboxLike] | None = None,
    subject: str = "",
    text: str | None = None,
    html: str | None = None,
    inline: Mapping[str, bytes | PathLike[str] | Readable | Attachment] | None = None,
    attachments: Iterable[PathLike[str] | Readable | Attachment] | None = (),
    headers: Mapping[str, str] | None = None,
    envelope_from: str | None = None,
    recipients: Recipients | None = None,
    check: bool = True,
    deadline: float | None = None,
    on_progress: OnProgress | None = None,
    options: SubmissionOptions | None = None,
) -> DeliveryResult:
    """Send one message through the account that the environment names (`Mailer.from_env`).

    Or give the fields of a Message (`sender`, `to`, `cc`, `bcc`, `reply_to`, `subject`, `text`, `html`, `inline`,
    `attachments`, `headers`): `send(to="luis@example.com", subject="Hola", text="…")`. `envelope_from`, `recipients`,
    `check`, `deadline`, `on_progress` and `options` are those of `Mailer.send`, and so is what it raises.
    """
    fields: _Fields = {
        "sender": sender,
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "reply_to": reply_to,
        "subject": subject,
        "text": text,
        "html": html,
        "inline": inline,
        "attachments": attachments,
        "headers": headers,
    }
    made = _made(message, fields)
    with Mailer.from_env() as mailer:
        return mailer.send(
            made,
            envelope_from=envelope_from,
            recipients=recipients,
            check=check,
            deadline=deadline,
            on_progress=on_progress,
            options=options,
        )


@knows_keywords
async def send_async(
    message: AnyMessage | None = None,
    *,
    sender: MailboxLike | None = None,
    to: MailboxLike | Iterable[MailboxLike] | None = (),
    cc: MailboxLike | Iterable[MailboxLike] | None = (),
    bcc: MailboxLike | Iterable[MailboxLike] | None = (),
    reply_to: MailboxLike | Iterable[MailboxLike] | None = None,
    subject: str = "",
    text: str | None = None,
    html: str | None = None,
    inline: Mapping[str, bytes | PathLike[str] | Readable | Attachment] | None = None,
    attachments: Iterable[PathLike[str] | Readable | Attachment] | None = (),
    headers: Mapping[str, str] | None = None,
    envelope_from: str | None = None,
    recipients: Recipients | None = None,
    check: bool = True,
    deadline: float | None = None,
    on_progress: OnProgress | None = None,
    options: SubmissionOptions | None = None,
) -> DeliveryResult:
    """Send one message through the account that the environment names, and await it.

    Or give the fields of a Message (`sender`, `to`, `cc`, `bcc`, `reply_to`, `subject`, `text`, `html`, `inline`,
    `attachments`, `headers`): `send(to="luis@example.com", subject="Hola", text="…")`. `envelope_from`, `recipients`,
    `check`, `deadline`, `on_progress` and `options` are those of `AsyncMailer.send`, and so is what it raises.
    """
    fields: _Fields = {
        "sender": sender,
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "reply_to": reply_to,
        "subject": subject,
        "text": text,
        "html": html,
        "inline": inline,
        "attachments": attachments,
        "headers": headers,
    }
    made = _made(message, fields)
    async with AsyncMailer.from_env() as mailer:
        return await mailer.send(
            made,
            envelope_from=envelope_from,
            recipients=recipients,
            check=check,
            deadline=deadline,
            on_progress=on_progress,
            options=options,
        )


class _Fields(TypedDict):
    sender: MailboxLike | None
    to: MailboxLike | Iterable[MailboxLike] | None
    cc: MailboxLike | Iterable[MailboxLike] | None
    bcc: MailboxLike | Iterable[MailboxLike] | None
    reply_to: MailboxLike | Iterable[MailboxLike] | None
    subject: str
    text: str | None
    html: str | None
    inline: Mapping[str, bytes | PathLike[str] | Readable | Attachment] | None
    attachments: Iterable[PathLike[str] | Readable | Attachment] | None
    headers: Mapping[str, str] | None


def _made(message: AnyMessage | None, fields: _Fields) -> AnyMessage:
    """The message that was given, or the one of these fields; both together are a mistake."""
    given = [name for name, value in fields.items() if value not in (None, (), "")]
    if message is None:
        return Message(**fields)
    if given:
        hint = f"make the message with {given[0]}=, or leave the message out"
        raise MessageError(f"a message, and {given[0]}= beside it", field=given[0], hint=hint)
    return message
