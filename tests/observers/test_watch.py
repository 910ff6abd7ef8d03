"""What observers are told, where they are called, and that they change nothing."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pydantic
import pytest

from sendkit import (
    AsyncMailer,
    Attempt,
    DeliveryResult,
    Mailer,
    MemoryTransport,
    Message,
    Outbox,
    Outcome,
    RetryPolicy,
    errors,
)
from sendkit.observers import AnyObserver
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import LUIS, ONCE, message
from tests.servers.skipping import move_on

from .watchers import AsyncNotes, Notes, Raises

BUSY = "450 4.2.0 not now"


class TestWhatIsTold:
    """One result for each message, one attempt for each of its attempts."""

    def test_each_attempt_and_then_the_very_result(self, transport: MemoryTransport) -> None:
        transport.on_rcpt().reply(BUSY, times=2)
        notes = Notes()
        with Mailer(transport=transport, observers=[notes]) as mailer:
            result = mailer.send(message())
        assert notes.results == [result]
        assert notes.results[0] is result
        assert tuple(notes.attempts) == result.attempts
        assert len(notes.attempts) == 3

    def test_an_attempt_is_told_before_the_wait_for_the_next(self, transport: MemoryTransport) -> None:
        transport.on_rcpt().reply(BUSY, times=1)
        notes, told = Notes(), threading.Event()
        notes.on_attempt = lambda attempt: told.set()  # type: ignore[method-assign]  # a double replaces its own method
        policy = RetryPolicy(on_wait=lambda _: told.wait(300) or pytest.fail("nobody was told"))
        with Mailer(transport=transport, observers=[notes], retry=policy) as mailer:
            assert mailer.send(message()).ok

    def test_each_message_of_a_stream_with_its_index(self, transport: MemoryTransport) -> None:
        notes = Notes()
        wrong = {"not": "a message"}
        with Mailer(transport=transport, observers=[notes]) as mailer:
            results = list(mailer.send_many([message(), wrong, message()]))  # type: ignore[list-item]  # a wrong one among them is what this is about
        assert sorted(one.index or 0 for one in notes.results) == [0, 1, 2]
        assert {id(one) for one in notes.results} == {id(one) for one in results}
        assert isinstance(notes.results[1].error, errors.SendkitError)

    def test_what_the_caller_must_fix_is_a_result_with_an_error(self, transport: MemoryTransport) -> None:
        notes = Notes()
        with Mailer(transport=transport, observers=[notes]) as mailer, pytest.raises(errors.MessageError) as raised:
            mailer.send(message(), recipients=[])
        assert [one.error for one in notes.results] == [raised.value]

    @pytest.mark.parametrize("how", ["cancelled", "deadline", "closed"])
    async def test_what_was_cut_short_is_told_too(self, how: str, tmp_path: Path) -> None:
        notes, begun = Notes(), asyncio.Event()

        class Hangs(MemoryTransport):
            async def deliver(self, letter: object, log: object) -> None:
                begun.set()
                await asyncio.Event().wait()

        mailer = AsyncMailer(transport=Hangs(), observers=[notes], deadline=60 if how == "deadline" else None)
        sending = asyncio.ensure_future(mailer.send(message(), check=False))
        await begun.wait()
        if how == "cancelled":
            sending.cancel()
        elif how == "deadline":
            move_on(60)
        await mailer.aclose(timeout=None if how == "deadline" else 0.01)
        with pytest.raises(asyncio.CancelledError) if how == "cancelled" else nullcontext():
            await sending
        (result,) = notes.results
        assert result.recipients[LUIS].outcome is Outcome.DEFERRED
        assert tuple(notes.attempts) == result.attempts

    def test_a_worker_of_the_outbox_tells_its_own_and_those_of_its_mailer(
        self, transport: MemoryTransport, tmp_path: Path
    ) -> None:
        mailers, workers = Notes(), Notes()
        transport.on_rcpt().reply(BUSY, times=1)
        with (
            Outbox(tmp_path / "outbox.db", account="ana", observers=[workers]) as outbox,
            Mailer(transport=transport, observers=[mailers]) as mailer,
        ):
            outbox.put(message())
            outbox.drain(mailer)
            outbox.flush()
            outbox.drain(mailer)
        assert [one.ok for one in workers.results] == [False, True]
        assert mailers.results == workers.results
        assert len(workers.attempts) == 2

    @pytest.mark.parametrize("by", ["url", "environment", "provider", "discovery"])
    def test_every_constructor_takes_them(self, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
        notes = Notes()
        make: dict[str, Callable[[], Mailer]] = {
            "url": lambda: Mailer.from_url("smtps://smtp.example.com", observers=[notes]),
            "environment": lambda: Mailer.from_env(observers=[notes]),
            "provider": lambda: Mailer.for_provider("gmail", username="ana@gmail.com", observers=[notes]),
            "discovery": lambda: Mailer.discover("ana@example.com", observers=[notes]),
        }
        with make[by]() as mailer:
            mailer.send(message())
        assert len(notes.results) == 1


class TestNothingChanges:
    """An observer watches."""

    @pytest.mark.parametrize("error", [ValueError("it is hunter22"), SystemExit(3), KeyboardInterrupt()])
    def test_what_they_raise_is_logged_once_without_secrets(
        self, error: BaseException, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings = {"password": "hunter22", "transport": transport}
        with (
            assert_no_secret_leaks("hunter22"),
            Mailer("smtp.example.com", username="ana", **settings, observers=[Raises(error)]) as mailer,  # type: ignore[arg-type]  # settings of two types
        ):
            assert all(mailer.send(message()).ok for _ in range(3))
        (record,) = [one for one in caplog.records if one.name == "sendkit.observers"]
        assert record.levelname == "WARNING"
        assert f"Raises.on_result raised {type(error).__name__}" in record.getMessage()

    def test_a_coroutine_that_raises_is_logged_too(
        self, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        class AsyncRaises:
            async def on_result(self, result: DeliveryResult) -> None:
                raise LookupError("nothing")

        with Mailer(transport=transport, observers=[AsyncRaises()]) as mailer:
            assert all(mailer.send(message()).ok for _ in range(3))
        assert [one.levelname for one in caplog.records] == ["WARNING"]

    def test_a_coroutine_that_cancels_itself_ends_no_other_and_is_logged(
        self, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Cancelled:
            async def on_result(self, result: DeliveryResult) -> None:
                waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                waits.cancel()
                await waits

        others = AsyncNotes()
        with Mailer(transport=transport, observers=[Cancelled(), others]) as mailer:
            results = [mailer.send(message()) for _ in range(2)]
        assert others.results == results
        assert caplog.text.count("Cancelled.on_result raised CancelledError") == 1

    def test_a_coroutine_has_its_own_context_in_each_of_its_steps(self, transport: MemoryTransport) -> None:
        var: contextvars.ContextVar[int] = contextvars.ContextVar("var", default=0)
        seen: list[tuple[int, int]] = []

        class Steps:
            async def on_result(self, result: DeliveryResult) -> None:
                before = var.get()
                var.set(1)
                async with asyncio.timeout(300):
                    await asyncio.sleep(0)
                    await asyncio.ensure_future(asyncio.sleep(0))
                seen.append((before, var.get()))

        with Mailer(transport=transport, observers=[Steps(), Steps()]) as mailer:
            list(mailer.send_many([message(), message()]))
        assert seen == [(0, 1), (1, 1)] * 2

    def test_the_values_are_frozen(self, transport: MemoryTransport) -> None:
        class Forges:
            def on_result(self, result: DeliveryResult) -> None:
                with pytest.raises(pydantic.ValidationError):
                    result.recipients = {}  # type: ignore[misc]  # what a type checker refuses must fail
                with pytest.raises(TypeError):
                    result.recipients[LUIS] = None  # type: ignore[index]  # as above

        with Mailer(transport=transport, observers=[Forges(), notes := Notes()]) as mailer:
            assert mailer.send(message()).recipients[LUIS].outcome is Outcome.ACCEPTED
        assert len(notes.results) == 1

    @pytest.mark.parametrize("kind", ["plain", "async"])
    def test_what_an_observer_sends_is_told_to_nobody(self, kind: str, transport: MemoryTransport) -> None:
        told: list[DeliveryResult] = []

        class Alerts:
            def on_result(self, result: DeliveryResult) -> None:
                told.append(result)
                mailer.send(message())

        class AsyncAlerts:
            async def on_result(self, result: DeliveryResult) -> None:
                told.append(result)
                async with AsyncMailer(transport=transport, observers=[self]) as other:
                    await other.send(message())

        with Mailer(transport=transport, observers=[Alerts() if kind == "plain" else AsyncAlerts()]) as mailer:
            mailer.send(message())
        assert (len(told), len(transport.sent)) == (1, 2)


class TestWhatIsRefused:
    """What observes nothing is a mistake, and is named before anything is sent."""

    @pytest.mark.parametrize(
        ("observers", "problem"),
        [
            ([object()], "observes nothing"),
            ([Notes], "the class Notes"),
            (Notes(), "must be a list"),
            ("log", "must be a list"),
            (iter([Notes()]), "must be a list"),
        ],
    )
    def test_no_observer(self, observers: list[AnyObserver], problem: str, transport: MemoryTransport) -> None:
        with pytest.raises(errors.ConfigurationError, match=problem) as raised:
            Mailer(transport=transport, observers=observers)
        assert raised.value.hint
        with pytest.raises(errors.ConfigurationError, match=problem):
            Outbox("outbox.db", observers=observers).counts()

    def test_a_plain_function_that_returns_a_coroutine_is_told_what_to_do(
        self, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Hides:
            def on_result(self, result: DeliveryResult) -> object:
                return asyncio.sleep(0)

        with Mailer(transport=transport, observers=[Hides()], retry=ONCE) as mailer:
            assert mailer.send(Message(sender="ana@example.com", to=LUIS, text="x")).ok
        assert "write it with `async def`" in caplog.text

    def test_a_generator_of_which_nothing_would_run_is_told_too(
        self, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Yields:
            def on_result(self, result: DeliveryResult) -> Iterator[None]:
                yield

            async def on_attempt(self, attempt: Attempt) -> AsyncIterator[None]:
                yield

        with Mailer(transport=transport, observers=[Yields()], retry=ONCE) as mailer:
            assert mailer.send(message()).ok
        assert caplog.text.count("write it without `yield`") == 2
