"""One mechanism is chosen, the best that both sides speak, and only one (RFC 4954)."""

from __future__ import annotations

import pytest

from sendkit._smtp.sasl import BOUND, SCRAM, Mechanism, choose_mechanism, why_none

ALL = [mechanism.value for mechanism in Mechanism]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["LOGIN", "PLAIN"], Mechanism.PLAIN),
        (["plain"], Mechanism.PLAIN),
        (["CRAM-MD5", "LOGIN"], Mechanism.LOGIN),
        (["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], Mechanism.SCRAM_SHA_256),
        (["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"], Mechanism.SCRAM_SHA_1_PLUS),
        (ALL, Mechanism.SCRAM_SHA_256_PLUS),
        (["CRAM-MD5", "XOAUTH2", "EXTERNAL"], None),
        ([], None),
    ],
)
def test_the_preferred_one_of_those_offered_is_chosen_for_a_password(
    offered: list[str], chosen: Mechanism | None
) -> None:
    assert choose_mechanism(offered) is chosen


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (ALL, Mechanism.OAUTHBEARER),
        (["PLAIN", "xoauth2"], Mechanism.XOAUTH2),
        (["PLAIN", "LOGIN", "SCRAM-SHA-256", "EXTERNAL"], None),
    ],
)
def test_a_token_never_goes_to_a_mechanism_of_passwords(offered: list[str], chosen: Mechanism | None) -> None:
    assert choose_mechanism(offered, token=True) is chosen


@pytest.mark.parametrize("wanted", Mechanism)
def test_the_one_that_was_asked_for_is_the_only_one_that_will_do(wanted: Mechanism) -> None:
    assert choose_mechanism(ALL, wanted=wanted) is wanted
    assert choose_mechanism(set(ALL) - {wanted}, wanted=wanted) is None


def test_what_cannot_be_spoken_is_passed_over() -> None:
    assert choose_mechanism(ALL, hindered=BOUND) is Mechanism.SCRAM_SHA_256
    assert choose_mechanism(ALL, hindered=SCRAM) is Mechanism.PLAIN
    assert choose_mechanism(ALL, wanted=Mechanism.SCRAM_SHA_1, hindered=SCRAM) is None


@pytest.mark.parametrize(
    ("offered", "token", "wanted", "words"),
    [
        (["PLAIN", "LOGIN"], True, None, "no login with an OAuth 2 token (it offers LOGIN, PLAIN)"),
        (["PLAIN"], False, Mechanism.CRAM_MD5, "no CRAM-MD5 (it offers PLAIN)"),
        ([], False, None, "no login mechanism of ours (it offers none)"),
        (["SCRAM-SHA-1"], False, Mechanism.SCRAM_SHA_1, "SCRAM-SHA-1 cannot be spoken with this secret"),
    ],
)
def test_that_there_is_none_is_said_with_what_the_server_offers(
    offered: list[str], token: bool, wanted: Mechanism | None, words: str
) -> None:
    assert words in why_none(offered, token=token, wanted=wanted)
