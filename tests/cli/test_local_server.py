"""`sendkit.testing.LocalServer` to any client, not only to ours: well-behaved, except for what its script says."""

from __future__ import annotations

import base64
import contextlib
import gc
import smtplib
import socket
import ssl
import sys
import threading
import weakref
from typing import TYPE_CHECKING

import pytest

import sendkit.testing
from sendkit import Mailer, Message, Outcome, RetryPolicy
from sendkit.errors import ConfigurationError
from sendkit.testing import LocalServer
from tests.servers.keeper import poll

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendkit import RecipientResult

CONTENT = b"Subject: x\r\n\r\n.dot\r\n"
MESSAGE = Message(sender="ana@example.com", to="luis@example.com", subject="x", text="Hola")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def client(server: LocalServer) -> Iterator[smtplib.SMTP]:
    """A client of the standard library inside TLS, not logged in."""
    with smtplib.SMTP(server.host, server.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(server.ca_file)))
        client.ehlo()
        yield client


def sent(server: LocalServer) -> RecipientResult:
    """What became of one message, tried once."""
    mailer = Mailer(
        server.server, username=server.username, password=server.password, retry=RetryPolicy(max_attempts=1)
    )
    with mailer:
        return mailer.send(MESSAGE, check=False).recipients["luis@example.com"]


def texts(server: LocalServer, number: int = 1) -> list[str]:
    return [f"{line.who} {line.text}" for line in server.conversations[number - 1]]


def test_a_message_of_any_client_is_kept_with_its_envelope(server: LocalServer, client: smtplib.SMTP) -> None:
    client.login(server.username, server.password)
    client.sendmail("", ["luis@example.com", "eva@example.org"], CONTENT)
    (kept,) = server.messages
    assert (kept.envelope.reverse_path, kept.envelope.recipients) == ("", ("luis@example.com", "eva@example.org"))
    assert kept.content == CONTENT
    assert kept.message["Subject"] == "x"


def test_each_message_is_a_file_when_a_directory_is_named(tmp_path: Path) -> None:
    with LocalServer(directory=tmp_path / "new") as server:
        assert sent(server).outcome is Outcome.ACCEPTED
        assert (tmp_path / "new" / "1.eml").read_bytes() == server.messages[0].content


def test_a_file_is_never_written_over_also_after_the_messages_were_forgotten(tmp_path: Path) -> None:
    with LocalServer(directory=tmp_path) as server:
        sent(server)
        server.clear()
        sent(server)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.eml", "2.eml"]


def test_connections_that_are_over_are_forgotten_and_those_that_are_open_go_on(
    server: LocalServer, client: smtplib.SMTP
) -> None:
    for _ in range(3):
        assert sent(server).outcome is Outcome.ACCEPTED
    gone = [weakref.ref(session) for session in vars(server)["_sessions"]][1:]
    poll(lambda: len(vars(server)["_sessions"]) == 1, limit=30)
    gc.collect()
    assert [reference() for reference in gone] == [None] * len(gone)
    assert len(server.conversations) == 4
    server.clear()
    client.noop()
    assert texts(server)[-2] == "C NOOP"
    assert len(server.conversations) == 1


def test_nothing_is_taken_before_starttls_and_login(server: LocalServer, client: smtplib.SMTP) -> None:
    assert client.docmd("MAIL FROM:<ana@example.com>")[0] == 530
    with smtplib.SMTP(server.host, server.port) as clear:
        clear.ehlo()
        assert clear.docmd("MAIL FROM:<ana@example.com>")[0] == 530
        assert not clear.has_extn("auth")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_one_account_may_log_in_and_its_secret_is_masked(
    server: LocalServer, client: smtplib.SMTP, mechanism: str
) -> None:
    method = getattr(client, f"auth_{mechanism.lower()}")
    client.user, client.password = server.username, "wrong"
    with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
        client.auth(mechanism, method)
    client.password = server.password
    assert client.auth(mechanism, method, initial_response_ok=False)[0] == 235
    said = "\n".join(texts(server))
    assert f"C AUTH {mechanism} ***" in said
    assert "C ***\nS 235 2.7.0 welcome" in said
    for secret in (server.password, "wrong", *encoded(server.username, server.password), *encoded("", "wrong")):
        assert secret not in said


def encoded(username: str, password: str) -> tuple[str, ...]:
    plain = f"\0{username}\0{password}".encode()
    return base64.b64encode(plain).decode(), base64.b64encode(password.encode()).decode()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("AUTH c2VjcmV0", 504),
        ("AUTH PLAIN c2VjcmV0", 501),
        ("AUTH PLAIN c2VjcmV0!", 501),
        ("AUTH PLAIN c2VjcmV0 c2VjcmV0", 501),
        ("c2VjcmV0", 500),
        ("VRFY c2VjcmV0", 530),
    ],
)
def test_a_secret_in_the_wrong_place_is_masked_too(
    server: LocalServer, client: smtplib.SMTP, line: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.docmd(line)[0] == code
    assert not any("c2vjcmv0" in text.lower() for text in texts(server))


def test_an_aborted_login_is_no_login(server: LocalServer, client: smtplib.SMTP) -> None:
    assert client.docmd("AUTH LOGIN")[0] == 334
    assert client.docmd("*")[0] == 501
    assert client.docmd("MAIL FROM:<ana@example.com>")[0] == 530


def test_the_conversation_leaves_the_content_out(server: LocalServer) -> None:
    sent(server)
    said = texts(server)
    assert f"C ({len(server.messages[0].content)} octets of content, and the dot)" in said
    assert not any("Hola" in text for text in said)
    assert said[0] == "S 220 localhost ESMTP sendkit"
    assert any(text.startswith("* TLSv1.") for text in said)


def test_what_is_no_address_is_refused(server: LocalServer, client: smtplib.SMTP) -> None:
    client.login(server.username, server.password)
    assert client.docmd("MAIL FROM:<ana@-.com>")[0] == 553
    assert client.docmd("MAIL FROM:<ana@example.com>")[0] == 250
    assert client.docmd("RCPT TO:<luis@-.com>")[0] == 553


def test_a_transaction_can_be_given_up(server: LocalServer, client: smtplib.SMTP) -> None:
    client.login(server.username, server.password)
    assert client.docmd("MAIL FROM:<ana@example.com>")[0] == 250
    assert (client.rset()[0], client.noop()[0]) == (250, 250)
    assert client.docmd("DATA")[0] == 503
    assert "S 250 2.0.0 reset" in texts(server)


def test_an_old_client_is_greeted_too(client: smtplib.SMTP) -> None:
    assert client.helo()[0] == 250


def test_an_old_client_can_be_sent_away(server: LocalServer, client: smtplib.SMTP) -> None:
    server.on_ehlo().reply("550 5.7.1 go away")
    assert client.helo()[0] == 550


def test_a_client_that_does_not_trust_it_goes_and_another_comes(server: LocalServer) -> None:
    with smtplib.SMTP(server.host, server.port) as client, pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=ssl.create_default_context())
    assert sent(server).outcome is Outcome.ACCEPTED
    assert texts(server)[-1] == "* the TLS handshake failed"


def test_a_client_that_resets_the_connection_does_no_harm(server: LocalServer) -> None:
    with socket.create_connection((server.host, server.port)) as client:
        client.recv(100)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert sent(server).outcome is Outcome.ACCEPTED


def test_its_own_failure_is_raised_when_it_ends(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BaseExceptionGroup, match="local server itself") as raised:
        fail_to_write(tmp_path / "file")
    assert raised.group_contains(FileExistsError)


def fail_to_write(place: Path) -> None:
    with LocalServer(directory=place) as server:
        assert sent(server).outcome is Outcome.DEFERRED


@pytest.mark.parametrize(("error", "raised"), [(ZeroDivisionError("x"), True), (ConnectionResetError("x"), False)])
def test_what_goes_wrong_in_its_loop_is_raised_but_for_the_loss_of_a_client(error: Exception, raised: bool) -> None:
    def wrong() -> None:
        raise error

    server = LocalServer().__enter__()
    server._loop.call_soon_threadsafe(wrong)
    with pytest.raises(BaseExceptionGroup) if raised else contextlib.nullcontext():
        server.__exit__(None, None, None)


def test_it_leaves_no_thread_no_file_and_no_socket() -> None:
    threads = set(threading.enumerate())
    with LocalServer() as server, socket.create_connection((server.host, server.port)) as client:
        ca_file, address = server.ca_file, client.getpeername()
    assert set(threading.enumerate()) <= threads
    assert not ca_file.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


@pytest.mark.parametrize("missing", ["trustme", "aiosmtpd.smtp"])
def test_without_its_extra_it_says_how_to_get_it(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sendkit.testing._local_session", "sendkit.testing._local_answers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError, match=missing) as raised, LocalServer():
        pass
    assert raised.value.hint == "from a checkout of sendkit: pip install '.[demo]'"


def test_the_public_face_knows_its_names_and_no_others() -> None:
    for name in dir(sendkit.testing):
        assert getattr(sendkit.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="RemoteServer"):
        _ = sendkit.testing.RemoteServer


def test_it_is_a_mailbox_with_the_same_words(server: LocalServer) -> None:
    server.on_rcpt("luis@example.com").reply("550 5.1.1 no such user here", times=1)
    sent(server)
    with pytest.raises(AssertionError, match=r"refused were:\n  luis@example.com: 550 5.1.1 no such user here"):
        server.assert_sent(subject="x")
    sent(server)
    assert server.assert_sent(to="luis@example.com", subject="x") is server.last
    assert server.last.username == server.username
    server.clear()
    server.assert_nothing_sent()


def test_mail_of_the_background_can_be_waited_for(server: LocalServer) -> None:
    sender = threading.Thread(target=sent, args=(server,))
    sender.start()
    assert [message.subject for message in server.wait_for(1)] == ["x"]
    sender.join()
    with pytest.raises(AssertionError, match="1 of 2 messages"):
        server.wait_for(2, timeout=0)


def test_its_environment_configures_a_mailer(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with Mailer.from_env() as mailer:
        assert mailer.send(MESSAGE).ok


def test_each_recipient_stands_beside_its_answer(server: LocalServer, client: smtplib.SMTP) -> None:
    server.on_rcpt("eva@example.org").reply("450 4.2.0 greylisted")
    client.login(server.username, server.password)
    client.sendmail("ana@example.com", ["luis@example.com", "eva@example.org"], CONTENT)
    (caught,) = server.caught
    assert caught.replies == (
        ("luis@example.com", "250 2.1.5 recipient ok"),
        ("eva@example.org", "450 4.2.0 greylisted"),
    )
    assert dict(caught.facts)["Username"] == server.username
