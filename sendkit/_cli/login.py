"""`sendkit login`: a password, or a grant of OAuth 2 tokens, tried at the server and put into the keyring.

A secret comes from the terminal without being shown, as one line from standard input, or from a provider; it is in no
local variable of a frame that can raise. What the server refuses is not stored; what could not be tried is.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import shlex
import sys

from sendkit._accounts.account import Account
from sendkit._accounts.server_settings import flag, with_settings
from sendkit._cli.console import complain, say
from sendkit._cli.exit_codes import ExitCode
from sendkit._cli.known_hosts import offer_known_hosts
from sendkit._cli.options import LoginOptions
from sendkit._credentials import Password, Secret, service_name, store_password
from sendkit._plan.targets import through_proxy
from sendkit._server.server import Server, Timeouts
from sendkit._smtp.hints import Caller, Facts, hint_for
from sendkit.errors import CredentialsError

_PATIENCE = Timeouts(connect=10, greeting=15, command=30)


def login(options: LoginOptions) -> ExitCode:
    """Get the secret, try it and store it. Raises CredentialsError and ConfigurationError."""
    server = _server(options)
    if options.oauth:
        from sendkit._cli.login_oauth import get_grant  # noqa: PLC0415 - most accounts have a password

        grant, token = get_grant(options)
        tried = _try(options, server, token)
        grant.store(server.host, options.user)
        what = "grant"
    else:
        secret = _ask(f"Password of {options.user} on {server.host}: ")
        _warn_if_weak(secret, options.user, server.host)
        tried = _try(options, server, secret)
        store_password(server.host, options.user, secret)
        what = "password"
    say(f"The {what} of {options.user} is in the keyring now, as {service_name(server.host)}.")
    say(tried)
    say(f"Use it: sendkit send --host {shlex.quote(options.host)} --user {shlex.quote(options.user)} …")
    offer_known_hosts(server, options.user)
    return ExitCode.ACCEPTED


def _server(options: LoginOptions) -> Server:
    """The server as a mailer would reach it, its host in A-labels, and without a port in the keyring."""
    server = Server.parse(options.host)
    port = server.port if options.host.strip().endswith(f":{server.port}") else None
    server = Server(server.host, port, options.security, ca_file=options.ca_file, timeouts=_PATIENCE)
    if options.proxy:
        server = with_settings(server, {"proxy": options.proxy}, flag)
    [account] = through_proxy([Account(server)], os.environ)
    return account.server


def _try(options: LoginOptions, server: Server, secret: Secret) -> str:
    """What is to be said of the login; raises CredentialsError when the server refuses it."""
    if options.no_test:
        return "The login was not tested."
    from sendkit._transport.trial import try_login  # noqa: PLC0415 - brings the wire along

    verdict = asyncio.run(try_login(server, options.user, Password(secret)))
    if verdict is None:
        return f"{server.address} took it."
    words = "; ".join(str(part) for part in (verdict.reply, verdict.reason) if part)
    if verdict.refused_login:
        hint = hint_for(verdict, Facts(server.host, server.port, options.user), Caller.SHELL)
        raise CredentialsError(f"{server.address} refuses the login, nothing was stored: {words}", hint=hint)
    return f"The login could not be tested, at {server.address}: {words}"


def _ask(prompt: str) -> Secret:
    try:
        text = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    except (EOFError, AttributeError):  # it is None where it was closed
        text = ""
    if not text:
        raise CredentialsError("no password was given", hint="type it, or pipe it in as one line")
    return Secret(text)


def _warn_if_weak(secret: Secret, *known: str) -> None:
    """With the extra `strength`; what the library reads is bounded, since its time is not."""
    try:
        import zxcvbn  # noqa: PLC0415 - 100 ms, and an extra
    except ImportError:
        return
    known_words = [part for text in known for part in (text, *text.split("@"))]
    # The whole answer holds the password again.
    score = zxcvbn.zxcvbn(secret.reveal()[:72], user_inputs=known_words)["score"]
    if score <= 2:
        complain("warning: this password is easily guessed; most providers make app passwords that are not")
