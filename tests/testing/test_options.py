"""The local server takes what `SubmissionOptions` ask for, checks it, and keeps it with the message."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from sendkit import Mailer, SubmissionOptions, errors
from sendkit.testing import LocalServer
from tests.accounts import ONCE, message


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A local server without TLS and login, for clients of other libraries too."""
    with LocalServer(plain=True) as server:
        yield server


def _mailer(server: LocalServer) -> Mailer:
    return Mailer(server.server, username=server.username, password=server.password, retry=ONCE)


def test_what_was_asked_for_is_kept_with_the_message() -> None:
    options = SubmissionOptions(
        notify="success,failure", ret="headers", envid="<a+b=c d>", require_tls=True, hold_for=60
    )
    with LocalServer() as server, _mailer(server) as mailer:
        assert mailer.send(message(), options=options).ignored_options == ()
        mailer.send(message())
    assert [one.options for one in server.messages] == [options, SubmissionOptions()]


def test_a_server_without_the_extensions_is_made_by_taking_them_away() -> None:
    with LocalServer() as server, _mailer(server) as mailer:
        server.extensions.clear()
        assert mailer.send(message(), options=SubmissionOptions(notify="never")).ignored_options == ("notify",)
        with pytest.raises(errors.RejectedError, match="REQUIRETLS"):
            mailer.send(message(), options=SubmissionOptions(require_tls=True))


def test_a_time_beyond_the_announced_limit_is_not_asked_for() -> None:
    with LocalServer() as server, _mailer(server) as mailer:
        result = mailer.send(message(), options=SubmissionOptions(hold_for=8 * 86_400), check=False)
    assert "at most 604800 s" in (result.rejected[0].reason or "")
    assert server.messages == []


@pytest.mark.parametrize(
    ("mail", "rcpt", "code"),
    [
        (["RET=HDRS"], [], 250),
        (["RET=ALL"], [], 501),
        (["RET=HDRS", "RET=FULL"], [], 501),
        (["HOLDFOR=x"], [], 501),
        (["HOLDFOR=999999999"], [], 501),
        (["REQUIRETLS"], [], 555),  # it is not offered in the clear
        (["NONSENSE=1"], [], 555),
        ([], ["NOTIFY=SUCCESS"], 250),
        ([], ["NOTIFY=NEVER,SUCCESS"], 501),
        ([], ["ORCPT=luis@example.com"], 501),
        ([], ["NONSENSE=1"], 555),
    ],
)
def test_clients_of_all_kinds_are_told_what_is_wrong(
    server: LocalServer, mail: list[str], rcpt: list[str], code: int
) -> None:
    """RFC 5321 section 4.1.1.11: 555 for what is not known, 501 for what is malformed."""
    with smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        answer, _ = client.mail("ana@example.com", mail)
        if answer == 250:
            answer, _ = client.rcpt("luis@example.com", rcpt)
    assert answer == code
