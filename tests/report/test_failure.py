"""`report_failure`: a job that fails is reported, and fails as before; no secret is in the report."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sendkit import AsyncMailer, Mailer, MemoryTransport, Message
from sendkit.errors import ConfigurationError, MessageError
from sendkit.report import report_failure


class Sink:
    """A mailer that keeps what it is given, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.messages: list[Message] = []
        self.error = error

    def send(self, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.messages.append(message)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Sink:
    monkeypatch.setenv("SENDKIT_FROM", "ana@example.com")
    return Sink()


def job(fail: BaseException | None = None) -> int:
    password, rows, config = "hunter2", [1, 2], {"api_key": "xyz-12321"}
    if fail is not None:
        raise fail
    return len(password) + len(rows) + len(config)


def test_a_failure_is_mailed_and_raised_again(sink: Sink) -> None:
    error = ValueError("no rows\r\nBcc: x@example.com")
    with (
        pytest.raises(ValueError, match="no rows") as caught,
        report_failure(to="ops@example.com", mailer=sink, name="nightly"),
    ):
        job(error)
    assert caught.value is error
    (message,) = sink.messages
    assert message.subject == "nightly failed: ValueError: no rows Bcc: x@example.com"
    assert [str(box) for box in message.to] == ["ops@example.com"]
    assert "in job\n" in (message.text or "")
    assert "raise fail" in (message.text or "")


def test_locals_are_shown_when_asked_for_and_secrets_never(sink: Sink) -> None:
    for asked in (False, True):
        with pytest.raises(ValueError, match="x"), report_failure(mailer=sink, locals=asked):
            job(ValueError("x"))
    without, shown = (message.text or "" for message in sink.messages)
    assert "rows = " not in without
    assert "rows = [1, 2]" in shown
    for secret in ("hunter2", "xyz-12321"):
        assert secret not in without + shown
        assert secret not in (sink.messages[1].html or "")


def test_locals_of_the_cause_are_looked_through_too(sink: Sink) -> None:
    def outer() -> None:
        token = "t0ken"
        try:
            job(ValueError("inner"))
        except ValueError as error:
            raise KeyError(len(token)) from error

    with pytest.raises(KeyError), report_failure(mailer=sink, locals=True):
        outer()
    text = sink.messages[0].text or ""
    assert "ValueError: inner" in text
    assert not any(secret in text for secret in ("hunter2", "t0ken"))


def test_what_succeeds_is_not_reported(sink: Sink) -> None:
    @report_failure(mailer=sink)
    def works(value: int) -> int:
        """A job."""
        return value

    assert (works(5), works.__name__, works.__doc__) == (5, "works", "A job.")
    assert sink.messages == []


def test_a_decorated_job_has_its_name_in_the_subject(sink: Sink) -> None:
    @report_failure(mailer=sink)
    def nightly() -> None:
        job(ValueError("x"))

    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            nightly()
    assert ["nightly failed: ValueError: x" in message.subject for message in sink.messages] == [True, True]


def test_it_decorates_without_being_called(sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", f"file:{tmp_path}")

    @report_failure
    def nightly() -> int:
        return job(ValueError("x"))

    with pytest.raises(ValueError, match="x"):
        nightly()
    assert len([*tmp_path.rglob("*.eml")]) == 1


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (KeyboardInterrupt(), 0),
        (SystemExit(0), 0),
        (SystemExit(None), 0),
        (SystemExit(3), 1),
        (asyncio.CancelledError(), 0),
    ],
)
def test_to_be_stopped_is_no_failure(sink: Sink, error: BaseException, reported: int) -> None:
    with pytest.raises(type(error)), report_failure(mailer=sink):
        job(error)
    assert len(sink.messages) == reported


def test_an_error_of_the_mail_hides_nothing(sink: Sink, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="the real one"), report_failure(mailer=Sink(OSError("no route"))):
        job(ValueError("the real one"))
    assert capsys.readouterr().err.count("no route") == 1


def test_nobody_to_write_to_is_an_error_before_the_job() -> None:
    with pytest.raises(MessageError, match="sender"):
        report_failure(to="ops@example.com")
    with pytest.raises(MessageError, match="sender"):
        report_failure(job)


def test_a_real_mailer_takes_it(sink: Sink) -> None:
    transport = MemoryTransport()
    with Mailer(transport=transport) as mailer, pytest.raises(ValueError, match="x"), report_failure(mailer=mailer):
        job(ValueError("x"))
    assert len(transport.sent) == 1


class TestAsynchronous:
    """Coroutines, and mailers that are awaited."""

    async def test_a_coroutine_function_stays_one(self, sink: Sink) -> None:
        transport = MemoryTransport()
        async with AsyncMailer(transport=transport) as mailer:

            @report_failure(mailer=mailer)
            async def nightly() -> int:
                return job(ValueError("x"))

            with pytest.raises(ValueError, match="x"):
                await nightly()
            with pytest.raises(ValueError, match="y"):
                async with report_failure(mailer=mailer):
                    job(ValueError("y"))
        assert len(transport.sent) == 2

    async def test_it_is_not_used_without_being_awaited(self, sink: Sink) -> None:
        async with AsyncMailer(transport=MemoryTransport()) as mailer:
            with pytest.raises(ConfigurationError, match="awaited"), report_failure(mailer=mailer):
                job()

    async def test_the_account_of_the_environment_is_awaited(
        self, sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setenv("SENDKIT_TRANSPORT", f"file:{tmp_path}")
        with pytest.raises(ValueError, match="x"):
            async with report_failure():
                job(ValueError("x"))
        assert len([*tmp_path.rglob("*.eml")]) == 1
