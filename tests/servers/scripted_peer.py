"""A client of a few lines over a blocking socket, for tests that look at single octets and at how a connection ends.

Knows: sockets, TLS, and how to read a reply. Must not know: sendkit.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

PATIENCE = 300.0
MAIL, RCPT = "MAIL FROM:<ana@example.com>", "RCPT TO:<luis@example.com>"
CONTENT = b"From: ana@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nHola\r\n"


class Peer:
    """Connects at once; `with Peer(server.address) as peer:`."""

    def __init__(self, address: tuple[str, int], *, tls: ssl.SSLContext | None = None) -> None:
        self.sock = socket.create_connection(address, timeout=PATIENCE)
        self.unread = b""
        if tls:
            self.start_tls(tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Begin TLS now. A connection that ends without a TLS close raises then, and is not taken for its end."""
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost", suppress_ragged_eofs=False)

    def say(self, data: bytes) -> None:
        """Write the octets."""
        self.sock.sendall(data)

    def read(self) -> bytes:
        """What one read returns, together with what was left over."""
        data, self.unread = self.unread, b""
        return data or self.sock.recv(65_536)

    def rest(self) -> bytes:
        """All that comes until the server is done."""
        data, self.unread = self.unread, b""
        while more := self.sock.recv(65_536):
            data += more
        return data

    def line(self) -> bytes:
        """The next line, with its end; less, when the connection ends."""
        while b"\n" not in self.unread and (more := self.sock.recv(65_536)):
            self.unread += more
        line, end, self.unread = self.unread.partition(b"\n")
        return line + end

    def reply(self) -> int:
        """The code of the next reply, which may have several lines; 0, when the connection ends."""
        line = self.line()
        while line[3:4] == b"-":
            line = self.line()
        return int(line[:3] or 0)

    def ask(self, *commands: str) -> list[int]:
        """Say these commands one by one, and return the codes of their replies."""
        codes: list[int] = []
        for command in commands:
            self.say(command.encode() + b"\r\n")
            codes.append(self.reply())
        return codes

    def hello(self) -> Self:
        """Greeting and EHLO."""
        assert [self.reply(), *self.ask("EHLO localhost")] == [220, 250]
        return self

    def begin(self, *recipients: str) -> Self:
        """All up to and with RCPT."""
        self.hello()
        codes = self.ask(
            "MAIL FROM:<ana@example.com>", *(f"RCPT TO:<{to}>" for to in recipients or ("luis@example.com",))
        )
        assert set(codes) == {250}
        return self

    def send(self, content: bytes = CONTENT) -> int:
        """DATA, the content as it is, the dot; the code of the last reply."""
        assert self.ask("DATA") == [354]
        self.say(content + b".\r\n")
        return self.reply()


def session(peer: Peer) -> list[int]:
    """A whole session, one command at a time, until a code is not what it should be."""
    codes = [peer.reply()]
    for command in (
        b"EHLO localhost\r\n",
        *(f"{line}\r\n".encode() for line in (MAIL, RCPT, "DATA")),
        CONTENT + b".\r\n",
        b"QUIT\r\n",
    ):
        if codes[-1] == 0:
            break
        peer.say(command)
        codes.append(peer.reply())
    return codes


# The codes of a session in which nothing goes wrong.
USUAL = [220, 250, 250, 250, 354, 250, 221]
