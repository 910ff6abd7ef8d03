"""What the scripted server took when the connection is lost: after every single octet, and around the end of data."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from .authority import Authority
from .scripted import Ending, ScriptedServer
from .scripted_peer import CONTENT, MAIL, RCPT, USUAL, Peer, session

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("verb", ["drop", "silence"])
def test_a_lost_verdict_counts_as_accepted_unless_told_otherwise(
    server: ScriptedServer, verb: str, accept: bool
) -> None:
    getattr(server.after_data(), verb)(accept=accept)
    with Peer(server.address) as peer:
        assert peer.begin().ask("DATA") == [354]
        peer.say(CONTENT + b".\r\n")
        server.wait_for(lambda: bool(server.accepted) or not accept)
        peer.sock.shutdown(socket.SHUT_WR)
        assert peer.rest() == b""
    assert len(server.accepted) == accept


@pytest.mark.parametrize(("raw", "count"), [(b"250 fine\r\n", 1), (b"550 no\r\n", 0), (b"nonsense\r\n", 0)])
def test_the_first_digit_of_raw_octets_decides_about_the_message(
    server: ScriptedServer, raw: bytes, count: int
) -> None:
    server.after_data().raw(raw, ending=Ending.FIN)
    with Peer(server.address) as peer:
        peer.begin().ask("DATA")
        peer.say(CONTENT + b".\r\n")
        assert peer.rest() == raw
    assert len(server.accepted) == count


def test_a_drop_within_the_body_leaves_the_message_untaken(server: ScriptedServer) -> None:
    server.on_body().drop(times=2)
    with Peer(server.address) as peer:
        assert peer.begin().ask("DATA") == [354]
        peer.say(CONTENT + b".\r\n")
        assert peer.rest() == b""
    with Peer(server.address) as peer:
        peer.begin().say(b"BDAT %d LAST\r\n" % len(CONTENT) + CONTENT)
        assert peer.rest() == b""
    assert server.accepted == []


@pytest.mark.parametrize("rst", [False, True])
def test_a_session_cut_after_any_octet_that_came_in_got_no_octet_more(server: ScriptedServer, rst: bool) -> None:
    with Peer(server.address) as peer:
        assert session(peer) == USUAL
    whole = server.connections[0].octets()
    end = len(whole) - len(b"QUIT\r\n")
    for count in range(len(whole) + 1):
        server.accepted.clear()
        server.on_cut().on_connection(count + 2).cut(received=count, rst=rst)
        try:
            with Peer(server.address) as peer:
                assert session(peer)[-1] == 0
        except OSError:  # of a reset before the first octet, a busy machine hears while it connects
            assert rst
        nth = count + 2
        server.wait_for(lambda nth=nth: len(server.connections) == nth and server.connections[-1].ended)
        assert server.connections[-1].octets() == whole[:count]
        assert len(server.accepted) == (count >= end), "accepted once its end arrived, and never before"


def test_a_session_cut_after_any_octet_that_went_out_said_no_octet_more(server: ScriptedServer) -> None:
    with Peer(server.address) as peer:
        assert session(peer) == USUAL
    whole = server.connections[0].octets("sent")
    go_ahead = whole.index(b"\r\n", whole.index(b"\n354 ")) + 2
    for count in range(len(whole) + 1):
        server.on_cut().on_connection(count + 2).cut(sent=count)
        server.accepted.clear()
        with Peer(server.address) as peer:
            peer.say(f"EHLO localhost\r\n{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode() + CONTENT + b".\r\nQUIT\r\n")
            assert peer.rest() == whole[:count]
        assert len(server.accepted) == (count > go_ahead), "the body is read when 354 is out, and not before"


def test_a_cut_counts_the_octets_of_smtp_and_not_those_of_tls(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        before = len(b"EHLO localhost\r\nSTARTTLS\r\n")
        server.on_cut().cut(received=before + 7)
        with Peer(server.address) as peer:
            assert peer.hello().ask("STARTTLS") == [220]
            peer.start_tls(authority.client_context())
            peer.say(b"EHLO localhost\r\n")
            with pytest.raises(ssl.SSLEOFError):
                peer.read()
        assert server.connections[0].octets(tls=True) == b"EHLO lo"
