"""The account that these tests send with, three ways to send with it, and a look into the mailboxes.

Knows the public face, the command line, and the Postfix of `tests.servers`. Must not know: any test.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sendkit import AsyncMailer, DeliveryResult, Mailer, Message, Outcome, RetryPolicy, Security, Server
from tests import preloaded

if TYPE_CHECKING:
    from tests.servers.authority import Authority
    from tests.servers.postfix import Postfix
    from tests.servers.scripted import ScriptedServer

ANA, LUIS, OPS, NOBODY = (f"{name}@example.test" for name in ("ana", "luis", "ops", "nobody"))
ROOT = Path(__file__).parents[2]
# What a server writes on top of a message that it delivers, folded lines included.
_TRACE = re.compile(
    rb"\A(?:(?:Return-Path|X-Original-To|Delivered-To|Envelope-to|Received):[^\n]*\n(?:[ \t][^\n]*\n)*)+"
)


def at_once(attempts: int = 3) -> RetryPolicy:
    """Try so often, without a pause."""
    return RetryPolicy(max_attempts=attempts, wait=lambda _: 0)


def starttls(postfix: Postfix, port: int | None = None) -> Server:
    """The submission server, or the one on another port, with STARTTLS required."""
    return Server(postfix.host, port or postfix.starttls_port, Security.STARTTLS, ca_file=postfix.ca_file)


def implicit_tls(postfix: Postfix) -> Server:
    """The same with implicit TLS."""
    return Server(postfix.host, postfix.implicit_tls_port, Security.IMPLICIT_TLS, ca_file=postfix.ca_file)


def letter(*to: str, subject: str = "Informe", text: str = "Todo bien.\n") -> Message:
    """A short message from Ana."""
    return Message(sender=ANA, to=to, subject=subject, text=text)


def outcomes(result: DeliveryResult) -> dict[str, Outcome]:
    """The outcome of each recipient."""
    return {address: recipient.outcome for address, recipient in result.recipients.items()}


@dataclass(slots=True, frozen=True)
class Sent:
    """What became of a message; the command line also has an exit code, and its report on standard error."""

    result: DeliveryResult
    code: int | None = None
    report: str = ""


Way = Callable[[Server, "tuple[str, ...]"], Sent]


def by_mailer(server: Server, to: tuple[str, ...]) -> Sent:
    """Send with `Mailer`."""
    with Mailer(server, username=ANA, retry=at_once()) as mailer:
        return Sent(mailer.send(letter(*to), check=False))


def by_async_mailer(server: Server, to: tuple[str, ...]) -> Sent:
    """Send with `AsyncMailer`, on an event loop of its own."""

    async def send() -> Sent:
        async with AsyncMailer(server, username=ANA, retry=at_once()) as mailer:
            return Sent(await mailer.send(letter(*to), check=False))

    return asyncio.run(send())


def by_command(server: Server, to: tuple[str, ...]) -> Sent:
    """Send with `python -m sendkit send`, in a process of its own."""
    account = ("--host", server.address, "--user", ANA, "--ca-file", str(server.ca_file), "--security", server.security)
    message = ("--from", ANA, "--to", ", ".join(to), "--subject", "Informe", "--text", "Todo bien.")
    done = run("send", *account, *message, "--json")
    return Sent(DeliveryResult.model_validate_json(done.stdout), done.returncode, done.stderr)


WAYS: Mapping[str, Way] = {"sync": by_mailer, "async": by_async_mailer, "cli": by_command}


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, in which every warning is an error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environ}
    return preloaded.run(preloaded.STRICT, preloaded.COMMAND, *arguments, environment=environment)


class Mailboxes(Protocol):
    """A server into whose mailboxes one can look."""

    def raw_mailbox(self, name: str) -> list[bytes]: ...


def contents(server: Mailboxes, mailbox: str) -> list[bytes]:
    """The messages of a mailbox as they were sent, except for line ends: without what the server wrote on top."""
    return [_TRACE.sub(b"", raw) for raw in server.raw_mailbox(mailbox)]


def copies(server: Mailboxes, mailboxes: Iterable[str]) -> Counter[tuple[str, str]]:
    """How many copies of each message each mailbox holds: (Message-ID, mailbox) and a count."""
    return Counter(
        (str(message_from_bytes(raw)["Message-ID"]).strip(), mailbox)
        for mailbox in set(mailboxes)
        for raw in server.raw_mailbox(mailbox)
    )


def accepted(results: Iterable[DeliveryResult]) -> Counter[tuple[str, str]]:
    """What the results say was accepted, in the same form."""
    return Counter((str(result.message_id), one.address) for result in results for one in result.accepted)


def auth_commands(postfix: Postfix) -> int:
    """How many AUTH commands came over all connections."""
    return sum(session.tried.get("auth", 0) for session in postfix.sessions())


def starttls_to(server: ScriptedServer, authority: Authority) -> Server:
    """The scripted server, with STARTTLS required."""
    return Server(server.host, server.port, Security.STARTTLS, ca_file=authority.ca_file)
