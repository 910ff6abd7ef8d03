"""What the client says in one AUTH exchange, octet by octet as the RFCs show it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.exchange import Exchange, MoreAsked, begin
from sendkit._smtp.sasl import Mechanism

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
SIMPLE = [Mechanism.PLAIN, Mechanism.LOGIN, Mechanism.CRAM_MD5, Mechanism.EXTERNAL, Mechanism.XOAUTH2,
          Mechanism.OAUTHBEARER]  # fmt: skip


def exchange(mechanism: Mechanism, username: str = "tim", secret: str = "tanstaaftanstaaf") -> Exchange:
    return begin(mechanism, username, secret, host="smtp.example.com", port=587)


def test_plain_is_that_of_rfc_4616_section_4() -> None:
    assert exchange(Mechanism.PLAIN).initial == b"\0tim\0tanstaaftanstaaf"


@pytest.mark.parametrize("prompts", [(b"Username:", b"Password:"), (b"User Name\0", b"Password\0"), (b"", b"")])
def test_login_waits_for_each_prompt_whatever_it_says(prompts: tuple[bytes, ...]) -> None:
    login = exchange(Mechanism.LOGIN)
    assert login.initial is None
    assert [(login.respond(prompt), login.heard) for prompt in prompts] == [
        (b"tim", False), (b"tanstaaftanstaaf", True)]  # fmt: skip


def test_login_gives_the_password_to_a_server_that_asks_for_it_first() -> None:
    login = exchange(Mechanism.LOGIN)
    assert [login.respond(prompt) for prompt in (b"password: ", b"Username:")] == [b"tanstaaftanstaaf", b"tim"]


@pytest.mark.parametrize("mechanism", [Mechanism.PLAIN, Mechanism.EXTERNAL])
def test_a_message_that_was_not_read_with_the_command_is_said_once_more(mechanism: Mechanism) -> None:
    one = exchange(mechanism)
    assert one.respond(b"") == one.initial


def test_cram_md5_is_that_of_rfc_2195_section_2() -> None:
    cram = exchange(Mechanism.CRAM_MD5)
    assert cram.initial is None
    answer = cram.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


@pytest.mark.parametrize("identity", ["", "fred@example.com"])
def test_external_says_the_identity_and_nothing_else(identity: str) -> None:
    assert exchange(Mechanism.EXTERNAL, identity, "").initial == identity.encode()


def test_xoauth2_is_that_of_the_provider_who_made_it() -> None:
    bearer = exchange(Mechanism.XOAUTH2, "someuser@example.com", TOKEN)
    assert bearer.initial == f"user=someuser@example.com\x01auth=Bearer {TOKEN}\x01\x01".encode()


def test_oauthbearer_is_that_of_rfc_7628_section_4_with_the_port_of_submission() -> None:
    bearer = exchange(Mechanism.OAUTHBEARER, "user,a=b@example.com", TOKEN)
    name = "user=2Ca=3Db@example.com"
    place = "host=smtp.example.com\x01port=587"
    assert bearer.initial == f"n,a={name},\x01{place}\x01auth=Bearer {TOKEN}\x01\x01".encode()


@pytest.mark.parametrize(("mechanism", "answer"), [(Mechanism.XOAUTH2, b""), (Mechanism.OAUTHBEARER, b"\x01")])
def test_the_reason_of_a_refused_token_is_answered_and_told(mechanism: Mechanism, answer: bytes) -> None:
    bearer = exchange(mechanism)
    reason = {"status": "invalid_token", "scope": "mail\nscope", "openid-configuration": "https://id.example.com/.well"}
    assert bearer.respond(json.dumps(reason).encode()) == answer
    assert bearer.told is not None
    assert bearer.told.startswith("the token was refused: status invalid_token, scope mail?scope")


@pytest.mark.parametrize("challenge", [b"", b"no json", b"[1]", b"[" * 100_000, b"{}", b'{"status": 7}', b"\xff"])
def test_a_reason_that_cannot_be_read_is_answered_all_the_same(challenge: bytes) -> None:
    bearer = exchange(Mechanism.XOAUTH2)
    assert (bearer.respond(challenge), bearer.told) == (b"", None)


@given(st.text())
def test_a_reason_is_one_line_of_bearable_length_whatever_the_server_says(text: str) -> None:
    bearer = exchange(Mechanism.XOAUTH2)
    bearer.respond(json.dumps({"status": text}).encode())
    assert bearer.told is not None
    assert len(bearer.told) < 250
    assert bearer.told.isprintable()


@pytest.mark.parametrize("mechanism", SIMPLE)
def test_a_challenge_more_than_the_mechanism_has_ends_the_exchange(mechanism: Mechanism) -> None:
    one = exchange(mechanism)
    due = 2 if mechanism is Mechanism.LOGIN else 1
    for _ in range(due):
        one.respond(b"")
    with pytest.raises(MoreAsked, match=mechanism):
        one.respond(b"")


@pytest.mark.parametrize("mechanism", SIMPLE)
def test_an_exchange_shows_its_name_and_not_its_secret(mechanism: Mechanism) -> None:
    assert repr(exchange(mechanism)) == f"<{mechanism}>"
