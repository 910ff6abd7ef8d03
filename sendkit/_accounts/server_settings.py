"""What a Server takes beside its host and port, as text: the environment, a URL and the command line say it alike.

`ca_file` is SENDKIT_CA_FILE, `?ca_file=` and --ca-file; a key of an account in config.toml has the same name. One
table, so that another setting is one row. Not in it is what is for code alone: `tls_context`, `dialer`, `sock` and
`dangerously_skip_certificate_verification`. The password of a proxy may stand in the environment alone: flags, URLs
and files end up where others read them.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sendkit._redaction import quoted
from sendkit._server.folders import expanded
from sendkit._server.plain import full
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server, Timeouts

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class ServerSetting(NamedTuple):
    """One setting: its variable, its value in a word, what it does in one line, and how its text is read."""

    variable: str
    metavar: str
    help: str
    read: Callable[[Server, str], object]
    field: str | None = None


def _text(server: Server, text: str) -> str:
    return text


def _path(server: Server, text: str) -> Path:
    return expanded(text)


def _proxy(server: Server, text: str) -> object:
    return server.model_copy(update={"proxy": text}).proxy


def _pins(server: Server, text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", text)))


def _known_hosts(server: Server, text: str) -> bool | Path:
    word = text.strip().lower()
    return word in _YES if word in (*_YES, *_NO) else expanded(text)


def _timeout(server: Server, text: str) -> Timeouts:
    try:
        seconds = float(text)
    except ValueError:
        raise ConfigurationError(f"not a number of seconds: {quoted(text)}", hint="write 10, or 2.5") from None
    return shorter(server.timeouts, seconds)


def shorter(timeouts: Timeouts, seconds: float) -> Timeouts:
    """These limits, with so many seconds for connect, greeting and command alone.

    A shorter wait for the reply to the end of data would make copies (RFC 5321 section 4.5.3.2.6). Raises
    ConfigurationError.
    """
    if not 0 < seconds < float("inf"):
        raise ConfigurationError(f"timeout must be more than zero, not {seconds:g}", hint="give seconds, such as 10")
    return type(timeouts)(**{**timeouts.model_dump(), "connect": seconds, "greeting": seconds, "command": seconds})


SERVER_SETTINGS: dict[str, ServerSetting] = {
    "local_hostname": ServerSetting("SENDKIT_LOCAL_HOSTNAME", "NAME", "the name given in EHLO", _text),
    "ca_file": ServerSetting("SENDKIT_CA_FILE", "PEM", "further certificate authorities to trust", _path),
    "client_cert": ServerSetting("SENDKIT_CLIENT_CERT", "PEM", "the certificate of this client", _path),
    "client_key": ServerSetting("SENDKIT_CLIENT_KEY", "PEM", "its key, if that is another file", _path),
    "minimum_tls": ServerSetting("SENDKIT_MINIMUM_TLS", "VERSION", "1.2 or 1.3", _text),
    "pins": ServerSetting(
        "SENDKIT_PINS", "SHA256", "public keys of which the server must have one, with commas between them", _pins
    ),
    "known_hosts": ServerSetting(
        "SENDKIT_KNOWN_HOSTS", "FILE", "remember what the server offers here (true: the usual file)", _known_hosts
    ),
    "proxy": ServerSetting(
        "SENDKIT_PROXY", "URL", "connect through this proxy: socks5://, socks4a://, http://", _proxy
    ),
    "local_address": ServerSetting("SENDKIT_LOCAL_ADDRESS", "IP", "the address to connect from", _text),
    "protocol": ServerSetting("SENDKIT_PROTOCOL", "NAME", "smtp, or lmtp on this machine", _text),
    "timeout": ServerSetting(
        "SENDKIT_TIMEOUT", "SECONDS", "the limit for connect, greeting and each command", _timeout, "timeouts"
    ),
}


def variable(name: str) -> str:
    """Its name in the environment."""
    return SERVER_SETTINGS[name].variable


def flag(name: str) -> str:
    """Its name on the command line."""
    return f"--{name.replace('_', '-')}"


def of_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the environment says; a variable that is empty says nothing."""
    variables = {name: environ.get(setting.variable) for name, setting in SERVER_SETTINGS.items()}
    return {name: text for name, text in variables.items() if text}


def check_known(name: str) -> None:
    """Raise ConfigurationError for a parameter of a URL that is none; without it: it may be a password."""
    if name not in SERVER_SETTINGS:
        near = difflib.get_close_matches(name, SERVER_SETTINGS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(SERVER_SETTINGS)}"
        raise ConfigurationError("the server's URL has an unknown parameter", hint=hint)


def check_proxy(server: Server) -> None:
    """Refuse a proxy's password that stands where it should not. Raises ConfigurationError."""
    if server.proxy is not None and server.proxy.password is not None:
        user, host = server.proxy.username, server.proxy.host
        hint = f"take it out; `sendkit login --no-test {host} {user}` stores it, and SENDKIT_PROXY may hold it"
        raise ConfigurationError("a password in the proxy's URL is refused here", hint=hint)


def with_settings(
    server: Server, given: Mapping[str, str], named: Callable[[str], str], *, secrets: bool = False
) -> Server:
    """The server with these settings; `named` is how an error calls one. Raises ConfigurationError.

    `secrets`: the password of a proxy may stand in them.
    """
    server = full(server) if given else server
    update: dict[str, object] = {}
    for name, text in given.items():
        setting = SERVER_SETTINGS[name]
        with named_as(named(name)):
            update[setting.field or name] = setting.read(server, text)
    with named_as(", ".join(map(named, given))):
        made = server.model_copy(update=update) if update else server
    if "proxy" in given and not secrets:
        with named_as(named("proxy")):
            check_proxy(made)
    return made


@contextlib.contextmanager
def named_as(where: str | None) -> Generator[None]:
    """Put the name of a setting in front of what is wrong with it."""
    try:
        yield
    except ConfigurationError as error:
        if where is None:
            raise
        raise ConfigurationError(f"{where}: {error.message}", hint=error.hint) from None
