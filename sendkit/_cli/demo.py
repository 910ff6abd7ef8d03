"""`sendkit demo`: a report goes through a real STARTTLS + AUTH conversation, on this machine alone.

Shows what the server heard (secrets masked, content left out), what became of each recipient, and where the message
lies. The password is a throw-away one; it goes through the keyring, where there is one, and is removed again.
"""

from __future__ import annotations

import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit import Mailer, RetryPolicy
from sendkit._cli.console import complain, say
from sendkit._cli.demo_report import ACCEPTED, GREYLISTED, REJECTED, report
from sendkit._cli.demo_view import fact, print_conversation, title
from sendkit._cli.exit_codes import ExitCode
from sendkit._cli.outcome import print_recipients
from sendkit._credentials import CredentialChain, Credentials, Password, Secret, delete_password, store_password
from sendkit._credentials.os_keyring import LOOKUP_LIMIT, Keyring
from sendkit._smtp.verdict import Outcome
from sendkit.errors import CredentialsError
from sendkit.testing import LocalServer

if TYPE_CHECKING:
    from collections.abc import Generator

    from sendkit import DeliveryResult
    from sendkit._cli.options import DemoOptions

_EXPECTED = {
    ACCEPTED: (Outcome.ACCEPTED, 1),
    GREYLISTED: (Outcome.ACCEPTED, 2),
    REJECTED: (Outcome.REJECTED, 1),
}
_NEXT = """\
   sendkit login smtp.example.com you@example.com       # once: asks for the password, keeps it in the keyring

   from sendkit import Mailer, Message
   with Mailer("smtp.example.com", username="you@example.com") as mailer:
       mailer.send(Message(sender="you@example.com", to="luis@example.com", subject="Hola", text="¿Qué tal?"))"""


def demo(options: DemoOptions) -> ExitCode:
    """Run the demo. Raises ConfigurationError when its extra is not installed."""
    if options.outbox:
        from sendkit._cli.demo_outbox import demo_outbox  # noqa: PLC0415 - the outbox takes time to load, and the plain demo needs none

        return demo_outbox()
    # A username that nobody has: an entry that the user keeps for this machine must not be touched.
    with LocalServer(username=f"demo-{secrets.token_hex(3)}") as server:
        server.directory = folder = options.keep or Path(tempfile.mkdtemp(prefix="sendkit-demo-"))
        server.on_rcpt(GREYLISTED).reply("450 4.2.0 greylisted, come back later", times=1)
        server.on_rcpt(REJECTED).reply("550 5.1.1 no such user here")
        title("A report goes to three recipients")
        fact("server", f"{server.host}:{server.port}, on this machine alone; its certificate is a moment old")
        with _password(server) as credentials:
            result = _send(server, credentials)
    title("What was said", "C is sendkit, S the server; secrets masked, content left out")
    print_conversation(server.conversations, again=f"a moment later: once more, for {GREYLISTED} alone")
    title("What became of it")
    print_recipients(result, indent="   ")
    title("The message as it arrived", "open it with a mail program")
    say(f"   {(folder / '1.eml').absolute()}")
    title("The same with your own account")
    say(_NEXT)
    return _judge(result, server)


def _send(server: LocalServer, credentials: Credentials) -> DeliveryResult:
    retry = RetryPolicy(wait=_a_moment)
    with Mailer(server.server, username=server.username, credentials=credentials, retry=retry) as mailer:
        return mailer.send(report(), check=False)


def _a_moment(_: object) -> float:
    return 0.2  # seconds; a real greylist wants minutes


@contextmanager
def _password(server: LocalServer) -> Generator[Credentials]:
    """The password by way of the keyring, or directly where there is none."""
    secret = Secret(server.password)
    if (obstacle := _stored(server, secret)) is not None:
        fact("password", f"handed over directly, as there is no usable keyring here: {obstacle}")
        yield Password(secret)
        return
    fact("password", "in the keyring of this machine, for as long as the demo runs")
    try:
        yield CredentialChain([Keyring()])
    finally:
        _remove(server)


def _stored(server: LocalServer, secret: Secret) -> str | None:
    try:
        store_password(server.host, server.username, secret, limit=LOOKUP_LIMIT)
    except CredentialsError as error:
        return error.message.partition(": ")[2]
    return None


def _remove(server: LocalServer) -> None:
    try:
        delete_password(server.host, server.username, limit=LOOKUP_LIMIT)
    except CredentialsError as error:
        complain(f"sendkit: the throw-away password is still in the keyring: {error.message}")
        complain(f"  hint: sendkit logout {server.host} {server.username}")


def _judge(result: DeliveryResult, server: LocalServer) -> ExitCode:
    found = {one.address: (one.outcome, one.attempts) for one in result.recipients.values()}
    received = [message.envelope.recipients for message in server.messages]
    if found == _EXPECTED and received == [(ACCEPTED,), (GREYLISTED,)]:
        return ExitCode.ACCEPTED
    complain("sendkit: the demo failed")
    complain("  hint: please report it, with all that is printed above")
    return ExitCode.UNEXPECTED
