"""A mail address leads to its server by SRV records, taken in their order, and never to a stranger's."""

from __future__ import annotations

from collections import Counter

import pytest

from sendkit import AsyncMailer, Mailer, Security, errors
from sendkit._accounts.discovery import discover
from sendkit._server.server import Server
from tests.servers.nameserver import NameServer

ANA = "ana@example.com"
TLS, STARTTLS = "_submissions._tcp.example.com", "_submission._tcp.example.com"


async def found(records: dict[str, list[str]], address: str = ANA, **settings: object) -> Server:
    """The server that a domain with these records leads to."""
    with NameServer(records) as dns:
        account, *_ = await discover(address, resolver=dns.resolver, **settings)  # type: ignore[arg-type]
    assert account.username == address
    return account.server


async def test_implicit_tls_goes_before_starttls() -> None:
    server = await found({TLS: ["9 1 465 mail.example.com."], STARTTLS: ["0 1 587 smtp.example.com."]})
    assert (server.address, server.security) == ("mail.example.com:465", Security.IMPLICIT_TLS)


async def test_starttls_is_taken_where_there_is_no_implicit_tls() -> None:
    server = await found({STARTTLS: ["0 1 2587 smtp.example.com."]})
    assert (server.address, server.security) == ("smtp.example.com:2587", Security.STARTTLS)


async def test_a_lone_dot_says_that_there_is_no_such_service() -> None:
    server = await found({TLS: ["0 0 0 ."], STARTTLS: ["0 1 587 smtp.example.com."]})
    assert server.security is Security.STARTTLS


async def test_the_lowest_priority_number_is_the_first() -> None:
    records = ["20 100 465 c.example.com.", "10 0 465 a.example.com.", "15 50 465 b.example.com."]
    assert (await found({TLS: records})).host == "a.example.com"


async def test_the_others_stand_behind_it_as_backup_servers() -> None:
    records = {TLS: ["20 0 465 b.example.com.", "10 0 2465 a.example.com."], STARTTLS: ["0 0 587 c.example.com."]}
    with NameServer(records) as dns:
        accounts = await discover(ANA, resolver=dns.resolver)
    assert [(one.server.address, one.username) for one in accounts] == [
        ("a.example.com:2465", ANA),
        ("b.example.com:465", ANA),
    ]


async def test_one_of_another_domain_among_them_is_not_trusted_either() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"evil\.example\.org"):
        await found({TLS: ["10 0 465 a.example.com.", "20 0 465 evil.example.org."]})


async def test_within_a_priority_the_weight_is_a_likelihood() -> None:
    """RFC 2782: ninety-nine to one."""
    records = ["10 99 465 often.example.com.", "10 1 465 seldom.example.com."]
    hosts = Counter([(await found({TLS: records})).host for _ in range(40)])
    assert hosts["often.example.com"] > hosts["seldom.example.com"]


async def test_a_server_of_another_domain_is_not_trusted_and_named() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"evil\.example\.org") as failure:
        await found({TLS: ["0 1 465 evil.example.org."]})
    assert 'trust=["evil.example.org"]' in (failure.value.hint or "")


@pytest.mark.parametrize("target", ["notexample.com.", "example.com.evil.org.", "com."])
async def test_a_server_that_only_looks_like_the_domain_s_is_another_s(target: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="another domain"):
        await found({TLS: [f"0 1 465 {target}"]})


async def test_the_caller_may_trust_a_server_by_name() -> None:
    records = {TLS: ["0 1 465 smtp.hoster.example.net."]}
    assert (await found(records, trust=["smtp.hoster.example.net"])).host == "smtp.hoster.example.net"


async def test_the_server_of_a_known_provider_is_trusted() -> None:
    assert (await found({TLS: ["0 1 465 smtp.fastmail.com."]})).host == "smtp.fastmail.com"


async def test_a_domain_that_says_nothing_is_an_error_that_says_what_to_do() -> None:
    for records in ({}, {TLS: [], STARTTLS: []}):
        with pytest.raises(errors.ConfigurationError, match="does not say in the DNS") as failure:
            await found(records)
        assert "Mailer(" in (failure.value.hint or "")
        assert failure.value.transient is False


async def test_a_name_server_that_fails_may_be_asked_again() -> None:
    with (
        NameServer({}, broken=True) as dns,
        pytest.raises(errors.ConfigurationError, match="did not answer") as failure,
    ):
        await discover(ANA, resolver=dns.resolver)
    assert failure.value.transient is True


async def test_the_domain_of_a_well_known_provider_is_not_asked_for() -> None:
    with NameServer({}) as dns:
        (account,) = await discover("ana@gmail.com", resolver=dns.resolver)
    assert account.server.host == "smtp.gmail.com"
    assert dns.asked == []


@pytest.mark.parametrize("address", ["", "ana", "ana@", "ana@exa mple.com", "Ana <ana@example.com>"])
async def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="not a mail address"):
        await discover(address)


async def test_a_domain_beyond_ascii_is_asked_for_by_its_a_label() -> None:
    with NameServer({"_submissions._tcp.xn--espaa-rta.es": ["0 1 465 smtp.xn--espaa-rta.es."]}) as dns:
        (account,) = await discover("ana@españa.es", resolver=dns.resolver)
    assert account.server.host == "smtp.xn--espaa-rta.es"


async def test_both_mailers_are_made_that_way() -> None:
    with NameServer({TLS: ["0 1 465 smtp.example.com."]}) as dns:
        async with await AsyncMailer.discover(ANA, resolver=dns.resolver, password="secret") as mailer:
            assert type(mailer) is AsyncMailer


def test_the_synchronous_one_waits() -> None:
    with NameServer({TLS: ["0 1 465 smtp.example.com."]}) as dns:
        with Mailer.discover(ANA, resolver=dns.resolver, password="secret") as mailer:
            assert type(mailer) is Mailer
        with pytest.raises(errors.ConfigurationError, match="does not say"):
            Mailer.discover("ana@example.org", resolver=dns.resolver)
