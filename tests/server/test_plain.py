"""The plain form of a server is seen by its connections as the Server would be, and refused in the same words."""

from __future__ import annotations

import pytest

from sendkit import Server, errors
from sendkit._server.plain import PlainServer, full, parsed_server, plain_server
from sendkit._server.security import Security

PLACES = ["smtp.example.com", "SMTP.example.com.:465", "[::1]:2525", "127.0.0.1", "localhost:25", "bücher.example"]


@pytest.mark.parametrize("text", PLACES)
def test_it_is_like_the_server(text: str) -> None:
    plain, server = parsed_server(text), Server.parse(text)
    assert isinstance(plain, PlainServer)
    for name in (*Server.model_fields, "address", "loopback", "trusted"):
        if name != "timeouts":
            assert getattr(plain, name) == getattr(server, name), name
    for name, seconds in server.timeouts.model_dump().items():
        assert getattr(plain.timeouts, name) == seconds
    assert plain.context.minimum_version == server.context.minimum_version
    assert full(plain) == server


@pytest.mark.parametrize("text", ["", "a b", "smtp.example.com:0", "smtp.example.com:70000", "-x.example", "a:b:c"])
def test_it_is_refused_in_the_same_words(text: str) -> None:
    said = []
    for parse in (parsed_server, Server.parse):
        with pytest.raises(errors.ConfigurationError) as raised:
            parse(text)
        said.append(str(raised.value))
    assert said[0] == said[1]


def test_what_says_more_is_a_server() -> None:
    assert isinstance(parsed_server("unix:///run/smtp.sock"), Server)
    assert isinstance(plain_server("localhost", protocol="lmtp"), Server)
    assert plain_server("smtp.example.com", security="tls").security is Security.IMPLICIT_TLS
