"""The real servers do what the tests of sendkit take for granted, shown with the standard library and `keyring`."""

from __future__ import annotations

import os
import smtplib
import ssl
import subprocess
import sys
from base64 import b64encode
from email.message import EmailMessage
from pathlib import Path

import keyring
import pytest
from keyring.errors import InitError, KeyringLocked

from tests.servers.authority import Authority, Certificate
from tests.servers.postfix import Postfix
from tests.servers.postfix_log import ended_sessions
from tests.servers.secretservice import SecretService

ANA = "ana@example.test"
REPORT = b"From: ana@example.test\r\nTo: luis@example.test\r\nSubject: Report\r\n\r\nAll well.\r\n"


def reply(answer: tuple[int, bytes]) -> tuple[int, bytes]:
    code, text = answer
    return code, text.split(maxsplit=1)[0]


def look_up_in_a_subprocess(limit: float = 60) -> str:
    code = f"import keyring; print(keyring.get_password('sendkit:localhost', {ANA!r}))"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=limit)
    return ran.stdout.strip()


def logged_in(postfix: Postfix, authority: Authority) -> smtplib.SMTP:
    client = smtplib.SMTP(postfix.host, postfix.starttls_port)
    client.starttls(context=authority.client_context())
    client.login(ANA, postfix.users[ANA])
    return client


def test_a_message_sent_over_starttls_is_delivered_once(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        assert client.sendmail(ANA, ["luis@example.test", "box-1@example.test"], REPORT) == {}
    (message,) = postfix.mailbox("luis")
    assert message["Subject"] == "Report"
    assert len(postfix.mailbox("box-1@example.test")) == 1
    assert postfix.mailbox("ana") == []


def test_a_message_sent_over_implicit_tls_is_delivered_once(postfix: Postfix, authority: Authority) -> None:
    context = authority.client_context()
    with smtplib.SMTP_SSL(postfix.host, postfix.implicit_tls_port, context=context) as client:
        client.login(ANA, postfix.users[ANA])
        client.sendmail(ANA, "ana@example.test", REPORT)
    assert len(postfix.raw_mailbox("ana")) == 1


def test_every_user_can_log_in_with_plain(postfix: Postfix, authority: Authority) -> None:
    for user, password in postfix.users.items():
        with smtplib.SMTP(postfix.host, postfix.starttls_port) as client:
            client.starttls(context=authority.client_context())
            client.ehlo()
            token = b64encode(f"\0{user}\0{password}".encode()).decode()
            assert client.docmd("AUTH", f"PLAIN {token}")[0] == 235
    assert [session.accepted["auth"] for session in postfix.sessions()] == [1, 1, 1]


def test_the_usual_mechanisms_are_offered(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        assert set(client.esmtp_features["auth"].split()) >= {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"}


def test_auth_is_not_offered_before_tls(postfix: Postfix) -> None:
    with smtplib.SMTP(postfix.host, postfix.starttls_port) as client:
        client.ehlo()
        assert client.has_extn("STARTTLS")
        assert not client.has_extn("AUTH")
        assert client.docmd("MAIL", f"FROM:<{ANA}>")[0] == 530


def test_a_wrong_password_is_refused_with_535_and_counted(postfix: Postfix, authority: Authority) -> None:
    with smtplib.SMTP(postfix.host, postfix.starttls_port) as client:
        client.starttls(context=authority.client_context())
        client.ehlo()
        client.user, client.password = ANA, "wrong"
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.auth("PLAIN", client.auth_plain)
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (535, b"5.7.8")
    (session,) = postfix.sessions()
    assert (session.tried["auth"], session.accepted["auth"]) == (1, 0)


def test_an_unknown_recipient_is_refused_with_550(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        client.mail(ANA)
        assert reply(client.rcpt("nobody@example.test")) == (550, b"5.1.1")


def test_a_greylisted_recipient_is_refused_as_often_as_its_name_says(postfix: Postfix, authority: Authority) -> None:
    greylisted = "grey-2-law@example.test"
    with logged_in(postfix, authority) as client:
        client.mail(ANA)
        assert [reply(client.rcpt(greylisted)) for _ in range(3)] == [(450, b"4.2.0"), (450, b"4.2.0"), (250, b"2.1.5")]
        client.data(REPORT)
        assert len(postfix.mailbox(greylisted)) == 1
        postfix.reset()
        client.mail(ANA)
        assert reply(client.rcpt(greylisted)) == (450, b"4.2.0")
    assert [envelope.recipients for envelope in postfix.envelopes()] == [(greylisted,)]


def test_a_message_over_the_limit_is_refused_with_552(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        assert client.esmtp_features["size"] == str(postfix.message_size_limit)
        assert reply(client.mail(ANA, [f"SIZE={postfix.message_size_limit + 1}"])) == (552, b"5.3.4")
        client.rset()  # without it, Postfix 3.7 answers 552 to the next MAIL too, whatever its size
        client.mail(ANA)
        client.rcpt("luis@example.test")
        assert reply(client.data((b"x" * 78 + b"\r\n") * 14_000)) == (552, b"5.3.4")
    assert postfix.mailbox("luis") == []


def test_a_sender_that_is_not_the_users_is_refused_at_rcpt(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        assert client.mail("luis@example.test")[0] == 250
        assert reply(client.rcpt("luis@example.test")) == (553, b"5.7.1")


def test_no_mail_leaves_for_another_domain(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        client.mail(ANA)
        assert reply(client.rcpt("luis@elsewhere.test")) == (554, b"5.7.1")


def test_an_address_beyond_ascii_is_taken_with_smtputf8(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix, authority) as client:
        message = EmailMessage()
        message["To"] = "josé@example.test"
        client.send_message(message, ANA)
    assert len(postfix.mailbox("josé")) == 1


@pytest.mark.parametrize("kind", [kind for kind in Certificate if kind is not Certificate.GOOD])
def test_a_bad_certificate_is_refused_by_a_careful_client(
    postfix: Postfix, authority: Authority, kind: Certificate
) -> None:
    port = postfix.bad_certificate_ports[kind]
    with smtplib.SMTP(postfix.host, port) as client, pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=authority.client_context())
    (session,) = postfix.sessions()
    assert "auth" not in session.tried
    assert session.service == kind


def test_a_server_context_exists_for_every_kind_of_certificate(authority: Authority) -> None:
    for kind in Certificate:
        assert authority.server_context(kind) is authority.server_context(kind)
        assert authority.pem(kind).stat().st_mode & 0o077 == 0


def test_the_clear_port_offers_auth_and_no_starttls(postfix: Postfix) -> None:
    with smtplib.SMTP(postfix.host, postfix.clear_port) as client:
        client.ehlo()
        assert client.has_extn("AUTH")
        assert not client.has_extn("STARTTLS")


def test_a_connection_that_began_before_the_log_is_not_counted() -> None:
    log = (
        "Nov 24 mail postfix/starttls/smtpd[7]: disconnect from localhost[127.0.0.1] ehlo=1 quit=1 commands=2\n"
        "Nov 24 mail postfix/starttls/smtpd[8]: connect from localhost[127.0.0.1]\n"
    )
    assert ended_sessions(log) == ([], 1)


def test_keyring_reads_what_the_secret_service_holds(secret_service: SecretService) -> None:
    secret_service.set("sendkit:localhost", ANA, "contraseña")
    assert keyring.get_password("sendkit:localhost", ANA) == "contraseña"
    assert keyring.get_password("sendkit:localhost", "luis@example.test") is None


def test_the_secret_service_holds_what_keyring_stores(secret_service: SecretService) -> None:
    keyring.set_password("sendkit:localhost", ANA, "s3cret")
    assert secret_service.get("sendkit:localhost", ANA) == "s3cret"


def test_a_subprocess_finds_the_secret_service_by_its_environment(secret_service: SecretService) -> None:
    secret_service.set("sendkit:localhost", ANA, "s3cret")
    assert look_up_in_a_subprocess() == "s3cret"


def test_a_locked_keyring_is_refused(secret_service: SecretService) -> None:
    secret_service.lock()
    with pytest.raises(KeyringLocked):
        keyring.get_password("sendkit:localhost", ANA)


def test_a_secret_service_that_was_used_is_as_new_again(secret_service: SecretService) -> None:
    left = Path(secret_service.environment["HOME"], ".config")
    left.mkdir()
    secret_service.set("sendkit:smtp.example.com", "ana", "correct horse")
    secret_service.lock()
    secret_service.reset()
    assert secret_service.get("sendkit:smtp.example.com", "ana") is None
    assert keyring.get_password("sendkit:smtp.example.com", "ana") is None  # which asks nobody to unlock it
    assert not left.exists()


def test_a_service_without_a_login_keyring_cannot_be_initialised(empty_secret_service: SecretService) -> None:
    with pytest.raises(InitError):
        keyring.get_password("sendkit:localhost", ANA)


def test_a_prompt_that_nobody_answers_keeps_a_lookup_waiting(unanswered_secret_service: SecretService) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        look_up_in_a_subprocess(limit=3)


def test_without_a_secret_service_a_test_sees_no_keyring() -> None:
    assert keyring.get_password("sendkit:localhost", ANA) is None
    assert look_up_in_a_subprocess() == "None"
    assert not os.environ.keys() & {"DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "SENDKIT_PASSWORD"}
