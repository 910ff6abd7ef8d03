"""Hostile input beside SMTP: certificates, nested messages, SCRAM's iterations, links in folders, names of extras.

The classes are CWE-248 (uncaught errors), CWE-400 (resources), CWE-59 (links), CWE-427 (names that nobody claimed).
"""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import stat
import threading
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendkit import ConsoleTransport, Mailer, Message, _distribution
from sendkit._distribution import installing
from sendkit._doctor.certificate import certificate_finding, described
from sendkit._server.server import Server
from sendkit._smtp.exchange import Exchange, OutOfTurn
from sendkit._smtp.sasl import Mechanism
from sendkit._smtp.scram import Scram
from sendkit._tls import facts_of, pin_of
from sendkit._wire.login import Authentication
from sendkit.testing import LocalServer
from tests.accounts import message
from tests.servers.authority import Authority

PLACE = Server("smtp.example.com")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    pem = Authority(tmp_path_factory.mktemp("authority")).pem().read_text()
    begin = pem.index("-----BEGIN CERTIFICATE")
    return ssl.PEM_cert_to_DER_cert(pem[begin : pem.index("-----END CERTIFICATE-----", begin) + 25])


def test_a_certificate_with_one_changed_octet_is_a_finding_and_no_crash(certificate: bytes) -> None:
    for place in range(len(certificate)):
        for change in (0x01, 0x20, 0x80, 0xFF):
            changed = certificate[:place] + bytes([certificate[place] ^ change]) + certificate[place + 1 :]
            assert certificate_finding(changed, PLACE).text
            described(changed)
            for read in (facts_of, pin_of):
                try:
                    read(changed)  # type: ignore[operator]
                except ValueError:
                    continue


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_octets_that_are_no_certificate_are_a_value_error(octets: bytes) -> None:
    for read in (facts_of, pin_of):
        try:
            read(octets)  # type: ignore[operator]
        except ValueError:
            continue


@pytest.mark.parametrize("depth", [200, 2_000, 20_000])
def test_a_message_nested_deep_is_shown_as_far_as_it_can_be(depth: int) -> None:
    parts = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(depth))
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: deep\r\nMIME-Version: 1.0\r\n" + parts + b"\r\nx\r\n"
    shown = io.StringIO()
    with Mailer(transport=ConsoleTransport(shown)) as mailer:
        assert mailer.send(Message.from_bytes(raw)).ok
    assert "<b@example.com>" in shown.getvalue()


@pytest.mark.parametrize("rounds", ["9999999", "1000001", "99999999999999999999", "4096,i=9999999"])
def test_a_scram_server_that_wants_millions_of_rounds_is_refused_before_the_first(rounds: str) -> None:
    exchange = Scram(Mechanism.SCRAM_SHA_256, "ana", "correct horse", tls=None, offered=False)
    assert exchange.initial is not None
    nonce = exchange.initial.decode().partition("r=")[2]
    with pytest.raises(OutOfTurn, match="hashed more than 1,000,000 times"):
        exchange.respond(f"r={nonce}x,s=c2FsdHNhbHRzYWx0,i={rounds}".encode())


class _Slow(Exchange):
    """An exchange that computes until the test ends."""

    slow = True
    done = threading.Event()

    def respond(self, challenge: bytes) -> bytes:
        self.done.wait(60)
        return b""


def test_an_answer_that_takes_long_outlasts_neither_its_limit_nor_the_program() -> None:
    async def wait() -> bool:
        authentication = Authentication.__new__(Authentication)
        try:
            async with asyncio.timeout(0.05):
                await authentication._respond(_Slow("x", None), "")
        except TimeoutError:
            return True
        return False

    try:
        assert asyncio.run(wait())  # which waits for every thread of asyncio's own pool
    finally:
        _Slow.done.set()


def test_what_a_local_server_keeps_is_this_users_alone_and_goes_through_no_link(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "kept"
    victim.write_text("mine")
    before = os.umask(0)
    try:
        with (
            LocalServer(directory=folder / "in") as server,
            Mailer(server.server, username=server.username, password=server.password) as mailer,
        ):
            mailer.send(message())
            (folder / "in" / "2.eml").symlink_to(victim)
            mailer.send(message())
    finally:
        os.umask(before)
    files = sorted((folder / "in").iterdir())
    assert [file.name for file in files] == ["1.eml", "2.eml"]
    assert [stat.S_IMODE(file.lstat().st_mode) for file in files] == [0o600, 0o600]
    assert stat.S_IMODE((folder / "in").stat().st_mode) == 0o700
    assert not files[1].is_symlink()
    assert victim.read_text() == "mine"


class _Installed:
    """A distribution as the metadata of an installation has it."""

    def __init__(self, folder: Path, direct_url: str | None) -> None:
        self._folder, self._direct_url = folder, direct_url

    def locate_file(self, path: str) -> Path:
        return self._folder / path

    def read_text(self, name: str) -> str | None:
        return self._direct_url if name == "direct_url.json" else None


@pytest.mark.parametrize(
    ("elsewhere", "direct_url", "named"),
    [
        (False, None, True),
        (True, None, False),
        (False, '{"url": "file:///src", "dir_info": {"editable": true}}', False),
    ],
)
def test_a_hint_names_the_distribution_only_where_this_code_came_from_an_index(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, elsewhere: bool, direct_url: str | None, named: bool
) -> None:
    here = tmp_path if elsewhere else Path(_distribution.__file__).parents[1]
    monkeypatch.setattr(metadata, "distribution", lambda name: _Installed(here, direct_url))
    assert installing(extra="dns").startswith("pip install 'sendkit-smtp[dns]'") is named
    assert ("from a checkout" in installing(extra="dns")) is not named


def test_without_metadata_no_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert "sendkit-smtp" not in installing(extra="dns")


def test_no_hint_names_the_distribution_by_itself() -> None:
    """Only `_distribution` knows the name, and what Airflow reads of us, which imports nothing."""
    package = Path(_distribution.__file__).parent
    named = [path.name for path in package.rglob("*.py") if "sendkit-smtp" in path.read_text(encoding="utf-8")]
    assert sorted(named) == ["_airflow_provider.py", "_distribution.py"]
