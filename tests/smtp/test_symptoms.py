"""Whatever people paste is explained: replies, tracebacks, log lines, returned mail, and what other programs say."""

from __future__ import annotations

import smtplib
import socket
import ssl
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._providers.explanations import installation, libraries, network, secrets, tls
from sendkit._smtp.reason import Reason
from sendkit._smtp.symptoms import explain_text
from sendkit.testing import LocalServer
from tests.each import each

SYMPTOMS = (*tls.SYMPTOMS, *network.SYMPTOMS, *secrets.SYMPTOMS, *libraries.SYMPTOMS, *installation.SYMPTOMS)
AUTH = '  File "/usr/lib/python3.11/smtplib.py", line 662, in auth\n    raise SMTPAuthenticationError(code, resp)\n'

# As people post them, and words of the title.
CERT = "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
PASTED = {
    # OpenSSL through Python
    "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)": "begins unencrypted",
    (
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get "
        "local issuer certificate (_ssl.c:1006)"
    ): "authority that this machine does not trust",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1000)": "self-signed",
    (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate chain "
        "(_ssl.c:1129)"
    ): "authority that this machine does not trust",
    "certificate verify failed: certificate has expired (_ssl.c:1006)": "has expired",
    (
        "certificate verify failed: Hostname mismatch, certificate is not valid for 'mail.example.com'. (_ssl.c:1006)"
    ): "for another name",
    "certificate verify failed: IP address mismatch, certificate is not valid for '192.0.2.1'.": "for another name",
    "ssl.SSLError: [SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1006)": "no version of TLS",
    "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)": "no safe cipher",
    "[SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1006)": "no safe cipher",
    "ssl.SSLEOFError: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol": "cut in the middle",
    # other languages
    "Error: self signed certificate { code: 'ESOCKET', command: 'CONN' }": "self-signed",
    "Error: unable to verify the first certificate": "authority that this machine does not trust",
    "ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match certificate's altnames": "for another name",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority": "authority that this machine",
    "x509: certificate is valid for mail.example.net, not smtp.example.com": "for another name",
    "tls: first record does not look like a TLS handshake": "begins unencrypted",
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed: ...": "authority that this machine does not trust",
    "Error: getaddrinfo ENOTFOUND smtp.gmial.com": "no host with that name",
    "connect ECONNREFUSED 127.0.0.1:587": "nothing listens",
    "Error: Missing credentials for \"PLAIN\" { code: 'EAUTH' }": "no username or no password",
    "SMTP Error: Could not connect to SMTP host. Failed to connect to server": "PHP could not",
    # the network
    "socket.gaierror: [Errno -2] Name or service not known": "no host with that name",
    "socket.gaierror: [Errno -3] Temporary failure in name resolution": "could not be resolved",
    "gaierror: [Errno 11001] getaddrinfo failed": "no host with that name",
    "gaierror: [Errno 8] nodename nor servname provided, or not known": "no host with that name",
    "ConnectionRefusedError: [Errno 111] Connection refused": "nothing listens",
    "[WinError 10061] No connection could be made because the target machine actively refused it": "nothing listens",
    "OSError: [Errno 101] Network is unreachable": "no route to that address",
    "TimeoutError: [Errno 110] Connection timed out": "no answer came in time",
    "OSError: [Errno 24] Too many open files": "no file descriptor",
    # libraries
    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed": "closed the connection",
    "aiosmtplib.errors.SMTPServerDisconnected: Unexpected EOF received": "closed the connection",
    "aiosmtplib.errors.SMTPConnectTimeoutError: Timed out connecting to smtp.example.com on port 25": "came in time",
    "smtplib.SMTPNotSupportedError: STARTTLS extension not supported by server.": "no STARTTLS",
    "smtplib.SMTPNotSupportedError: SMTP AUTH extension not supported by server.": "offers no login",
    "UnicodeEncodeError: 'ascii' codec can't encode character '\\xf1' in position 2": "non-ASCII",
    "RuntimeError: asyncio.run() cannot be called from a running event loop": "another event loop",
    "RuntimeError: cannot schedule new futures after interpreter shutdown": "the program had ended",
    # keyrings
    "keyring.errors.NoKeyringError: No recommended backend was available.": "no keyring",
    "keyring.errors.InitError: Failed to unlock the collection!": "keyring is locked",
    "pywintypes.error: (1783, 'CredWrite', 'The stub received bad data')": "too long for the Windows",
    "keyring.errors.PasswordSetError: Can't store password on keychain: (-25308, 'Unknown Error')": "cannot show",
    "keyring.errors.PasswordSetError: Can't store password on keychain: (-25244, 'Unknown Error')": "does not allow",
    # OAuth
    '{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}': "no longer valid",
    "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value": "client secret",
    "AADSTS65001: The user or administrator has not consented to use the application": "no permission to send",
    "AADSTS50076: Due to a configuration change made by your administrator, you must use MFA": "interactive login",
    "AADSTS900023: Specified tenant identifier is neither a valid DNS name": "does not know this organization",
    "Error 400: redirect_uri_mismatch": "redirect address",
    "334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=": "refuses the access token",
    "AUTH XOAUTH2 failed: eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=": "refuses the access token",
    # replies, wherever they stand
    "535 5.7.8 Username and Password not accepted. gsmtp": "Gmail refuses",
    (f"Traceback (most recent call last):\n{AUTH}smtplib.SMTPAuthenticationError: (535, b'5.7.8 gsmtp')"): "Gmail",
    (
        "postfix/smtp[1]: 4F2: to=<a@b.example>, status=deferred (host mx[192.0.2.1] said: 450 4.7.1 Greylisted, "
        "please try again (in reply to RCPT TO command))"
    ): "a later retry",
    "421 4.4.2 mail.example.com Error: timeout exceeded": "",
    # from public threads, as they stand there
    "SSLError: [SSL: UNKNOWN_PROTOCOL] unknown protocol (_ssl.c:581)": "begins unencrypted",
    "aiosmtplib.errors.SMTPException: Connection already using TLS": "STARTTLS was requested inside TLS",
    "MailKit.Security.SslHandshakeException: An error occurred while attempting to establish an SSL or TLS "
    "connection.": "TLS handshake failed",
    "OSError: [Errno 99] Cannot assign requested address": "no address that can reach",
    "OSError: [WinError 10013] An attempt was made to access a socket in a way forbidden": "blocks the connection",
    "ConnectionErrors: Exception raised Error connecting to smtp.gmail.com on port 587: [Errno 10061] Connect call "
    "failed ('74.125.140.109', 587), check your credentials": "nothing listens",
    "secretstorage.exceptions.SecretServiceNotAvailableException: Environment variable DBUS_SESSION_BUS_ADDRESS is "
    "unset": "no keyring",
    "error: getaddrinfo() argument 2 must be integer or string": "host or the port is missing",
    "ValueError: server_hostname cannot be an empty string or start with a leading dot.": "host or the port is missing",
    "AttributeError: 'list' object has no attribute 'encode'": "a list instead of text",
    "RuntimeError: This event loop is already running": "another event loop",
    "smtplib.SMTPHeloError: (501, b'5.5.4 HELO argument invalid, closing connection')": "the client's name in EHLO",
    "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname": "the client's name in EHLO",
    "(421, b'4.7.0 Try again later, closing connection. (EHLO) x - gsmtp')": "Gmail refuses the client's name",
    "550 Unauthenticated senders not allowed": "does not relay",
    "Client host rejected: cannot find your hostname": "no matching name",
    "MessageRejected: Email address is not verified.": "does not know this sender",
    "Relay access denied": "does not relay",
    "Sorry, Username and Password not accepted": "login was refused",
    "said: 421 4.4.2 mail.example.com Error: timeout exceeded": "",
    "smtplib.SMTPServerDisconnected: please run connect() first": "not open",
    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed: timed out": "no answer came in time",
    "warning: SASL authentication failure: cannot connect to saslauthd server: No such file or directory": (
        "cannot check passwords"
    ),
    "smtplib.SMTPAuthenticationError: (535, b'Error: \\xc7 http://service.mail.qq.com/cgi-bin/help?id=28')": "QQ",
    "503 5.5.1 Error: authentication not enabled": "takes no login",
    "(421, b'4.7.0 Try again later, closing connection.')": "Gmail refuses this connection",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)": "does not relay",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required": "inside of its organization",
    "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded": "too many connections to Microsoft",
    "552-5.7.0 This message was blocked because its content presents a potential security issue": "an attachment",
    "550 5.1.8 Access denied, bad outbound sender": "has stopped this sender",
    "550 5.7.515 Access denied, sending domain doesn't meet the required authentication level": "not authenticated",
    "554 Transaction failed: Duplicate header 'Subject'.": "twice",
    "550 5.7.1 Delivery not authorized: Message contains bare LF and is violating 822.bis section 2.3": "line ends",
    "554 5.6.0 Invalid message content": "transaction failed",
    "TypeError: SMTP.starttls() got an unexpected keyword argument 'keyfile'": "since Python 3.12",
    f"{CERT} Basic Constraints of CA cert not marked critical (_ssl.c:1032)": "since 3.13",
    f"{CERT} Missing Authority Key Identifier (_ssl.c:1032)": "since 3.13",
    f"{CERT} EE certificate key too weak (_ssl.c:1006)": "too weak",
    "Error: queryA ESERVFAIL smtp.example.com": "temporarily could not be resolved",
    "dial tcp: lookup smtp.example.com on 127.0.0.11:53: server misbehaving": "temporarily could not be resolved",
    "curl: (67) Login denied": "login was refused",
    "550 5.4.316 Message expired, connection refused(Socket error code 10061)": "the mail expired",
    "550-5.7.1 [203.0.113.9] The IP you're using to send mail is not authorized to send email directly": "directly",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup": "no such mailbox",
    "555 5.5.4 Unsupported option: SMTPUTF8": "non-ASCII",
    "501 5.5.2 RCPT TO syntax error": "address in the envelope",
    '500 5.5.1 Command unrecognized: "AUTH LOGIN"': "takes no login",
    "534 5.7.14 <https://accounts.google.com/signin> Please log in via your web browser": "login in a browser",
    "554 5.7.0 Reject, id=12345-06 - BANNED: .exe": "an attachment",
    "550 SC-001 (COL004) Unfortunately, messages from 203.0.113.9 weren't sent.": "outlook.com blocks",
    "554 Email rejected due to security policies - https://community.mimecast.com": "a filter of the recipient",
    "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]": "no such mailbox",
    "530 5.5.1 Authentication Required. Learn more at": "a login first",
    "535 5.7.8 Error: authentication failed: Connection lost to authentication server": "cannot check passwords",
    "AttributeError: 'SMTP' object has no attribute 'sock'": "not open",
    "ssl.SSLError: [SSL] record layer failure (_ssl.c:1006)": "begins unencrypted",
    "ssl.SSLError: [SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert internal error": "in the middle of TLS",
    "ssl.SSLZeroReturnError: TLS/SSL connection has been closed (EOF)": "closed the connection",
    "ValueError: check_hostname requires server_hostname": "host or the port is missing",
    "OSError: [Errno 97] Address family not supported by protocol": "no route",
    "ConnectionResetError: [WinError 10054] An existing connection was forcibly closed by the remote host": "closed",
    "sqlite3.OperationalError: database is locked": "holds the SQLite database",
    "OSError: [Errno 28] No space left on device": "disk is full",
    "[Errno 13] Permission denied": "did not permit",
    "PermissionError: [Errno 13] Permission denied": "did not permit",
    "PermissionError: [Errno 1] Operation not permitted": "did not permit",
    "PermissionError: [Errno 13] Permission denied: '/home/ana/.config/sendkit/config.toml'": "that file",
    r"PermissionError: [WinError 5] Access is denied: 'C:\Users\ana\outbox.db'": "that file",
    "ModuleNotFoundError: No module named 'sendkit.django'": "no such module",
    "ImportError: cannot import name 'Mailer' from 'sendkit' (/home/ana/sendkit.py)": "no such module",
    "AttributeError: module 'sendkit' has no attribute 'Mailer'": "no such module",
    "ModuleNotFoundError: No module named 'sendkit'": "not installed for this Python",
    "/usr/bin/python3: No module named sendkit": "not installed for this Python",
    "ModuleNotFoundError: No module named 'python_socks'": "extra `proxy`",
    "ModuleNotFoundError: No module named 'psycopg'": "extra `postgres`",
    "ModuleNotFoundError: No module named 'dns'": "extra `dns`",
    "ModuleNotFoundError: No module named 'keyring'": "package that sendkit needs",
    "ModuleNotFoundError: No module named '_ssl'": "without TLS",
}


@each(PASTED, called=lambda text: text.splitlines()[-1][:60])
def test_what_people_paste_is_explained(text: str) -> None:
    found = explain_text(text)
    assert found is not None
    assert PASTED[text] in found.explanation.title
    assert found.explanation.remedy
    assert found.explanation.source
    assert found.reply is not None or found.explanation.elsewhere, "other programs have another fix"


def test_a_reply_within_other_words_is_found_before_what_networks_say() -> None:
    found = explain_text("said: 421 4.4.2 mail.example.com Error: timeout exceeded")
    assert found is not None
    assert found.reply is not None
    assert found.reply.code == 421


def test_lines_of_source_in_a_traceback_are_no_errors() -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "smtplib.py", line 398, in getreply\n'
        '    raise SMTPServerDisconnected("Connection unexpectedly closed")\n'
        "ssl.SSLCertVerificationError: certificate verify failed: certificate has expired\n"
    )
    found = explain_text(text)
    assert found is not None
    assert "expired" in found.explanation.title


RETURNED = """\
This is the mail system at host mx.example.net.

I'm sorry to have to inform you that your message could not be delivered.

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; nobody@example.org
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.org>: Recipient address
    rejected: User unknown
"""


def test_a_returned_message_is_explained_by_what_the_last_server_said() -> None:
    found = explain_text(RETURNED)
    assert found is not None
    assert found.reply is not None
    assert (found.reply.code, found.reply.enhanced) == (550, "5.1.1")
    assert "mailbox" in found.explanation.title


@pytest.mark.parametrize("text", ["", "   \n", "hello", "it does not work", "import sendkit", "port 587", "2026-11-30"])
def test_what_says_nothing_is_not_explained(text: str) -> None:
    assert explain_text(text) is None


@given(st.text(max_size=500))
def test_no_text_makes_it_fail(text: str) -> None:
    assert explain_text(text) is None or explain_text(text)


def test_a_text_without_end_is_read_in_part() -> None:
    found = explain_text("x" * 10_000_000 + "\nConnectionRefusedError: [Errno 111] Connection refused")
    assert found is not None


@each(SYMPTOMS, called=lambda one: one.title)
def test_every_symptom_has_a_fix_for_sendkit_and_one_for_others(symptom: tls.Symptom) -> None:
    assert (symptom.why is None) is bool(symptom.remedy)
    assert symptom.why is None or Reason(symptom.why)
    assert symptom.elsewhere
    assert symptom.cause
    assert symptom.source.startswith(("https://", "RFC "))


def raised(fault: object) -> str:
    """The traceback of what this call raises, as a person pastes it."""
    assert callable(fault)
    try:
        fault()
    except Exception:  # noqa: BLE001 - whatever it is, is explained
        return traceback.format_exc()
    raise AssertionError("it raised nothing")


class TestRealTracebacks:
    def test_of_a_certificate_that_nobody_vouches_for(self) -> None:
        with LocalServer() as server, smtplib.SMTP(server.host, server.port) as client:
            text = raised(lambda: client.starttls(context=ssl.create_default_context()))
        found = explain_text(text)
        assert found is not None
        assert "authority that this machine does not trust" in found.explanation.title

    def test_of_the_wrong_mode(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port))
            peer, _ = listener.accept()
            with client, peer:
                peer.sendall(b"220 hello\r\n" * 10)
                context = ssl.create_default_context()
                text = raised(lambda: context.wrap_socket(client, server_hostname="localhost"))
        found = explain_text(text)
        assert found is not None
        assert "begins unencrypted" in found.explanation.title

    def test_of_a_closed_port_and_of_a_wrong_password(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        found = explain_text(raised(lambda: smtplib.SMTP("127.0.0.1", port)))
        assert found is not None
        assert "nothing listens" in found.explanation.title
        with LocalServer() as server, smtplib.SMTP(server.host, server.port) as client:
            client.starttls(context=ssl.create_default_context(cafile=server.ca_file))
            found = explain_text(raised(lambda: client.login(server.username, "wrong")))
        assert found is not None
        assert found.reply is not None
        assert found.reply.code == 535

    def test_of_a_missing_ca_file(self, tmp_path: Path) -> None:
        assert explain_text(raised(lambda: ssl.create_default_context(cafile=tmp_path / "no.pem"))) is None
