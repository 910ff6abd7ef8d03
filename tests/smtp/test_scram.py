"""SCRAM proves the password to the server, and the server's knowledge of it to us (RFC 5802, RFC 7677)."""

from __future__ import annotations

import pytest
import scramp

from sendkit._smtp.exchange import OutOfTurn
from sendkit._smtp.sasl import BOUND, SCRAM, Mechanism
from sendkit._smtp.scram import Scram, hindered

# RFC 5802 section 5 and RFC 7677 section 3, whole: the client's nonce, then what each side says.
VECTORS = {
    Mechanism.SCRAM_SHA_1: (
        "fyko+d2lbbFgONRv9qkxdawL",
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    Mechanism.SCRAM_SHA_256: (
        "rOprNGfwEbeRWgbNEkqO",
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.fixture(params=VECTORS)
def dialogue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Scram, str, str, str, str]:
    """An exchange with the nonce of the RFC, and what is said in it."""
    nonce, *said = VECTORS[request.param]
    monkeypatch.setattr(scramp.core.Nonce, "create", classmethod(lambda cls: cls(nonce)))
    first, challenge, proof, final = said
    return Scram(request.param, "user", "pencil", tls=None, offered=False), first, challenge, proof, final


Dialogue = tuple[Scram, str, str, str, str]


def test_the_dialogue_is_that_of_the_rfc(dialogue: Dialogue) -> None:
    scram, first, challenge, proof, final = dialogue
    assert scram.initial == first.encode()
    assert scram.respond(challenge.encode()) == proof.encode()
    assert scram.respond(final.encode()) == b""
    scram.conclude()
    assert repr(scram) in ("<SCRAM-SHA-1>", "<SCRAM-SHA-256>")


def test_a_server_that_has_not_proved_itself_has_not_logged_us_in(dialogue: Dialogue) -> None:
    scram, _, challenge, _, _ = dialogue
    with pytest.raises(OutOfTurn, match="did not prove"):
        scram.conclude()
    scram.respond(challenge.encode())
    with pytest.raises(OutOfTurn, match="did not prove"):
        scram.conclude()


@pytest.mark.parametrize("final", [b"v=AAAA", b"v=", b"x", b"", b"\xff", b"v=smF9pqV8S7suAoZWja4dJRkFsKQ="])
def test_a_wrong_signature_ends_the_exchange(dialogue: Dialogue, final: bytes) -> None:
    scram, _, challenge, _, _ = dialogue
    scram.respond(challenge.encode())
    with pytest.raises(OutOfTurn, match="not right") as caught:
        scram.respond(final)
    assert caught.value.__context__ is None
    assert "pencil" not in str(caught.value)


@pytest.mark.parametrize(
    "challenge",
    [
        "r=another,s=QSXCR+Q6sek8bf92,i=4096",
        "r=NONCEmore,s=QSXCR+Q6sek8bf92,i=1",
        "r=NONCEmore,s=QSXCR+Q6sek8bf92,i=99999999999",
        "r=NONCE,s=QSXCR+Q6sek8bf92,i=4096",
        "m=ext,r=NONCEmore,s=QSXCR+Q6sek8bf92,i=4096",
        "nothing",
    ],
)
def test_a_first_message_that_is_not_right_gets_no_proof(dialogue: Dialogue, challenge: str) -> None:
    """Another nonce, too few or far too many iterations, the client's nonce alone, an unknown extension, no message."""
    scram, first, *_ = dialogue
    nonce = first.rpartition("r=")[2]
    with pytest.raises(OutOfTurn):
        scram.respond(challenge.replace("NONCE", nonce).encode())


def test_an_empty_challenge_asks_for_the_first_message_once_more_and_a_second_one_is_none(dialogue: Dialogue) -> None:
    scram, first, *_ = dialogue
    assert (scram.respond(b""), scram.heard) == (first.encode(), False)
    with pytest.raises(OutOfTurn):
        scram.respond(b"")


def test_an_error_of_the_server_is_told_and_answered_with_nothing(dialogue: Dialogue) -> None:
    scram, _, challenge, _, _ = dialogue
    scram.respond(challenge.encode())
    assert scram.respond(b"e=invalid-proof") == b""
    assert scram.told == "the server refused the exchange: invalid-proof"
    with pytest.raises(OutOfTurn):
        scram.conclude()
    with pytest.raises(OutOfTurn):
        scram.respond(b"e=again")


@pytest.mark.parametrize("password", ["emoji 😀", "control \a"])
def test_a_password_that_saslprep_does_not_take_hinders_all_of_them(password: str) -> None:
    assert hindered(["PLAIN", "SCRAM-SHA-1"], "user", password, None) == SCRAM


def test_without_tls_there_is_no_channel_binding() -> None:
    assert hindered(["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"], "user", "pencil", None) == BOUND
    assert hindered(["SCRAM-SHA-1"], "user", "contraseña", None) == frozenset()
    assert hindered(["PLAIN"], "user", "emoji 😀", None) == frozenset()


def test_a_fault_of_the_server_is_told_without_what_a_server_would_be_told(dialogue: Dialogue) -> None:
    scram, _, challenge, _, _ = dialogue
    with pytest.raises(OutOfTurn, match=r"Client nonce doesn't match$"):
        scram.respond(challenge.replace("r=", "r=other").encode())
