"""A scripted server for each kind of security, and a mailer that has an account on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sendkit import AsyncMailer, RetryPolicy, Security, Server
from tests.servers.authority import Authority, Certificate
from tests.servers.scripted import ScriptedServer

USER, PASSWORD = "ana@example.com", "correct horse"
Start = Callable[..., ScriptedServer]
Account = Callable[..., AsyncMailer]


@pytest.fixture
def start(authority: Authority) -> Iterator[Start]:
    """Start a server that ends with the test: `start(security=Security.IMPLICIT_TLS, users=…)`; STARTTLS by default."""
    with ExitStack() as stack:

        def begin(
            security: Security = Security.STARTTLS, certificate: Certificate = Certificate.GOOD, **settings: Any
        ) -> ScriptedServer:
            tls = None if security is Security.NONE else authority.server_context(certificate)
            implicit = security is Security.IMPLICIT_TLS
            return stack.enter_context(ScriptedServer(tls=tls, implicit_tls=implicit, **settings))

        yield begin


@pytest.fixture
def server(start: Start) -> ScriptedServer:
    """A submission server with STARTTLS."""
    return start()


@pytest.fixture
def account(authority: Authority) -> Account:
    """Make a mailer for a server: `account(server, username=None, host="localhost")`; Ana's, and without retries."""

    def make(server: ScriptedServer, **settings: Any) -> AsyncMailer:
        usual = Security.NONE if server.tls is None else Security.STARTTLS
        security = settings.pop("security", Security.IMPLICIT_TLS if server.implicit_tls else usual)
        context = authority.client_context() if security is not Security.NONE else None
        place = {"host": server.host, "port": server.port, "tls_context": context}
        place |= {
            key: settings.pop(key)
            for key in ("host", "port", "timeouts", "tls_context", "local_hostname", "known_hosts")
            if key in settings
        }
        account = {"username": USER, "password": PASSWORD, "retry": RetryPolicy(max_attempts=1), **settings}
        if account["username"] is None or "credentials" in account:
            del account["password"]
        return AsyncMailer(Server(security=security, **place), **account)

    return make
