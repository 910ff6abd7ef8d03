"""What the DNS says of the sender's domain is read as its receivers read it, and each gap says what closes it."""

from __future__ import annotations

import sys

import pytest

from sendkit import Finding, Server
from sendkit._doctor import Check, Status
from sendkit._doctor.domain import _own_keys, examine_domain
from sendkit._message.dkim import Signer
from sendkit._seam.limits import Limits
from sendkit._transport.smtp import SMTPTransport
from tests.servers.nameserver import NameServer

from .conftest import well


async def found(
    change: dict[str, list[str]] | None = None,
    *,
    domain: str = "example.com",
    host: str = "smtp.example.com",
    username: str = "ana@example.com",
    selector: str | None = None,
) -> dict[Check, Finding]:
    """What is said of a domain whose records are well except for this change; an empty list takes one away."""
    account = SMTPTransport(Server(host), username=username, credentials=None, limits=Limits(1))
    with NameServer({}, texts={**well("example.com"), **(change or {})}) as dns:
        findings = await examine_domain(domain, account, selector, dns.resolver, 20)
    return {finding.check: finding for finding in findings}


async def test_a_domain_that_has_all_is_ok() -> None:
    findings = await found()
    assert {finding.status for finding in findings.values()} == {Status.OK}
    assert list(findings) == [Check.SPF, Check.DKIM, Check.DMARC, Check.ALIGNMENT]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "says nothing of who may send"),
        (['"v=spf10 -all"'], "says nothing of who may send"),
        (['"v=spf1 -all"', '"v=spf1 ~all"'], "2 SPF records, so that none counts"),
        (['"v=spf1 +all"'], "allows everybody"),
        (['"v=spf1 a all"'], "allows everybody"),
    ],
)
async def test_spf_that_helps_nobody_is_warned_of(records: list[str], words: str) -> None:
    spf = (await found({"example.com": records}))[Check.SPF]
    assert (spf.status, bool(spf.remedy)) == (Status.WARNING, True)
    assert words in spf.text


async def test_spf_that_leaves_a_known_provider_out_is_warned_of() -> None:
    spf = (await found(host="smtp.gmail.com"))[Check.SPF]
    assert (spf.status, spf.remedy) == (Status.WARNING, "add include:_spf.google.com")
    named = {"example.com": ['"v=spf1 include:_spf" ".google.com ~all"']}
    assert (await found(named, host="smtp.gmail.com"))[Check.SPF].status is Status.OK


@pytest.mark.parametrize(
    ("records", "selector", "words"),
    [
        ([], None, "no key under the usual selectors"),
        (['"v=DKIM1; p="'], None, "revoked"),
        (['"v=DKIM1; p=AAAA"'], "other", "other._domainkey.example.com has no key"),
    ],
)
async def test_a_key_that_is_missing_or_revoked_is_warned_of(
    records: list[str], selector: str | None, words: str
) -> None:
    dkim = (await found({"mail._domainkey.example.com": records}, selector=selector))[Check.DKIM]
    assert (dkim.status, bool(dkim.remedy)) == (Status.WARNING, True)
    assert words in dkim.text


async def test_the_selectors_of_a_known_provider_are_looked_for() -> None:
    key = {"selector2._domainkey.example.com": ['"v=DKIM1; p=AAAA"'], "mail._domainkey.example.com": []}
    dkim = (await found(key, host="smtp.office365.com"))[Check.DKIM]
    assert (dkim.status, dkim.text) == (Status.OK, "selector2._domainkey.example.com has a key (rsa)")


async def test_the_policy_of_the_domain_above_holds() -> None:
    dmarc = (await found(domain="mail.example.com"))[Check.DMARC]
    assert (dmarc.status, dmarc.text.startswith("_dmarc.example.com: ")) == (Status.OK, True)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "has no policy"),
        (['"v=DMARC1; p=maybe"'], "p= is not a policy"),
        (['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], "2 records"),
    ],
)
async def test_a_policy_that_is_none_is_warned_of(records: list[str], words: str) -> None:
    dmarc = (await found({"_dmarc.example.com": records}))[Check.DMARC]
    assert (dmarc.status, bool(dmarc.remedy)) == (Status.WARNING, True)
    assert words in dmarc.text


async def test_a_sender_of_another_domain_than_the_account_s_is_warned_of() -> None:
    assert (await found(username="ana@example.net"))[Check.ALIGNMENT].status is Status.WARNING
    assert (await found(username="ana@mail.example.com"))[Check.ALIGNMENT].status is Status.OK
    assert (await found(username="apikey"))[Check.ALIGNMENT].status is Status.OK


async def test_the_address_of_a_mailbox_provider_goes_through_that_provider() -> None:
    alignment = (await found(domain="gmail.com"))[Check.ALIGNMENT]
    assert (alignment.status, "send through smtp.gmail.com" in (alignment.remedy or "")) == (Status.WARNING, True)
    own = await found(domain="gmail.com", username="ana@gmail.com", host="smtp.gmail.com")
    assert own[Check.ALIGNMENT].status is Status.OK


async def test_a_name_server_that_fails_or_says_nothing_is_a_warning_within_the_limit() -> None:
    account = SMTPTransport(Server("smtp.example.com"), username="ana", credentials=None, limits=Limits(1))
    for settings, words in (({"broken": True}, "did not answer for"), ({"silent": True}, "within 0.2 s")):
        with NameServer({}, **settings) as dns:
            findings = await examine_domain("example.com", account, None, dns.resolver, 0.2)
        assert [finding.status for finding in findings[:3]] == [Status.WARNING] * 3
        assert all(words in finding.text for finding in findings[:3])


async def test_without_dnspython_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "dns"]:
        monkeypatch.setitem(sys.modules, name, None)
    account = SMTPTransport(Server("smtp.example.com"), username="ana", credentials=None, limits=Limits(1))
    findings = await examine_domain("example.com", account, None, None, 5)
    assert all(".[dns]" in (finding.remedy or "") for finding in findings[:3])


@pytest.mark.parametrize(
    ("records", "domain", "status", "words"),
    [
        (['"v=DKIM1; k=ed25519; p=QUJD"'], "example.com", Status.OK, "signs with"),
        (['"v=DKIM1; k=ed25519; p=QUJD"'], "mail.example.com", Status.OK, "signs with"),
        (['"v=DKIM1; k=ed25519; p=QUJE"'], "example.com", Status.WARNING, "another key"),
        ([], "example.com", Status.WARNING, "no key"),
        (['"v=DKIM1; k=ed25519; p=QUJD"'], "example.net", Status.WARNING, "DMARC does not count"),
    ],
)
async def test_the_keys_of_the_mailer_are_compared_with_the_dns(
    records: list[str], domain: str, status: Status, words: str
) -> None:
    async def ask(_name: str) -> list[str]:
        return [text.strip('"') for text in records]

    signer = Signer("example.com", "s1", "ed25519-sha256", bytes, "v=DKIM1; k=ed25519; p=QUJD")
    found, text, remedy = await _own_keys(domain, [signer], ask)
    assert (found, words in text, bool(remedy)) == (status, True, status is not Status.OK)
