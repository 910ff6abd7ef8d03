"""The certificate of a local server: it lasts, only its owner can read it, and nobody can sign with its authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from sendkit.testing import LocalServer, _certificate

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def leaf(folder: Path) -> x509.Certificate:
    octets = (folder / "server.pem").read_bytes()
    return x509.load_pem_x509_certificate(octets[octets.index(b"-----BEGIN CERTIFICATE") :])


def test_a_lasting_certificate_is_the_same_the_next_time(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "catch"
    with LocalServer(certificate=folder) as server:
        first = server.ca_file.read_bytes(), leaf(folder)
    with LocalServer(certificate=folder) as server:
        assert (server.ca_file.read_bytes(), leaf(folder)) == first


def test_it_is_for_this_machine_alone_and_for_a_year(tmp_path: Path) -> None:
    _certificate.server_context(tmp_path / "c")
    certificate = leaf(tmp_path / "c")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"localhost", "127.0.0.1", "::1"}
    assert timedelta(days=360) < certificate.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=366)


def test_one_that_is_about_to_expire_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_certificate, "_VALID", timedelta(days=13))
    _certificate.server_context(tmp_path / "c", lasting=True)
    old = leaf(tmp_path / "c")
    monkeypatch.undo()
    _certificate.server_context(tmp_path / "c", lasting=True)
    assert leaf(tmp_path / "c") != old


def test_a_file_that_cannot_be_used_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(b"half a fi")
    _certificate.server_context(tmp_path, lasting=True)
    assert leaf(tmp_path)


def test_only_its_owner_reads_it_and_the_key_of_the_authority_is_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    _certificate.server_context(folder, lasting=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "ca.pem": 0o600,
        "server.pem": 0o600,
    }
    keys = b"".join(file.read_bytes() for file in folder.iterdir()).count(b"PRIVATE KEY-----\n")
    assert keys == 2, "the leaf's key has a first and a last line, and there is no other"
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert authority.public_key() != leaf(folder).public_key()
