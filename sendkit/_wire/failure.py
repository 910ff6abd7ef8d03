"""How the exceptions of the layers below become verdicts: by their type, number and phase, never by their text."""

from __future__ import annotations

import os
import socket
import ssl

import aiosmtplib

from sendkit._smtp.exchange import MoreAsked, OutOfTurn
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Break, Failure, Reason, Verdict, judge_failure, judge_refusal, not_accepted
from sendkit._tls import NO_DESCRIPTOR, facts_of
from sendkit._wire.mask import BARE, Mask

_LONGEST_NAME = 120
_LONGEST_LINE = 60
_MALFORMED = "Malformed SMTP response line: "  # as aiosmtplib begins it; without it the line is not shown


class Broken(Exception):
    """A conversation that broke off; only inside this room."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class SessionFailed(Exception):
    """No session came about; only inside this room and its transport.

    `remembered`: nothing was sent this time, since the same was refused before. `refused`: the server heard the secret,
    and condemned it. `noted`: it stands in the log already.
    """

    def __init__(self, verdict: Verdict, *, remembered: bool = False, refused: bool = False) -> None:
        super().__init__(str(verdict.reply or verdict.reason))
        self.verdict = verdict
        self.remembered = remembered
        self.refused = refused
        self.noted = False


def as_reply(code: int, text: str, mask: Mask = BARE) -> Reply:
    """A reply as aiosmtplib hands it out; undecodable octets in it are replaced, so that it can be written as JSON."""
    return Reply.build(code, mask.reply(code, text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")))


def verdict_of(phase: Phase, error: Exception, mask: Mask = BARE) -> Verdict:
    """What an exception in this phase of opening a session means; nothing in it must be shown that `mask` takes out."""
    verdict = _verdict_of(phase, error, mask)
    return verdict if verdict.reason is None else verdict._replace(reason=mask(verdict.reason))


def _verdict_of(phase: Phase, error: Exception, mask: Mask = BARE) -> Verdict:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if 200 <= error.code <= 599:
            return judge_refusal(phase, as_reply(error.code, error.message, mask))
        came = _line(phase, error, mask)
        return judge_failure(phase, Failure(Break.MALFORMED, f"what came was not an SMTP reply{came}"))
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls_refused(phase, error)
    if isinstance(error, OutOfTurn):
        why = Reason.MORE_ASKED if isinstance(error, MoreAsked) else Reason.SERVER_NOT_PROVEN
        return not_accepted(phase, why, str(error))
    return judge_failure(phase, _failure_of(phase, error))


def _line(phase: Phase, error: aiosmtplib.SMTPResponseException, mask: Mask) -> str:
    """What came in place of a greeting, which says whose port it is; later on a secret may stand in it."""
    # Cut after masking: the first part of a secret is a secret too, and a server heard one on an earlier connection.
    line = mask(error.message.removeprefix(_MALFORMED)).strip()
    if phase is not Phase.GREETING or not error.message.startswith(_MALFORMED) or not line:
        return ""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return f": {shown[:_LONGEST_LINE]!r}"


# A name that does not exist, or has no address; whatever else the resolver says may be over in a moment (RFC 3493 6.1).
_NO_SUCH_NAME = {getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")}


def _failure_of(phase: Phase, error: Exception) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure(Break.TIMEOUT, "the time limit of this phase ran out")
    if phase is Phase.RESOLVE and isinstance(error, UnicodeError):
        return Failure(Break.LOST, "this is not a host name", why=Reason.NO_SUCH_HOST)
    if isinstance(error, socket.gaierror):
        why = Reason.NO_SUCH_HOST if error.errno in _NO_SUCH_NAME else Reason.NAME_NOT_RESOLVED
        words = "no such host" if why is Reason.NO_SUCH_HOST else "the host name cannot be looked up for now"
        return Failure(Break.LOST, f"{words} ({words_of(error)})", why=why)
    if isinstance(error, OSError):
        return Failure(Break.LOST, f"the connection was lost or refused ({words_of(error)})", why=_why(error))
    return Failure(Break.MALFORMED, f"what came was not an SMTP reply ({type(error).__name__})")


def _why(error: OSError) -> Reason | None:
    if error.errno in NO_DESCRIPTOR:
        return Reason.OUT_OF_DESCRIPTORS
    return Reason.CONNECTION_REFUSED if isinstance(error, ConnectionRefusedError) else None


def words_of(error: OSError) -> str:
    """What the system says of it."""
    # asyncio puts addresses into the text of its errors; the number says it in the words of the system.
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error) or type(error).__name__


def _tls_refused(phase: Phase, error: ssl.SSLError) -> Verdict:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"the server's certificate was not accepted: {_verification_of(error)}{_issued(error)}"
        return not_accepted(phase, _CERTIFICATE.get(_code(error), Reason.CERTIFICATE_REFUSED), words)
    if error.reason in _NO_TLS:
        return not_accepted(phase, Reason.WANTS_STARTTLS, "the server does not speak TLS on this port")
    said = (error.reason or type(error).__name__).replace("_", " ").lower()
    why = _TLS.get(error.reason or "", Reason.TLS_FAILED)
    return not_accepted(phase, why, f"no TLS session could be agreed on: {said}")


def _issued(error: ssl.SSLCertVerificationError) -> str:
    """The issuer, which says most: a company's proxy, an antivirus, the server itself."""
    shown: bytes | None = vars(error).get("certificate")
    try:
        issuer = facts_of(shown).issuer if shown else ""
    except ValueError:
        issuer = ""
    issuer = "".join(character for character in issuer if character.isprintable())[:_LONGEST_NAME]
    return f" (issued by {issuer})" if issuer else ""


def _verification_of(error: ssl.SSLCertVerificationError) -> str:
    words: str = getattr(error, "verify_message", "")
    return words or str(error)


def _code(error: ssl.SSLCertVerificationError) -> int:
    code: int = getattr(error, "verify_code", 0)  # what verifies in OpenSSL's place need not set it
    return code


# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_CERTIFICATE = {
    2: Reason.UNKNOWN_CA,
    9: Reason.CERTIFICATE_NOT_YET_VALID,
    10: Reason.CERTIFICATE_EXPIRED,
    18: Reason.SELF_SIGNED,
    19: Reason.UNKNOWN_CA,
    20: Reason.UNKNOWN_CA,
    21: Reason.UNKNOWN_CA,
    62: Reason.NAME_MISMATCH,
    64: Reason.NAME_MISMATCH,
    **dict.fromkeys((66, 67, 68), Reason.CERTIFICATE_WEAK),
    **dict.fromkeys(range(80, 95), Reason.CERTIFICATE_MALFORMED),
}
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST")
# The alerts of RFC 8446 section 6.2, by OpenSSL's names.
_TLS = {
    "UNSUPPORTED_PROTOCOL": Reason.TLS_VERSION,
    "WRONG_SSL_VERSION": Reason.TLS_VERSION,
    "TLSV1_ALERT_PROTOCOL_VERSION": Reason.TLS_VERSION,
    "TLSV1_ALERT_UNKNOWN_CA": Reason.CLIENT_CERTIFICATE_REFUSED,
    "SSLV3_ALERT_BAD_CERTIFICATE": Reason.CLIENT_CERTIFICATE_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": Reason.CLIENT_CERTIFICATE_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": Reason.CLIENT_CERTIFICATE_REFUSED,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": Reason.CLIENT_CERTIFICATE_REFUSED,
}
