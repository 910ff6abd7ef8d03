"""Where the secret comes from: the program, its environment, a file, the operating system's keyring, OAuth 2.

Knows: sources and how each of them says no. A secret is asked for once, as late as possible, travels as a `Secret`, and
stands in no error, repr, log or traceback.
Must not know: SMTP mechanisms (RFC 4954), connections, or what a server thinks of the secret.
"""

from __future__ import annotations

from sendkit._credentials.chain import CredentialChain, default_chain
from sendkit._credentials.command import PasswordCommand
from sendkit._credentials.explicit import CallableCredentials, Password, explicit
from sendkit._credentials.os_keyring import delete_password, service_name, store_password
from sendkit._credentials.secret import Secret, sealed
from sendkit._credentials.source import Credentials, Renewable

__all__ = [
    "CallableCredentials",
    "CredentialChain",
    "Credentials",
    "Password",
    "PasswordCommand",
    "Renewable",
    "Secret",
    "default_chain",
    "delete_password",
    "explicit",
    "sealed",
    "service_name",
    "store_password",
]
