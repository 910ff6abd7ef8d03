"""A soak: sends with faults, cancellations, closings and collections; nothing is left, and all is accounted for.

A second or two by default, or as many as SENDKIT_SOAK says: a minute in .ci/run, ten in .ci/nightly.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Generator

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run

SECONDS = float(os.environ.get("SENDKIT_SOAK", "1.5"))
GRACE = 120  # seconds for the last turn, and for what is left to end

PROGRAM = """
import faulthandler, random
from sendkit import errors
from pathlib import Path
seconds, chance = {seconds}, random.Random({seed})
# One that hangs says where each thread is.
faulthandler.dump_traceback_later(seconds + {grace}, exit=True)
unknown = set()  # what is told is not kept here, where it would be taken for a leak
def new(number):
    made_message = message(number)
    unknown.add(made_message.message_id)
    return made_message
def known(result):
    say(result.message_id, result.recipients["luis@example.com"].outcome.value)
    unknown.discard(result.message_id)
def one_by_one():
    with made(max_connections=2, retry=RetryPolicy(max_attempts=2, wait=lambda _: 0.01)) as mailer:
        for number in range(chance.randrange(1, 12)):
            known(mailer.send(new(number), check=False, deadline=chance.choice([None, 5, 0.002])))
def stream():
    mailer = made(max_connections=chance.randrange(1, 4))
    stream = mailer.send_many(map(new, range(20)), in_flight=chance.choice([1, 4]))
    for count, result in enumerate(stream):
        known(result)
        if count == chance.randrange(20):
            break
    stream.stop()
    for result in stream:
        known(result)
    chance.choice([mailer.close, lambda: None])()
def threads():
    with made(max_connections=3) as mailer, ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda number: mailer.send(new(number), check=False), range(16)):
            known(result)
def cancelled():
    async def main():
        async with made(AsyncMailer, max_connections=2) as mailer:
            task = asyncio.create_task(mailer.send(new(0), check=False))
            await asyncio.sleep(chance.random() * 0.01)
            task.cancel()
            try:
                known(await task)
            except asyncio.CancelledError as error:
                if hasattr(error, "result"):
                    known(error.result)
            async for result in mailer.send_many(map(new, range(8))):
                known(result)
        assert len(asyncio.all_tasks()) == 1
    asyncio.run(main())
def broken_off():
    async def main():
        mailer = made(AsyncMailer, max_connections=2)
        stream = mailer.send_many(map(new, range(20)), in_flight=chance.choice([1, 4]))
        async for result in stream:
            known(result)
            if chance.random() < 0.2:
                break
        await stream.aclose()
        async for result in stream:
            known(result)
        await mailer.aclose(chance.choice([30, 0]))
    asyncio.run(main())
def closed_beside():
    mailer = made(max_connections=2)
    def one(number):
        try:
            known(mailer.send(new(number), check=False))
        except errors.ConfigurationError:
            pass
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(one, number) for number in range(6)]
        time.sleep(chance.random() * 0.02)
        mailer.close(chance.choice([30, 0]))
    for job in jobs:
        job.result()
def abandoned():
    mailer = made()
    known(mailer.send(new(0), check=False))
    mailer.me = mailer
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def quiet():
    gc.collect()
    late = time.monotonic() + {grace} / 2
    while len(threading.enumerate()) > 1 and time.monotonic() < late:
        time.sleep(0.02)
works = [one_by_one, stream, threads, cancelled, broken_off, closed_beside, abandoned]
for work in works:
    work()
quiet()
began, before, turns = time.monotonic(), descriptors(), 0
sizes = []
while time.monotonic() < began + seconds:
    chance.choice(works)()
    turns += 1
    if turns % 20 == 0:
        gc.collect()
        sizes.append(resident())
sizes.append(resident())
quiet()
settled = sizes[len(sizes) // 3]
for name in unknown:
    say(name, "unknown")
others = [thread.name for thread in threading.enumerate()][1:]
say(max(0, descriptors() - before), others, max(0, sizes[-1] - settled) // 8_000_000)
"""


@contextlib.contextmanager
def disturbed(server: ScriptedServer) -> Generator[None]:
    """Every connection is dropped at random moments, by FIN or by RST."""
    over, chance = threading.Event(), random.Random(7)

    def disturb() -> None:
        while not over.wait(chance.uniform(0.05, 0.5)):
            server.drop(rst=chance.random() < 0.5)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("faults", [False, True])
def test_nothing_is_left_and_every_message_is_accounted_for(server: ScriptedServer, faults: bool) -> None:
    if faults:
        server.on_mail(nth=7).reply("450 4.2.0 later")
        for nth in (5, 60, 200):
            server.after_data(nth=nth).drop()
            server.on_mail(nth=nth + 11).drop()
            server.on_connect(nth=nth // 5 + 2).reply("421 4.3.2 closing")
    with disturbed(server) if faults else contextlib.nullcontext():
        ended = run(
            PROGRAM.format(seconds=SECONDS, seed=7, grace=GRACE), server, host="127.0.0.1", limit=SECONDS + 2 * GRACE
        )
    assert (ended.lines[-1:], ended.errors, ended.code) == (["0 [] 0"], "", 0)
    told = dict(line.split(" ") for line in ended.lines[:-1])
    took = {message_id for message_id, _ in server.copies()}
    assert max(server.copies().values()) == 1
    assert {name for name, outcome in told.items() if outcome == "accepted"} <= took
    assert not {name for name, outcome in told.items() if outcome in ("deferred", "rejected")} & took
    assert took <= {name for name, outcome in told.items() if outcome != "unknown"}
    server.wait_for(lambda: all(connection.ended for connection in server.connections))
