"""What a server has said that it does not take is settled before anything is asked (RFC 1870, RFC 6531, RFC 6152)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sendkit._smtp.address import parse_address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.hints import hint_for
from sendkit._smtp.phase import Phase
from sendkit._smtp.screening import Screening, screen
from sendkit._smtp.verdict import Outcome, Verdict

from .dialogue import ANA, LUIS, OPS

NURIA = parse_address("ñuria@example.com")
ALL = Capabilities(esmtp=True, eight_bit_mime=True, smtputf8=True)
NONE = Capabilities(esmtp=True)


@dataclass(slots=True, frozen=True)
class Octets:
    """A content of which only its needs are known; `signed` exists in no other form."""

    size: int = 1_000
    eight_bit: bool = False
    utf8: bool = False
    signed: bool = False

    def blocks(self) -> Iterator[bytes]:
        """Its octets."""
        yield b"x" * self.size

    def seven_bit(self) -> Octets | None:
        """Grows by a third."""
        return None if self.signed else Octets(self.size * 4 // 3, utf8=self.utf8)

    def without_utf8(self) -> Octets | None:
        """Grows a little."""
        return None if self.signed else Octets(self.size + 50, self.eight_bit)


def test_what_the_server_takes_is_left_as_it_is() -> None:
    content = Octets(eight_bit=True)
    screening = screen(ANA, [LUIS, OPS], content, ALL)
    assert (screening.verdicts, screening.recipients, screening.content) == ({}, (LUIS, OPS), content)
    assert (screening.parameters, screening.utf8) == (("BODY=8BITMIME",), False)


def test_a_message_over_the_size_is_rejected_for_everybody_in_words() -> None:
    screening = screen(ANA, [LUIS, OPS], Octets(1_001), Capabilities(esmtp=True, size_announced=True, max_size=1_000))
    assert screening.recipients == ()
    assert {verdict.outcome for verdict in screening.verdicts.values()} == {Outcome.REJECTED}
    verdict = screening.verdicts[LUIS]
    assert (verdict.reply, verdict.phase) == (None, Phase.MAIL)
    assert "1,001 octets" in (verdict.reason or "")
    assert "at most 1,000 octets" in (verdict.reason or "")


@pytest.mark.parametrize("limit", [1_000, None])
def test_a_message_of_just_the_size_goes_out(limit: int | None) -> None:
    screening = screen(ANA, [LUIS], Octets(1_000), Capabilities(esmtp=True, size_announced=True, max_size=limit))
    assert screening.recipients == (LUIS,)
    assert screening.parameters == ("SIZE=1000",)


def test_a_size_is_only_named_where_the_server_knows_the_word() -> None:
    assert screen(ANA, [LUIS], Octets(), ALL).parameters == ()


def test_without_smtputf8_only_the_recipients_that_need_it_are_rejected() -> None:
    screening = screen(ANA, [LUIS, NURIA], Octets(), NONE)
    assert screening.recipients == (LUIS,)
    assert list(screening.verdicts) == [NURIA]
    assert "SMTPUTF8" in (screening.verdicts[NURIA].reason or "")


def test_without_smtputf8_a_sender_that_needs_it_can_send_to_nobody() -> None:
    screening = screen(NURIA, [LUIS, OPS], Octets(), NONE)
    assert (screening.recipients, set(screening.verdicts)) == ((), {LUIS, OPS})


def test_without_smtputf8_the_headers_are_written_without_it() -> None:
    screening = screen(ANA, [LUIS], Octets(utf8=True), NONE)
    assert (screening.content.utf8, screening.utf8, screening.parameters) == (False, False, ())


def test_without_smtputf8_headers_that_cannot_be_changed_are_rejected() -> None:
    screening = screen(ANA, [LUIS], Octets(utf8=True, signed=True), NONE)
    assert screening.recipients == ()


@pytest.mark.parametrize(
    ("sender", "recipient", "utf8"),
    [(NURIA, LUIS, False), (ANA, NURIA, False), (ANA, LUIS, True), (None, NURIA, False)],
)
def test_smtputf8_is_asked_for_when_somebody_needs_it(sender, recipient, utf8: bool) -> None:
    screening = screen(sender, [recipient], Octets(utf8=utf8), ALL)
    assert (screening.parameters, screening.utf8) == (("SMTPUTF8",), True)


def test_smtputf8_is_not_asked_for_once_nobody_needs_it() -> None:
    assert not screen(ANA, [LUIS, NURIA], Octets(), NONE).utf8


def test_without_8bitmime_the_content_is_re_encoded_and_measured_again() -> None:
    server = Capabilities(esmtp=True, size_announced=True, max_size=1_200)
    screening = screen(ANA, [LUIS], Octets(1_000, eight_bit=True), server)
    assert not screening.content.eight_bit
    assert screening.recipients == ()


def test_without_8bitmime_a_signed_content_is_rejected() -> None:
    screening = screen(ANA, [LUIS], Octets(eight_bit=True, signed=True), NONE)
    assert screening.recipients == ()
    assert "signature" in reason(screening)


def test_of_two_reasons_the_first_is_said() -> None:
    server = Capabilities(esmtp=True, size_announced=True, max_size=10)
    screening = screen(ANA, [LUIS], Octets(eight_bit=True, signed=True), server)
    assert "signature" in reason(screening)


def test_a_reason_and_its_hint_blame_no_signature_and_no_address_that_need_not_be_there() -> None:
    unsigned = screen(ANA, [LUIS], Octets(eight_bit=True, signed=True), NONE).verdicts[LUIS]
    assert "a signature forbids that, or it has octets beyond ASCII" in (unsigned.reason or "")
    field = screen(ANA, [LUIS], Octets(utf8=True, signed=True), NONE).verdicts[LUIS]
    assert "fields such as Message-ID and file names" in (hint_for(field) or "")


def reason(screening: Screening) -> str:
    """Why Luis was rejected."""
    verdict: Verdict = screening.verdicts[LUIS]
    return verdict.reason or ""
