"""`sendkit explain` says what a reply means, from an argument or from standard input."""

from __future__ import annotations

import json

from .shell import Shell

GMAIL = "535-5.7.8 Username and Password not accepted. Learn more at\n535 5.7.8  https://support.google.com/x - gsmtp"


def test_a_reply_is_explained_with_cause_remedy_and_source(shell: Shell) -> None:
    answer = shell("explain", GMAIL)
    assert (answer.code, answer.err) == (0, "")
    assert [
        line.split()[0] for line in answer.out.splitlines() if line.strip().startswith(("cause", "remedy", "source"))
    ]
    assert "https://myaccount.google.com/apppasswords" in answer.out


def test_a_reply_may_come_from_standard_input(shell: Shell) -> None:
    expected = shell("explain", GMAIL).out
    assert shell("explain", stdin=GMAIL.encode()).out == shell("explain", "-", stdin=GMAIL.encode()).out == expected


def test_a_reply_may_be_given_without_quotes(shell: Shell) -> None:
    assert shell("explain", "550", "5.1.1", "no").out == shell("explain", "550 5.1.1 no").out


def test_the_host_says_whose_reply_it_is(shell: Shell) -> None:
    answer = shell("explain", "--host", "smtp.mail.yahoo.com", "535 no", "--json")
    told = json.loads(answer.out)
    assert told["provider"] == "yahoo"
    assert told["reply"] == {"code": 535, "enhanced": None, "text": "no"}
    assert {"title", "cause", "remedy", "source"} <= told.keys()


def test_what_is_no_reply_is_64(shell: Shell) -> None:
    answer = shell("explain", "hello")
    assert (answer.code, answer.out) == (64, "")
    assert "hint: " in answer.err
