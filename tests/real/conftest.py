"""The password of Ana's account in a real Secret Service, where sendkit looks for it; Exim and OpenSMTPD."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from .exim import Exim
from .opensmtpd import OpenSMTPD
from .post import ANA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.authority import Authority
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService

_REQUIRED = os.environ.get("SENDKIT_REQUIRE_SERVERS") == "1"


@pytest.fixture
def in_keyring(postfix: Postfix, secret_service: SecretService) -> SecretService:
    """The Secret Service, which holds the right password."""
    secret_service.set(f"sendkit:{postfix.host}", ANA, postfix.users[ANA])
    return secret_service


@pytest.fixture
def wrong_in_keyring(postfix: Postfix, secret_service: SecretService) -> SecretService:
    """The Secret Service, which holds a wrong password."""
    secret_service.set(f"sendkit:{postfix.host}", ANA, "not-what-ana-likes")
    return secret_service


@pytest.fixture(scope="session")
def exim_server(authority: Authority) -> Iterator[Exim]:
    """One Exim for the whole run. Its packages are downloaded, so it is started only where servers are required."""
    if not _REQUIRED:
        pytest.skip("Exim's packages are downloaded for these tests: set SENDKIT_REQUIRE_SERVERS=1 to allow it")
    if missing := Exim.missing():
        pytest.fail(missing, pytrace=False)
    with closing(Exim(authority)) as server:
        yield server


@pytest.fixture(scope="session")
def opensmtpd() -> Iterator[OpenSMTPD]:
    """One OpenSMTPD for the whole run; its package is downloaded, as Exim's are."""
    if not _REQUIRED:
        pytest.skip("OpenSMTPD's package is downloaded for these tests: set SENDKIT_REQUIRE_SERVERS=1 to allow it")
    if missing := OpenSMTPD.missing():
        pytest.fail(missing, pytrace=False)
    with OpenSMTPD() as server:
        yield server


@pytest.fixture
def exim(exim_server: Exim) -> Exim:
    """The same with an empty queue and empty mailboxes, a fresh greylist and a new log."""
    exim_server.reset()
    return exim_server
