"""One mechanism is chosen, the best that both sides speak, and only one (RFC 4954)."""

from __future__ import annotations

import pytest

from sendkit._smtp.sasl import Mechanism, choose_mechanism


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["LOGIN", "PLAIN"], Mechanism.PLAIN),
        (["plain"], Mechanism.PLAIN),
        (["CRAM-MD5", "LOGIN"], Mechanism.LOGIN),
        (["CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"], None),
        ([], None),
    ],
)
def test_the_preferred_one_of_those_offered_is_chosen(offered: list[str], chosen: Mechanism | None) -> None:
    assert choose_mechanism(offered) is chosen
