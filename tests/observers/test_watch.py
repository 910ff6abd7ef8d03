"""What observers are told, where they are called, and that they change nothing."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pydantic
import pytest

from sendkit import (
    AsyncMailer,
    Attempt,
    DeliveryResult,
    FileTransport,
    Mailer,
    MemoryTransport,
    Message,
    Outbox,
    Outcome,
    RetryPolicy,
    errors,
)
from sendkit._lifetime import call_queue
from sendkit.observers import AnyObserver, Observer
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import LUIS, ONCE, message
from tests.lifetime.programs import FORK, run
from tests.servers.scripted import ScriptedServer

BUSY = "450 4.2.0 not now"


class Notes:
    """Keeps what it is told, and on which thread."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.results: list[DeliveryResult] = []
        self.threads: set[threading.Thread] = set()

    def on_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.threads.add(threading.current_thread())

    def on_result(self, result: DeliveryResult) -> None:
        self.results.append(result)
        self.threads.add(threading.current_thread())


class AsyncNotes:
    """The same, on an event loop."""

    def __init__(self) -> None:
        self.results: list[DeliveryResult] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def on_result(self, result: DeliveryResult) -> None:
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        self.results.append(result)


class Raises(Observer):
    """Raises for each result."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_result(self, result: DeliveryResult, /) -> None:
        raise self.error


class Waits:
    """Blocks until it is let go."""

    def __init__(self) -> None:
        self.reached, self.free = threading.Event(), threading.Event()
        self.results: list[DeliveryResult] = []

    def on_result(self, result: DeliveryResult) -> None:
        self.reached.set()
        self.free.wait(60)
        self.results.append(result)


@pytest.fixture
def transport() -> MemoryTransport:
    """A server that is none."""
    return MemoryTransport()


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
        notes.on_attempt = lambda attempt: told.set()  # type: ignore[method-assign]
        policy = RetryPolicy(on_wait=lambda _: told.wait(60) or pytest.fail("nobody was told"))
        with Mailer(transport=transport, observers=[notes], retry=policy) as mailer:
            assert mailer.send(message()).ok

    def test_each_message_of_a_stream_with_its_index(self, transport: MemoryTransport) -> None:
        notes = Notes()
        wrong = {"not": "a message"}
        with Mailer(transport=transport, observers=[notes]) as mailer:
            results = list(mailer.send_many([message(), wrong, message()]))  # type: ignore[list-item]
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

        mailer = AsyncMailer(transport=Hangs(), observers=[notes], deadline=1 if how == "deadline" else None)
        sending = asyncio.ensure_future(mailer.send(message(), check=False))
        await begun.wait()
        if how == "cancelled":
            sending.cancel()
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


class TestWhere:
    """Not on the loop's thread, or as a task of it; with the context of the caller; and nobody waits."""

    async def test_plain_functions_run_on_a_thread_and_coroutines_on_the_loop(self, transport: MemoryTransport) -> None:
        notes, others = Notes(), AsyncNotes()
        async with AsyncMailer(transport=transport, observers=[notes, others]) as mailer:
            await mailer.send(message())
        assert threading.current_thread() not in notes.threads
        assert others.loops == {asyncio.get_running_loop()}
        assert others.results == notes.results

    def test_coroutines_run_for_a_synchronous_mailer_too(self, transport: MemoryTransport) -> None:
        others = AsyncNotes()
        with Mailer(transport=transport, observers=[others]) as mailer:
            results = [mailer.send(message()), *mailer.send_many([message()])]
        assert others.results == results

    @pytest.mark.parametrize("kind", ["plain", "async"])
    def test_the_context_is_that_of_the_caller(self, kind: str, transport: MemoryTransport) -> None:
        request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")
        seen: list[str] = []

        class Plain:
            def on_result(self, result: DeliveryResult) -> None:
                seen.append(request.get())

        class Async:
            async def on_result(self, result: DeliveryResult) -> None:
                seen.append(request.get())

        with Mailer(transport=transport, observers=[Plain() if kind == "plain" else Async()]) as mailer:
            for name in ("first", "second"):
                request.set(name)
                mailer.send(message())
        assert seen == ["first", "second"]

    def test_a_send_waits_for_nobody(self, tmp_path: Path) -> None:
        observer = Waits()
        with Mailer(transport=FileTransport(tmp_path), observers=[observer]) as mailer:
            assert mailer.send(message()).ok
            assert observer.reached.wait(60)
            assert mailer.send(message()).ok
            assert observer.results == []
            observer.free.set()
        assert len(observer.results) == 2

    def test_one_that_hangs_holds_back_neither_closing_nor_the_end_of_the_program(self, server: ScriptedServer) -> None:
        ended = run(
            """
            class Hangs:
                def on_result(self, result): threading.Event().wait()
            class HangsToo:
                async def on_result(self, result): await asyncio.Event().wait()
            mailer = made(observers=[Hangs(), HangsToo()])
            say(mailer.send(message()).ok)
            mailer.close()
            say(mailer.__class__.__name__)
            """,
            server,
        )
        assert (ended.lines, ended.errors, ended.code) == (["True", "Mailer"], "", 0)

    @pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
    def test_they_are_told_at_the_end_of_a_program_that_closes_nothing(self, kind: str, server: ScriptedServer) -> None:
        ended = run(
            f"""
            class Says:
                def on_result(self, result): say("told", result.ok)
            mailer = made({kind}, observers=[Says()])
            if {kind} is Mailer:
                mailer.send(message())
            else:
                asyncio.run(mailer.send(message()))
            """,
            server,
        )
        assert (ended.lines, ended.code) == (["told True"], 0)

    def test_a_child_of_a_fork_tells_of_what_it_sends(self, server: ScriptedServer) -> None:
        ended = run(
            FORK
            + """
class Says:
    def on_result(self, result): say(os.getpid() == parent, result.message_id == known.get("id"))
parent, known = os.getpid(), {}
mailer = made(observers=[Says()])
mailer.send(message())
def child():
    known["id"] = mailer.send(message(), check=False).message_id
    mailer.close()
    return True
say(fork(child))
mailer.close()
""",
            server,
        )
        assert (sorted(ended.lines), ended.errors) == (["0", "False False", "True False"], "")

    def test_too_many_that_wait_are_left_out(self) -> None:
        calls, free, reached = call_queue.CallQueue("test", most=2), threading.Event(), threading.Event()
        done: list[int] = []
        calls.add(lambda: (reached.set(), free.wait(60)))
        assert reached.wait(60)
        assert [calls.add(lambda n=n: done.append(n)) for n in range(3)] == [True, True, False]  # type: ignore[misc]
        free.set()
        calls.rest()
        assert done == [0, 1]


class TestNothingChanges:
    """An observer watches."""

    @pytest.mark.parametrize("error", [ValueError("it is hunter22"), SystemExit(3), KeyboardInterrupt()])
    def test_what_they_raise_is_logged_once_without_secrets(
        self, error: BaseException, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings = {"password": "hunter22", "transport": transport}
        with (
            assert_no_secret_leaks("hunter22"),
            Mailer("smtp.example.com", username="ana", **settings, observers=[Raises(error)]) as mailer,  # type: ignore[arg-type]
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

    def test_a_coroutine_that_cancels_itself_ends_no_other(self, transport: MemoryTransport) -> None:
        class Cancelled:
            async def on_result(self, result: DeliveryResult) -> None:
                waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                waits.cancel()
                await waits

        others = AsyncNotes()
        with Mailer(transport=transport, observers=[Cancelled(), others]) as mailer:
            results = [mailer.send(message()) for _ in range(2)]
        assert others.results == results

    def test_a_coroutine_has_its_own_context_in_each_of_its_steps(self, transport: MemoryTransport) -> None:
        var: contextvars.ContextVar[int] = contextvars.ContextVar("var", default=0)
        seen: list[tuple[int, int]] = []

        class Steps:
            async def on_result(self, result: DeliveryResult) -> None:
                before = var.get()
                var.set(1)
                async with asyncio.timeout(60):
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
                    result.recipients = {}  # type: ignore[misc]
                with pytest.raises(TypeError):
                    result.recipients[LUIS] = None  # type: ignore[index]

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
