"""One mailer on several event loops: the limit holds for each, and closing reaches all; no reference circle is left."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading

import pytest

from sendkit._lifetime import loops, own_loop
from sendkit._lifetime.loops import PerLoop
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .programs import run, start


@pytest.mark.parametrize("together", [True, False])
def test_the_limit_holds_for_each_of_two_loops(server: ScriptedServer, together: bool) -> None:
    ended = run(
        f"""
        mailer = made(AsyncMailer, max_connections=2)
        async def work(count):
            return sum(result.ok for result in await asyncio.gather(*(mailer.send(message(n)) for n in range(count))))
        if {together}:
            with ThreadPoolExecutor(2) as pool:
                done = sum(pool.map(lambda _: asyncio.run(work(20)), range(2)))
        else:
            loops = [asyncio.new_event_loop() for _ in range(2)]
            done = sum(loops[turn % 2].run_until_complete(work(1)) for turn in range(40))
            loops[0].run_until_complete(mailer.aclose())
            for loop in loops:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()
        say(done)
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["40"], "", 0)
    assert len(server.connections) <= 4


@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
def test_closing_lets_a_send_of_another_thread_end(server: ScriptedServer, kind: str) -> None:
    server.after_data().hold(times=1)
    ended_lines = """
mailer = made({kind})
async def send():
    return (await mailer.send(message("held"), check=False)).ok
def work():
    say(mailer.send(message("held"), check=False).ok if {kind} is Mailer else asyncio.run(send()))
thread = threading.Thread(target=work)
thread.start()
sys.stdin.readline()
def close():
    mailer.close() if {kind} is Mailer else asyncio.run(mailer.aclose())
    say("closed")
closing = threading.Thread(target=close)
closing.start()
say("closing")
closing.join(); thread.join()
"""
    with start(ended_lines.format(kind=kind), server) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        server.wait_for(lambda: len(server.accepted) == 1)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "closing\n"
        server.release()
        output, errors = child.communicate(timeout=300)
    assert (sorted(output.split()), errors) == (["True", "closed"], "")


def test_a_retry_that_outlives_the_call_to_close_leaves_no_connection(server: ScriptedServer) -> None:
    server.on_mail().reply("450 4.2.0 later", times=1)
    ended = run(
        """
        async def main():
            waits = asyncio.Event()
            retry = RetryPolicy(max_attempts=2, wait=lambda _: 0.5, on_wait=lambda _: waits.set())
            mailer = made(AsyncMailer, retry=retry)
            sending = asyncio.create_task(mailer.send(message()))
            await waits.wait()
            await mailer.aclose()
            say((await sending).ok)
        asyncio.run(main())
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    server.wait_for(lambda: all(connection.ended for connection in server.connections))
    assert server.lines()[-1] == "QUIT"


@pytest.mark.parametrize("closed", [True, False])
def test_memory_is_freed_without_the_collector(authority: Authority, closed: bool) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        ended = run(
            f"""
            import resource
            gc.disable()
            def once(number):
                place = Server("localhost", PORT, ca_file={str(authority.ca_file)!r})
                mailer = Mailer(place, username="ana@example.com", password="correct horse")
                assert mailer.send(message(number)).ok
                kept.append((weakref.ref(place.context), weakref.ref(mailer._core)))
                if {closed}:
                    mailer.close()
            def alive():
                return [reference for pair in kept for reference in pair if reference() is not None]
            kept = []
            for number in range(12):
                once(number)
            late = time.monotonic() + 100
            while alive() and time.monotonic() < late:
                time.sleep(0.01)
            say(len(alive()), sum(thread.name == "sendkit" for thread in threading.enumerate()))
            """,
            server,
        )
    assert (ended.lines, ended.errors, ended.code) == (["0 0"], "", 0)


def test_a_loop_that_is_made_while_another_thread_closes_is_closed(server: ScriptedServer) -> None:
    ended = run(
        """
        from sendkit import errors
        from sendkit._lifetime import own_loop, portal
        made_loop, loops = own_loop.made_loop, []
        def made_late():
            loops.append(made_loop())
            mailer.close()  # as another thread does, just now
            return loops[-1]
        portal.made_loop = made_late
        mailer = made()
        try:
            mailer.send(message())
        except errors.ConfigurationError as error:
            say(error.message)
        say(len(loops), [loop.is_closed() for loop in loops])
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["this mailer is closed", "1 [True]"], "", 0)


class TestWorkOnTheLoopsOfOtherThreads:
    @pytest.mark.waits
    def test_a_loop_that_ends_just_then_is_not_waited_for_and_leaves_nothing(self) -> None:
        per, asked, ended = PerLoop[list[str]](), threading.Event(), threading.Event()
        done: list[object] = []

        def until_asked(loop: asyncio.AbstractEventLoop) -> None:
            per.here(list)
            loop.stop()  # it runs no other callback after this one
            ended.set()
            asked.wait(300)

        def other() -> None:
            loop = asyncio.new_event_loop()
            loop.call_soon(until_asked, loop)
            loop.run_forever()
            loop.close()

        async def work(one: list[str]) -> None:
            done.append(one)

        async def main() -> None:
            asyncio.get_running_loop().call_soon(asked.set)
            await per.each(work, patience=600)

        thread = threading.Thread(target=other)
        thread.start()
        ended.wait(300)
        asyncio.run(main())  # a coroutine that nobody awaits would be a warning, so an error
        thread.join()
        assert done == []

    @pytest.mark.waits
    @pytest.mark.parametrize("steps", [0, 1])
    def test_work_whose_loop_ends_before_it_leaves_no_warning(
        self, steps: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        per, ready = PerLoop[asyncio.Event](), threading.Event()
        began: list[object] = []
        gc.collect()  # what other tests have left
        caplog.clear()

        async def until_it_begins() -> None:
            per.here(asyncio.Event)
            ready.set()
            while not (began if steps else len(asyncio.all_tasks()) > 1):  # noqa: ASYNC110 - not one step longer
                await asyncio.sleep(0)

        def other() -> None:
            loop = asyncio.new_event_loop()
            loop.run_until_complete(until_it_begins())
            loop.close()

        async def work(one: asyncio.Event) -> None:
            began.append(one)
            await one.wait()

        thread = threading.Thread(target=other)
        thread.start()
        ready.wait(300)
        asyncio.run(per.each(work, patience=600))
        thread.join()
        per.forget()
        gc.collect()  # a task that nobody has ended would say so
        assert caplog.messages == []

    def test_work_that_takes_long_is_waited_for_as_long_as_its_loop_answers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        per, ready, over = PerLoop[list[str]](), threading.Event(), threading.Event()
        done: list[object] = []
        clock, answers = [0.0], list[float]()

        def now() -> float:
            if threading.current_thread() is thread:
                answers.append(clock[0])
            return clock[0]

        monkeypatch.setattr(loops, "monotonic", now)

        async def stay() -> None:
            per.here(list)
            ready.set()
            await asyncio.to_thread(over.wait, 60)

        async def work(one: list[str]) -> None:
            for _ in range(4):
                clock[0] += 6.0  # each time a little less than the patience
                while answers[-1] < clock[0]:  # noqa: ASYNC110 - the answer comes from a callback of the product
                    await asyncio.sleep(0.01)
            done.append(one)

        thread = threading.Thread(target=lambda: asyncio.run(stay()))
        thread.start()
        ready.wait(300)
        asyncio.run(per.each(work, patience=10))
        over.set()
        thread.join()
        assert done == [[]]

    def test_a_loop_that_does_not_answer_is_waited_for_no_longer_than_the_patience(self) -> None:
        per, ready, over = PerLoop[list[str]](), threading.Event(), threading.Event()

        async def stay() -> None:
            per.here(list)
            ready.set()
            over.wait(300)

        async def work(one: list[str]) -> None:
            raise AssertionError(one)

        thread = threading.Thread(target=lambda: asyncio.run(stay()))
        thread.start()
        ready.wait(300)
        asyncio.run(per.each(work, patience=0.1))
        over.set()
        thread.join()


def test_a_loop_that_another_thread_has_just_closed_needs_no_stop() -> None:
    """Between a look whether it is closed and the call that stops it, the thread that ends it may come first."""
    loop = own_loop.made_loop()
    own_loop.close_loop(loop)
    own_loop.stop_soon(loop)
    assert loop.is_closed()


def test_a_loop_of_ours_sees_its_sockets_also_while_there_is_always_something_to_do() -> None:
    loop, turns, ours = own_loop.made_loop(), list[int](), socket.socketpair()

    def go_on() -> None:
        turns.append(len(turns))
        if len(turns) < 10:
            loop.call_soon(go_on)
        else:
            loop.stop()

    with ours[0], ours[1]:
        loop.add_reader(ours[0], loop.stop)
        ours[1].send(b"seen")
        loop.call_soon(go_on)
        loop.run_forever()
    loop.close()
    assert turns == [0, 1]
