"""A server as its connections see it, and the plain form of one: no setting but host, port and security.

A command sends its first octet before pydantic would be loaded; what a caller gives is a Server. Knows no I/O but
reading the files of certificates when a TLS context is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from sendkit._lifetime.once import computed_once
from sendkit._server.endpoint import server_name
from sendkit._server.host_name import canonical_host
from sendkit._server.route import on_this_machine
from sendkit._server.security import Security, host_and_port, port_and_security
from sendkit._server.time_limits import TimeLimits
from sendkit._server.unix_socket import is_unix
from sendkit._tls import make_context

if TYPE_CHECKING:
    import socket
    import ssl
    from pathlib import Path

    from sendkit._server.proxy import Proxy
    from sendkit._server.route import Dialer
    from sendkit._server.server import Server


class AnyServer:
    """What every server has beside its fields, which stand in Server."""

    if TYPE_CHECKING:  # pydantic takes annotations of a base for fields
        host: str
        port: int
        security: Security
        tls_context: ssl.SSLContext | None
        ca_file: Path | None
        client_cert: Path | None
        client_key: Path | None
        minimum_tls: Literal["1.2", "1.3"]
        pins: tuple[str, ...]
        dangerously_skip_certificate_verification: bool
        proxy: Proxy | None
        dialer: Dialer | None
        sock: socket.socket | None

    @property
    def trusted(self) -> bool:
        """Whether it is known who answers: by its certificate, by a pin, or since nobody is in between."""
        return not self.dangerously_skip_certificate_verification or bool(self.pins) or self.loopback

    @property
    def address(self) -> str:
        """`host:port`, with brackets around an IPv6 address; a unix socket has no port."""
        return server_name(self.host, self.port)

    @property
    def loopback(self) -> bool:
        """Whether the server is named as this machine; who a name leads to is looked at when it answers."""
        return on_this_machine(self)

    @computed_once
    def context(self) -> ssl.SSLContext:
        """The TLS context of all connections to this server, made once: verified, and TLS 1.2 at least (RFC 8996).

        Raises ConfigurationError for a file that cannot be used, and OSError where no descriptor is free to read it.
        """
        if self.tls_context is not None:
            return self.tls_context
        return make_context(
            ca_file=self.ca_file,
            client_cert=self.client_cert,
            client_key=self.client_key,
            minimum_tls=self.minimum_tls,
            verified=not self.dangerously_skip_certificate_verification,
        )


class PlainServer(AnyServer):
    """A server of which no more is said than where it is; whatever takes a Server takes it."""

    protocol = "smtp"
    local_hostname = tls_context = ca_file = client_cert = client_key = known_hosts = None
    proxy = local_address = dialer = sock = None
    minimum_tls: Literal["1.2", "1.3"] = "1.2"
    pins: tuple[str, ...] = ()
    dangerously_skip_certificate_verification = False
    timeouts = TimeLimits()

    def __init__(self, host: str, port: int, security: Security) -> None:
        self.host = host
        self.port = port
        self.security = security


def plain_server(
    host: str, port: int | None = None, security: Security | str | None = None, *, protocol: str = "smtp"
) -> Server:
    """The plain form of this server; a Server where there is more to say of it. Raises ConfigurationError."""
    found, secured = port_and_security(host, port, security, protocol)
    try:
        if protocol == "smtp" and not is_unix(host) and 0 < found < 65_536:
            return cast("Server", PlainServer(canonical_host(host), found, secured))
    except ValueError:
        pass  # the Server says what is wrong with it
    return checked_server(host, port, security, protocol=protocol)


def checked_server(
    host: str, port: int | None = None, security: Security | str | None = None, *, protocol: str = "smtp"
) -> Server:
    """A Server, whose model is loaded now. Raises ConfigurationError."""
    from sendkit._server.server import Server  # noqa: PLC0415 - pydantic, 100 ms, and a plain server needs none

    return Server(host, port, security, protocol=protocol)


def parsed_server(text: str) -> Server:
    """The plain form of the server in a `text` as `Server.parse` takes it. Raises ConfigurationError."""
    return plain_server(text.strip()) if is_unix(text.strip()) else plain_server(*host_and_port(text))


def full(server: Server) -> Server:
    """The Server of a plain one, which takes further settings."""
    if isinstance(server, PlainServer):
        return checked_server(server.host, server.port, server.security)
    return server
