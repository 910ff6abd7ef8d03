"""How the exceptions of the layers below become verdicts: by their type and phase, never by their text."""

from __future__ import annotations

import os
import ssl

import aiosmtplib

from sendkit._smtp.exchange import OutOfTurn
from sendkit._smtp.hints import SPEAKS_CLEAR
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Outcome, Verdict, judge_failure, judge_refusal


class Broken(Exception):
    """A conversation that broke off; only inside this room."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class SessionFailed(Exception):
    """No session came about; only inside this room and its transport.

    `remembered`: nothing was sent this time, since the same was refused before.
    """

    def __init__(self, verdict: Verdict, *, remembered: bool = False) -> None:
        super().__init__(str(verdict.reply or verdict.reason))
        self.verdict = verdict
        self.remembered = remembered


def as_reply(code: int, text: str) -> Reply:
    """A reply as aiosmtplib hands it out; undecodable octets in it are replaced, so that it can be written as JSON."""
    return Reply.build(code, text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def verdict_of(phase: Phase, error: Exception) -> Verdict:
    """What an exception in this phase of opening a session means."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if 200 <= error.code <= 599:
            return judge_refusal(phase, as_reply(error.code, error.message))
        return judge_failure(phase, Failure(Break.MALFORMED, "what came was no SMTP reply"))
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls_refused(phase, error)
    if isinstance(error, OutOfTurn):
        return Verdict(Outcome.DEFERRED, phase, Cause.PROTOCOL, Again.NEXT_SERVER, reason=str(error))
    return judge_failure(phase, _failure_of(error))


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure(Break.TIMEOUT, "the time limit of this phase ran out")
    if isinstance(error, OSError):
        return Failure(Break.LOST, f"the connection was lost or refused ({_words(error)})")
    return Failure(Break.MALFORMED, f"what came was no SMTP reply ({type(error).__name__})")


def _words(error: OSError) -> str:
    # asyncio puts addresses into the text of its errors; the number says it in the words of the system.
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error) or type(error).__name__


def _tls_refused(phase: Phase, error: ssl.SSLError) -> Verdict:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"the server's certificate was not accepted: {error.verify_message}"
    elif error.reason == "WRONG_VERSION_NUMBER":
        reason = SPEAKS_CLEAR
    else:
        reason = (
            f"no TLS session could be agreed on: {(error.reason or type(error).__name__).replace('_', ' ').lower()}"
        )
    return Verdict(Outcome.DEFERRED, phase, Cause.TLS, Again.NEXT_SERVER, reason=reason)
