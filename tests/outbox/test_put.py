"""What a put takes: senders of the account, options of the server, files of any size; and what it refuses in words."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, AsyncOutbox, Mailer, MemoryTransport, Message, Outbox, SubmissionOptions
from sendkit.errors import ConfigurationError, MessageError, SendkitError
from sendkit.outbox import Letter, LetterNotFound, _letter
from sendkit.testing import MemoryOutbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", account="ana@example.com@smtp.example.com:587") as outbox:
        yield outbox


def message(**more: Any) -> Message:
    return Message(**{"sender": "ana@example.com", "to": "luis@example.com", "subject": "n", "text": "x", **more})


def sent_by(outbox: Outbox) -> MemoryTransport:
    with Mailer(transport=(transport := MemoryTransport())) as mailer:
        outbox.drain(mailer)
    return transport


def test_a_message_without_a_sender_is_from_the_username_of_its_account(outbox: Outbox) -> None:
    outbox.put(Message(to="luis@example.com", subject="n", text="x"))
    (sent,) = sent_by(outbox).sent
    assert sent.envelope.reverse_path == "ana@example.com"
    assert sent.message["From"] == "ana@example.com"


def test_it_is_found_in_the_config_and_otherwise_asked_for(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sendkit").mkdir()
    (tmp_path / "sendkit" / "config.toml").write_text(
        '[accounts.work]\nhost = "smtp.example.com"\nusername = "eva@example.com"\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    nameless = Message(to="luis@example.com", subject="n", text="x")
    assert outbox.status(outbox.put(nameless, account="work")).reverse_path == "eva@example.com"
    with pytest.raises(MessageError, match="sender"):
        outbox.put(nameless, account="elsewhere")


def test_options_are_kept_and_the_letters_id_is_its_name_in_reports(outbox: Outbox) -> None:
    receipt = outbox.put(message(), options=SubmissionOptions(notify="failure,delay", ret="headers"))
    outbox.put(message(), options=SubmissionOptions(notify="never", envid="mine"))
    outbox.put(message())
    seen: list[SubmissionOptions | None] = []
    transport = MemoryTransport()
    deliver = transport.deliver

    async def watched(letter: Any, log: Any) -> None:
        seen.append(letter.options)
        await deliver(letter, log)

    transport.deliver = watched  # type: ignore[method-assign]  # the seam of a test's own double
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer, concurrency=1)
    assert seen == [
        SubmissionOptions(notify="failure,delay", ret="headers", envid=receipt.id),
        SubmissionOptions(notify="never", envid="mine"),
        None,
    ]


async def test_large_files_are_read_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(b"x" * 2_000_000)
    readers: set[threading.Thread] = set()
    opened = Path.open

    def watched(path: Path, *arguments: Any, **more: Any) -> Any:
        if path == file:
            readers.add(threading.current_thread())
        return opened(path, *arguments, **more)

    letter = message(attachments=[file])
    monkeypatch.setattr(Path, "open", watched)
    async with AsyncOutbox(tmp_path / "outbox.db", account="test") as outbox:
        await outbox.put(letter)
    assert readers
    assert threading.main_thread() not in readers


@pytest.mark.parametrize(
    "made",
    [
        lambda: message(html='<img src="cid:chart" alt="">', inline={"chart": b"\x89PNG\r\n\x1a\n" + b"x" * 500_000}),
        lambda: message(html="<p>long</p>" * 20_000),
        lambda: Message.from_bytes(b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n" + b"x\r\n" * 9),
        lambda: email_of("x" * 500_000),
    ],
)
async def test_what_takes_long_to_write_out_is_written_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[], Any]
) -> None:
    writers: set[threading.Thread] = set()
    compose = _letter.compose

    def watched(*arguments: Any) -> Any:
        writers.add(threading.current_thread())
        return compose(*arguments)

    monkeypatch.setattr("sendkit.outbox._letter.compose", watched)
    async with AsyncOutbox(tmp_path / "outbox.db", account="test") as outbox:
        await outbox.put(made())
    assert writers
    assert threading.main_thread() not in writers


def email_of(text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "x"
    mail.set_content(text)
    return mail


def test_without_asyncio_it_says_what_to_use(tmp_path: Path) -> None:
    outbox = AsyncOutbox(tmp_path / "outbox.db", account="test")
    for work in (outbox.put(message()), outbox.counts(), outbox.drain(AsyncMailer(transport=MemoryTransport()))):
        with pytest.raises(SendkitError, match="AsyncOutbox needs an asyncio event loop") as error:
            work.send(None)  # as trio runs a coroutine
        assert "trio.to_thread.run_sync(outbox.put" in str(error.value)


@pytest.mark.parametrize("kind", [Outbox, AsyncOutbox, MemoryOutbox])
def test_every_setting_stands_in_the_signatures(kind: type) -> None:
    for name in ("__init__", "worker", "run", "drain"):
        parameters = inspect.signature(getattr(kind, name)).parameters
        assert "concurrency" in parameters
        assert "settings" not in parameters


def test_both_kinds_of_an_outbox_have_the_same_methods_with_the_same_parameters() -> None:
    ends = {"close", "aclose"}
    names = {name for name in {*dir(Outbox), *dir(AsyncOutbox)} - ends if not name.startswith("_")} - {"place"}
    for name in sorted(names):
        one, other = (inspect.signature(getattr(kind, name)).parameters.values() for kind in (Outbox, AsyncOutbox))
        assert [(each.name, each.kind, each.default) for each in one] == [
            (each.name, each.kind, each.default) for each in other
        ], name


async def test_a_drain_without_a_mailer_is_through_the_one_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENDKIT_HOST", "smtp.example.com")
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    async with AsyncOutbox(tmp_path / "outbox.db") as outbox:
        receipt = await outbox.put(message())
        assert await outbox.drain() == 1
        assert (await outbox.status(receipt)).recipients[0].state == "diverted"


def test_a_signal_handler_in_the_middle_of_the_first_put_is_refused(tmp_path: Path) -> None:
    """It would wait for the thread that the interrupted put is about to start."""
    with Outbox(tmp_path / "outbox.db", account="test") as outbox:
        with outbox._core.writer._lock, pytest.raises(SendkitError, match="waits for the one that it interrupted"):
            outbox.put(message())
        outbox.put(message())
        assert len(list(outbox.letters())) == 1


def test_a_setting_that_there_is_not_gets_the_one_that_was_meant() -> None:
    with pytest.raises(TypeError, match="did you mean 'concurrency'"):
        Outbox(concurrent=3)  # type: ignore[call-arg]  # that is the test


@pytest.mark.parametrize(
    "settings",
    [
        {"concurrency": "x"},
        {"concurrency": 0},
        {"stop_within": -1},
        {"stop_within": "x"},
        {"warn_after": 5},
        {"keep_content": 3},
        {"keep_rows": None},
        {"on_event": 3},
        {"schedule": 3},
        {"schedule": "x"},
        {"engine": 3},
        {"account": 3},
        {"account": ""},
        {"max_size": "x"},
        {"max_size": 0},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(settings))}=") as error:
        Outbox(":memory:", **settings)
    assert error.value.hint


@pytest.mark.parametrize(
    "said",
    [
        {"lane": None},
        {"lane": "x" * 300},
        {"account": ""},
        {"priority": 1.5},
        {"send_at": 3.5},
        {"send_at": datetime(9999, 1, 1, tzinfo=UTC)},
        {"expires_in": 5},
        {"expires_in": timedelta.max},
        {"account": "work "},
    ],
    ids=str,
)
def test_what_a_put_cannot_mean_is_refused(outbox: Outbox, said: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(said))}=") as error:
        outbox.put(message(), **said)
    assert error.value.hint
    assert outbox.counts().letters["ready"] == 0


@pytest.mark.parametrize(
    "place",
    [
        *("", " ", "\0", 3, b"x", "sqlite://x", "sqlite:///a.db?mode=ro", "postgresql:/x", "sqlite:x.db", "file:x.db"),
        *("postgresql:x", "host=localhost password=secret", "dbname = mail", "postgresql://u:secret@[::1/x"),
    ],
    ids=repr,
)
def test_a_place_that_is_none_is_refused(place: Any) -> None:
    with pytest.raises(ConfigurationError) as error:
        Outbox(place)
    assert "sqlite:///PATH" in str(error.value.hint)
    assert "secret" not in f"{error.value!r} {error.value}"


@pytest.mark.parametrize(
    "asked",
    [
        lambda outbox: list(outbox.letters(state="sent")),
        lambda outbox: list(outbox.letters(recipient_state="sent")),
        lambda outbox: list(outbox.letters(limit="x")),
        lambda outbox: outbox.purge(content_after=3),
        lambda outbox: outbox.rate(None, "3/minute"),
        lambda outbox: outbox.drain(AsyncMailer(transport=MemoryTransport())),
        lambda outbox: outbox.drain(3),
        lambda outbox: list(outbox.put_many(message())),
        lambda outbox: list(outbox.put_many(Letter(message()))),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(outbox: Outbox, asked: Callable[[Any], object]) -> None:
    with pytest.raises(SendkitError) as error:
        asked(outbox)
    assert error.value.hint


async def test_an_asynchronous_outbox_takes_no_synchronous_mailer(tmp_path: Path) -> None:
    async with AsyncOutbox(tmp_path / "outbox.db", account="test") as outbox:
        with Mailer(transport=MemoryTransport()) as mailer, pytest.raises(ConfigurationError, match="AsyncMailer"):
            await outbox.drain(mailer)  # type: ignore[arg-type]  # that is the test


def test_a_home_that_may_not_be_written_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (
        pytest.raises(ConfigurationError, match="cannot be opened") as error,
        Outbox(tmp_path / "file" / "x.db") as outbox,
    ):
        outbox.put(message(), account="test")
    assert "SENDKIT_OUTBOX" in str(error.value.hint)


@pytest.mark.parametrize("limit", ["1", timedelta(seconds=1), float("nan"), True])
async def test_a_wait_whose_limit_is_no_number_of_seconds_is_refused_at_once(limit: Any) -> None:
    with MemoryOutbox() as outbox, pytest.raises(ConfigurationError, match="timeout= cannot be"):
        outbox.wait(outbox.put(message()), timeout=limit)
    async with AsyncOutbox("memory:", account="test") as apart:
        with pytest.raises(ConfigurationError, match="timeout= cannot be"):
            await apart.wait(await apart.put(message()), timeout=limit)


@pytest.mark.parametrize("letter", [None, 3, object(), b"ab"])
def test_what_is_no_id_names_no_letter(letter: Any) -> None:
    with MemoryOutbox() as outbox, pytest.raises(LetterNotFound):
        outbox.status(letter)


@pytest.mark.parametrize(
    ("kept", "asked", "found"),
    [
        ("Ana@Example.COM", "Ana@example.com", True),
        ("Ana@Example.COM", "ana@example.com", False),
        ("ana@xn--Bcher-kva.example", "ana@Bücher.example", True),
        ("ana@bücher.example", "ana@XN--bcher-kva.example", True),
        ("ÁNA@example.com", "ÁNA@EXAMPLE.com", True),
        ("ana@example.com", "ana", False),
    ],
)
def test_only_the_domain_of_an_address_ignores_case(where: Path | str, kept: str, asked: str, found: bool) -> None:
    """RFC 5321 section 2.4."""
    with Outbox(where, account="test") as outbox:
        receipt = outbox.put(Message(sender="ana@example.com", to=[kept, "luis@example.com"], text="x"))
        assert [one.id for one in outbox.letters(recipient=asked)] == [receipt.id] * found
        if found:
            assert outbox.status(receipt).recipient(asked).address == kept
        else:
            with pytest.raises(KeyError):
                outbox.status(receipt).recipient(asked)


@pytest.mark.parametrize("name", ["recipient", "lane", "key", "account"])
def test_letters_are_looked_for_by_text(name: str) -> None:
    wanted: Any = {name: 3}
    with MemoryOutbox() as outbox, pytest.raises(ConfigurationError, match=f"{name}= is not text"):
        list(outbox.letters(**wanted))
