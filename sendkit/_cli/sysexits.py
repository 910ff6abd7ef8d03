"""The exit codes that programs expect of sendmail (sysexits.h): what cron, mutt and PHP tell their users by.

Knows results and errors. Must not know what was called.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sendkit import errors
from sendkit._cli.exit_codes import ExitCode, exit_code
from sendkit._smtp.reason import Reason

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, RecipientResult


class Sysexit(IntEnum):
    """Those of sysexits.h that this command ends with."""

    OK = 0
    USAGE = 64
    DATAERR = 65
    NOINPUT = 66
    NOUSER = 67
    NOHOST = 68
    UNAVAILABLE = 69
    SOFTWARE = 70
    OSERR = 71
    CANTCREAT = 73
    IOERR = 74
    TEMPFAIL = 75
    PROTOCOL = 76
    NOPERM = 77
    CONFIG = 78


MEANINGS = {
    Sysexit.OK: "the server, or the outbox, took responsibility for every recipient",
    Sysexit.USAGE: "the arguments do not make sense, or are refused",
    Sysexit.DATAERR: "the message is invalid, or names no recipient",
    Sysexit.NOINPUT: "there is no standard input",
    Sysexit.NOUSER: "no such mailbox, or a local name without an alias",
    Sysexit.NOHOST: "no such host",
    Sysexit.UNAVAILABLE: "refused permanently",
    Sysexit.SOFTWARE: "an error in this program",
    Sysexit.OSERR: "the operating system refused something",
    Sysexit.CANTCREAT: "the outbox cannot be created",
    Sysexit.IOERR: "the outbox cannot be written to",
    Sysexit.TEMPFAIL: "not accepted, and not refused permanently: try again later",
    Sysexit.PROTOCOL: "in doubt: the server may have accepted it; do not simply run the command again",
    Sysexit.NOPERM: "the login was refused, no password was found, or the program is setuid",
    Sysexit.CONFIG: "an invalid setting",
}


def sysexit(outcome: DeliveryResult | BaseException) -> Sysexit:
    """The exit code for a result or an error."""
    if isinstance(outcome, errors.OutboxError):
        return Sysexit.IOERR
    if isinstance(outcome, OSError) and not isinstance(outcome, errors.SendkitError):
        return Sysexit.OSERR
    code = exit_code(outcome)
    if code is ExitCode.REJECTED and not isinstance(outcome, BaseException):
        return _of_rejected(outcome.rejected)
    if code is ExitCode.DEFERRED and not isinstance(outcome, BaseException):
        unknown = all(one.why is Reason.NO_SUCH_HOST for one in outcome.deferred)
        return Sysexit.NOHOST if unknown else Sysexit.TEMPFAIL
    return Sysexit(code)


def _of_rejected(rejected: tuple[RecipientResult, ...]) -> Sysexit:
    """RFC 3463 section 3.2: what is wrong with the address."""
    codes = {one.reply.enhanced[1:] if one.reply and one.reply.enhanced else "" for one in rejected}
    if codes <= {".1.1", ".1.3", ".1.6", ".1.10", ".2.1"}:
        return Sysexit.NOUSER
    return Sysexit.NOHOST if codes <= {".1.2"} else Sysexit.UNAVAILABLE
