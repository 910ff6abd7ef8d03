"""Results that are there are never lost: whatever ends a stream, what the server took is told."""

from __future__ import annotations

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run, start, subjects

LOOP = """
told = []
def source(count=100):
    for number in range(count):
        yield message(number)
"""


@pytest.mark.parametrize("in_flight", [1, 8])
def test_what_was_in_progress_when_the_loop_is_left_is_still_there(server: ScriptedServer, in_flight: int) -> None:
    ended = run(
        LOOP
        + f"""
mailer = made(max_connections=3)
with mailer.send_many(source(), in_flight={in_flight}) as stream:
    for result in stream:
        told.append(result)
        if len(told) >= 10 and stream.unfinished:
            break
say(len(stream.in_progress), len(stream.unfinished) > 0)
told += list(stream)
say(len(stream.unfinished), all(result.message.subject == str(result.index) for result in told))
say(len(told))
mailer.close()
""",
        server,
    )
    assert (ended.lines[:2], ended.errors) == (["0 True", "0 True"], "")
    assert len(subjects(server)) == int(ended.lines[2]) > 10


def test_a_closed_mailer_s_stream_still_yields_what_is_there(server: ScriptedServer) -> None:
    ended = run(
        LOOP
        + """
mailer = made(max_connections=4)
stream = mailer.send_many(source())
told.append(next(stream))
mailer.close()
told += list(stream)
say(len(told), len(stream.unfinished))
""",
        server,
    )
    assert (ended.lines, ended.errors) == ([f"{len(server.accepted)} 0"], "")


@pytest.mark.parametrize("threaded", [True, False])
def test_what_is_begun_in_the_moment_of_closing_is_sent(server: ScriptedServer, threaded: bool) -> None:
    ended = run(
        LOOP
        + f"""
mailer, closing = made(AsyncMailer, max_connections=2), []
async def messages():
    closing.append(asyncio.create_task(mailer.aclose()))  # has its first step before the message has one
    yield message(0)
    yield message(1)
    await asyncio.sleep(0)
    yield message(2)
async def main():
    stream = mailer.send_many(messages())
    say([result.error or result.ok async for result in stream], stream.unfinished)
    await closing[0]
asyncio.run(main())
mailer = made()
def ready():
    yield message(3)
    if {threaded}:
        other = threading.Thread(target=mailer.close)
        other.start(); other.join()
    else:
        mailer.close()
    yield message(4)
stream = mailer.send_many(ready())
say([result.ok for result in stream], [one.subject for one in stream.unfinished])
""",
        server,
    )
    assert (ended.lines, ended.errors) == (["[True, True] ()", "[] ['3', '4']"], "")
    assert subjects(server) == ["0", "1"]


def test_a_stream_whose_mailer_is_being_closed_elsewhere_waits_for_what_is_in_progress(server: ScriptedServer) -> None:
    server.after_data(nth=2).hold(times=1)
    program = """
mailer = made(max_connections=2)
stream = mailer.send_many(map(message, range(100)), in_flight=1)
told = [next(stream)]
closing = threading.Thread(target=mailer.close)
closing.start()
while not mailer._portal.closed:
    time.sleep(0.001)
say("closing")
told += stream
closing.join()
say(len(told), all(result.ok for result in told), len(stream.unfinished))
"""
    with start(program, server) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "closing\n"
        server.release()
        output, errors = child.communicate(timeout=300)
    assert (output, errors) == (f"{len(server.accepted)} True 0\n", "")


@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
def test_an_error_of_a_transport_or_of_the_source_ends_nothing_too_early(server: ScriptedServer, kind: str) -> None:
    ended = run(
        LOOP
        + f"""
from sendkit.transports import Transport
class Broken(Transport):
    def __init__(self, inner):
        self.inner = inner
    async def deliver(self, letter, log):
        if "<broken@" in letter.message_id:
            raise ZeroDivisionError("of its own")
        await self.inner.deliver(letter, log)
def messages():
    yield from source(3)
    yield message("broken", message_id="<broken@example.com>")
    yield from source(3)
    raise LookupError("no more")
inner = made()._core._plan.transport
mailer = {kind}(transport=Broken(inner), retry=RetryPolicy(max_attempts=1))
def sync():
    for result in mailer.send_many(messages()):
        told.append(result)
async def asynchronous():
    async for result in mailer.send_many(messages()):
        told.append(result)
try:
    sync() if {kind} is Mailer else asyncio.run(asynchronous())
except LookupError as error:
    say(error)
broken = [result for result in told if result.error is not None]
say(len(told), [(str(result.error).split(",")[0], repr(result.error.__cause__)) for result in broken])
say([result.recipients["luis@example.com"].outcome.value for result in broken])
""",
        server,
    )
    assert ended.errors == ""
    assert ended.lines[0] == "no more"
    assert ended.lines[1].startswith("7 [('ZeroDivisionError: of its own")
    assert ended.lines[2] == "['deferred']"
    assert len(server.accepted) == 6


def test_a_cancelled_task_has_the_results_that_were_not_yielded(server: ScriptedServer) -> None:
    server.after_data().silence(times=3)
    program = """
async def main():
    mailer = made(AsyncMailer, max_connections=3)
    async def work():
        async for result in mailer.send_many(source(3)):
            told.append(result)
    task = asyncio.create_task(work())
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as cancelled:
        say(len(told), [result.recipients["luis@example.com"].outcome.value for result in cancelled.results])
    await mailer.aclose()
asyncio.run(main())
"""
    with start(LOOP + program, server) as child:
        server.wait_for(lambda: len(server.accepted) == 3)
        output, errors = child.communicate(timeout=300)
    assert (output, errors) == ("0 ['in_doubt', 'in_doubt', 'in_doubt']\n", "")
