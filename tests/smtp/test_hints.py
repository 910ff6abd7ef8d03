"""No recipient is left without advice: whatever kept a message from being accepted, `hint_for` says what to do."""

from __future__ import annotations

from itertools import product

import pytest

from sendkit._smtp.hints import hint_for
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Cause, Outcome, Verdict, accepted

REFUSAL = Reply(550, None, "no")


@pytest.mark.parametrize(("cause", "phase", "reply"), [*product(Cause, Phase, [None, REFUSAL])])
def test_there_is_a_hint_for_every_cause_in_every_phase(cause: Cause, phase: Phase, reply: Reply | None) -> None:
    assert hint_for(Verdict(Outcome.DEFERRED, phase, cause, reply=reply))


def test_an_accepted_recipient_needs_none() -> None:
    assert hint_for(accepted(Reply(250, None, "ok"))) is None


@pytest.mark.parametrize(
    ("cause", "phase", "reply", "word"),
    [
        (Cause.IN_DOUBT, Phase.END_OF_DATA, None, "retry_in_doubt"),
        (Cause.TLS, Phase.STARTTLS, None, "465"),
        (Cause.TLS, Phase.TLS, None, "certificate"),
        (Cause.CONNECTION, Phase.GREETING, None, "implicit_tls"),
        (Cause.CONNECTION, Phase.CONNECT, None, "firewall"),
        (Cause.AUTHENTICATION, Phase.AUTH, REFUSAL, "sendkit login"),
        (Cause.AUTHENTICATION, Phase.AUTH, None, "mechanism="),
        (Cause.AUTHENTICATION, Phase.MAIL, REFUSAL, "username"),
        (Cause.DEFERRED, Phase.RCPT, REFUSAL, "unsettled"),
    ],
)
def test_a_hint_names_the_thing_to_do(cause: Cause, phase: Phase, reply: Reply | None, word: str) -> None:
    assert word in (hint_for(Verdict(Outcome.DEFERRED, phase, cause, reply=reply)) or "")


GMAIL = Reply(535, "5.7.8", "Username and Password not accepted. - gsmtp")


@pytest.mark.parametrize(
    ("verdict", "host", "word"),
    [
        (Verdict(Outcome.DEFERRED, Phase.AUTH, Cause.AUTHENTICATION, reply=GMAIL), None, "apppasswords"),
        (
            Verdict(Outcome.DEFERRED, Phase.AUTH, Cause.AUTHENTICATION, reply=Reply(535, None, "no")),
            "smtp.aol.com",
            "aol",
        ),
        (
            Verdict(Outcome.DEFERRED, Phase.MAIL, Cause.AUTHENTICATION, reply=Reply(530, "5.7.57", "")),
            None,
            "office365",
        ),
        (Verdict(Outcome.REJECTED, Phase.RCPT, Cause.REJECTED, reply=Reply(550, "5.1.1", "no")), None, "spelling"),
        (Verdict(Outcome.DEFERRED, Phase.RCPT, Cause.DEFERRED, reply=Reply(452, "4.2.2", "full")), None, "some days"),
        (Verdict(Outcome.DEFERRED, Phase.RCPT, Cause.DEFERRED, reply=Reply(452, "4.2.2", "full")), None, "unsettled"),
    ],
)
def test_a_hint_says_what_the_reply_is_known_to_mean(verdict: Verdict, host: str | None, word: str) -> None:
    assert word in (hint_for(verdict, host) or "")


def test_what_is_in_doubt_stays_so_whatever_the_reply_says() -> None:
    verdict = Verdict(Outcome.IN_DOUBT, Phase.END_OF_DATA, Cause.IN_DOUBT, reply=GMAIL)
    assert "Message-ID" in (hint_for(verdict) or "")
