"""From arguments and the environment to a mailer.

An option stands above its variable. --host names another server, so that what the environment says of the port and the
security of its own one (perhaps none) must not be carried over to it.
"""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING

from sendkit import Mailer
from sendkit._accounts.account import NAMES_A_SERVER, Account, plain_accounts
from sendkit._accounts.server_settings import flag, with_settings
from sendkit._delivery.retries import plain_policy
from sendkit._server.plain import parsed_server
from sendkit._variables import told
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit import RetryPolicy
    from sendkit._cli.options import AccountOptions, DeliveryOptions
    from sendkit._plan.options import MailerSettings
    from sendkit.results import Waiting


def mailer_for(options: AccountOptions, *, retry: RetryPolicy | None = None, deadline: float | None = None) -> Mailer:
    """The mailer for these arguments; without `retry`, the account's own policy. Raises ConfigurationError."""
    if os.environ.get("SENDKIT_TRANSPORT"):
        return Mailer.from_env(retry=retry, deadline=deadline)
    if options.account is not None:
        return _of_account(options.account, retry, deadline)
    accounts = [_as_told(account, options) for account in _accounts(options)]
    return Mailer(accounts, retry=retry, deadline=deadline)


def username_of(options: AccountOptions) -> str | None:
    """Who logs in at the first server that the arguments and the environment name, if they do."""
    try:
        return options.user or _accounts(options)[0].username
    except ConfigurationError:
        return os.environ.get("SENDKIT_USERNAME")


def _as_told(account: Account, options: AccountOptions) -> Account:
    server = with_settings(account.server, options.server_settings, flag)
    return Account(server, options.user or account.username)


def _of_account(name: str, retry: RetryPolicy | None, deadline: float | None) -> Mailer:
    settings: MailerSettings = {}
    if retry is not None:
        settings["retry"] = retry
    if deadline is not None:
        settings["deadline"] = deadline
    return Mailer.from_config(name, **settings)


def policy_for(options: DeliveryOptions, on_wait: Callable[[Waiting], object] | None) -> RetryPolicy | None:
    """How often deferred recipients are tried again; None: as the account says, or else the library."""
    if options.patient:
        from sendkit import RetryPolicy  # noqa: PLC0415 - pydantic, 100 ms

        return RetryPolicy.patient(on_wait=on_wait)
    if options.retries is not None:
        return plain_policy(max_attempts=options.retries + 1, max_elapsed=math.inf, on_wait=on_wait)
    return None if options.account is not None else plain_policy(on_wait=on_wait)


def _accounts(options: AccountOptions) -> tuple[Account, ...]:
    environ = {**os.environ, **_named(options)}
    if not (environ.get("SENDKIT_URL") or environ.get("SENDKIT_HOST")):
        usual = "give --host HOST (or --provider NAME) and --user USERNAME, or set SENDKIT_HOST and SENDKIT_USERNAME"
        hint = told(environ, *NAMES_A_SERVER) or usual
        raise ConfigurationError("no server is named", hint=hint)
    if environ.get("SENDKIT_URL") and options.security:
        hint = "write smtps:// for implicit TLS, smtp+starttls:// for STARTTLS, or use --host"
        raise ConfigurationError("--security does not go together with SENDKIT_URL", hint=hint)
    return plain_accounts(environ)


def _named(options: AccountOptions) -> dict[str, str]:
    """The options as the variables that they stand for."""
    named = {"SENDKIT_SECURITY": options.security} if options.security else {}
    named |= {"SENDKIT_PROTOCOL": options.protocol} if options.protocol else {}
    named |= {"SENDKIT_USERNAME": options.user} if options.user else {}
    if options.url:
        named["SENDKIT_URL"] = options.url
    if options.url or options.provider or options.host:
        named = {"SENDKIT_PROTOCOL": "", **named, "SENDKIT_PINS": ""}  # of another server
    if options.provider:
        from sendkit._providers.provider import Provider  # noqa: PLC0415 - a long table

        server = Provider.named(options.provider).server
        chosen = {
            "SENDKIT_HOST": server.host,
            "SENDKIT_PORT": str(server.port),
            "SENDKIT_SECURITY": server.security,
        }
        return {**named, **chosen, "SENDKIT_URL": ""}
    if options.host:
        server = parsed_server(options.host)
        port = str(server.port) if re.search(r":[0-9]+$", options.host.strip()) else ""
        named = {"SENDKIT_SECURITY": "", **named, "SENDKIT_URL": "", "SENDKIT_HOST": server.host, "SENDKIT_PORT": port}
    return named
