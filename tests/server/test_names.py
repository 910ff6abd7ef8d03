"""A host has one name, however it is written: for TLS, the keyring, known_hosts and refused secrets."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sendkit import Mailer, Security, Server, errors
from sendkit._accounts.account import Account
from sendkit._wire.known_hosts import KnownHost
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

PASSWORD = "correct horse"


@pytest.mark.parametrize("written", ["smtp.example.com", "smtp.example.com.", "SMTP.Example.COM", "SMTP.EXAMPLE.COM."])
def test_a_host_has_one_name_however_it_is_written(written: str) -> None:
    for server in (Server(written), Server.parse(f"{written}:587"), Account.from_url(f"smtp://{written}").server):
        assert (server.host, server.address) == ("smtp.example.com", "smtp.example.com:587")


@pytest.mark.parametrize("written", ["2001:DB8::1", "2001:0db8:0:0:0:0:0:1"])
def test_an_address_has_one_spelling(written: str) -> None:
    assert Server(written).host == Server.parse(f"[{written}]").host == "2001:db8::1"


def test_a_trailing_dot_is_in_no_certificate_and_asks_for_no_other_password(authority: Authority) -> None:
    asked: list[str] = []

    def password(host: str, username: str) -> str:
        asked.append(host)
        return PASSWORD

    with ScriptedServer(tls=authority.server_context()) as server:
        place = Server("localhost.", server.port, tls_context=authority.client_context())
        with Mailer(place, username="ana@example.com", credentials=password) as mailer:
            assert mailer.send(message()).ok
    assert asked == ["localhost"]


async def test_known_hosts_knows_a_server_by_its_one_name(tmp_path: Path) -> None:
    (path := tmp_path / "known_hosts").write_text("smtp.example.com:587 starttls\n", encoding="ascii")
    path.chmod(0o600)
    assert (await KnownHost.read(Server("smtp.example.com.", known_hosts=path))).starttls


@pytest.mark.parametrize("name", ["my_smtp", "_smtp.internal", "a_b.c_d", "relay_"])
def test_a_service_may_have_underscores_in_its_name(name: str) -> None:
    assert Server(name).host == Server.parse(f"{name}:25").host == name
    assert Account.from_url(f"smtp://{name}:25").server.host == name


@pytest.mark.parametrize("name", ["-smtp", "smtp-", "a..b", "", "a b", "sm\tp", "smtp/x", "x" * 64])
def test_what_no_resolver_finds_is_no_host(name: str) -> None:
    with pytest.raises(errors.ConfigurationError):
        Server(name)


def test_an_underscore_is_in_no_name_that_we_give_in_ehlo() -> None:
    with pytest.raises(errors.ConfigurationError):
        Server("smtp.example.com", local_hostname="my_host")


def certificate_for(name: str, folder: Path) -> Path:
    """A self-signed certificate and its key in one file; trustme makes none for a name with an underscore."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path := folder / "server.pem").write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path


def test_a_certificate_that_names_an_underscore_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, pem = socket.getaddrinfo, certificate_for("my_smtp", tmp_path)

    def resolver(host: str, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host == "my_smtp" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(pem)
    with ScriptedServer(tls=served) as server:
        place = Server("my_smtp", server.port, Security.STARTTLS, ca_file=pem)
        with Mailer(place, username="ana@example.com", password=PASSWORD) as mailer:
            assert mailer.send(message()).ok


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("smtp.example.com:465", "port separately"),
        ("[2001:db8::1]:587", "port separately"),
        ("[2001:db8::1]", "without brackets"),
        ("smtps://smtp.example.com", "from_url"),
    ],
)
def test_a_host_that_is_written_as_elsewhere_is_told_how_it_is_written_here(written: str, words: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=words):
        Server(written)
