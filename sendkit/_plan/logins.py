"""From the accounts of a mailer to the transport that reaches their servers; every login is checked first.

Knows which server is the first and which are its backups, and that a password belongs to one account.
"""

# `checked` has put every option into the settings.
# pyright: reportTypedDictNotRequiredAccess=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sendkit._accounts.account import Account, check_mechanism, check_username
from sendkit._seam.limits import Limits
from sendkit._seam.transport import Transport
from sendkit._server.security import Security
from sendkit._smtp.sasl import Mechanism
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._credentials import Credentials
    from sendkit._plan.options import MailerSettings
    from sendkit._server.server import Server


def check_logins(
    accounts: Sequence[Account], password: object, credentials: object, mechanism: Mechanism | None
) -> None:
    """Refuse a login that cannot be, or must not be tried. Raises ConfigurationError."""
    names = {None if account.username is None else check_username(account.username) for account in accounts}
    given = password is not None or credentials is not None
    orphaned = any(account.username is None and account.credentials is not None for account in accounts)
    if orphaned or (None in names and given):
        hint = "give username= too, usually the mail address of the account"
        raise ConfigurationError("a password without a username", hint=hint)
    if len(names) > 1 and password is not None:
        hint = "give credentials=, a callable (host, username), or store each password with `sendkit login HOST USER`"
        raise ConfigurationError("one password for accounts with different usernames", hint=hint)
    given |= any(account.credentials is not None for account in accounts)
    if mechanism is Mechanism.EXTERNAL and given:
        hint = "give the server client_cert= (or tls_context= with load_cert_chain()), and no password"
        raise ConfigurationError("EXTERNAL logs in by a client certificate, not by a password", hint=hint)
    for account in accounts:
        _check_login(account.server, account.username, mechanism)


def _check_login(server: Server, username: str | None, mechanism: Mechanism | None) -> None:
    if username is not None:
        check_username(username)
    if username is None and mechanism not in (None, Mechanism.EXTERNAL):
        raise ConfigurationError(f"{mechanism} needs a username", hint="give username= too")
    anybody = username is not None or mechanism is not None
    if anybody and not server.trusted:
        hint = "verify it: ca_file= takes a certificate of your own authority, pins= the server's key"
        raise ConfigurationError(f"{server.address}: no login to an unverified server", hint=hint)
    if anybody and server.security is Security.NONE and (mechanism is Mechanism.EXTERNAL or not server.loopback):
        hint = "use Security.STARTTLS or Security.IMPLICIT_TLS; only this machine may be logged in to without"
        raise ConfigurationError(f"{server.address}: no login without TLS", hint=hint)


def transport_to(accounts: Sequence[Account], options: MailerSettings) -> Transport:
    """The transport to the first account's server, with the others as its backups. Raises ConfigurationError."""
    from sendkit._credentials import default_chain, explicit  # noqa: PLC0415 - a mailer with a transport needs no keyring

    password, credentials = options.get("password"), options.get("credentials")
    mechanism = check_mechanism(options.get("mechanism"))
    check_logins(accounts, password, credentials, mechanism)
    chosen = explicit(password, credentials)
    first = accounts[0].username
    names = (account.username for account in accounts if mechanism is not Mechanism.EXTERNAL)
    usernames = {name for name in names if name is not None}
    # The password that the environment holds is that of the first account, and no other provider may see it.
    chains = {name: default_chain() if name == first else default_chain(environ={}) for name in usernames}
    limits = Limits(
        options["max_connections"],
        options.get("messages_per_connection"),
        options["idle_timeout"],
        login_rest=options["login_rest"],
    )
    transports = [
        _wire(account, chosen or account.credentials or chains.get(account.username or ""), limits, mechanism)
        for account in accounts
    ]
    if len(transports) == 1:
        return transports[0]
    from sendkit._transport.failover import FailoverTransport  # noqa: PLC0415 - most mailers have one server

    return FailoverTransport(transports)


def _wire(account: Account, credentials: Credentials | None, limits: Limits, mechanism: Mechanism | None) -> Transport:
    from sendkit._transport.smtp import SMTPTransport  # noqa: PLC0415 - a mailer with a transport needs no aiosmtplib

    limits = replace(limits, quit=account.server.timeouts.quit)
    if account.server.sock is not None:
        limits = replace(limits, connections=1, idle=None)  # there will be no other
    return SMTPTransport(
        account.server, username=account.username, credentials=credentials, limits=limits, mechanism=mechanism
    )
