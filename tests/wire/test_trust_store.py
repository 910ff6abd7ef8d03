"""Whom this machine trusts is read from its own store: not there, not readable for now, and there again."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from sendkit import AsyncMailer, Server, errors
from sendkit._smtp.reason import Reason
from tests.accounts import LUIS, ONCE, message
from tests.own_process import limit
from tests.servers.authority import Authority
from tests.waiting import LIMIT

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


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")
async def test_a_folder_of_authorities_that_hangs_holds_up_no_event_loop(
    start: Start, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OpenSSL reads from it in the handshake; its disk is a pipe here, which a task of the same loop fills."""
    hashing = ("openssl", "x509", "-noout", "-hash", "-in", str(authority.ca_file))
    asked = await asyncio.create_subprocess_exec(*hashing, stdout=asyncio.subprocess.PIPE)
    pipe = tmp_path / f"{(await asked.communicate())[0].decode().strip()}.0"
    os.mkfifo(pipe)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    late = threading.Timer(LIMIT, lambda: os.close(os.open(pipe, os.O_RDWR)))  # or it would hang where the loop does
    late.start()
    async with mailer(start().port) as sender:
        sending = asyncio.create_task(sender.send(message()))
        end = await until_read(pipe)
        os.write(end, authority.ca_file.read_bytes())
        os.close(end)
        assert (await sending).ok
    late.cancel()


async def until_read(pipe: Path) -> int:
    """The writing end of the pipe, once somebody reads it."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # ENXIO: not yet
                await asyncio.sleep(0.005)
