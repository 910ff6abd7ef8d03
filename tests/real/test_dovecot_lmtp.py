"""LMTP to a real Dovecot: each recipient has the mail, or the reason that Dovecot gives for this one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendkit import Mailer, Message, RetryPolicy, Server, SubmissionOptions

if TYPE_CHECKING:
    from sendkit import DeliveryResult
    from tests.servers.dovecot_lmtp import DovecotLMTP

ANA = "ana@example.test"
ONCE = RetryPolicy(max_attempts=1)


def send(dovecot: DovecotLMTP, *to: str, text: str = "Hola.\n.\n..\n") -> DeliveryResult:
    with Mailer(Server(dovecot.address, protocol="lmtp"), retry=ONCE) as mailer:
        return mailer.send(Message(sender=ANA, to=to, subject="on this machine", text=text), check=False)


def test_each_recipient_has_a_verdict_of_its_own(dovecot_lmtp: DovecotLMTP) -> None:
    nobody = "nobody@example.test"
    to = (dovecot_lmtp.luis, dovecot_lmtp.over_quota, nobody, dovecot_lmtp.broken, dovecot_lmtp.ops)
    result = send(dovecot_lmtp, *to)
    assert [result.recipients[one].outcome for one in to] == [
        "accepted", "rejected", "rejected", "deferred", "accepted"]  # fmt: skip
    assert [result.recipients[one].phase for one in to] == [*["end_of_data"] * 2, "rcpt", *["end_of_data"] * 2]
    assert "quota" in str(result.recipients[dovecot_lmtp.over_quota].reply).lower()
    for address in (dovecot_lmtp.luis, dovecot_lmtp.ops):
        [stored] = dovecot_lmtp.mailbox(address)
        assert stored.count(b"Subject: on this machine") == 1
        assert re.search(rb"Hola\.\r?\n\.\r?\n\.\.\r?\n", stored)
        assert f"<{address}> ".encode() in str(result.recipients[address].reply).encode()


def test_it_announces_no_reports_and_takes_the_message_without_them(dovecot_lmtp: DovecotLMTP) -> None:
    letter = Message(sender=ANA, to=[dovecot_lmtp.luis], subject="no reports", text="x")
    with Mailer(Server(dovecot_lmtp.address, protocol="lmtp"), retry=ONCE) as mailer:
        result = mailer.send(letter, options=SubmissionOptions(notify="failure", ret="headers"))
    assert result.ok
    assert set(result.ignored_options) == {"notify", "ret"}


def test_a_large_message_goes_in_chunks_and_the_next_ones_over_the_same_connection(dovecot_lmtp: DovecotLMTP) -> None:
    before = len(dovecot_lmtp.mailbox(dovecot_lmtp.ops))
    letters = [Message(sender=ANA, to=[dovecot_lmtp.ops, dovecot_lmtp.over_quota], text="x") for _ in range(4)]
    letters.append(Message(sender=ANA, to=dovecot_lmtp.ops, text="A line of many.\n" * 20_000))
    with Mailer(
        Server(dovecot_lmtp.address, protocol="lmtp"), retry=ONCE, transcript=True, max_connections=1
    ) as mailer:
        results = list(mailer.send_many(letters))
    assert [one.outcome for result in results for one in result.recipients.values()].count("accepted") == 5
    assert len(dovecot_lmtp.mailbox(dovecot_lmtp.ops)) == before + 5
    said = [line.text for result in results for attempt in result.attempts for line in attempt.transcript or ()]
    assert sum(text.startswith("LHLO") for text in said) == 1
    assert any(text.startswith("BDAT 0 LAST") for text in said)
    assert sum(text == "DATA" for text in said) == 4


def test_the_doctor_goes_the_same_way(dovecot_lmtp: DovecotLMTP) -> None:
    with Mailer(Server(dovecot_lmtp.address, protocol="lmtp")) as mailer:
        diagnosis = mailer.diagnose(sender=ANA, to=dovecot_lmtp.luis)
    assert diagnosis.ok
    assert f"connected to {dovecot_lmtp.address}" in [finding.text for finding in diagnosis.findings]
