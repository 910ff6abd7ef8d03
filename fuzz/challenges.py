"""Fuzzes the challenges of a server in AUTH (RFC 4954 section 4), for each mechanism: any octets, line by line.

The laws: an answer is octets, or OutOfTurn; no other exception, never an answer of millions of rounds, and never the
password as it is but by PLAIN and LOGIN, which send it.
"""

# ruff: noqa: S101, PT017 - an oracle asserts

from __future__ import annotations

from fuzz.engine import Campaign, instrumented, main

exchange, scram, sasl = instrumented(["sendkit._smtp.exchange", "sendkit._smtp.scram", "sendkit._smtp.sasl"])

USER, PASSWORD = "ana@example.com", "c0rrect-horse"
_CLEAR = {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"}


def check(data: bytes) -> None:
    """Answer each line as a challenge. Raises AssertionError."""
    for mechanism in sasl.Mechanism:
        if mechanism not in sasl.BOUND:
            _converse(mechanism, data.split(b"\n")[:4])


def _converse(mechanism: str, challenges: list[bytes]) -> None:
    if mechanism in sasl.SCRAM:
        begun = scram.Scram(mechanism, USER, PASSWORD, tls=None, offered=False)
        nonce = begun.initial.partition(b"r=")[2]
        challenges = [line.replace(b"NONCE", nonce) for line in challenges]
    else:
        begun = exchange.begin(mechanism, USER, PASSWORD, host="smtp.example.com", port=587)
    try:
        for challenge in challenges:
            answer = begun.respond(challenge)
            assert isinstance(answer, bytes)
            assert mechanism in _CLEAR or PASSWORD.encode() not in answer
        begun.conclude()
    except exchange.OutOfTurn as refused:
        assert PASSWORD not in str(refused)
    assert begun.told is None or PASSWORD not in begun.told
    assert PASSWORD not in repr(begun)


SEEDS = (
    b"r=NONCEx,s=c2FsdHNhbHRzYWx0,i=4096\nv=YWJj\n",
    b"e=other-error\n",
    b"r=NONCEx,s=c2FsdHNhbHRzYWx0,i=9999999\n",
    b"r=NONCEx,s=,i=0\n",
    b"m=ext,r=NONCEx,s=c2FsdA==,i=4096\n",
    b'{"status":"401","schemes":"bearer","scope":"mail"}\n',
    b"<1896.697170952@postoffice.example.net>\n",
    b"VXNlcm5hbWU6\nUGFzc3dvcmQ6\n",
)
TOKENS = (
    b"r=", b"s=", b"i=", b"v=", b"e=", b"m=", b",", b"=", b"NONCE", b"4096", b"1000001", b"\n", b"\x00", b"\xff", b"{",
    b"[" * 60, b'"', b":", b"99999999999999999999", b"i=1", b"==",
)  # fmt: skip

if __name__ == "__main__":
    main(Campaign(["sendkit._smtp.exchange", "sendkit._smtp.scram"], check, SEEDS, TOKENS))
