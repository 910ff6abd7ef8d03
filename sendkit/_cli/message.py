"""From arguments, files and standard input to a message. What is wrong with one is a MessageError, with its field."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit import Attachment, Message
from sendkit._cli.console import standard_input
from sendkit._cli.mailer import username_of
from sendkit._variables import told
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit import ReadyMessage
    from sendkit._accounts.config import AccountSettings
    from sendkit._cli.options import DeliveryOptions, SendOptions

_STDIN = Path("-")
_NAME = "stdin"  # of what comes from there


def message_of(options: SendOptions) -> Message | ReadyMessage:
    """The message that the arguments describe. Raises MessageError."""
    if options.message is not None:
        return ready_message(options.message)
    html = None if options.html is None else _text("html", _read("html", options.html))
    text = options.text
    if text is None and html is None and _STDIN not in options.attach:
        text = _text("text", _read("text", _STDIN))
    return Message(
        sender=sender_of(options),
        to=options.to,
        cc=options.cc,
        bcc=options.bcc,
        reply_to=options.reply_to,
        subject=options.subject or "",
        text=text,
        html=html,
        attachments=[_attachment(path) for path in options.attach],
        headers=dict(options.header),
    )


def _account(name: str) -> AccountSettings:
    from sendkit._plan.named import account_named  # noqa: PLC0415 - few have a file of accounts

    return account_named(name)


def ready_message(path: Path) -> ReadyMessage:
    """The message in a file, or that of standard input for `-`. Raises MessageError."""
    return Message.from_bytes(_read("message", path))


def _attachment(path: Path) -> Attachment:
    if path == _STDIN:
        return Attachment.from_bytes(_read("attachment", path), filename=_NAME)
    return Attachment.from_path(path)


def sender_of(options: DeliveryOptions) -> str:
    """The sender: the one that is given, that of the account, SENDKIT_FROM, or the username where it is an address.

    Raises MessageError.
    """
    account = None if options.account is None else _account(options.account)
    sender = options.sender or (account and account.sender) or os.environ.get("SENDKIT_FROM")
    username = account.username if account else username_of(options)
    if not sender and not (username and "@" in username):
        hint = told(os.environ, "SENDKIT_FROM") or "give -f ADDR, or set SENDKIT_FROM"
        raise MessageError("sender: no sender", field="sender", hint=hint)
    return sender or username or ""


def _read(field: str, path: Path) -> bytes:
    if path == _STDIN:
        return standard_input(field, f"the {field}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise MessageError(
            f"{field}: {str(path)!r} cannot be read: {error.strerror}", field=field, hint="give the path of a file"
        ) from error


def _text(field: str, octets: bytes) -> str:
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "convert it first, such as with iconv -f latin1 -t utf-8"
        raise MessageError(f"{field}: it is not UTF-8", field=field, hint=hint) from error
