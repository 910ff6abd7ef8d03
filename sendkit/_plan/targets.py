"""Where a mailer sends, as its constructor was told it: accounts, or how to find them when they are needed.

What names a server only indirectly (the environment, a file, a table, the DNS) is asked late: where a test or
SENDKIT_TRANSPORT stands in for every server, it is not asked at all. Must not know: transports, or options.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from sendkit._accounts.account import Account
from sendkit._accounts.server_settings import named_as, variable
from sendkit._server.plain import AnyServer, checked_server, full, parsed_server
from sendkit._server.security import Security
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

    from sendkit._plan.options import MailerSettings
    from sendkit._server.proxy import Proxy
    from sendkit._server.server import Server

# What a mailer may be given: `host`, `host:port`, `[v6]:port`, a server, or an account on one.
ServerLike: TypeAlias = "str | Server | Account"
_SERVERS = cast("tuple[type[ServerLike], ...]", (str, AnyServer, Account))
_Kind = TypeVar("_Kind")


@dataclass(slots=True, frozen=True)
class Found:
    """The accounts, the backups behind the first, and what the file says of the mailer beside them."""

    accounts: Sequence[Account] = ()
    settings: MailerSettings = field(default_factory=lambda: cast("MailerSettings", {}))


@dataclass(slots=True, frozen=True)
class Target:
    """How to find the accounts; `by_name`: the program itself names no server, so that another may stand in for it."""

    find: Callable[[], Found]
    by_name: bool = True


def given(
    servers: ServerLike | Sequence[ServerLike] | Target | None,
    username: str | None,
    port: int | None = None,
    security: Security | str | None = None,
) -> Target:
    """The servers that the program names, each with this username unless it has its own.

    Raises ConfigurationError for a port or a security without a host that they belong to.
    """
    if port is not None or security is not None:
        servers = _server_at(servers, port, security)
    if isinstance(servers, Target):
        return servers
    return Target(lambda: Found(accounts_of(servers, username)), by_name=False)


def _server_at(servers: object, port: int | None, security: Security | str | None) -> Server:
    if not isinstance(servers, str):
        hint = 'write Mailer("smtp.example.com", port=465, security="implicit_tls"), or give them to Server(…)'
        raise ConfigurationError("port= and security= go with one host", hint=hint)
    server = parsed_server(servers)
    named = server.port if servers.strip().endswith(f":{server.port}") else None
    if port is not None and named not in (None, port):
        raise ConfigurationError(f"port={port}, and the host names port {named}", hint="give one of them")
    return checked_server(server.host, port if named is None else named, security)


def urls(url: str | Sequence[str]) -> Target:
    """The servers of these URLs. Raises ConfigurationError."""
    hint = "write smtp+starttls://ana%40example.com@smtp.example.com:587, or several in a list"
    accounts = [Account.from_url(one) for one in _listed(url, str, "a URL", hint)]
    return Target(lambda: Found(accounts), by_name=False)


def environment() -> Target:
    """The account that the environment names: SENDKIT_URL, or SENDKIT_HOST and its companions."""
    return Target(lambda: Found(Account.all_from_env(os.environ)))


def provider(name: str, username: str) -> Target:
    """An account at a provider of the table. Raises ConfigurationError, which names the nearest providers."""
    from sendkit._providers.provider import Provider  # noqa: PLC0415 - a long table

    _check_name(name, 'write Mailer.for_provider("gmail", username=…); `sendkit providers` lists them')
    account = Account(Provider.named(name).server, username)
    return Target(lambda: Found([account]))


def configured(name: str) -> Target:
    """An account of `sendkit/config.toml`, with its backups and what the file says of its mailer."""
    _check_name(name, 'write the NAME of its table [accounts.NAME], such as "work"')
    return Target(partial(_configured, name))


def _configured(name: str) -> Found:
    from sendkit._plan.named import account_named  # noqa: PLC0415 - seldom needed

    account = account_named(name)
    settings = dict(account.options)
    if patient := account.patient:
        from sendkit._delivery.policy import PATIENCE, RetryPolicy  # noqa: PLC0415 - most accounts say nothing of it

        longest = PATIENCE if patient is True else patient
        settings["retry"] = RetryPolicy.patient(max_elapsed=longest)
    return Found(account.accounts(), cast("MailerSettings", settings))


def through_proxy(accounts: Sequence[Account], environ: Mapping[str, str]) -> Sequence[Account]:
    """The accounts, those whose servers name no way of their own through SENDKIT_PROXY. Raises ConfigurationError.

    What is named as this machine is reached directly: behind a proxy that would be another one.
    """
    name = variable("proxy")
    if not (proxy := environ.get(name)):
        return accounts
    from sendkit._server.proxy import Proxy  # noqa: PLC0415 - pydantic, 100 ms, and few have one

    with named_as(name):
        return [_through(Proxy.parse(proxy), account) for account in accounts]


def _through(proxy: Proxy, account: Account) -> Account:
    server = account.server
    own = server.proxy or server.dialer or server.sock or server.loopback
    return account if own else replace(account, server=full(server).model_copy(update={"proxy": proxy}))


async def discovered(address: str, *, trust: Sequence[str], resolver: Resolver | None, asked: bool) -> Target:
    """The account of a mail address, as the DNS says; without a question to it where something stands in.

    Raises ConfigurationError.
    """
    from sendkit._accounts.discovery import discover  # noqa: PLC0415 - seldom needed

    accounts = await discover(address, trust=trust, resolver=resolver) if asked else ()
    return Target(lambda: Found(accounts))


def accounts_of(servers: ServerLike | Sequence[ServerLike] | None, username: str | None) -> list[Account]:
    """The accounts on these servers, each with this username unless it has its own. Raises ConfigurationError."""
    hint = (
        'write "smtp.example.com", "smtp.example.com:587" or Server("smtp.example.com", port=587), several in a list; '
        "a transport is given as transport="
    )
    listed = _listed(servers, _SERVERS, "a server", hint) if servers not in (None, [], ()) else []
    if not listed:
        hint = 'write Mailer("smtp.example.com", username="ana@example.com"), or Mailer.from_env()'
        raise ConfigurationError("a mailer needs a server, or a transport", hint=hint)
    return [_account(server, username) for server in listed]


def _listed(value: object, kinds: type[_Kind] | tuple[type[_Kind], ...], what: str, hint: str) -> list[_Kind]:
    """One of these kinds, or those in a list. Raises ConfigurationError for anything else."""
    if isinstance(value, kinds):
        return [value]
    several = isinstance(value, Iterable) and not isinstance(value, bytes | bytearray | Mapping)
    items: list[object] = list(cast("Iterable[object]", value)) if several else [value]
    for one in items or [value]:
        if not isinstance(one, kinds):
            raise ConfigurationError(f"this is not {what}: {type(one).__name__}", hint=hint)
    return cast("list[_Kind]", items)


def _check_name(name: object, hint: str) -> None:
    if not isinstance(name, str):
        raise ConfigurationError(f"this is not a name: {type(name).__name__}", hint=hint)


def _account(server: ServerLike, username: str | None) -> Account:
    if isinstance(server, Account):
        return server
    return Account(parsed_server(server) if isinstance(server, str) else server, username)
