"""A client that the local server turned away is noted with the reason and the cure; `plain=True` takes it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from sendkit.testing import LocalServer

MAIL = ("ana@example.com", "luis@example.com", b"Subject: x\r\n\r\nx\r\n")


def no_tls(server: LocalServer) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.sendmail(*MAIL)


def no_login(server: LocalServer) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=server.ca_file))
        client.sendmail(*MAIL)


def no_trust(server: LocalServer) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.starttls(context=ssl.create_default_context())


def implicit_tls(server: LocalServer) -> None:
    # By hand: a TLS library closes as soon as it reads the greeting, and its reset may overtake what it wrote.
    with socket.create_connection((server.host, server.port)) as client:
        client.sendall(b"\x16\x03\x01\x00\x05hello")
        assert client.recv(100).startswith(b"220 ")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
    raise ConnectionError("the server has closed")


def wrong_password(server: LocalServer) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=server.ca_file))
        client.login(server.username, "wrong")


REFUSED = {
    no_tls: "did not start TLS",
    no_login: "did not log in",
    no_trust: "did not trust the certificate",
    implicit_tls: "began with TLS at once",
    wrong_password: "username or the password was wrong",
}


@pytest.mark.parametrize("client", REFUSED, ids=lambda one: one.__name__)
def test_the_reason_and_the_cure_are_noted(client: object) -> None:
    assert callable(client)
    with LocalServer() as server:
        with pytest.raises((smtplib.SMTPException, OSError)):
            client(server)
        with server.collection.changed:
            assert server.collection.changed.wait_for(lambda: server.collection.refusals, 300)
        (refusal,) = server.collection.refusals
        assert REFUSED[client] in refusal.why  # type: ignore[index]
        assert refusal.hint


def test_a_client_that_gets_it_right_in_the_end_was_not_refused() -> None:
    with LocalServer() as server, smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        assert client.mail("ana@example.com")[0] == 530
        client.starttls(context=ssl.create_default_context(cafile=server.ca_file))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(server.username, "wrong")
        client.login(server.username, server.password)
        client.sendmail(*MAIL)
    assert not server.collection.refusals


@pytest.mark.parametrize("client", [no_tls, no_login], ids=lambda one: one.__name__)
def test_plain_takes_a_client_without_tls_or_login(client: object) -> None:
    assert callable(client)
    with LocalServer(plain=True) as server:
        client(server)
        assert server.last.subject == "x"


def test_plain_takes_a_client_with_tls_and_login_as_before() -> None:
    with LocalServer(plain=True) as server, smtplib.SMTP(server.host, server.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=server.ca_file))
        client.login(server.username, server.password)
        client.sendmail(*MAIL)
        assert len(server.messages) == 1


def test_connections_that_have_ended_are_forgotten_by_clear() -> None:
    with LocalServer() as server:
        for _ in range(3):
            with smtplib.SMTP(server.host, server.port) as client:
                client.noop()
        server.wait_until_quiet()
        assert len(server.conversations) == 3
        server.clear()
        assert server.conversations == []


def test_a_server_with_a_limit_keeps_no_connection_that_has_ended(tmp_path: Path) -> None:
    with LocalServer(limit=2, certificate=tmp_path / "catch") as server:
        for _ in range(3):
            with smtplib.SMTP(server.host, server.port) as client:
                client.noop()
        server.wait_until_quiet()
        assert server.conversations == []
