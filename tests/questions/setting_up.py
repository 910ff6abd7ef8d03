"""What happens before a message is sent: questions 1 to 5, 8, 9, 27 and 29."""

from __future__ import annotations

import os
from unittest import mock

import keyring.errors
from keyring.backends import fail

from sendkit import Mailer, Security
from tests.credentials.helpers import Failing
from tests.servers.authority import Certificate

from .stage import ANA, PASSWORD, Stage, keyring_of

_GMAIL = (
    "535-5.7.8 Username and Password not accepted. For more information, go to\r\n"
    "535 5.7.8  https://support.google.com/mail/?p=BadCredentials x1-20020a5d - gsmtp"
)
_MICROSOFT = (
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. [X.outlook.com]",
    "535 5.7.3 Authentication unsuccessful",
    "550 5.7.30 Basic authentication is not supported for Client Submission [AM0PR01.prod.outlook.com]",
)


def gmail(stage: Stage) -> None:
    """The web password of a Google account."""
    with stage.server() as server:
        server.on_auth().reply(_GMAIL)
        stage.sends(server)
        stage.types(server)


def microsoft(stage: Stage) -> None:
    """Four refusals of Microsoft's, by a host of any name."""
    for refusal in _MICROSOFT:
        with stage.server() as server:
            server.on_auth().reply(refusal)
            stage.sends(server)
            stage.types(server)
    with stage.server() as server:
        server.on_mail().reply("530 5.7.57 Client not authenticated to send mail. [AM0PR01.prod.outlook.com]")
        stage.sends(server, username=None, password=None)
        stage.types(server, user=None)


def oauth(stage: Stage) -> None:
    """A server that takes tokens alone."""
    with stage.server(capabilities_in_tls=("PIPELINING", "AUTH XOAUTH2 OAUTHBEARER")) as server:
        stage.sends(server)
        stage.types(server)


def swapped(stage: Stage) -> None:
    """STARTTLS where TLS comes first, and the other way round."""
    with stage.server(implicit_tls=True) as server:
        stage.sends(server)
        stage.types(server)
    with stage.server() as server:
        stage.sends(server, place=stage.place(server, Security.IMPLICIT_TLS))
        stage.types(server, "--security", "implicit_tls")


def certificates(stage: Stage) -> None:
    """Signed by itself, by nobody that is known, and on a machine that knows nobody at all."""
    for kind in (Certificate.SELF_SIGNED, Certificate.UNKNOWN_CA):
        with stage.server(kind) as server:
            stage.sends(server)
            stage.types(server)
    empty = stage.folder / "nobody.pem"
    empty.write_text("")
    nobody = {"SSL_CERT_FILE": str(empty), "SSL_CERT_DIR": str(stage.folder / "none")}
    with stage.server() as server, mock.patch.dict(os.environ, nobody):
        stage.sends(server, place=stage.place(server, ca_file=None))
        stage.types(server, without="--ca-file")


def no_keyring(stage: Stage) -> None:
    """A machine without one."""
    _without_password(stage, fail.Keyring())  # type: ignore[no-untyped-call]  # keyring's


def locked_keyring(stage: Stage) -> None:
    """One that nobody unlocked, in the words of the Secret Service's backend."""
    _without_password(stage, Failing(keyring.errors.KeyringLocked("Failed to unlock the collection!")))


def keyring_numbers(stage: Stage) -> None:
    """What the backends of Windows and macOS raise."""
    for told in (
        keyring.errors.PasswordSetError("(1783, 'CredWrite', 'The stub received bad data')"),
        keyring.errors.KeyringError("Can't get password from keychain: (-25308, 'Unknown Error')"),
        keyring.errors.PasswordSetError("Can't store password on keychain: (-25244, 'Unknown Error')"),
    ):
        _without_password(stage, Failing(told))


def _without_password(stage: Stage, backend: object) -> None:
    with stage.server() as server, keyring_of(backend):  # type: ignore[arg-type]
        stage.sends(server, password=None)
        stage.types(server, SENDKIT_PASSWORD="")


def providers(stage: Stage) -> None:
    """Names that people type, and one that is misspelt."""
    stage.program(lambda: Mailer.for_provider("office365", username=ANA, password=PASSWORD))
    stage.program(lambda: Mailer.for_provider("outlok", username=ANA))
    stage.program(lambda: Mailer("smtp.example.com", user=ANA))  # type: ignore[call-arg]
    stage.command("send", "--provider", "outlok", "--user", ANA, "-t", ANA, "-s", "Hola", "--text", "Hola")
