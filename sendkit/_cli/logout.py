"""`sendkit logout`: the password of an account out of the keyring."""

from __future__ import annotations

from sendkit._cli.console import say
from sendkit._cli.exit_codes import ExitCode
from sendkit._cli.options import LogoutOptions
from sendkit._credentials import delete_password, service_name
from sendkit._server.server import Server


def logout(options: LogoutOptions) -> ExitCode:
    """Remove the password. Raises CredentialsError and ConfigurationError."""
    # As a mailer looks it up: without a port, in A-labels.
    host = Server.parse(options.host).host
    delete_password(host, options.user)
    say(f"The password of {options.user} is gone from the keyring ({service_name(host)}).")
    return ExitCode.ACCEPTED
