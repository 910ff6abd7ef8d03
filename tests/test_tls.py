"""TLS by choice: a context is made as it was asked for, and a pin is the key of a certificate and nothing else."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import sys
from pathlib import Path

import pytest
import truststore
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sendkit import InsecureTLSWarning, Mailer, Security, Server, errors
from sendkit._tls import make_context, pin_of, read_pin
from tests.servers.authority import Authority

HOST = "smtp.example.com"
PIN = base64.b64encode(bytes(32)).decode()


def der(pem: Path) -> bytes:
    """The first certificate of a PEM file."""
    text = pem.read_text()
    start = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(text[start:end])


def test_a_pin_is_the_hash_of_the_public_key(authority: Authority) -> None:
    certificate = der(authority.pem())
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert pin_of(certificate) == base64.b64encode(hashlib.sha256(spki).digest()).decode()


@pytest.mark.parametrize("text", [PIN, f"sha256/{PIN}", f" sha256:{PIN} "])
def test_a_pin_is_read_in_each_of_its_forms(text: str) -> None:
    assert read_pin(text) == PIN
    assert Server(HOST, pins=[text]).pins == Server(HOST, pins=text).pins == (PIN,)


@pytest.mark.parametrize("text", ["", "sha256/", "A" * 43, "aa:bb:cc", base64.b64encode(bytes(20)).decode()])
def test_what_is_no_pin_is_refused(text: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="pins"):
        Server(HOST, pins=[text])


def test_pins_without_tls_are_refused() -> None:
    with pytest.raises(errors.ConfigurationError, match="pins"):
        Server(HOST, security=Security.NONE, pins=[PIN])


@pytest.mark.parametrize(("given", "version"), [("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)])
def test_the_least_version_is_the_one_asked_for(given: str, version: ssl.TLSVersion) -> None:
    assert Server(HOST, minimum_tls=given).context.minimum_version == version


@pytest.mark.parametrize("given", ["1.1", "1.0", "ssl3", "2"])
def test_an_older_version_is_refused(given: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="minimum_tls"):
        Server(HOST, minimum_tls=given)


@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
def test_every_context_verifies_and_trusts_what_the_system_trusts(platform: str) -> None:
    context = make_context(platform=platform)
    assert isinstance(context, truststore.SSLContext) is (platform != "linux")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "setting", ["ca_file", "client_cert", "minimum_tls", "dangerously_skip_certificate_verification"]
)
def test_a_context_of_one_s_own_stands_alone(authority: Authority, setting: str) -> None:
    value: object = {"minimum_tls": "1.3", "dangerously_skip_certificate_verification": True}.get(
        setting, authority.pem()
    )
    with pytest.raises(errors.ConfigurationError, match=setting):
        Server(HOST, tls_context=ssl.create_default_context(), **{setting: value})  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes of this kind")
@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
def test_a_file_that_would_hang_is_refused_and_not_read(tmp_path: Path, setting: str) -> None:
    os.mkfifo(pipe := tmp_path / "pipe.pem", 0o600)
    with pytest.raises(errors.ConfigurationError, match="regular file"):
        Server(HOST, **{setting: pipe})  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes of this kind")
def test_what_a_server_is_given_is_checked_without_the_authorities_of_the_system(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(pipe := tmp_path / "pipe.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(pipe))
    assert Server(HOST, ca_file=authority.ca_file, client_cert=authority.pem()).client_cert == authority.pem()


class TestClientCertificate:
    """A certificate that cannot be used is told when the server is made, and no terminal is asked for its password."""

    def test_that_is_none(self, tmp_path: Path, authority: Authority) -> None:
        for path in (tmp_path / "missing.pem", authority.ca_file):
            with pytest.raises(errors.ConfigurationError, match="client_cert"):
                Server(HOST, client_cert=path)

    def test_whose_key_is_encrypted(self, tmp_path: Path, authority: Authority) -> None:
        pem = authority.pem().read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        secret = serialization.BestAvailableEncryption(b"secret")
        path = tmp_path / "key.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))
        with pytest.raises(errors.ConfigurationError, match="encrypted"):
            Server(HOST, client_cert=authority.pem(), client_key=path)

    def test_whose_key_is_alone(self, authority: Authority) -> None:
        with pytest.raises(errors.ConfigurationError, match="client_key"):
            Server(HOST, client_key=authority.pem())


class TestWithoutVerification:
    """It warns each time, and nobody logs in to a server that nobody knows."""

    def test_it_warns_each_time(self) -> None:
        for _ in range(2):
            with pytest.warns(InsecureTLSWarning, match=HOST):
                server = Server(HOST, dangerously_skip_certificate_verification=True)
        assert server.context.verify_mode is ssl.CERT_NONE

    @pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
    def test_no_login(self) -> None:
        server = Server(HOST, dangerously_skip_certificate_verification=True)
        with pytest.raises(errors.ConfigurationError, match="no login"):
            Mailer(server, username="ana", password="secret")

    @pytest.mark.filterwarnings("ignore::sendkit.InsecureTLSWarning")
    @pytest.mark.parametrize(("host", "pins"), [(HOST, [PIN]), ("localhost", [])])
    def test_unless_it_is_known_in_another_way(self, host: str, pins: list[str]) -> None:
        server = Server(host, pins=pins, dangerously_skip_certificate_verification=True)
        Mailer(server, username="ana", password="secret").close()
