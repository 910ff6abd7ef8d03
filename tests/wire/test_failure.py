"""What the layers below raise becomes a verdict by its type and phase; none of their words decides anything."""

from __future__ import annotations

import socket
import ssl

import aiosmtplib
import pytest

from sendkit import Outcome, Phase
from sendkit._redaction import Redactor
from sendkit._smtp.exchange import MoreAsked, OutOfTurn
from sendkit._smtp.reason import Again, Cause, Reason
from sendkit._wire.failure import as_reply, verdict_of
from sendkit._wire.mask import Mask


def tls_error(reason: str | None) -> ssl.SSLError:
    """An error of OpenSSL's."""
    error = ssl.SSLError(1, "some words")
    error.reason = reason  # type: ignore[misc]
    return error


def unverified(code: int = 0) -> ssl.SSLCertVerificationError:
    """A certificate that was not accepted, for this reason of OpenSSL's x509_vfy.h."""
    error = ssl.SSLCertVerificationError(1, "some words")
    error.verify_code = code
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
        (tls_error("WRONG_VERSION_NUMBER"), "does not speak TLS"),
        (unverified(), "certificate has expired"),
    ],
)
def test_the_reason_is_said_in_words(error: Exception, words: str) -> None:
    assert words in (verdict_of(Phase.CONNECT, error).reason or "")


@pytest.mark.parametrize(
    ("phase", "error", "why"),
    [
        (Phase.RESOLVE, socket.gaierror(socket.EAI_NONAME, "…"), Reason.NO_SUCH_HOST),
        (Phase.RESOLVE, socket.gaierror(socket.EAI_AGAIN, "…"), Reason.NAME_NOT_RESOLVED),
        (Phase.RESOLVE, UnicodeError("label too long"), Reason.NO_SUCH_HOST),
        (Phase.RESOLVE, TimeoutError(), Reason.NAME_NOT_RESOLVED),
        (Phase.CONNECT, ConnectionRefusedError(111, "…"), Reason.CONNECTION_REFUSED),
        (Phase.CONNECT, OSError(113, "…"), Reason.UNREACHABLE),
        (Phase.CONNECT, OSError(24, "…"), Reason.OUT_OF_DESCRIPTORS),
        (Phase.CONNECT, TimeoutError(), Reason.UNREACHABLE),
        (Phase.GREETING, ConnectionResetError(104, "…"), Reason.CLOSED_BEFORE_GREETING),
        (Phase.GREETING, TimeoutError(), Reason.NO_GREETING),
        (Phase.GREETING, aiosmtplib.SMTPResponseException(554, "no"), Reason.TURNED_AWAY),
        (Phase.GREETING, aiosmtplib.SMTPResponseException(421, "no"), Reason.BUSY),
        (Phase.EHLO, aiosmtplib.SMTPServerDisconnected("…"), Reason.CONNECTION_CLOSED),
        (Phase.EHLO, aiosmtplib.SMTPReadTimeoutError("…"), Reason.NO_REPLY),
        (Phase.EHLO, aiosmtplib.SMTPResponseException(501, "no"), Reason.EHLO_REFUSED),
        (Phase.EHLO, aiosmtplib.SMTPResponseException(999, "no"), Reason.NOT_SMTP),
        (Phase.STARTTLS, aiosmtplib.SMTPResponseException(454, "no"), Reason.STARTTLS_DELAYED),
        (Phase.STARTTLS, aiosmtplib.SMTPResponseException(502, "no"), Reason.STARTTLS_REFUSED),
        (Phase.TLS, ConnectionResetError(104, "…"), Reason.TLS_CLOSED),
        (Phase.TLS, tls_error("WRONG_VERSION_NUMBER"), Reason.WANTS_STARTTLS),
        (Phase.TLS, tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), Reason.TLS_VERSION),
        (Phase.TLS, tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), Reason.CLIENT_CERTIFICATE_REFUSED),
        (Phase.TLS, tls_error("NO_SHARED_CIPHER"), Reason.TLS_FAILED),
        (Phase.TLS, unverified(), Reason.CERTIFICATE_REFUSED),
        (Phase.TLS, unverified(66), Reason.CERTIFICATE_WEAK),
        (Phase.TLS, unverified(85), Reason.CERTIFICATE_MALFORMED),
        (Phase.TLS, unverified(89), Reason.CERTIFICATE_MALFORMED),
        (Phase.AUTH, aiosmtplib.SMTPAuthenticationError(535, "no"), Reason.LOGIN_REFUSED),
        (Phase.AUTH, aiosmtplib.SMTPAuthenticationError(454, "no"), Reason.LOGIN_DELAYED),
        (Phase.AUTH, aiosmtplib.SMTPAuthenticationError(503, "no"), Reason.LOGIN_NOT_TAKEN),
        (Phase.AUTH, aiosmtplib.SMTPAuthenticationError(538, "no"), Reason.LOGIN_NEEDS_TLS),
        (Phase.AUTH, OutOfTurn("…"), Reason.SERVER_NOT_PROVEN),
        (Phase.AUTH, MoreAsked("…"), Reason.MORE_ASKED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_kind_of_trouble_has_a_reason_of_its_own(phase: Phase, error: Exception, why: Reason) -> None:
    verdict = verdict_of(phase, error)
    assert (verdict.why, verdict.cause, verdict.again) == (why, why.cause, why.again)


def test_octets_that_cannot_be_decoded_do_not_keep_a_reply_from_json() -> None:
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert as_reply(550, text).text == "caf\ufffd"


def test_what_greets_on_the_port_of_another_protocol_is_shown_and_what_comes_later_is_not() -> None:
    error = aiosmtplib.SMTPResponseException(-1, "Malformed SMTP response line: * OK IMAP4 \x1bready\r\n")
    assert "'* OK IMAP4 \N{REPLACEMENT CHARACTER}ready'" in str(verdict_of(Phase.GREETING, error).reason)
    assert "IMAP4" not in str(verdict_of(Phase.AUTH, error).reason)


def test_a_greeting_that_repeats_a_secret_is_masked_before_it_is_cut() -> None:
    secret = "correct-horse-'battery'-staple"
    mask = Mask(Redactor.of(secret))
    for before in range(80):
        error = aiosmtplib.SMTPResponseException(-1, f"Malformed SMTP response line: {'x' * before}{secret}\r\n")
        assert "correct" not in str(verdict_of(Phase.GREETING, error, mask).reason)
