"""The line that names the fault stands first, whatever is wrong with a server; nothing is sent, one login is spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from sendkit import AsyncMailer, Diagnosis, Mailer, MemoryTransport, Message, Security, Server, errors
from sendkit._doctor import Check, Status
from sendkit._providers import table
from sendkit._providers.provider import Provider
from sendkit.testing import assert_no_secret_leaks
from tests.servers.authority import Authority, Certificate
from tests.servers.postfix import Postfix
from tests.servers.scripted import ScriptedServer

from .asking import checks, diagnosis_of, fault_of
from .conftest import PASSWORD, USER, Account, Start


def test_a_healthy_postfix_has_every_line_ok(postfix: Postfix) -> None:
    ana = "ana@example.test"
    server = Server(postfix.host, postfix.starttls_port, ca_file=postfix.ca_file)
    with Mailer(server, username=ana, password=postfix.users[ana]) as mailer:
        diagnosis = mailer.diagnose(to="luis@example.test")
    assert diagnosis.ok
    assert checks(diagnosis) == [check for check in Check if check not in (Check.ENVIRONMENT, Check.MESSAGE)]
    told = {finding.check: finding.text for finding in diagnosis.findings}
    assert "::1" in told[Check.RESOLVE] or "127.0.0.1" in told[Check.RESOLVE]
    assert told[Check.TLS].startswith("TLSv1.3")
    assert "localhost" in told[Check.CERTIFICATE]
    assert "PLAIN" in told[Check.MECHANISMS]
    assert told[Check.SECRET] == "from the program (password=)"
    assert f"{postfix.message_size_limit:,}" in told[Check.SIZE]
    (session,) = postfix.sessions()
    assert [session.tried.get(verb) for verb in ("auth", "mail", "rcpt", "data")] == [1, 1, 1, None]
    assert postfix.mailbox("luis") == []


async def test_a_wrong_password_is_the_first_line_and_is_sent_once(start: Start, account: Account) -> None:
    server = start()
    with assert_no_secret_leaks("wrong, and secret") as watch:
        for _ in range(2):
            fault = await fault_of(account(server, password="wrong, and secret"))
            assert fault.check is Check.LOGIN
            assert "535 5.7.8" in fault.text
            assert "the secret came from the program (password=)" in fault.text
            assert "app password" in (fault.remedy or "")
            watch.look_at(fault)
    assert server.auth_commands == 1


async def test_a_secret_refused_before_is_not_sent_again_and_the_rest_is_looked_at(
    start: Start, account: Account
) -> None:
    server = start()
    await fault_of(account(server, password="wrong"))
    diagnosis = await diagnosis_of(account(server, password="wrong"))
    assert "does not send it again" in diagnosis.findings[0].text
    assert {Check.TLS, Check.MECHANISMS} <= set(checks(diagnosis))


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (Certificate.EXPIRED, ("certificate has expired", "for localhost, 127.0.0.1, ::1", "expired 1 day ago")),
        (Certificate.WRONG_HOST, ("mismatch", "for other.example.test, issued by", "valid until")),
        (Certificate.NOT_YET_VALID, ("not yet valid", "valid from")),
        (Certificate.UNKNOWN_CA, ("unable to get local issuer", "issued by trustme")),
    ],
)
async def test_a_certificate_that_is_no_good_is_described_and_nothing_is_said_to_its_server(
    start: Start, account: Account, certificate: Certificate, words: tuple[str, ...], implicit: bool
) -> None:
    server = start(certificate, implicit_tls=implicit)
    fault = await fault_of(account(server, Security.IMPLICIT_TLS if implicit else Security.STARTTLS))
    assert fault.check is Check.TLS
    assert all(word in fault.text for word in words)
    assert server.auth_commands == 0


async def test_a_key_that_is_not_pinned_is_described(start: Start, authority: Authority) -> None:
    server = start()
    place = Server("localhost", server.port, ca_file=authority.ca_file, pins=["A" * 43 + "="])
    fault = await fault_of(AsyncMailer(place, username=USER, password=PASSWORD))
    assert fault.check is Check.TLS
    assert "pins=" in fault.text
    assert "for localhost" in fault.text


async def test_a_file_of_authorities_that_is_gone_is_named(start: Start, authority: Authority, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.ca_file.read_bytes())
    place = Server("localhost", start().port, ca_file=ca_file)
    ca_file.unlink()
    fault = await fault_of(AsyncMailer(place, username=USER, password=PASSWORD))
    assert (fault.check, "ca_file: no such file" in fault.text) == (Check.TLS, True)


async def test_a_server_without_auth_is_named_as_such(start: Start, account: Account) -> None:
    fault = await fault_of(account(start(capabilities_in_tls=["SIZE 1000"])))
    assert fault.check is Check.MECHANISMS
    assert "it offers none" in fault.text
    assert "mechanism=" in (fault.remedy or "")


async def test_a_server_with_mechanisms_of_others_alone_is_named_as_such(start: Start, account: Account) -> None:
    diagnosis = await diagnosis_of(account(start(capabilities_in_tls=["AUTH GSSAPI NTLM"])))
    assert [f.text for f in diagnosis.findings if f.check is Check.MECHANISMS] == [diagnosis.findings[0].text]
    assert "it offers GSSAPI, NTLM" in diagnosis.findings[0].text


async def test_a_server_without_starttls_is_named_as_such(start: Start, account: Account) -> None:
    server = start(capabilities=["AUTH PLAIN"])
    fault = await fault_of(account(server))
    assert (fault.check, fault.text) == (Check.TLS, "the server offers no STARTTLS")
    assert server.auth_commands == 0


async def test_a_token_that_cannot_be_had_for_now_is_a_secret_that_may_come(start: Start, account: Account) -> None:
    def asked(host: str, username: str) -> str:
        error = errors.CredentialsError("the authorization server is away", hint="wait for it")
        error.transient = True
        raise error

    diagnosis = await diagnosis_of(account(start(), credentials=asked))
    fault = diagnosis.findings[0]
    assert (fault.check, fault.text, fault.transient) == (Check.SECRET, "the authorization server is away", True)
    assert Check.MECHANISMS in checks(diagnosis)


async def test_where_nobody_logs_in_a_server_that_wants_it_says_so(start: Start, authority: Authority) -> None:
    server = start(auth_required=True)
    place = Server("localhost", server.port, ca_file=authority.ca_file)
    fault = await fault_of(AsyncMailer(place), sender=USER)
    assert (fault.check, "give a username" in (fault.remedy or "")) == (Check.MAIL, True)


async def test_mail_without_tls_is_warned_of() -> None:
    with ScriptedServer() as server:
        place = Server("127.0.0.1", server.port, Security.NONE)
        diagnosis = await diagnosis_of(AsyncMailer(place), sender=USER)
    assert checks(diagnosis, Status.WARNING) == [Check.TLS]


@pytest.mark.parametrize(("command", "check"), [("on_mail", Check.MAIL), ("on_rcpt", Check.RCPT)])
async def test_an_envelope_that_is_refused_says_whose_address_it_is(
    start: Start, account: Account, command: str, check: Check
) -> None:
    server = start()
    getattr(server, command)().reply("550 5.7.60 not yours to send as")
    fault = await fault_of(account(server), to="luis@example.com")
    assert fault.check is check
    assert ("from <ana@example.com>" if check is Check.MAIL else "to <luis@example.com>") in fault.text
    assert "DATA" not in server.lines()


async def test_an_address_beyond_ascii_is_asked_for_where_the_server_takes_such(start: Start, account: Account) -> None:
    able, unable = start(), start(capabilities_in_tls=["AUTH PLAIN"])
    assert (await diagnosis_of(account(able), to="josé@example.com")).ok
    assert {"MAIL FROM:<ana@example.com> SMTPUTF8", "RCPT TO:<josé@example.com>"} <= set(able.lines())
    fault = await fault_of(account(unable), to="josé@example.com")
    assert (fault.check, "needs SMTPUTF8" in fault.text) == (Check.RCPT, True)
    assert not any(line.startswith("MAIL") for line in unable.lines())


async def test_what_is_asked_is_taken_back(start: Start, account: Account) -> None:
    server = start()
    assert (await diagnosis_of(account(server))).ok
    said = [line.split(" ")[0] for line in server.lines()]
    assert said == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "RSET", "QUIT"]
    assert server.accepted == []


async def test_a_username_that_is_no_address_needs_a_sender(start: Start, account: Account) -> None:
    server = start(users={"apikey": PASSWORD})
    diagnosis = await diagnosis_of(account(server, username="apikey"))
    assert checks(diagnosis, Status.WARNING) == [Check.MAIL]
    assert "--from" in (diagnosis.findings[0].remedy or "")
    assert not any(line.startswith("MAIL") for line in server.lines())
    assert Check.RCPT in checks(await diagnosis_of(account(server, username="apikey"), sender="Ana <ana@example.com>"))


async def test_each_of_several_servers_is_looked_at(start: Start, authority: Authority) -> None:
    good, bad = start(), start(Certificate.EXPIRED)
    places = [Server("localhost", one.port, ca_file=authority.ca_file) for one in (good, bad)]
    fault = await fault_of(AsyncMailer(places, username=USER, password=PASSWORD))
    assert fault.server == f"localhost:{bad.port}"
    assert good.auth_commands == 1


async def test_a_mailer_without_a_server_has_nothing_to_examine() -> None:
    async with AsyncMailer(transport=MemoryTransport()) as mailer:
        with pytest.raises(errors.ConfigurationError, match="no server to examine"):
            await mailer.diagnose()


@pytest.mark.parametrize("setting", ["sender", "to"])
async def test_an_address_that_is_none_is_refused(start: Start, account: Account, setting: str) -> None:
    server: ScriptedServer = start()
    async with account(server) as mailer:
        with pytest.raises(errors.ConfigurationError, match=setting):
            await mailer.diagnose(**{setting: "nobody"})
    assert server.connections == []


async def test_a_diagnosis_survives_json(start: Start, account: Account) -> None:
    diagnosis = await diagnosis_of(account(start()))
    assert Diagnosis.model_validate_json(diagnosis.model_dump_json()) == diagnosis


async def test_a_message_is_looked_at_too(start: Start, account: Account) -> None:
    message = Message(sender=USER, to="luis@example.com", subject="x", html='<a href="http://x.org">x</a>')
    diagnosis = await diagnosis_of(account(start()), message=message)
    (found,) = [finding for finding in diagnosis.findings if finding.check is Check.MESSAGE]
    assert (found.status, "not https" in found.text) == (Status.WARNING, True)
    assert found.remedy
    well = await diagnosis_of(
        account(start()), message=Message(sender=USER, to="luis@example.com", subject="x", text="x")
    )
    assert [finding.status for finding in well.findings if finding.check is Check.MESSAGE] == [Status.OK]


@pytest.mark.parametrize("rate", [None, "30/minute"])
async def test_the_rate_of_a_provider_is_suggested(
    rate: str | None, start: Start, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(table._OF_HOSTS, "localhost", Provider.named("microsoft365"))
    diagnosis = await diagnosis_of(account(start(), rate=rate))
    (found,) = [finding for finding in diagnosis.findings if finding.check is Check.SIZE]
    assert "30/minute of one mailbox (microsoft365)" in found.text
    assert (found.remedy is None) == (rate is not None)


async def test_where_a_provider_documents_no_rate_its_limits_are_named(
    start: Start, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(table._OF_HOSTS, "localhost", Provider.named("gmail"))
    diagnosis = await diagnosis_of(account(start()))
    (found,) = [finding for finding in diagnosis.findings if finding.check is Check.SIZE]
    assert ("500 messages a day" in found.text, found.remedy) == (True, None)
