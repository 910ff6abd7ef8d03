"""Observers are called on no thread of the loop, with the caller's context; nobody waits for them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from functools import partial
from pathlib import Path

import pytest

from sendkit import (
    AsyncMailer,
    DeliveryError,
    DeliveryResult,
    FileTransport,
    Mailer,
    MemoryTransport,
    Outbox,
)
from sendkit._lifetime import call_queue
from tests.accounts import LUIS, message
from tests.lifetime.programs import FORK, run
from tests.servers.scripted import ScriptedServer

from .watchers import AsyncNotes, Notes, Waits


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

    def test_what_goes_without_a_task_is_told_once_in_the_context_of_the_caller(self, server: ScriptedServer) -> None:
        request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")
        told: list[tuple[str, DeliveryResult]] = []

        class Plain:
            def on_result(self, result: DeliveryResult) -> None:
                told.append((request.get(), result))

        host, port = server.address
        with Mailer(host, port=port, security="none", observers=[Plain()]) as mailer:
            sent = [("none", mailer.send(message()))]  # opens the connection
            request.set("one")
            sent.append(("one", mailer.send(message())))
            server.on_rcpt(LUIS).reply("550 5.1.1 nobody", times=1)
            request.set("refused")
            with pytest.raises(DeliveryError) as refused:
                mailer.send(message())
            sent.append(("refused", refused.value.result))
            request.set("many")
            sent += [("many", result) for result in mailer.send_many([message() for _ in range(4)], in_flight=2)]
        assert told == sent

    def test_a_send_waits_for_nobody(self, tmp_path: Path) -> None:
        observer = Waits()
        with Mailer(transport=FileTransport(tmp_path), observers=[observer]) as mailer:
            assert mailer.send(message()).ok
            assert observer.reached.wait(300)
            assert mailer.send(message()).ok
            assert observer.results == []
            observer.free.set()
        assert len(observer.results) == 2

    def test_a_worker_of_the_outbox_waits_for_nobody_until_its_end(self, tmp_path: Path) -> None:
        observer, folder = Waits(), tmp_path / "sent"
        with (
            Outbox(tmp_path / "outbox.db", account="ana", observers=[observer]) as outbox,
            Mailer(transport=FileTransport(folder)) as mailer,
        ):
            receipts = [outbox.put(message()) for _ in range(2)]
            worker = threading.Thread(target=outbox.drain, args=(mailer,))
            worker.start()
            assert observer.reached.wait(300)
            assert all(outbox.wait(receipt, timeout=300).ok for receipt in receipts)
            assert observer.results == []
            observer.free.set()
            worker.join(300)
        assert (len(observer.results), len(list(folder.glob("*.eml")))) == (2, 2)

    @pytest.mark.waits
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
        calls.add(lambda: (reached.set(), free.wait(300)))
        assert reached.wait(300)
        assert [calls.add(partial(done.append, n)) for n in range(3)] == [True, True, False]
        free.set()
        calls.rest()
        assert done == [0, 1]
