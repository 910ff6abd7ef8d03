"""Why a recipient was not accepted, as a value: each reason with the kind of error it is, and who may be asked again.

The table of outcomes in one place: a verdict, its hint and its exception are looked up from here, never from words.
RFC 5321 section 4.2 (replies), RFC 4954 section 6 (logins), RFC 3207 and RFC 8446 section 6.2 (TLS), RFC 1047 (doubt).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """The outcome for one recipient.

    ACCEPTED: the server took responsibility (RFC 5321 section 4.2.5). REJECTED: refused permanently. DEFERRED: not
    accepted, and not refused permanently. IN_DOUBT: the end of data was sent and no valid reply came back.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    IN_DOUBT = "in_doubt"


class Cause(StrEnum):
    """Why a recipient was not accepted; each has its exception in `errors.py`."""

    IN_DOUBT = "in_doubt"
    TLS = "tls"
    AUTHENTICATION = "authentication"
    CONNECTION = "connection"
    PROTOCOL = "protocol"
    DEFERRED = "deferred"
    REJECTED = "rejected"

    @property
    def outcome(self) -> Outcome:
        """What becomes of a recipient that was not accepted because of it."""
        return _OUTCOMES.get(self, Outcome.DEFERRED)


_OUTCOMES = {Cause.IN_DOUBT: Outcome.IN_DOUBT, Cause.REJECTED: Outcome.REJECTED}


class Again(IntEnum):
    """Whether, and where, the same message may be tried again without a change."""

    NO = 0
    NEXT_SERVER = 1
    LATER = 2


_NO, _NEXT, _LATER = Again.NO, Again.NEXT_SERVER, Again.LATER


class Reason(StrEnum):
    """Why a recipient was not accepted, more precisely than its `Cause`.

    `again` is whether, and where, sendkit may retry the same message.
    """

    cause: Cause
    again: Again

    def __new__(cls, value: str, cause: Cause = Cause.DEFERRED, again: Again = _LATER) -> Reason:
        """One line of the table; `Reason("no_such_host")` finds the one with this value."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.cause, reason.again = cause, again
        return reason

    NO_FINAL_REPLY = "no_final_reply", Cause.IN_DOUBT, _NO

    # The name, and the way there.
    NO_SUCH_HOST = "no_such_host", Cause.CONNECTION, _NEXT
    NAME_NOT_RESOLVED = "name_not_resolved", Cause.CONNECTION, _LATER
    CONNECTION_REFUSED = "connection_refused", Cause.CONNECTION, _LATER
    UNREACHABLE = "unreachable", Cause.CONNECTION, _LATER
    LOCAL_ADDRESS = "local_address", Cause.CONNECTION, _NEXT
    UNIX_SOCKET = "unix_socket", Cause.CONNECTION, _LATER
    SOCKET_USED = "socket_used", Cause.CONNECTION, _NEXT
    DIALER_FAILED = "dialer_failed", Cause.CONNECTION, _LATER
    PROXY_UNREACHABLE = "proxy_unreachable", Cause.CONNECTION, _LATER
    PROXY_CANNOT_CONNECT = "proxy_cannot_connect", Cause.CONNECTION, _LATER
    PROXY_BROKE_OFF = "proxy_broke_off", Cause.CONNECTION, _LATER
    PROXY_REFUSED = "proxy_refused", Cause.CONNECTION, _NEXT
    PROXY_LOGIN = "proxy_login", Cause.CONNECTION, _NEXT
    OUT_OF_DESCRIPTORS = "out_of_descriptors", Cause.CONNECTION, _LATER
    CLOSED_BEFORE_GREETING = "closed_before_greeting", Cause.CONNECTION, _LATER
    NO_GREETING = "no_greeting", Cause.CONNECTION, _LATER
    CONNECTION_CLOSED = "connection_closed", Cause.CONNECTION, _LATER
    NO_REPLY = "no_reply", Cause.CONNECTION, _LATER
    TURNED_AWAY = "turned_away", Cause.CONNECTION, _NEXT
    EHLO_REFUSED = "ehlo_refused", Cause.CONNECTION, _NEXT
    NOT_LMTP = "not_lmtp", Cause.CONNECTION, _NEXT
    LMTP_ALONE = "lmtp_alone", Cause.CONNECTION, _NEXT

    # TLS, up to the certificate.
    WANTS_IMPLICIT_TLS = "wants_implicit_tls", Cause.TLS, _NEXT
    WANTS_STARTTLS = "wants_starttls", Cause.TLS, _NEXT
    STARTTLS_NOT_OFFERED = "starttls_not_offered", Cause.TLS, _NEXT
    STARTTLS_GONE = "starttls_gone", Cause.TLS, _NEXT
    STARTTLS_REFUSED = "starttls_refused", Cause.TLS, _NEXT
    STARTTLS_DELAYED = "starttls_delayed", Cause.TLS, _LATER
    TLS_CLOSED = "tls_closed", Cause.TLS, _LATER
    TLS_VERSION = "tls_version", Cause.TLS, _NEXT
    TLS_FAILED = "tls_failed", Cause.TLS, _NEXT
    CERTIFICATE_REFUSED = "certificate_refused", Cause.TLS, _NEXT
    CERTIFICATE_MALFORMED = "certificate_malformed", Cause.TLS, _NEXT
    CERTIFICATE_WEAK = "certificate_weak", Cause.TLS, _NEXT
    CERTIFICATE_EXPIRED = "certificate_expired", Cause.TLS, _NEXT
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid", Cause.TLS, _NEXT
    NAME_MISMATCH = "name_mismatch", Cause.TLS, _NEXT
    SELF_SIGNED = "self_signed", Cause.TLS, _NEXT
    UNKNOWN_CA = "unknown_ca", Cause.TLS, _NEXT
    NO_TRUST_STORE = "no_trust_store", Cause.TLS, _NEXT
    KEY_NOT_PINNED = "key_not_pinned", Cause.TLS, _NEXT
    CLIENT_CERTIFICATE_REFUSED = "client_certificate_refused", Cause.TLS, _NEXT
    TLS_FILES_UNUSABLE = "tls_files_unusable", Cause.TLS, _NEXT

    # The login (RFC 4954 section 6), and what it needs.
    LOGIN_REFUSED = "login_refused", Cause.AUTHENTICATION, _NEXT
    LOGIN_NOT_TAKEN = "login_not_taken", Cause.AUTHENTICATION, _NEXT
    LOGIN_NOT_CHECKED = "login_not_checked", Cause.AUTHENTICATION, _NEXT
    LOGIN_DELAYED = "login_delayed", Cause.AUTHENTICATION, _LATER
    LOGIN_WANTED = "login_wanted", Cause.AUTHENTICATION, _NEXT
    LOGIN_NEEDS_TLS = "login_needs_tls", Cause.AUTHENTICATION, _NEXT
    STRONGER_LOGIN_WANTED = "stronger_login_wanted", Cause.AUTHENTICATION, _NEXT
    NO_MECHANISM = "no_mechanism", Cause.AUTHENTICATION, _NEXT
    MECHANISM_GONE = "mechanism_gone", Cause.AUTHENTICATION, _NEXT
    NO_TOKEN_NOW = "no_token_now", Cause.AUTHENTICATION, _LATER
    NO_CREDENTIALS = "no_credentials", Cause.AUTHENTICATION, _NEXT
    KEYRING_UNAVAILABLE = "keyring_unavailable", Cause.AUTHENTICATION, _NEXT
    KEYRING_LOCKED = "keyring_locked", Cause.AUTHENTICATION, _NEXT
    KEYRING_DENIED = "keyring_denied", Cause.AUTHENTICATION, _NEXT
    KEYRING_FULL = "keyring_full", Cause.AUTHENTICATION, _NEXT
    SERVER_NOT_PROVEN = "server_not_proven", Cause.PROTOCOL, _NEXT
    MORE_ASKED = "more_asked", Cause.PROTOCOL, _NEXT

    # What is not SMTP.
    NOT_SMTP = "not_smtp", Cause.PROTOCOL, _LATER
    OUT_OF_STEP = "out_of_step", Cause.PROTOCOL, _LATER
    STILL_OUT_OF_STEP = "still_out_of_step", Cause.PROTOCOL, _NEXT

    # Not now.
    BUSY = "busy", Cause.DEFERRED, _LATER
    REFUSED_FOR_NOW = "refused_for_now", Cause.DEFERRED, _LATER
    TOO_MANY_RECIPIENTS = "too_many_recipients", Cause.DEFERRED, _LATER
    INTERRUPTED = "interrupted", Cause.DEFERRED, _LATER
    STORE_FAILED = "store_failed", Cause.DEFERRED, _LATER
    SETTING_UNUSABLE = "setting_unusable", Cause.DEFERRED, _NEXT
    CONTENT_CHANGED = "content_changed", Cause.DEFERRED, _NO
    MESSAGE_UNUSABLE = "message_unusable", Cause.DEFERRED, _NO

    # Not at all.
    REFUSED = "refused", Cause.REJECTED, _NO
    TOO_LARGE = "too_large", Cause.REJECTED, _NO
    SENDER_NOT_OWNED = "sender_not_owned", Cause.REJECTED, _NO
    NEEDS_SMTPUTF8 = "needs_smtputf8", Cause.REJECTED, _NO
    NEEDS_8BITMIME = "needs_8bitmime", Cause.REJECTED, _NO
    NEEDS_REQUIRETLS = "needs_requiretls", Cause.REJECTED, _NEXT
    NEEDS_FUTURERELEASE = "needs_futurerelease", Cause.REJECTED, _NEXT
    NOT_ALLOWED = "not_allowed", Cause.REJECTED, _NO
