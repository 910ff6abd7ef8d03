"""What tests hand to `sendkit sendmail`, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._accounts import config

from .shell import Answer, Shell

if TYPE_CHECKING:
    from sendkit.testing import LocalServer
    from sendkit.testing import ReceivedMessage as Received


HEAD = b"From: Ana <ana@example.com>\nTo: luis@example.com\nSubject: Hola\n"


def add(text: str) -> None:
    """Write more into the user's file of accounts."""
    with config.config_file().open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def send(shell: Shell, *arguments: str, stdin: bytes = HEAD + b"\ntext\n") -> Answer:
    return shell("sendmail", *arguments, stdin=stdin)


def taken(server: LocalServer) -> Received:
    [message] = server.messages
    return message
