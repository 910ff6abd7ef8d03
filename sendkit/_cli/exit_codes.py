"""The exit codes: one number for the outcome of a message, those of sysexits.h where they fit.

Knows: results, errors, and the order in which mixed outcomes count (that of `errors.py`).
Must not know: where arguments or results come from.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sendkit import errors
from sendkit._smtp.verdict import Cause

if TYPE_CHECKING:
    from sendkit._doctor import Diagnosis, Finding
    from sendkit.results import DeliveryResult, RecipientResult


class Usage(Exception):
    """Invalid arguments; `command` is what was called, such as `sendkit send`."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command


class ExitCode(IntEnum):
    """The exit codes of the command line."""

    ACCEPTED = 0
    USAGE = 64
    MESSAGE = 65
    REJECTED = 69
    UNEXPECTED = 70
    DEFERRED = 75
    IN_DOUBT = 76
    AUTHENTICATION = 77
    CONFIGURATION = 78
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.ACCEPTED: "every recipient was accepted",
    ExitCode.USAGE: "the arguments do not make sense",
    ExitCode.MESSAGE: "the message cannot be sent by anyone (a bad address, a missing attachment)",
    ExitCode.REJECTED: "refused permanently; a retry will not help",
    ExitCode.UNEXPECTED: "the demo failed",
    ExitCode.DEFERRED: "not accepted, and not refused permanently; send the rest again later",
    ExitCode.IN_DOUBT: "the server may have accepted it; a wrapper must not simply run the command again",
    ExitCode.AUTHENTICATION: "no password was found, or the login was refused",
    ExitCode.CONFIGURATION: "an invalid setting",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); the outcomes known so far were printed",
}

_BY_ERROR: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (Usage, ExitCode.USAGE),
    (errors.MessageError, ExitCode.MESSAGE),
    (errors.ConfigurationError, ExitCode.CONFIGURATION),
    (errors.CredentialsError, ExitCode.AUTHENTICATION),
    (errors.LetterNotFound, ExitCode.USAGE),
    (errors.OutboxError, ExitCode.DEFERRED),
    (errors.InDoubtError, ExitCode.IN_DOUBT),
    (errors.RejectedError, ExitCode.REJECTED),
    (errors.DeliveryError, ExitCode.DEFERRED),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)
_ORDER = tuple(Cause)


def exit_code(outcome: DeliveryResult | BaseException) -> ExitCode:
    """The exit code for a result or an error; a partial delivery has the code of what is left."""
    if isinstance(outcome, BaseException):
        return _of_error(outcome)
    if outcome.error is not None:
        return _of_error(outcome.error)
    if outcome.in_doubt:
        return ExitCode.IN_DOUBT
    if outcome.deferred:
        return _of_deferred(min(outcome.deferred, key=_rank))
    return ExitCode.REJECTED if outcome.rejected else ExitCode.ACCEPTED


def exit_code_so_far(interrupt: BaseException) -> ExitCode:
    """The exit code for what was known of a message when a signal ended its sending; mostly that nobody took it."""
    result: DeliveryResult | None = vars(interrupt).get("result")
    return ExitCode.DEFERRED if result is None else exit_code(result)


def _of_error(error: BaseException) -> ExitCode:
    if isinstance(error, errors.DeliveryError) and (result := getattr(error, "result", None)) is not None:
        return exit_code(result)
    if isinstance(error, errors.AuthenticationError) and not error.transient:
        return ExitCode.AUTHENTICATION
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.UNEXPECTED)


def _of_deferred(first: RecipientResult) -> ExitCode:
    # Only a refused login needs a person; one that failed for now (454 4.7.0) passes by itself.
    refused = first.cause is Cause.AUTHENTICATION and not first.retryable
    return ExitCode.AUTHENTICATION if refused else ExitCode.DEFERRED


def exit_code_of(diagnosis: Diagnosis) -> ExitCode:
    """The exit code for what the doctor found: that of the failure which needs most care."""
    codes = {_of_finding(finding) for finding in diagnosis.failures}
    order = (ExitCode.AUTHENTICATION, ExitCode.DEFERRED, ExitCode.REJECTED)
    return next((code for code in order if code in codes), ExitCode.ACCEPTED)


def _of_finding(failure: Finding) -> ExitCode:
    if failure.cause is Cause.REJECTED:
        return ExitCode.REJECTED
    refused = failure.cause is Cause.AUTHENTICATION and not failure.transient
    return ExitCode.AUTHENTICATION if refused else ExitCode.DEFERRED


def _rank(recipient: RecipientResult) -> int:
    return _ORDER.index(recipient.cause or Cause.DEFERRED)
