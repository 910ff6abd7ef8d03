"""What people write by mistake gets an error that says what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from sendkit import (
    AsyncMailer,
    Mailer,
    MemoryTransport,
    Message,
    Outbox,
    RetryPolicy,
    Server,
    Timeouts,
)
from sendkit.errors import SendkitError
from tests.each import each

ONE = Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text="x")
_STDLIB = EmailMessage()
_STDLIB["To"] = "luis@example.com"
NOT_SEVERAL = (
    ONE,
    Message.from_bytes(b"To: luis@example.com\n\nHola\n"),
    _STDLIB,
    "Hola",
    b"Hola",
    {"to": "luis@example.com"},
)


@each([(value,) for value in NOT_SEVERAL], called=lambda case: type(case[0]).__name__)
def test_one_message_is_not_several(value: object) -> None:
    mailer, other = Mailer(transport=MemoryTransport()), AsyncMailer(transport=MemoryTransport())
    with Outbox("memory:") as outbox:
        takers: tuple[Callable[[], object], ...] = (
            lambda: mailer.send_many(value),  # type: ignore[arg-type]  # the mistake
            lambda: other.send_many(value),  # type: ignore[arg-type]  # as above
            lambda: list(outbox.put_many(value)),  # type: ignore[arg-type]  # as above
        )
        for take in takers:
            error = _error(take)
            assert "list" in (error.hint or "")


_MISTAKES: tuple[tuple[Callable[[], object], str, str], ...] = (
    (lambda: Timeouts(conect=5), "conect: is unknown; did you mean connect?", ""),  # type: ignore[call-arg]  # it is wrong
    (lambda: Timeouts(xyz=5), "known are connect, greeting, command", ""),  # type: ignore[call-arg]  # it is wrong
    (lambda: RetryPolicy(attempts=3), "attempts: is unknown; did you mean max_attempts?", ""),  # type: ignore[call-arg]  # it is wrong
    (lambda: RetryPolicy(wait=5), "wait: Input should be callable", "wait=lambda state: 5"),  # type: ignore[arg-type]  # it is wrong
    (lambda: Server("smtp.example.com", timeouts=5), "timeouts:", "timeouts=Timeouts(connect=10)"),  # type: ignore[arg-type]  # it is wrong
    (lambda: Mailer("ana@example.com"), "a mail address is the username", ""),
    (lambda: Mailer("ana@example.com:587"), "not a host", ""),
    (
        lambda: ONE.model_copy(update={"to": "a@example.com b@example.com"}),
        "SPACE",
        "put a comma between the addresses",
    ),
    (lambda: ONE.model_copy(update={"attachments": {"a.pdf": b"x"}}), "dict is not a list", "Attachment.from_bytes("),
    (lambda: ONE.model_copy(update={"attachments": [("a.pdf", b"x")]}), "a tuple is not", "Attachment.from_bytes("),
    (lambda: ONE.model_copy(update={"text": b"Hola"}), "bytes is not text", "data.decode()"),
    (lambda: ONE.model_copy(update={"html": Path("a.html")}), "is not text", "path.read_text()"),
)


@each(_MISTAKES, called=lambda case: case[1])
def test_a_mistake_is_named_with_its_cure(make: Callable[[], object], problem: str, hint: str) -> None:
    error = _error(make)
    assert problem in error.message
    assert hint in (error.hint or "")


def _error(make: Callable[[], object]) -> SendkitError:
    try:
        make()
    except SendkitError as error:
        return error
    raise AssertionError("nothing was raised")
