"""STARTTLS: what is said in the clear counts for nothing afterwards, and without it nothing is said at all.

Response injection: aiosmtplib (CVE-2026-55558, GHSA-vxj7-4xrp-5vr4), mutt (CVE-2020-14954), Claws Mail
(CVE-2020-15917), LibEtPan (CVE-2020-15953), curl (CVE-2021-22947), Exim (CVE-2021-38371), MailKit
(GHSA-9j88-vvj5-vhgr), nodemailer; all after Postfix (CVE-2011-0411). Stripping by smtplib (CVE-2016-0772),
curl (CVE-2021-22946), Django (CVE-2026-7666). RFC 3207 sections 4.2 and 6, RFC 8314 section 4.1.
"""

from __future__ import annotations

import pytest

from sendkit import DeliveryResult, Mailer, Outcome, RetryPolicy, Security, Server, Timeouts, errors
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import ANA, LUIS, message, outcomes
from tests.servers.authority import Authority
from tests.servers.scripted import AUTH, BASE, ScriptedServer
from tests.wire.conftest import Account, Start

# A constant of this module, and in no local variable: tracebacks are searched for it.
SECRET = "correct horse, battery"
IN_THE_CLEAR = {"EHLO", "HELO", "STARTTLS", "QUIT"}
INJECTED = [
    b"250 2.0.0 Ok\r\n",
    b"250-evil.example\r\n250 AUTH PLAIN LOGIN\r\n",
    b"250-evil.example\r\n250-AUTH LOGIN\r\n250-SIZE 1\r\n250 PIPELINING\r\n",
    b"250-AUTH LOGIN",  # a fragment that would stand before the first line inside TLS
    b"250",
    b"2",
    b"\r\n",
    b"\n",
    b"235 2.7.0 welcome\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 taken\r\n",
    b"421 4.7.0 go away\r\n",
    b"x",
]


def _made(server: ScriptedServer) -> ScriptedServer:
    server.users[ANA] = SECRET
    return server


def _check_silence(server: ScriptedServer, result: DeliveryResult) -> None:
    """Nothing was taken, and nothing but the way into TLS was said in the clear."""
    assert set(outcomes(result).values()) == {Outcome.DEFERRED}
    assert server.accepted == []
    for connection in server.connections:
        said = {line.text.split(" ")[0].upper() for line in connection.lines if not line.tls}
        assert said <= IN_THE_CLEAR


@pytest.mark.parametrize("stray", INJECTED, ids=range(len(INJECTED)))
@pytest.mark.parametrize("place", ["on_starttls", "on_ehlo", "on_connect"])
async def test_starttls_response_injection_counts_for_nothing(
    start: Start, account: Account, place: str, stray: bytes
) -> None:
    """CVE-2026-55558, CVE-2020-14954, CVE-2020-15917, CVE-2020-15953, CVE-2021-22947, CVE-2021-38371, CVE-2011-0411.

    The mail is taken by what the server says inside TLS, or not at all; the secret is sent inside TLS, or not at all.
    """
    server = _made(start())
    getattr(server, place)().stray(stray)
    with assert_no_secret_leaks(SECRET) as watch:
        async with account(
            server, password=SECRET, timeouts=Timeouts(greeting=60, command=60), transcript=True
        ) as mailer:
            result = await mailer.send(message(), check=False)
        watch.look_at(result, [connection.octets(tls=False) for connection in server.connections])
    if result.ok:
        assert len(server.accepted) == 1
        assert str(result.recipients[LUIS].reply).startswith("250 2.0.0")
        assert "evil" not in result.model_dump_json()
    else:
        _check_silence(server, result)


async def test_starttls_response_injection_does_not_choose_the_mechanism(start: Start, account: Account) -> None:
    """GHSA-9j88-vvj5-vhgr: what EHLO said in the clear is forgotten, be it mechanisms, SIZE or extensions."""
    clear = ["STARTTLS", "AUTH LOGIN", "SIZE 1", "PIPELINING", "CHUNKING", "SMTPUTF8"]
    server = _made(start(capabilities=clear, capabilities_in_tls=["AUTH PLAIN"]))
    async with account(server, password=SECRET) as mailer:
        assert (await mailer.send(message())).ok
    (connection,) = server.connections
    assert "AUTH PLAIN" in connection.octets(tls=True).decode()[:200]
    assert not {"AUTH LOGIN", "BDAT"} & set(connection.commands)
    assert b"SIZE=" not in connection.octets()


REFUSALS = [
    "454 4.7.0 not now", "502 5.5.1 what", "554 5.7.3 never", "250 2.0.0 not ready", "200 what", "354 go", "421 bye",
]  # fmt: skip


@pytest.mark.parametrize("reply", REFUSALS)
async def test_starttls_stripping_by_a_refusal_gets_neither_secret_nor_mail(
    start: Start, account: Account, reply: str
) -> None:
    """CVE-2016-0772, CVE-2026-7666: a STARTTLS that fails ends the session; nothing goes on in the clear."""
    server = _made(start(capabilities=[*BASE, "STARTTLS", AUTH]))
    server.on_starttls().raw(reply.encode() + b"\r\n", accept=False)
    retry = RetryPolicy(max_attempts=3, wait=lambda _: 0)
    async with account(server, password=SECRET, retry=retry, timeouts=Timeouts(greeting=60, command=60)) as mailer:
        for _ in range(2):  # nor does a second message find a connection that is half made
            _check_silence(server, await mailer.send(message(), check=False))
    assert server.auth_commands == 0


@pytest.mark.parametrize(
    "capabilities", [[AUTH], [*BASE, AUTH], [], ["STARTTLS2", AUTH], ["XSTARTTLS"], ["AUTH STARTTLS"]]
)
async def test_starttls_stripping_by_silence_gets_neither_secret_nor_mail(
    start: Start, account: Account, capabilities: list[str]
) -> None:
    """CVE-2021-22946 and every client that takes STARTTLS when it is offered only."""
    server = _made(start(capabilities=capabilities))
    async with account(server, password=SECRET, retry=RetryPolicy(max_attempts=3, wait=lambda _: 0)) as mailer:
        with pytest.raises(errors.TLSError) as refused:
            await mailer.send(message())
    assert not refused.value.transient
    _check_silence(server, refused.value.result)  # type: ignore[arg-type]
    assert server.auth_commands == 0


@pytest.mark.parametrize("code", [500, 502])
async def test_starttls_stripping_by_a_server_that_knows_no_ehlo_gets_nothing(
    start: Start, account: Account, code: int
) -> None:
    server = _made(start())
    server.on_ehlo(nth=1).reply(f"{code} what?")
    async with account(server, password=SECRET) as mailer:
        _check_silence(server, await mailer.send(message(), check=False))
    assert server.auth_commands == 0


def test_nothing_turns_the_demand_for_tls_into_a_wish(authority: Authority) -> None:
    """There is no opportunistic setting; without TLS a login goes to this machine only."""
    assert {item.value for item in Security} == {"starttls", "implicit_tls", "none"}
    assert Server("smtp.example.com", 25).security is Security.STARTTLS
    for host in ("smtp.example.com", "192.0.2.1", "localhost.evil.example", "127.0.0.1.evil.example"):
        with pytest.raises(errors.ConfigurationError):
            Mailer(Server(host, 25, Security.NONE), username=ANA, password="x")
