"""A proxy on the way to a server: `socks5://ana:secret@proxy.example.net:1080`. Its password is shown nowhere.

RFC 1928 and 1929 (SOCKS 5), the SOCKS 4A memo, RFC 9110 section 9.3.6 (CONNECT), RFC 3986 section 3.2.1 (logins are
percent-encoded). An error never quotes the URL, since a password may stand in it. Must not know: how a proxy is spoken
to.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from sendkit._frames import frameless
from sendkit._frozen import Checked
from sendkit._redaction import remember
from sendkit._server.checked import as_configuration_error
from sendkit._server.endpoint import server_name
from sendkit._server.host_name import canonical_host
from sendkit.errors import ConfigurationError

ProxyScheme = Literal["socks5", "socks4a", "http"]
_SCHEMES: dict[str, ProxyScheme] = {
    "socks5": "socks5",
    "socks5h": "socks5",
    "socks4": "socks4a",
    "socks4a": "socks4a",
    "http": "http",
}
_LONGEST = 255  # RFC 1929 section 2: one octet for each length
_LONGEST_SCHEME = 16
_EXAMPLE = "write socks5://HOST:PORT, socks4a://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ before the host"
_ENCODED = f"{_EXAMPLE}; what is special in them is percent-encoded, such as %40 for @"
_NOT_TO_THE_PROXY = "write http://…: TLS with the SMTP server goes through it, end to end"


class Proxy(Checked, BaseModel):
    """A proxy: its `scheme` ("socks5", "http" …), `host` and `port`, and who logs in. `Proxy.parse` reads a URL.

    With a username and no password, the password comes from the keyring. Names are looked up at the proxy, so `socks5`
    is what others call `socks5h`. Raises ConfigurationError.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True
    )

    scheme: ProxyScheme
    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    username: str | None = None
    password: SecretStr | None = Field(default=None, repr=False)

    @frameless
    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        *,
        username: str | None = None,
        password: str | SecretStr | None = None,
    ) -> None:
        with as_configuration_error("settings.Proxy"):
            super().__init__(
                scheme=_SCHEMES.get(scheme, scheme), host=host, port=port, username=username, password=password
            )
        if self.password is not None:
            remember(self.password.get_secret_value())

    @classmethod
    @frameless
    def parse(cls, url: str) -> Self:
        """Read a `url`. Raises ConfigurationError."""
        parts = _split(url)
        if parts.scheme not in _SCHEMES:
            hint = _NOT_TO_THE_PROXY if parts.scheme == "https" else _EXAMPLE
            named = f" {parts.scheme!r}" if "://" in url and len(parts.scheme) < _LONGEST_SCHEME else ""
            raise ConfigurationError(f"the proxy's URL has an unknown scheme{named}", hint=hint)
        if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigurationError("the proxy's URL must be SCHEME://[USER:PASSWORD@]HOST:PORT", hint=_ENCODED)
        if parts.port is None:
            hint = "SOCKS proxies usually have port 1080, HTTP proxies 3128 or 8080"
            raise ConfigurationError("the proxy's URL names no port", hint=hint)
        username, password = _decoded(parts.username), _decoded(parts.password)
        return cls(parts.scheme, _decoded(parts.hostname) or "", parts.port, username=username, password=password)

    @property
    def address(self) -> str:
        """`SCHEME://HOST:PORT`, without the login."""
        return f"{self.scheme}://{server_name(self.host, self.port)}"

    def __str__(self) -> str:
        return self.address

    def __getstate__(self) -> dict[Any, Any]:
        if self.password is not None:
            raise TypeError("a proxy's password is not pickled: set SENDKIT_PROXY where it is needed")
        return super().__getstate__()

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        return canonical_host(host)

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        username, password = self.username, None if self.password is None else self.password.get_secret_value()
        if password is not None and (username is None or self.scheme == "socks4a"):
            none = "SOCKS 4 knows no password" if username else "a password without a username"
            raise ValueError(none)
        for what, text in (("username", username), ("password", password)):
            if text is not None and (why := _flaw(text, self.scheme)):
                raise ValueError(f"its {what} {why}")
        if username is not None and ":" in username and self.scheme == "http":
            raise ValueError("its username has a colon, which HTTP does not allow (RFC 7617 section 2)")
        return self


def _flaw(text: str, scheme: ProxyScheme) -> str | None:
    if not text or any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        return "is empty, or has control characters in it"
    if scheme != "http" and not text.isascii():
        return "has other characters than ASCII, which SOCKS does not define"
    return f"is longer than {_LONGEST} octets" if scheme != "http" and len(text) > _LONGEST else None


def _split(url: str) -> SplitResult:
    if any(character.isspace() for character in url):
        raise ConfigurationError("the proxy's URL has a blank in it", hint=_ENCODED)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError("the proxy's URL cannot be read", hint=_ENCODED) from None
    return parts


def _decoded(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError("the proxy's URL holds octets that are not UTF-8", hint=_ENCODED) from None
