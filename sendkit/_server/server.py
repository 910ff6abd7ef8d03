"""Which server, how it is spoken to, and how long each phase may take. Values that are checked when they are made.

RFC 8314 (implicit TLS on 465), RFC 6409 (submission on 587), RFC 5321 section 4.5.3.2 (time limits).
Knows no I/O but reading the files of certificates, to check them and when a TLS context is first asked for.
"""

from __future__ import annotations

import contextlib
import ssl
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sendkit._frames import frameless
from sendkit._frozen import Checked
from sendkit._redaction import quoted
from sendkit._server.addresses import ip_address
from sendkit._server.checked import as_configuration_error
from sendkit._server.folders import expanded, known_hosts_file
from sendkit._server.host_name import canonical_host, is_ehlo_name
from sendkit._server.plain import AnyServer
from sendkit._server.proxy import Proxy
from sendkit._server.route import MailProtocol, check_route, check_socket
from sendkit._server.security import Security, host_and_port, port_and_security
from sendkit._server.time_limits import TimeLimits
from sendkit._server.unix_socket import canonical_unix, is_unix
from sendkit._tls import InsecureTLSWarning, check_authorities, check_identity, read_pin
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    import socket

    from sendkit._server.route import Dialer

_OF_THE_CONTEXT = (
    "ca_file",
    "client_cert",
    "client_key",
    "minimum_tls",
    "dangerously_skip_certificate_verification",
)


_USUAL = TimeLimits()

# Seconds that a program waits for a disk when it makes a Server.
_PATIENCE = 2.0

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Timeouts(Checked, BaseModel):
    """The time limit of each phase, in seconds; each is for a whole reply, not for one read.

    `connect` is for each address, `greeting` for the first reply (and TLS), `command` for each command, `data` for that
    to DATA, `quit` for the end. `body` is for the content without any progress, `end_of_data` for the reply to it: ten
    minutes, since a shorter one makes duplicates (RFC 5321 section 4.5.3.2.6, RFC 1047). Raises ConfigurationError.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    connect: Seconds = _USUAL.connect
    greeting: Seconds = _USUAL.greeting
    command: Seconds = _USUAL.command
    data: Seconds = _USUAL.data
    body: Seconds = _USUAL.body
    end_of_data: Seconds = _USUAL.end_of_data
    quit: Seconds = _USUAL.quit

    if not TYPE_CHECKING:  # the checkers see the signature that pydantic derives from the fields

        def __init__(self, **seconds: float) -> None:
            with as_configuration_error("Timeouts", type(self).model_fields):
                super().__init__(**seconds)


class Server(AnyServer, Checked, BaseModel):
    """One submission server: its address, how the connection is protected, and its time limits.

    `port` and `security` follow from each other: 465 is implicit TLS, everything else STARTTLS; the default is 587.
    `ca_file` is a PEM file of additional authorities to trust, `client_cert` (with `client_key`, if that is another
    file) the certificate of this client, `minimum_tls` "1.2" or "1.3"; `tls_context` replaces all of them. `pins` are
    SHA-256 of public keys, in base64: the server must have one of these, besides a valid certificate.
    `known_hosts` is a file that remembers what servers offer, or True for the usual one: a server that offered STARTTLS
    or a stronger mechanism before, and does not now, gets no password.
    `dangerously_skip_certificate_verification` is for tests on your own machine: it warns each time, and allows
    no login, unless a pin identifies the server or it is this machine.
    `host` may be a unix socket, `unix:///run/smtp.sock`. `proxy` is a URL (`socks5://HOST:PORT`), `dialer` an async
    function that connects (see `settings.Dialer`), `sock` a socket that is connected, for one connection, and
    `local_address` the IP address to connect from. `protocol` "lmtp" (RFC 2033) works only on this machine.
    `local_hostname` is the name given in EHLO; by default the address literal of the connection (RFC 5321 section
    4.1.3), which needs no look-up and reveals no name. `timeouts` are the seconds for each phase. Raises
    ConfigurationError.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )

    host: str
    port: Annotated[int, Field(ge=0, le=65535)]
    security: Security
    protocol: MailProtocol = "smtp"
    local_hostname: str | None = None
    tls_context: ssl.SSLContext | None = Field(default=None, repr=False)
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    minimum_tls: Literal["1.2", "1.3"] = "1.2"
    pins: tuple[str, ...] = ()
    known_hosts: Path | None = None
    dangerously_skip_certificate_verification: bool = False
    proxy: Proxy | None = None
    local_address: str | None = None
    if TYPE_CHECKING:
        dialer: Dialer | None
        sock: socket.socket | None
    else:
        dialer: Any = Field(default=None, repr=False)
        sock: Any = Field(default=None, repr=False)
    timeouts: Timeouts = Field(default_factory=Timeouts, repr=False)

    @frameless
    def __init__(
        self,
        host: str,
        port: int | None = None,
        security: Security | str | None = None,
        *,
        protocol: str = "smtp",
        local_hostname: str | None = None,
        tls_context: ssl.SSLContext | None = None,
        ca_file: str | Path | None = None,
        client_cert: str | Path | None = None,
        client_key: str | Path | None = None,
        minimum_tls: str = "1.2",
        pins: Iterable[str] = (),
        known_hosts: str | Path | bool | None = None,
        dangerously_skip_certificate_verification: bool = False,
        proxy: str | Proxy | None = None,
        local_address: str | None = None,
        dialer: Dialer | None = None,
        sock: socket.socket | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        port, security = port_and_security(host, port, security, protocol)
        with as_configuration_error("Server"):
            super().__init__(
                host=host,
                port=port,
                security=security,
                protocol=protocol,
                local_hostname=local_hostname,
                tls_context=tls_context,
                ca_file=ca_file,
                client_cert=client_cert,
                client_key=client_key,
                minimum_tls=minimum_tls,
                pins=(pins,) if isinstance(pins, str) else pins,
                known_hosts=_known_hosts(known_hosts),
                dangerously_skip_certificate_verification=dangerously_skip_certificate_verification,
                proxy=Proxy.parse(proxy) if isinstance(proxy, str) else proxy,
                local_address=local_address,
                dialer=dialer,
                sock=sock,
                timeouts=timeouts or Timeouts(),
            )
        check_route(self)
        self._check_tls()

    @classmethod
    @frameless
    def parse(cls, text: str) -> Server:
        """Read a `text`: `host`, `host:port`, `[v6]:port` or `unix:///…`. Raises ConfigurationError."""
        if is_unix(text.strip()):
            return cls(text.strip())
        return cls(*host_and_port(text))

    def _check_tls(self) -> None:
        given = [name for name in _OF_THE_CONTEXT if getattr(self, name) != type(self).model_fields[name].default]
        if self.tls_context is not None and given:
            raise ConfigurationError(
                f"Server: tls_context= and {given[0]}= cannot go together",
                hint="load the files into your context (load_verify_locations(), load_cert_chain()), and pass it alone",
            )
        if self.pins and self.security is Security.NONE:
            raise ConfigurationError("Server: pins= without TLS", hint="use Security.STARTTLS or IMPLICIT_TLS")
        if self.known_hosts is not None and self.security is Security.NONE:
            raise ConfigurationError("Server: known_hosts= without TLS", hint="use Security.STARTTLS or IMPLICIT_TLS")
        if self.client_key is not None and self.client_cert is None:
            raise ConfigurationError("Server: client_key= without client_cert=", hint="give the certificate too")
        if self.dangerously_skip_certificate_verification:
            text = f"{self.address}: certificates are not verified, so anybody in between can read and change the mail"
            warnings.warn(text, InsecureTLSWarning, stacklevel=3)
        elif self.client_cert is not None:
            _read_now(partial(check_identity, self.client_cert, self.client_key))

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        return canonical_unix(host) if is_unix(host) else canonical_host(host)

    @field_validator("local_hostname")
    @classmethod
    def _check_local_hostname(cls, name: str | None) -> str | None:
        if name is None or is_ehlo_name(name):
            return name
        raise ValueError(f"not a domain name, nor an address literal such as [192.0.2.1]: {name!r}")

    @field_validator("local_address")
    @classmethod
    def _check_local_address(cls, address: str | None) -> str | None:
        if address is None or ip_address(address) is not None:
            return address
        raise ValueError(f"not an IP address of this machine: {quoted(address)}")

    @field_validator("dialer")
    @classmethod
    def _check_dialer(cls, dialer: Any) -> Any:
        if dialer is None or callable(dialer):
            return dialer
        raise ValueError(f"must be an async function (host, port), not {type(dialer).__name__}")

    @field_validator("sock")
    @classmethod
    def _check_sock(cls, sock: Any) -> Any:
        return None if sock is None else check_socket(sock)

    @field_validator("pins")
    @classmethod
    def _check_pins(cls, pins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(read_pin, pins))

    @field_validator("ca_file", "client_cert", "client_key", mode="before")
    @classmethod
    def _check_path(cls, path: Any) -> Any:
        if path == "":
            raise ValueError("the path is empty; leave it out, or give it a value")
        return path

    @field_validator("ca_file")
    @classmethod
    def _check_ca_file(cls, path: Path | None) -> Path | None:
        if path is not None:
            try:
                _read_now(partial(check_authorities, path))
            except ConfigurationError as error:
                raise ValueError(error.message.removeprefix("Server: ca_file: ")) from None
        return path


def _read_now(read: Callable[[], object]) -> None:
    """A file that cannot be used shows now; without a free descriptor, or where the disk hangs, when it is needed."""
    from sendkit._lifetime import threads  # noqa: PLC0415 - asyncio, and few servers have files

    with contextlib.suppress(OSError):
        threads.within(_PATIENCE, read)


def _known_hosts(file: str | Path | bool | None) -> Path | None:
    if isinstance(file, bool):
        return known_hosts_file() if file else None
    return None if file is None else expanded(file)
