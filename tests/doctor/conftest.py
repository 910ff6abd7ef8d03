"""A domain whose records are as they should be, a server for each kind of trouble, and Ana's account on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sendkit import AsyncMailer, Security, Server
from tests.servers.authority import Authority, Certificate
from tests.servers.nameserver import NameServer
from tests.servers.scripted import ScriptedServer

USER, PASSWORD = "ana@example.com", "correct horse"
Start = Callable[..., ScriptedServer]
Account = Callable[..., AsyncMailer]


def well(domain: str) -> dict[str, list[str]]:
    """The TXT records of a domain that has all of them."""
    return {
        domain: ['"a note"', '"v=spf1 include:_spf.example.net -all"'],
        f"mail._domainkey.{domain}": ['"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'],
        f"_dmarc.{domain}": ['"v=DMARC1; p=reject"'],
    }


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The name server of the system."""
    with NameServer({}, texts={**well("example.com"), **well("example.test")}) as server:
        monkeypatch.setattr("dns.asyncresolver.default_resolver", server.resolver)
        yield server


@pytest.fixture
def start(authority: Authority) -> Iterator[Start]:
    """Start a server that ends with the test: `start(implicit_tls=True, certificate=…)`; STARTTLS by default."""
    with ExitStack() as stack:

        def begin(certificate: Certificate = Certificate.GOOD, **settings: Any) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(tls=authority.server_context(certificate), **settings))

        yield begin


@pytest.fixture
def account(authority: Authority) -> Account:
    """Make Ana's mailer for a server: `account(server, security=…, password=…)`."""

    def make(server: ScriptedServer, security: Security = Security.STARTTLS, **settings: Any) -> AsyncMailer:
        place = Server("localhost", server.port, security, ca_file=authority.ca_file)
        if "credentials" not in settings:
            settings = {"password": PASSWORD, **settings}
        return AsyncMailer(place, **{"username": USER, **settings})

    return make
