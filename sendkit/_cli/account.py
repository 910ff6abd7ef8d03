"""`sendkit login` and `sendkit logout`: the password of an account, into the keyring and out of it.

The password comes from the terminal without being shown, or as one line from standard input; it is in no local variable
of a frame that can raise.
"""

from __future__ import annotations

import getpass
import shlex
import sys

from sendkit._cli.console import say
from sendkit._cli.exit_codes import ExitCode
from sendkit._cli.options import LoginOptions, LogoutOptions
from sendkit._credentials import Secret, delete_password, service_name, store_password
from sendkit._settings import Server
from sendkit.errors import CredentialsError


def login(options: LoginOptions) -> ExitCode:
    """Ask for the password and store it. Raises CredentialsError and ConfigurationError."""
    host = _host(options.host)
    secret = _ask(f"Password of {options.user} on {host}: ")
    store_password(host, options.user, secret)
    say(f"The password of {options.user} is in the keyring now, as {service_name(host)}.")
    say(f"Use it: sendkit send --host {shlex.quote(options.host)} --user {shlex.quote(options.user)} …")
    return ExitCode.ACCEPTED


def logout(options: LogoutOptions) -> ExitCode:
    """Remove the password. Raises CredentialsError and ConfigurationError."""
    host = _host(options.host)
    delete_password(host, options.user)
    say(f"The password of {options.user} is gone from the keyring ({service_name(host)}).")
    return ExitCode.ACCEPTED


def _host(text: str) -> str:
    """The host as a mailer looks it up: without a port, in A-labels."""
    return Server.parse(text).host


def _ask(prompt: str) -> Secret:
    try:
        text = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    except EOFError:
        text = ""
    if not text:
        raise CredentialsError("no password was given", hint="type it, or pipe it in as one line")
    return Secret(text)
