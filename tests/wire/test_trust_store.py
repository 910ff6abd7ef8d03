"""Whom this machine trusts is read from its own store: not there, not readable for now, and there again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sendkit import AsyncMailer, Server, errors
from sendkit._smtp.reason import Reason
from tests.accounts import LUIS, ONCE, message
from tests.own_process import limit
from tests.servers.authority import Authority

from .conftest import PASSWORD, USER, Start

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the store of OpenSSL is Linux's")


def mailer(port: int) -> AsyncMailer:
    """One that verifies by what the machine has."""
    return AsyncMailer(Server("localhost", port), username=USER, password=PASSWORD, retry=ONCE)


def every_descriptor() -> list[int]:
    """Take all that are free."""
    held: list[int] = []
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        return held


async def test_a_machine_without_authorities_is_named_as_such(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with mailer(start().port) as sender:
        with pytest.raises(errors.TLSError) as refused:
            await sender.send(message())
    assert refused.value.why is Reason.NO_TRUST_STORE
    assert "ca-certificates" in (refused.value.hint or "")


@pytest.mark.own_process
async def test_a_store_that_could_not_be_read_for_want_of_a_descriptor_is_read_again(
    start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OpenSSL says nothing where it cannot open its file, and such a context trusts nobody forever."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with mailer(start().port) as sender:
        async with mailer(1) as nobody:  # what a failure loads must be there before
            await nobody.send(message(), check=False)
        limit("NOFILE", 256)
        held = every_descriptor()
        result = await sender.send(message(), check=False)
        for descriptor in held:
            os.close(descriptor)
        recipient = result.recipients[LUIS]
        assert (recipient.why, recipient.retryable) == (Reason.OUT_OF_DESCRIPTORS, True)
        assert (await sender.send(message())).ok
