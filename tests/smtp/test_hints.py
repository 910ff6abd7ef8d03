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
