"""`sendkit sendmail`, also called as `sendmail`: what cron, mutt, PHP and git hand over, sent through an account.

It runs for the user who calls it, and never for another one: no part of it is setuid, and it refuses to be. The account
is that of the environment, or of sendkit/config.toml, the user's before the machine's.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, NamedTuple

from sendkit import Mailer, Message, errors
from sendkit._accounts.account import Account
from sendkit._cli.console import complain
from sendkit._cli.outcome import print_failure
from sendkit._cli.send import conversation
from sendkit._cli.sendmail_input import (
    Names,
    UnknownName,
    addressed,
    completed,
    draft,
    is_local,
    one_mailbox,
    reverse_path,
    up_to_dot,
)
from sendkit._cli.signals import INTERRUPTS, settled
from sendkit._cli.submission import tell_ignored, wishes
from sendkit._cli.sysexits import Sysexit, sysexit
from sendkit._message.head import recipients_in
from sendkit._plan.sendmail import SendmailSettings, account_for, sendmail_settings

if TYPE_CHECKING:
    from sendkit import ReadyMessage, SubmissionOptions
    from sendkit._accounts.config import AccountSettings
    from sendkit._cli.options import SendmailOptions
    from sendkit._message.mailbox import Mailbox

_MOST = 256 << 20  # octets; more than any server takes


class _NoInput(errors.MessageError):
    pass


class _Way(NamedTuple):
    """How a message goes out: the account's name (None: that of the environment), its sender, and the settings."""

    account: str | None
    sender: str | None
    settings: SendmailSettings


def sendmail(options: SendmailOptions) -> Sysexit:
    """Send what is on standard input, silently unless something is wrong."""
    try:
        _check_user()
        if options.run_queue and not (options.recipients or options.from_header):
            return Sysexit.OK
        return _send(options)
    except errors.SendkitError as error:
        complain(f"sendmail: {error}")
        return _code(error)
    except OSError as error:
        complain(f"sendmail: {error}")
        return sysexit(error)
    except Exception as error:  # noqa: BLE001 - the caller must be told by a number whatever it is
        traceback.print_exc()
        return sysexit(error)


def _code(error: errors.SendkitError) -> Sysexit:
    if isinstance(error, _Setuid):
        return Sysexit.NOPERM
    if isinstance(error, _NoInput):
        return Sysexit.NOINPUT
    return Sysexit.NOUSER if isinstance(error, UnknownName) else sysexit(error)


class _Setuid(errors.ConfigurationError):
    pass


def _check_user() -> None:
    if os.name == "posix" and (os.geteuid() != os.getuid() or os.getegid() != os.getgid()):
        hint = "take the setuid and setgid bits off: whoever calls it would read another user's secrets"
        raise _Setuid("this command must run as the user who calls it", hint=hint)


def _send(options: SendmailOptions) -> Sysexit:
    way = _way(options)
    message = _message(options, way)
    place = options.outbox or way.settings.outbox
    if place is not False:
        return _put(message, way, place if isinstance(place, str) else None, wishes(options))
    try:
        with conversation(shown=options.verbose), _mailer(way) as mailer:
            result = mailer.send(message, check=False, options=wishes(options))
            settled()
    except INTERRUPTS as interrupt:
        if (so_far := vars(interrupt).get("result")) is not None:
            print_failure(so_far, recipients_printed=False)
        raise
    if options.verbose:
        tell_ignored(result)
    print_failure(result, recipients_printed=False)
    return sysexit(result)


def _way(options: SendmailOptions) -> _Way:
    settings = sendmail_settings()
    account = account_for(options.account, settings)
    if account is None:
        return _Way(None, os.environ.get("SENDKIT_FROM") or _username_of_environment(), settings)
    return _Way(account.name, _sender_of(account), settings)


def _sender_of(account: AccountSettings) -> str | None:
    return account.sender or os.environ.get("SENDKIT_FROM") or _address(account.username)


def _username_of_environment() -> str | None:
    if os.environ.get("SENDKIT_URL") or os.environ.get("SENDKIT_HOST"):
        return _address(Account.all_from_env(os.environ)[0].username)
    return _address(os.environ.get("SENDKIT_USERNAME"))


def _address(username: str | None) -> str | None:
    return username if username and "@" in username else None


def _mailer(way: _Way) -> Mailer:
    return Mailer.from_env() if way.account is None else Mailer.from_config(way.account)


def _message(options: SendmailOptions, way: _Way) -> ReadyMessage:
    names = Names(_sender(options, way), way.settings.alias)
    octets = _read()
    made = draft(octets if options.ignore_dots else up_to_dot(octets))
    made = completed(made, names, options.name or "", addressed_here=options.from_header)
    recipients = [one.written for one in addressed(options.recipients, names)]
    if options.from_header:
        recipients += [one.written for one in recipients_in(made.fields)]
    if not recipients:
        hint = "name them in To, Cc or Bcc, or as arguments"
        raise errors.MessageError("the message names no recipient", field="To", hint=hint)
    return Message.from_bytes(made.octets, envelope_from=reverse_path(options.sender, names), recipients=recipients)


def _sender(options: SendmailOptions, way: _Way) -> Mailbox | None:
    """The author if the message names none: -f, unless it is a local name or nobody; else the account."""
    told = options.sender
    if told is not None and told.strip() not in ("", "<>") and not is_local(told):
        return one_mailbox(told, "-f")
    return None if way.sender is None else one_mailbox(way.sender, "the account's sender")


def _read() -> bytes:
    hint = "write the message to its standard input"
    if sys.stdin is None:  # it was closed
        raise _NoInput("there is no standard input", hint=hint)
    try:
        octets = sys.stdin.buffer.read(_MOST + 1)
    except (OSError, ValueError) as error:
        raise _NoInput("standard input cannot be read", hint=hint) from error
    if len(octets) > _MOST:
        raise errors.MessageError(f"the message has over {_MOST >> 20} MB", field="message", hint="send a link instead")
    return octets


def _put(message: ReadyMessage, way: _Way, place: str | None, asked: SubmissionOptions | None) -> Sysexit:
    from sendkit.outbox import Outbox  # noqa: PLC0415 - for this alone

    receipt = None
    try:
        with Outbox(place) as outbox:
            receipt = outbox.put(message, account=way.account, options=asked)
            settled()
    except INTERRUPTS:
        if receipt is None:
            complain("sendmail: interrupted while the message was put into the outbox, which may hold it")
            return Sysexit.PROTOCOL
    except (errors.OutboxError, errors.ConfigurationError) as error:
        if not isinstance(error.__cause__, OSError):
            raise
        complain(f"sendmail: {error}")
        return Sysexit.CANTCREAT
    return Sysexit.OK
