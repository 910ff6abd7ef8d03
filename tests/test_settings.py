"""A server and its limits are checked when they are made, and say in one sentence what cannot work."""

from __future__ import annotations

import errno
import pickle
import ssl
from pathlib import Path

import pytest

from sendkit import Security, Server, Timeouts, errors
from tests.own_process import limit
from tests.servers.authority import Authority

HOST = "smtp.example.com"


@pytest.mark.parametrize(
    ("port", "security", "expected"),
    [
        (None, None, (587, Security.STARTTLS)),
        (465, None, (465, Security.IMPLICIT_TLS)),
        (25, None, (25, Security.STARTTLS)),
        (2525, None, (2525, Security.STARTTLS)),
        (None, Security.IMPLICIT_TLS, (465, Security.IMPLICIT_TLS)),
        (None, Security.STARTTLS, (587, Security.STARTTLS)),
        (None, Security.NONE, (587, Security.NONE)),
        (465, Security.STARTTLS, (465, Security.STARTTLS)),
        (587, "implicit-tls", (587, Security.IMPLICIT_TLS)),
    ],
)
def test_port_and_security_follow_from_each_other(
    port: int | None, security: Security | None, expected: tuple[int, Security]
) -> None:
    server = Server(HOST, port, security)
    assert (server.port, server.security) == expected


@pytest.mark.parametrize(
    ("word", "security"),
    [
        ("starttls", Security.STARTTLS),
        ("TLS", Security.IMPLICIT_TLS),
        ("ssl", Security.IMPLICIT_TLS),
        (" Implicit-TLS ", Security.IMPLICIT_TLS),
        ("none", Security.NONE),
    ],
)
def test_security_may_be_a_word(word: str, security: Security) -> None:
    assert Server(HOST, security=word).security is security


def test_an_unknown_word_is_refused_with_the_choices() -> None:
    with pytest.raises(errors.ConfigurationError, match="plain") as failure:
        Server(HOST, security="plain")
    assert "starttls, implicit_tls, none" in (failure.value.hint or "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (HOST, f"{HOST}:587"),
        (f"{HOST}:465", f"{HOST}:465"),
        (f" {HOST} ", f"{HOST}:587"),
        ("192.0.2.1:25", "192.0.2.1:25"),
        ("[2001:db8::1]:587", "[2001:db8::1]:587"),
        ("[2001:db8::1]", "[2001:db8::1]:587"),
        ("localhost", "localhost:587"),
        ("españa.example", "xn--espaa-rta.example:587"),
        ("straße.example", "xn--strae-oqa.example:587"),
    ],
)
def test_a_server_is_read_from_one_string(text: str, address: str) -> None:
    assert Server.parse(text).address == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":587",
        "a b",
        "host:",
        "host:port",
        "host:99999",
        "host:0",
        "2001:db8::1",
        "[2001:db8::1",
        "[nonsense]:25",
        "smtp://host",
        "user@host",
        "host:587:587",
        "-a.example",
        "a-.example",
        "a..example",
        "host\n:587",
        "x" * 64 + ".example",
        "a." * 127 + "example",
        "xn--ñ.example",
    ],
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        Server.parse(text)
    assert failure.value.hint


@pytest.mark.parametrize("port", [-1, 0, 65_536, "many"])
def test_a_port_has_its_bounds(port: int) -> None:
    with pytest.raises(errors.ConfigurationError, match="port"):
        Server(HOST, port)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        (HOST, False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("2001:db8::1", False),
    ],
)
def test_only_this_very_machine_is_loopback(host: str, loopback: bool) -> None:
    assert Server(host).loopback is loopback


@pytest.mark.parametrize("name", ["pc.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_the_name_for_ehlo_is_a_domain_or_a_literal(name: str) -> None:
    assert Server(HOST, local_hostname=name).local_hostname == name


@pytest.mark.parametrize("name", ["", "my_pc", "a b", "pc\r\nRSET", "[192.0.2]", "[IPv6:nonsense]"])
def test_another_name_for_ehlo_is_refused(name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="local_hostname"):
        Server(HOST, local_hostname=name)


def test_the_usual_context_verifies_and_wants_tls_1_2() -> None:
    server = Server(HOST)
    assert server.context is server.context
    assert (server.context.verify_mode, server.context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert server.context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_ca_file_is_trusted_beside_the_others(authority: Authority) -> None:
    usual = Server(HOST).context.cert_store_stats()["x509_ca"]
    context = Server(HOST, ca_file=str(authority.ca_file)).context
    assert context.cert_store_stats()["x509_ca"] == usual + 1
    assert context.check_hostname


def test_a_context_of_ones_own_is_used_as_it_is() -> None:
    context = ssl.create_default_context()
    assert Server(HOST, tls_context=context).context is context


def test_a_ca_file_and_a_context_cannot_go_together(authority: Authority) -> None:
    with pytest.raises(errors.ConfigurationError, match="together") as failure:
        Server(HOST, tls_context=ssl.create_default_context(), ca_file=authority.ca_file)
    assert "load_verify_locations" in (failure.value.hint or "")


def test_a_ca_file_that_is_not_there_is_missed_at_once(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="no such file"):
        Server(HOST, ca_file=tmp_path / "ca.pem")


def test_a_ca_file_that_is_none_is_said_so_in_our_words(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    with pytest.raises(errors.ConfigurationError, match=r"ca\.pem"):
        _ = Server(HOST, ca_file=path).context


def test_a_ca_file_that_is_gone_by_now_is_said_so_and_not_of_another_setting(
    authority: Authority, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.ca_file.read_bytes())
    server = Server(HOST, ca_file=path)
    path.unlink()
    with pytest.raises(errors.ConfigurationError, match=r"^Server: ca_file: no such file: .*ca\.pem") as failure:
        _ = server.context
    assert "client_cert" not in f"{failure.value} {failure.value.hint}"


@pytest.mark.own_process
def test_want_of_a_descriptor_says_nothing_of_a_ca_file(authority: Authority) -> None:
    server = Server(HOST, ca_file=authority.ca_file)
    limit("NOFILE", 3)
    try:
        with pytest.raises(OSError, match="Too many open files") as failure:
            _ = server.context
    finally:
        limit("NOFILE", 256)
    assert failure.value.errno == errno.EMFILE
    assert server.context.cert_store_stats()["x509_ca"]


def test_a_copy_with_another_ca_file_has_another_context(authority: Authority) -> None:
    server = Server(HOST)
    assert server.context
    copy = server.model_copy(update={"ca_file": authority.ca_file})
    assert copy.context.cert_store_stats() != server.context.cert_store_stats()


def test_a_server_is_a_frozen_value() -> None:
    server = Server(HOST)
    assert server.model_copy() == server
    with pytest.raises(ValueError, match="frozen"):
        server.host = "other.example.com"  # type: ignore[misc]
    assert server == Server(HOST, 587)
    assert pickle.loads(pickle.dumps(server)) == server


def test_a_server_does_not_show_its_context() -> None:
    assert repr(Server(HOST, tls_context=ssl.create_default_context())).count("Context") == 0


@pytest.mark.parametrize("name", Timeouts.model_fields)
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "soon"])
def test_a_time_limit_is_more_than_nothing_and_less_than_for_ever(name: str, value: float) -> None:
    with pytest.raises(errors.ConfigurationError, match=name) as failure:
        Timeouts(**{name: value})
    assert failure.value.hint


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(errors.ConfigurationError, match="end_of_date"):
        Timeouts(end_of_date=5)  # type: ignore[call-arg]


def test_the_end_of_data_may_take_ten_minutes() -> None:
    """RFC 5321 section 4.5.3.2.6: a shorter limit makes duplicates."""
    assert Timeouts().end_of_data == 600
