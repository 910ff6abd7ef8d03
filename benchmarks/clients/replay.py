"""No client at all: a blocking socket that writes the same prepared transaction again and again, and counts replies.

What it reaches is the ceiling that server, TLS and kernel leave to everybody else, on a server with CHUNKING.
"""

from __future__ import annotations

import base64
import socket
import ssl
from email.policy import SMTP
from itertools import islice
from typing import TYPE_CHECKING

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, BlockingClient, Target
from benchmarks.clients.stdlib_message import email_message
from benchmarks.letter import SENDER, letters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.letter import Letter


class Replay(BlockingClient[ssl.SSLSocket]):
    """One transaction at a time."""

    def __init__(self) -> None:
        self._octets = _transaction(next(letters(1)))

    def prepare(self, letter: Letter) -> None:
        self._octets = _transaction(letter)

    def connect(self, target: Target) -> ssl.SSLSocket:
        clear = socket.create_connection((HOST, target.port))
        clear.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _replies(clear, 1)
        clear.sendall(b"STARTTLS\r\n")
        _replies(clear, 1)
        secure = target.context.wrap_socket(clear, server_hostname=HOST)
        secret = base64.b64encode(f"\0{USERNAME}\0{PASSWORD}".encode())
        secure.sendall(b"AUTH PLAIN " + secret + b"\r\n")
        _replies(secure, 1)
        return secure

    def send(self, connection: ssl.SSLSocket, letter: Letter) -> None:
        connection.sendall(self._octets)
        _replies(connection, 4)

    def quit(self, connection: ssl.SSLSocket) -> None:
        connection.sendall(b"QUIT\r\n")
        _replies(connection, 1)
        connection.close()


class ReplayAhead(Replay):
    """Thirty-two transactions in one write."""

    def send_all(self, letters: Iterable[Letter]) -> None:
        remaining = iter(letters)
        while window := list(islice(remaining, 32)):
            self._connections[0].sendall(self._octets * len(window))
            _replies(self._connections[0], 4 * len(window))


def _transaction(letter: Letter) -> bytes:
    content = email_message(letter).as_bytes(policy=SMTP)
    commands = f"RSET\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{letter.recipients[0]}>\r\nBDAT {len(content)} LAST\r\n"
    return commands.encode() + content


def _replies(connection: socket.socket, count: int) -> None:
    received = b""
    while received.count(b"\n") < count:
        more = connection.recv(65_536)
        assert more, "the server closed the connection"
        received += more
    assert received[:1] in (b"2", b"3"), received
