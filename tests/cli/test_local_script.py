"""The script of `sendkit.testing.LocalServer`: what it answers, where it hangs up, and where it falls silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sendkit import Mailer, Outcome, RetryPolicy, Server, Timeouts
from sendkit.testing import LocalServer

from .test_local_server import MESSAGE, sent

REPLIES: dict[str, tuple[Callable[[LocalServer], object], str, int]] = {
    "connect": (lambda s: s.on_connect().reply("421 4.3.2 closing"), "greeting", 421),
    "ehlo": (lambda s: s.on_ehlo().reply("550 5.7.1 go away"), "ehlo", 550),
    "starttls": (lambda s: s.on_starttls().reply("454 4.7.0 not now"), "starttls", 454),
    "auth": (lambda s: s.on_auth().reply("454 4.7.0 not now"), "auth", 454),
    "mail": (lambda s: s.on_mail().reply("450 4.7.1 slow down"), "mail", 450),
    "rcpt": (lambda s: s.on_rcpt("luis@example.com").reply("550-5.1.1 no such\n550 5.1.1 user"), "rcpt", 550),
    "data": (lambda s: s.on_data().reply("451 4.3.0 not now"), "data", 451),
    "after_data": (lambda s: s.after_data().reply("554 5.6.0 spam"), "end_of_data", 554),
}


@pytest.mark.parametrize("place", REPLIES)
def test_the_script_says_what_is_answered(server: LocalServer, place: str) -> None:
    rule, phase, code = REPLIES[place]
    rule(server)
    result = sent(server)
    assert result.reply is not None
    assert (result.phase, result.reply.code) == (phase, code)
    assert server.messages == []


CUTS: dict[str, tuple[Callable[[LocalServer], object], Outcome, int]] = {
    "connect": (lambda s: s.on_connect().drop(), Outcome.DEFERRED, 0),
    "refused": (lambda s: s.on_connect().refuse(), Outcome.DEFERRED, 0),
    "tls": (lambda s: s.on_tls().drop(), Outcome.DEFERRED, 0),
    "auth": (lambda s: s.on_auth().drop(), Outcome.DEFERRED, 0),
    "mail": (lambda s: s.on_mail().drop(), Outcome.DEFERRED, 0),
    "rcpt": (lambda s: s.on_rcpt().drop(), Outcome.DEFERRED, 0),
    "data": (lambda s: s.on_data().drop(), Outcome.DEFERRED, 0),
    "body": (lambda s: s.on_body().drop(), Outcome.IN_DOUBT, 0),
    "after_data": (lambda s: s.after_data().drop(), Outcome.IN_DOUBT, 1),
}


@pytest.mark.parametrize("place", CUTS)
def test_the_script_says_where_the_connection_is_lost(server: LocalServer, place: str) -> None:
    rule, outcome, copies = CUTS[place]
    rule(server)
    assert sent(server).outcome is outcome
    assert len(server.messages) == copies


def test_usual_answers_may_be_said_in_other_words(server: LocalServer) -> None:
    server.on_mail().reply("250 2.1.0 fine by me")
    server.on_rcpt().reply("251 2.1.5 will forward")
    server.after_data().reply("250 2.0.0 got it")
    assert str(sent(server).reply) == "250 2.0.0 got it"
    assert len(server.messages) == 1


@pytest.mark.parametrize("place", ["on_connect", "on_tls", "on_mail", "on_body", "after_data"])
def test_a_server_that_never_answers_still_ends(place: str) -> None:
    with LocalServer() as server:
        getattr(server, place)().silence()
        limits = Timeouts(greeting=0.2, command=0.2, data=0.2, body=0.2, end_of_data=0.2)
        patient = Server(server.host, server.port, ca_file=server.ca_file, timeouts=limits)
        once = RetryPolicy(max_attempts=1)
        with Mailer(patient, username=server.username, password=server.password, retry=once) as mailer:
            assert not mailer.send(MESSAGE, check=False).ok


def test_faults_may_name_the_connection(server: LocalServer) -> None:
    server.on_mail().on_connection(2).reply("450 4.7.1 slow down")
    assert [sent(server).outcome for _ in range(2)] == [Outcome.ACCEPTED, Outcome.DEFERRED]
