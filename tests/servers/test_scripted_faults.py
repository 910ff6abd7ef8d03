"""Each fault really happens on the wire, as the script says it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from sendkit._smtp.reply import MAX_REPLY

from .authority import Authority
from .scripted import Ending, ScriptedServer
from .scripted_faults import GARBAGE
from .scripted_peer import CONTENT, MAIL, RCPT, USUAL, Peer, session

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = ["on_ehlo", "on_mail", "on_rcpt", "on_data", "after_data", "on_quit"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.mark.parametrize(("step", "name"), [(0, "on_connect"), *enumerate(STEPS, 1)])
def test_a_scripted_reply_stands_in_the_place_of_the_usual_one(server: ScriptedServer, step: int, name: str) -> None:
    getattr(server, name)().reply("450-4.7.0 not\n450 4.7.0 now", times=1)
    with Peer(server.address) as peer:
        codes = session(peer)
    assert codes[: step + 1] == [*USUAL[:step], 450]
    assert b"450-4.7.0 not\r\n450 4.7.0 now\r\n" in server.connections[0].octets("sent")


@pytest.mark.parametrize("name", STEPS[:4])
def test_what_was_refused_was_not_carried_out(server: ScriptedServer, name: str) -> None:
    getattr(server, name)().reply("450 4.7.0 not now")
    with Peer(server.address) as peer:
        session(peer)
    assert server.accepted == []


@pytest.mark.parametrize(("step", "name"), [(0, "on_connect"), *enumerate(STEPS, 1)])
def test_a_drop_by_fin_is_an_end_without_an_answer(server: ScriptedServer, step: int, name: str) -> None:
    getattr(server, name)().drop()
    with Peer(server.address) as peer:
        assert session(peer) == [*USUAL[:step], 0]


@pytest.mark.parametrize(("step", "name"), [(0, "on_connect"), *enumerate(STEPS, 1)])
def test_a_drop_by_rst_is_a_reset(server: ScriptedServer, step: int, name: str) -> None:
    getattr(server, name)().drop(rst=True)
    with pytest.raises(ConnectionResetError), Peer(server.address) as peer:
        session(peer)
    assert len(server.connections[0].lines) == min(step, 4) + (name == "on_quit")


def test_a_refused_connection_is_reset_before_any_octet(server: ScriptedServer) -> None:
    server.on_connect().refuse(times=1)
    with pytest.raises(ConnectionResetError), Peer(server.address) as peer:
        peer.read()
    with Peer(server.address) as peer:
        assert peer.reply() == 220


def test_after_the_answer_the_server_may_be_gone_before_it_reads_on(server: ScriptedServer) -> None:
    server.on_data().answer_and_drop()
    with Peer(server.address) as peer:
        assert peer.begin().ask("DATA") == [354]
        assert peer.rest() == b""
        peer.say(CONTENT + b".\r\n")
    assert server.accepted == []
    assert server.connections[0].octets().endswith(b"DATA\r\n")


def test_an_answer_may_be_followed_by_a_reset(server: ScriptedServer) -> None:
    server.on_mail().answer_and_drop(rst=True)
    with Peer(server.address) as peer:
        peer.hello()
        with pytest.raises(ConnectionResetError):
            assert peer.ask(MAIL, "NOOP") == []
    assert server.connections[0].octets("sent").endswith(b"250 2.1.0 Ok\r\n")


def test_a_drop_inside_tls_comes_without_a_tls_close_and_quit_with_one(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context(), implicit_tls=True) as server:
        server.on_mail().drop()
        with Peer(server.address, tls=authority.client_context()) as peer:
            peer.hello().say(f"{MAIL}\r\n".encode())
            with pytest.raises(ssl.SSLEOFError):
                peer.read()
        with Peer(server.address, tls=authority.client_context()) as peer:
            assert peer.hello().ask("QUIT") == [221]
            assert peer.rest() == b""


def test_the_handshake_can_be_dropped(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        server.on_tls().drop(times=1)
        with Peer(server.address) as peer:
            assert peer.hello().ask("STARTTLS") == [220]
            with pytest.raises(ssl.SSLEOFError):
                peer.start_tls(authority.client_context())
        with Peer(server.address) as peer:
            assert peer.hello().ask("STARTTLS") == [220]
            peer.start_tls(authority.client_context())
            assert peer.ask("EHLO localhost") == [250]


def test_the_handshake_can_be_reset(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context(), implicit_tls=True) as server:
        server.on_tls().drop(rst=True)
        with pytest.raises(ConnectionResetError), Peer(server.address) as peer:
            peer.read()


def test_the_handshake_can_be_answered_with_garbage(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context(), implicit_tls=True) as server:
        server.on_tls().raw(b"554 this is not TLS\r\n")
        with pytest.raises(ssl.SSLError, match=r"(?i)wrong.version|record.layer"):
            Peer(server.address, tls=authority.client_context())


def test_ehlo_inside_tls_has_a_place_of_its_own(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server, Peer(server.address) as peer:
        server.on_ehlo_in_tls().reply("502 5.5.1 no")
        assert peer.hello().ask("STARTTLS") == [220]
        peer.start_tls(authority.client_context())
        assert peer.ask("EHLO localhost") == [502]


def test_a_silent_server_reads_on_and_says_nothing(server: ScriptedServer) -> None:
    server.on_mail().silence()
    with Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n".encode())
        server.wait_for(lambda: len(server.lines()) == 2)
        peer.say(b"NOOP\r\n")
        server.wait_for(lambda: server.connections[0].octets().endswith(b"NOOP\r\n"))
        peer.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.read()
    assert server.connections[0].commands == ["EHLO", "MAIL"]


def test_a_dripping_reply_comes_octet_by_octet(server: ScriptedServer) -> None:
    server.on_connect().drip(b"220 slow\r\n", interval=0.001)
    server.on_ehlo().drip(interval=0)
    with Peer(server.address) as peer:
        peer.hello()
    assert {len(octets.data) for octets in server.connections[0].sent} == {1}
    assert server.connections[0].octets("sent").startswith(b"220 slow\r\n250-")


def test_garbage_is_what_comes(server: ScriptedServer) -> None:
    server.on_mail().garbage()
    with Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n".encode())
        assert peer.read() == GARBAGE


def test_an_endless_line_ends_only_with_the_client(server: ScriptedServer) -> None:
    server.on_mail().endless_line()
    with Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n".encode())
        taken = b""
        while len(taken) < 3_000_000:
            taken += peer.read()
        assert taken.startswith(b"250 xxx")
        assert b"\n" not in taken
    server.wait_for(lambda: server.connections[0].ended)


def test_endless_continuation_lines_end_only_with_the_client(server: ScriptedServer) -> None:
    server.on_mail().endless_reply()
    with Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n".encode())
        assert {peer.line() for _ in range(20_000)} == {b"250-more\r\n"}
    server.wait_for(lambda: server.connections[0].ended)


def test_a_long_reply_is_well_formed_and_longer_than_allowed(server: ScriptedServer) -> None:
    server.on_mail().long_reply(MAX_REPLY + 1)
    with Peer(server.address) as peer:
        assert peer.hello().ask(MAIL, RCPT) == [250, 250]
    assert len(server.connections[0].octets("sent")) > MAX_REPLY


def test_mixed_codes_stand_in_one_reply(server: ScriptedServer) -> None:
    server.on_mail().mixed_codes(250, 550)
    with Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n".encode())
        assert [peer.line(), peer.line()] == [b"250-one\r\n", b"550 two\r\n"]
        assert peer.ask(RCPT) == [503]


def test_a_stray_reply_stands_behind_the_usual_one_in_the_same_segment(server: ScriptedServer) -> None:
    server.on_data().stray(b"250 2.0.0 stray\r\n")
    with Peer(server.address) as peer:
        peer.begin().say(b"DATA\r\n")
        assert peer.read() == b"354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 stray\r\n"


def test_a_stray_reply_may_come_late(server: ScriptedServer) -> None:
    server.on_mail().stray(b"250 2.0.0 stray\r\n", late=0.001)
    with Peer(server.address) as peer:
        assert peer.hello().ask(MAIL) == [250]
        assert peer.line() == b"250 2.0.0 stray\r\n"
        assert peer.ask(RCPT) == [250]


def test_a_late_421_may_close_the_connection(server: ScriptedServer) -> None:
    server.on_mail().stray(b"421 4.4.2 idle\r\n", late=0.001, ending=Ending.CLOSE)
    with Peer(server.address) as peer:
        assert peer.hello().ask(MAIL) == [250]
        assert peer.rest() == b"421 4.4.2 idle\r\n"


def test_plaintext_can_be_injected_behind_the_220_to_starttls(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server, Peer(server.address) as peer:
        server.on_starttls().stray(b"250-localhost\r\n250 AUTH PLAIN\r\n")
        peer.hello().say(b"STARTTLS\r\n")
        assert peer.read() == b"220 2.0.0 Ready to start TLS\r\n250-localhost\r\n250 AUTH PLAIN\r\n"
        peer.start_tls(authority.client_context())
        assert peer.ask("EHLO localhost") == [250]


def test_a_421_closes_the_connection(server: ScriptedServer) -> None:
    server.on_rcpt().reply("421 4.7.0 enough")
    with Peer(server.address) as peer:
        assert peer.hello().ask(MAIL, RCPT) == [250, 421]
        assert peer.rest() == b""


def test_a_refusing_greeting_is_followed_by_refusals_until_quit(server: ScriptedServer) -> None:
    server.on_connect().reply("554 5.3.2 no service")
    with Peer(server.address) as peer:
        assert [peer.reply(), *peer.ask("EHLO localhost", MAIL, "QUIT")] == [554, 503, 503, 221]


def test_the_test_can_say_anything_at_any_time(server: ScriptedServer) -> None:
    with Peer(server.address) as idle, Peer(server.address) as other:
        idle.hello()
        other.hello()
        server.say(b"421 4.4.2 idle\r\n", connection=1, ending=Ending.CLOSE)
        assert idle.rest() == b"421 4.4.2 idle\r\n"
        assert other.ask("NOOP") == [250]


def test_the_test_can_drop_a_connection_at_any_time(server: ScriptedServer) -> None:
    with Peer(server.address) as first, Peer(server.address) as second:
        first.hello()
        second.hello()
        server.drop(connection=1)
        assert first.rest() == b""
        server.drop(rst=True)
        with pytest.raises(ConnectionResetError):
            second.read()


def test_a_held_reply_comes_when_it_is_released(server: ScriptedServer) -> None:
    server.on_mail().hold()
    with Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n".encode())
        server.wait_for(lambda: len(server.lines()) == 2)
        assert server.connections[0].octets("sent").count(b"2.1.0") == 0
        server.release()
        assert peer.reply() == 250


def test_a_delayed_reply_is_the_usual_one(server: ScriptedServer) -> None:
    server.on_mail().delay(0.001)
    with Peer(server.address) as peer:
        assert peer.hello().ask(MAIL) == [250]


def test_a_chunk_that_is_not_the_last_can_be_refused(server: ScriptedServer) -> None:
    server.on_body().reply("451 4.3.0 disk", times=1)
    with Peer(server.address) as peer:
        peer.begin().say(b"BDAT 2\r\nhiBDAT 0 LAST\r\n")
        assert [peer.reply(), peer.reply()] == [451, 503]


def test_within_auth_the_challenge_has_a_place_of_its_own(server: ScriptedServer) -> None:
    server.on_challenge(nth=2).drop()
    with Peer(server.address) as peer:
        assert peer.hello().ask("AUTH LOGIN", "YW5h") == [334, 0]
    assert server.auth_commands == 1


def test_faults_can_be_kept_for_one_connection(server: ScriptedServer) -> None:
    server.on_mail().on_connection(2).drop()
    for expected in (250, 0, 250):
        with Peer(server.address) as peer:
            assert peer.hello().ask(MAIL) == [expected]
