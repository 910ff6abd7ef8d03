"""A provider's name leads to its server, and the table says of each what one must know and where that stands."""

from __future__ import annotations

import re

import pytest

from sendkit import AsyncMailer, Mailer, Provider, Security, errors
from sendkit._providers.table import OPERATORS, operator_of
from sendkit._smtp.explain import _entries, provider_of
from tests.each import each

ALL = Provider.all()


@each(ALL, called=lambda provider: provider.name)
def test_every_row_is_a_server_with_tls_and_its_source(provider: Provider) -> None:
    assert provider.server.host == provider.host
    assert provider.security is not Security.NONE
    assert (provider.port == 465) is (provider.security is Security.IMPLICIT_TLS)
    assert re.search(r"https://|\d{4}-\d\d-\d\d", provider.source)


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 30
    domains = [domain for provider in ALL for domain in provider.domains]
    assert len(domains) == len(set(domains))


@pytest.mark.parametrize(
    "name", ["gmail", "Gmail", " GMAIL ", "microsoft365", "Microsoft 365", "ses-eu-west-1", "zoho_eu"]
)
def test_a_name_is_found_however_it_is_written(name: str) -> None:
    assert Provider.named(name).host


def test_each_region_of_ses_has_its_host() -> None:
    assert Provider.named("ses-ap-southeast-2").host == "email-smtp.ap-southeast-2.amazonaws.com"
    for region in ("", "moon", "eu-west-1.evil.org/"):
        with pytest.raises(errors.ConfigurationError):
            Provider.named(f"ses-{region}")


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(errors.ConfigurationError, match="gmial") as failure:
        Provider.named("gmial")
    assert "gmail" in (failure.value.hint or "")


def test_the_address_s_domain_names_its_provider() -> None:
    assert Provider.of_domain("GoogleMail.com") == Provider.named("gmail")
    assert Provider.of_domain("example.com") is None


@each([*ALL, Provider.named("ses-eu-west-1")], called=lambda provider: provider.name)
def test_the_host_of_every_row_leads_back_to_who_runs_it(provider: Provider) -> None:
    """The same names serve `for_provider`, the explanations and the doctor."""
    operator = operator_of(provider.host)
    assert operator is not None
    assert operator.name == operator.operator == provider.operator == provider_of(None, provider.host)


@each(sorted({entry.provider for entry in _entries() if entry.provider}))
def test_every_explanation_is_of_a_provider_of_the_table(name: str) -> None:
    assert OPERATORS[name].marks, "or nobody would know its replies where the host is not known"


@pytest.mark.parametrize(
    ("old", "operator"),
    [("gmx-com", "gmx"), ("web.de", "gmx"), ("zoho-eu", "zoho"), ("outlook", "microsoft365"), ("ses-us-east-1", "ses")],
)
def test_several_servers_of_one_operator_keep_their_names(old: str, operator: str) -> None:
    assert (Provider.named(old).name, Provider.named(old).operator) == (old, operator)


def test_a_provider_of_regions_alone_is_an_error_that_says_how_to_name_one() -> None:
    with pytest.raises(errors.ConfigurationError, match="each region") as failure:
        Provider.named("ses")
    assert "ses-eu-west-1" in (failure.value.hint or "")


@pytest.mark.parametrize("host", ["gmail.com.evil.org", "notgmail.com", "", "com", "amazonaws.com.example"])
def test_a_host_that_only_looks_like_a_provider_s_is_nobody_s(host: str) -> None:
    assert operator_of(host) is None


async def test_both_mailers_are_made_that_way() -> None:
    async with AsyncMailer.for_provider("gmail", username="ana@gmail.com", password="secret") as mailer:
        assert type(mailer) is AsyncMailer
    with Mailer.for_provider("gmail", username="ana@gmail.com", password="secret", deadline=5) as other:
        assert type(other) is Mailer
