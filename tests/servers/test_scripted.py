"""The scripted server where its script is silent: it behaves as a well-written server, and it records what it saw."""

from __future__ import annotations

import base64
import smtplib
import ssl
import threading
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from sendkit.errors import ConfigurationError

from .authority import Authority, Certificate
from .scripted import ScriptedServer
from .scripted_peer import CONTENT, MAIL, RCPT, Peer

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "ana@example.com", "correct horse"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "ana@example.com", "luis@example.com", "<7@example.com>"
    message.set_content(".dot\n..two dots\nHola\n")
    return message


def test_a_message_over_starttls_is_accepted_as_it_was_written(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        with smtplib.SMTP(*server.address) as client:
            client.starttls(context=authority.client_context())
            client.login(USER, PASSWORD)
            assert client.send_message(message(), to_addrs=["luis@example.com", "eva@example.com"]) == {}
        (accepted,) = server.accepted
        assert accepted.reverse_path == "ana@example.com"
        assert accepted.recipients == ("luis@example.com", "eva@example.com")
        assert accepted.content.endswith(b"\r\n\r\n.dot\r\n..two dots\r\nHola\r\n")
        assert server.copies() == {
            ("<7@example.com>", "luis@example.com"): 1,
            ("<7@example.com>", "eva@example.com"): 1,
        }


def test_a_message_over_implicit_tls_is_accepted(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context(), implicit_tls=True) as server:
        with smtplib.SMTP_SSL(*server.address, context=authority.client_context()) as client:
            client.login(USER, PASSWORD)
            client.send_message(message())
        assert server.connections[0].octets(tls=False) == b""
        assert len(server.accepted) == 1


def test_lines_and_octets_say_whether_they_came_inside_tls(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server, smtplib.SMTP(*server.address) as client:
        client.starttls(context=authority.client_context())
        client.login(USER, PASSWORD)
        (connection,) = server.connections
        assert [(line.text.split()[0].upper(), line.tls) for line in connection.lines] == [
            ("EHLO", False),
            ("STARTTLS", False),
            ("EHLO", True),
            ("AUTH", True),
        ]
        assert b"AUTH" not in connection.octets(tls=False)
        assert connection.octets(tls=True).startswith(b"ehlo ")
        assert connection.octets("sent", tls=False).endswith(b"220 2.0.0 Ready to start TLS\r\n")
        assert connection.octets("sent", tls=True).endswith(b"235 2.7.0 Authentication successful\r\n")


def test_capabilities_differ_before_and_inside_tls_and_may_change(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server, smtplib.SMTP(*server.address) as client:
        client.ehlo()
        assert (client.has_extn("starttls"), client.has_extn("auth")) == (True, False)
        client.starttls(context=authority.client_context())
        client.ehlo()
        assert (client.has_extn("starttls"), client.has_extn("auth")) == (False, True)
        server.capabilities_in_tls = ["SIZE 5"]
        client.ehlo()
        assert list(client.esmtp_features) == ["size"]
        assert client.mail("ana@example.com", ["SIZE=6"])[0] == 552


@pytest.mark.parametrize("kind", list(Certificate))
def test_a_client_that_verifies_takes_the_good_certificate_alone(authority: Authority, kind: Certificate) -> None:
    with ScriptedServer(tls=authority.server_context(kind), implicit_tls=True) as server:
        if kind is Certificate.GOOD:
            with Peer(server.address, tls=authority.client_context()) as peer:
                assert peer.reply() == 220
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                Peer(server.address, tls=authority.client_context())
            assert server.connections[0].octets() == b""


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("commands", "codes"),
    [
        ([f"AUTH PLAIN {b64(f'{chr(0)}{USER}{chr(0)}{PASSWORD}')}"], [235]),
        (["AUTH PLAIN", b64(f"\0{USER}\0{PASSWORD}")], [334, 235]),
        (["AUTH LOGIN", b64(USER), b64(PASSWORD)], [334, 334, 235]),
        ([f"AUTH LOGIN {b64(USER)}", b64(PASSWORD)], [334, 235]),
        ([f"AUTH LOGIN {b64(USER)}", b64("wrong")], [334, 535]),
        (["AUTH PLAIN ="], [535]),
        (["AUTH PLAIN", "*"], [334, 501]),
        (["AUTH LOGIN", "*"], [334, 501]),
        (["AUTH LOGIN", b64(USER), "*"], [334, 334, 501]),
        (["AUTH PLAIN !"], [501]),
        (["AUTH CRAM-MD5"], [504]),
    ],
)
def test_one_auth_command_is_counted_once_however_it_goes(
    server: ScriptedServer, commands: list[str], codes: list[int]
) -> None:
    with Peer(server.address) as peer:
        assert peer.hello().ask(*commands) == codes
        assert server.auth_commands == 1
        assert peer.ask("AUTH PLAIN =") == [503 if codes[-1] == 235 else 535]


def test_auth_is_refused_where_it_is_not_announced(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server, Peer(server.address) as peer:
        assert peer.hello().ask("AUTH PLAIN =") == [503]


def test_mail_needs_a_login_where_one_is_required() -> None:
    with ScriptedServer(auth_required=True) as server, Peer(server.address) as peer:
        login = f"AUTH PLAIN {b64(f'{chr(0)}{USER}{chr(0)}{PASSWORD}')}"
        mail = "MAIL FROM:<ana@example.com>"
        assert peer.hello().ask(mail, login, mail) == [530, 235, 250]


@pytest.mark.parametrize(
    ("commands", "codes"),
    [
        ([RCPT], [503]),
        (["DATA"], [503]),
        ([MAIL, MAIL], [250, 503]),
        ([MAIL, "DATA"], [250, 554]),
        ([MAIL, RCPT, "RSET", RCPT], [250, 250, 250, 503]),
        ([MAIL, RCPT, "EHLO again", RCPT], [250, 250, 250, 503]),
        ([MAIL, RCPT, "NOOP", "VRFY luis", "DATA now"], [250, 250, 250, 500, 501]),
        ([MAIL, RCPT, "BDAT 0", "DATA", RCPT], [250, 250, 250, 503, 503]),
        (["BDAT 0 LAST", "BDAT x"], [503, 501]),
        (["HELO localhost", "BDAT 0", "MAIL FROM:<a@example.com> SIZE=1"], [250, 502, 555]),
        (["STARTTLS", "RSET now"], [502, 501]),
        (["MAIL FROM: <a@example.com>", "MAIL FROM:a@example.com", "MAIL FROM:<>"], [501, 501, 250]),
        (["MAIL FROM:<a@example.com> RET=HDRS", "MAIL FROM:<a@example.com> SIZE=x"], [555, 501]),
        (
            ["MAIL FROM:<ñ@example.com>", "MAIL FROM:<ñ@example.com> SMTPUTF8", "RCPT TO:<ñ@example.com>"],
            [553, 250, 250],
        ),
        ([MAIL, "RCPT TO:<ñ@example.com>", "RCPT TO:<>", f"{RCPT} NOTIFY=NEVER"], [250, 553, 501, 555]),
        (["MAIL FROM:<a@example.com> SIZE=10485761 BODY=8BITMIME", 'MAIL FROM:<"a>b"@example.com>'], [552, 250]),
        (["x" * 12_289, "NOOP", "", "é"], [500, 250, 500, 500]),
    ],
)
def test_commands_are_answered_in_their_order_and_not_out_of_it(
    server: ScriptedServer, commands: list[str], codes: list[int]
) -> None:
    with Peer(server.address) as peer:
        assert peer.hello().ask(*commands, "QUIT") == [*codes, 221]
        assert peer.rest() == b""


def test_before_ehlo_nothing_is_taken(server: ScriptedServer) -> None:
    with Peer(server.address) as peer:
        assert [peer.reply(), *peer.ask(MAIL, "AUTH PLAIN =")] == [220, 503, 503]


def test_only_crlf_dot_crlf_ends_the_data_and_only_behind_crlf_a_dot_is_stuffed(server: ScriptedServer) -> None:
    content = b"a\n.\nb\r\n.\nc\n.\r\nd\r.\r\n..\r\n...\r\n\n..\r\n"
    with Peer(server.address) as peer:
        assert peer.begin().send(content) == 250
    assert server.accepted[0].content == b"a\n.\nb\r\n\nc\n.\r\nd\r.\r\n.\r\n..\r\n\n..\r\n"


def test_an_empty_content_is_content(server: ScriptedServer) -> None:
    with Peer(server.address) as peer:
        assert peer.begin().send(b"") == 250
    assert server.accepted[0].content == b""


def test_a_whole_group_in_one_write_is_answered_in_one_order(server: ScriptedServer) -> None:
    group = f"RSET\r\n{MAIL}\r\n{RCPT}\r\nBDAT 5\r\nab\r\n.BDAT {len(CONTENT)} LAST\r\n".encode() + CONTENT
    with Peer(server.address) as peer:
        peer.hello().say(group * 2)
        assert [peer.reply() for _ in range(10)] == [250] * 10
    assert [message.content for message in server.accepted] == [b"ab\r\n." + CONTENT] * 2


def test_a_chunk_is_counted_in_octets_even_when_it_is_refused(server: ScriptedServer) -> None:
    with Peer(server.address) as peer:
        peer.hello().say(b"BDAT 6\r\nQUIT\r\nNOOP\r\n")
        assert [peer.reply(), peer.reply()] == [503, 250]


def test_chunks_beyond_the_announced_size_are_refused() -> None:
    with ScriptedServer(capabilities=["SIZE 10", "CHUNKING"]) as server, Peer(server.address) as peer:
        peer.begin().say(b"BDAT 11\r\n12345678901BDAT 1 LAST\r\n.")
        assert [peer.reply(), peer.reply()] == [552, 503]


def test_data_beyond_the_announced_size_is_refused() -> None:
    with ScriptedServer(capabilities=["SIZE 10"]) as server, Peer(server.address) as peer:
        assert peer.begin().send() == 552
        assert server.accepted == []


def test_the_recipient_that_is_one_too_many_is_refused_for_now() -> None:
    with ScriptedServer(max_recipients=1) as server, Peer(server.address) as peer:
        assert peer.begin().ask("RCPT TO:<eva@example.com>") == [452]


def test_after_a_refused_end_of_data_the_next_mail_opens_a_transaction(server: ScriptedServer) -> None:
    server.after_data().reply("550 5.7.1 spam", times=1)
    with Peer(server.address) as peer:
        assert peer.begin().send() == 550
        assert peer.ask(MAIL, RCPT) == [250, 250]


def test_as_with_postfix_a_refused_end_of_data_may_leave_the_old_transaction_open() -> None:
    with ScriptedServer(nested_mail_refused=True) as server, Peer(server.address) as peer:
        server.after_data().reply("550 5.7.1 spam", times=1)
        assert peer.begin("luis@example.com").send() == 550
        assert peer.ask(MAIL, "RCPT TO:<eva@example.com>") == [503, 250]
        assert peer.send() == 250
        assert server.accepted[0].recipients == ("luis@example.com", "eva@example.com")
        assert peer.ask(MAIL, "RSET", MAIL) == [250, 250, 250]


def test_as_with_opensmtpd_unannounced_pipelining_may_be_refused() -> None:
    with ScriptedServer(capabilities=[], refuses_pipelining=True) as server, Peer(server.address) as peer:
        peer.hello().say(f"{MAIL}\r\n{RCPT}\r\n".encode())
        assert peer.rest() == b"500 Pipelining is not supported\r\n"


def test_without_enhancedstatuscodes_there_are_none() -> None:
    with ScriptedServer(capabilities=[]) as server, Peer(server.address) as peer:
        peer.hello().say(b"NOOP\r\n")
        assert peer.line() == b"250 Ok\r\n"


def test_what_a_client_writes_behind_starttls_in_the_clear_is_never_obeyed(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as server, Peer(server.address) as peer:
        peer.hello().say(b"STARTTLS\r\nNOOP injected\r\n")
        assert peer.reply() == 220
        peer.start_tls(authority.client_context())
        assert peer.ask("EHLO localhost") == [250]
        assert server.connections[0].commands == ["EHLO", "STARTTLS", "EHLO"]


def test_connections_are_recorded_one_by_one(server: ScriptedServer) -> None:
    with Peer(server.address) as first, Peer(server.address) as second:
        first.hello()
        assert second.hello().ask("QUIT") == [221]
        server.wait_for(lambda: len(server.connections) == 2)
        assert [connection.commands for connection in server.connections] == [["EHLO"], ["EHLO", "QUIT"]]


def test_a_condition_that_never_comes_true_is_named(server: ScriptedServer) -> None:
    with Peer(server.address) as peer:
        peer.hello()
    with pytest.raises(TimeoutError, match="EHLO localhost"):
        server.wait_for(lambda: False, seconds=0)


def test_leaving_the_context_ends_every_thread_and_connection() -> None:
    before = set(threading.enumerate())  # of which some may end meanwhile
    with ScriptedServer() as server:
        server.on_mail().silence()
        server.on_rset().hold()
        server.on_data().drip(interval=3600)
        server.after_data().endless_line()
        server.on_ehlo().stray(b"250 late\r\n", late=3600)
        peers = [Peer(server.address).hello() for _ in range(4)]
        for peer, command in zip(peers, (MAIL, "RSET", "DATA", "NOOP"), strict=True):
            peer.say(command.encode() + b"\r\n")
        server.wait_for(lambda: len(server.lines()) == 8)
    assert set(threading.enumerate()) <= before
    assert all(connection.ended for connection in server.connections)
    for peer in peers:
        peer.sock.close()
    with pytest.raises(ConnectionRefusedError):
        Peer(server.address)


def test_a_failure_of_the_server_itself_is_not_swallowed() -> None:
    with pytest.raises(BaseExceptionGroup, match="scripted server itself"), ScriptedServer(implicit_tls=True) as server:  # noqa: PT012 - the end of the block raises
        with Peer(server.address) as peer:
            assert peer.rest() == b""
        server.wait_for(lambda: server.connections[0].ended)


def test_bad_use_is_told_as_in_the_double(server: ScriptedServer) -> None:
    with pytest.raises(ConfigurationError, match="cannot refuse"):
        server.on_rcpt().refuse()
