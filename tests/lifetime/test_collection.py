"""What is collected waits for nothing, on whatever thread; and memory is freed without the collector's help."""

from __future__ import annotations

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run, subjects


def test_streams_that_are_collected_on_the_loop_hang_nobody(server: ScriptedServer) -> None:
    ended = run(
        """
        kept = []
        mailer = made(max_connections=4)
        class Job:
            pass
        for number in range(20):
            job = Job()
            try:
                for result in mailer.send_many(message(f"{number}-{part}") for part in range(3)):
                    raise LookupError
            except LookupError as error:
                job.error, job.me = error, job  # a circle, which only the collector frees, wherever it runs
            del job
            class Collects(Message):
                pass
            mailer.send(message(f"{number}"), on_progress=lambda *_: gc.collect())
        mailer.close()
        say(all(thread is threading.main_thread() for thread in threading.enumerate() if not thread.daemon))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    taken = subjects(server)
    assert len(taken) == len(set(taken))
    assert {str(number) for number in range(20)} <= set(taken)


@pytest.mark.parametrize("own", [True, False])
def test_a_mailer_that_is_collected_on_a_loop_leaves_no_thread(server: ScriptedServer, own: bool) -> None:
    ended = run(
        f"""
        mailer = made()
        for number in range(20):
            other = made()
            other.send(message(f"a{{number}}"))
            other.me = other
            del other
            if {own}:
                mailer.send(message(f"b{{number}}"), on_progress=lambda *_: gc.collect())
            else:
                gc.collect()
        mailer.close()
        late = time.monotonic() + 100
        while any(thread.name == "sendkit" for thread in threading.enumerate()) and time.monotonic() < late:
            time.sleep(0.01)
        say([thread.name for thread in threading.enumerate() if thread.name == "sendkit"])
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["[]"], "", 0)
    assert all(connection.commands[-1] == "QUIT" for connection in server.connections)


def test_a_stream_that_holds_its_mailer_is_one_expression(server: ScriptedServer) -> None:
    ended = run(
        """
        say(sum(result.ok for result in made().send_many(map(message, range(5)))))
        async def main():
            return sum([result.ok async for result in made(AsyncMailer).send_many(map(message, range(5, 10)))])
        say(asyncio.run(main()))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["5", "5"], "", 0)
    assert len(server.accepted) == 10


def test_closing_beside_calls_leaves_nobody_waiting(server: ScriptedServer) -> None:
    ended = run(
        """
        def call(mailer, number):
            try:
                return mailer.send(message(number)).ok
            except errors.ConfigurationError as error:
                return "closed" in str(error)
        from sendkit import errors
        with ThreadPoolExecutor(8) as pool:
            for turn in range(20):
                mailer = made()
                jobs = [pool.submit(call, mailer, f"{turn}-{number}") for number in range(8)]
                mailer.close()
                for job in jobs:
                    assert job.result(timeout=200) is True
        say("done")
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["done"], "", 0)


def test_closing_from_within_a_call_of_the_same_mailer_is_refused_and_hangs_nobody(server: ScriptedServer) -> None:
    ended = run(
        """
        from sendkit import errors
        mailer = made()
        try:
            mailer.send(message(), on_progress=lambda *_: mailer.close())
        except errors.ConfigurationError as error:
            say(error.message)
        say(mailer.send(message()).ok)
        mailer.close()
        """,
        server,
    )
    assert ended.lines == ["a synchronous mailer was called from its own event loop", "True"]
    assert (ended.errors, ended.code) == ("", 0)
