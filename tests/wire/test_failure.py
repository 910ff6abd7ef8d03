"""What the layers below raise becomes a verdict by its type and phase; none of their words decides anything."""

from __future__ import annotations

import ssl

import aiosmtplib
import pytest

from sendkit import Outcome, Phase
from sendkit._smtp.verdict import Again, Cause
from sendkit._wire.failure import as_reply, verdict_of


def tls_error(reason: str | None) -> ssl.SSLError:
    """An error of OpenSSL's."""
    error = ssl.SSLError(1, "some words")
    error.reason = reason  # type: ignore[misc]
    return error


def unverified() -> ssl.SSLCertVerificationError:
    """A certificate that was not accepted."""
    error = ssl.SSLCertVerificationError(1, "some words")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("phase", "error", "cause", "again"),
    [
        (Phase.CONNECT, ConnectionRefusedError(111, "…"), Cause.CONNECTION, Again.LATER),
        (Phase.EHLO, aiosmtplib.SMTPServerDisconnected("…"), Cause.CONNECTION, Again.LATER),
        (Phase.EHLO, aiosmtplib.SMTPReadTimeoutError("…"), Cause.CONNECTION, Again.LATER),
        (Phase.EHLO, TimeoutError(), Cause.CONNECTION, Again.LATER),
        (Phase.GREETING, ConnectionResetError(104, "…"), Cause.CONNECTION, Again.LATER),
        (Phase.GREETING, aiosmtplib.SMTPResponseException(554, "no"), Cause.CONNECTION, Again.NEXT_SERVER),
        (Phase.GREETING, aiosmtplib.SMTPResponseException(421, "no"), Cause.DEFERRED, Again.LATER),
        (Phase.EHLO, aiosmtplib.SMTPResponseException(-1, "no"), Cause.PROTOCOL, Again.LATER),
        (Phase.EHLO, aiosmtplib.SMTPResponseException(999, "no"), Cause.PROTOCOL, Again.LATER),
        (Phase.EHLO, ValueError("…"), Cause.PROTOCOL, Again.LATER),
        (Phase.AUTH, aiosmtplib.SMTPAuthenticationError(535, "no"), Cause.AUTHENTICATION, Again.NEXT_SERVER),
        (Phase.TLS, ConnectionResetError(104, "…"), Cause.TLS, Again.LATER),
        (Phase.TLS, ssl.SSLEOFError(8, "…"), Cause.TLS, Again.LATER),
        (Phase.TLS, ssl.SSLZeroReturnError(6, "…"), Cause.TLS, Again.LATER),
        (Phase.TLS, tls_error("WRONG_VERSION_NUMBER"), Cause.TLS, Again.NEXT_SERVER),
        (Phase.TLS, tls_error("NO_SHARED_CIPHER"), Cause.TLS, Again.NEXT_SERVER),
        (Phase.TLS, tls_error(None), Cause.TLS, Again.NEXT_SERVER),
        (Phase.TLS, unverified(), Cause.TLS, Again.NEXT_SERVER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_exception_is_judged_by_its_type_and_phase(
    phase: Phase, error: Exception, cause: Cause, again: Again
) -> None:
    verdict = verdict_of(phase, error)
    assert (verdict.outcome, verdict.cause, verdict.again) == (Outcome.DEFERRED, cause, again)
    assert verdict.reply or verdict.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "('127.0.0.1', 25)"), "refused"),
        (tls_error("UNSUPPORTED_PROTOCOL"), "unsupported protocol"),
        (tls_error("WRONG_VERSION_NUMBER"), "587"),
        (unverified(), "certificate has expired"),
    ],
)
def test_the_reason_is_said_in_words(error: Exception, words: str) -> None:
    assert words in (verdict_of(Phase.CONNECT, error).reason or "")


def test_octets_that_cannot_be_decoded_do_not_keep_a_reply_from_json() -> None:
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert as_reply(550, text).text == "caf\ufffd"
