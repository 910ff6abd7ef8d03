"""Both mailers come to the same outcome at every event of a program's life."""

from __future__ import annotations

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import Ended, run

KINDS = ("Mailer", "AsyncMailer")
# What a program does; `many(count)` and `one(subject)` are the same words for both mailers.
WORDS = {
    "Mailer": """
def start(**settings): return made(Mailer, **settings)
def one(mailer, subject, **more): return mailer.send(message(subject), check=False, **more)
def many(mailer, count, **more): return list(mailer.send_many(map(message, range(count)), **more))
def first(mailer, count):
    stream = mailer.send_many(map(message, range(count)))
    return next(stream), stream
def rest(stream): return list(stream)
def close(mailer, *limit): mailer.close(*limit)
def end(): pass
""",
    "AsyncMailer": """
runner = asyncio.Runner()
def start(**settings): return made(AsyncMailer, **settings)
def one(mailer, subject, **more): return runner.run(mailer.send(message(subject), check=False, **more))
async def _many(mailer, count, **more):
    return [one async for one in mailer.send_many(map(message, range(count)), **more)]
def many(mailer, count, **more): return runner.run(_many(mailer, count, **more))
async def _first(mailer, count):
    stream = mailer.send_many(map(message, range(count)))
    return await anext(stream), stream
def first(mailer, count): return runner.run(_first(mailer, count))
async def _rest(stream): return [one async for one in stream]
def rest(stream): return runner.run(_rest(stream))
def close(mailer, *limit): runner.run(mailer.aclose(*limit))
def end(): runner.close()
""",
}
EVENTS = {
    "closed twice": "m = start(); say(one(m, 'a').ok); close(m); close(m)",
    "used when closed": """
m = start(); close(m)
for act in (lambda: one(m, "a"), lambda: many(m, 2)):
    try:
        act()
    except Exception as error:
        say(type(error).__name__, error)
""",
    "closed in a stream": """
m = start(max_connections=2)
result, stream = first(m, 10)
close(m)
left = rest(stream)
say(all(one.ok for one in (result, *left)), len(stream.unfinished), len(left) in (1, 2, 3))
""",
    "stopped in a stream": """
m = start(max_connections=2)
result, stream = first(m, 50)
stream.stop()
say(len(rest(stream)) < 5, len(stream.in_progress), len(stream.unfinished))
close(m)
""",
    "one message that cannot be": """
m = start()
real, made_message = message, message
message = lambda number: "Hola" if number == 1 else made_message(number)
say([(result.index, result.ok, type(result.error).__name__, result.message == "Hola") for result in sorted(
    many(m, 3), key=lambda result: result.index)])
close(m)
""",
    "collected unclosed": "m = start(); say(one(m, 'a').ok); del m; gc.collect()",
    "the deadline": """
m = start()
result = one(m, "silent", deadline=0.5)
say([(one.outcome.value, one.reason) for one in result.recipients.values()])
close(m)
""",
    "closed while it waits": """
m = start()
if isinstance(m, Mailer):
    thread = ThreadPoolExecutor(1)
    job = thread.submit(one, m, "silent")
    while not m._core._progress._made: time.sleep(0.01)
    time.sleep(0.3)
    close(m, 0.1)
    result = job.result()
else:
    async def main():
        task = asyncio.create_task(m.send(message("silent"), check=False))
        await asyncio.sleep(0.3)
        await m.aclose(0.1)
        return await task
    result = runner.run(main())
say([(one.outcome.value, one.reason) for one in result.recipients.values()])
""",
    "main has ended": """
m = start()
def work():
    threading.main_thread().join()
    say(one(m, "late").ok, [result.ok for result in many(m, 3)])
    close(m); end()
threading.Thread(target=work).start()
end = lambda: None
""",
    "a fork": """
m = start()
say(one(m, "parent").ok)
child = os.fork()
if child == 0:
    signal.alarm(30)
    if isinstance(m, AsyncMailer):
        runner = asyncio.Runner()
    os._exit(0 if one(m, "child").ok else 1)
say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), one(m, "parent").ok)
close(m)
""",
    "a fork in a stream": """
m = start(max_connections=2)
result, stream = first(m, 6)
child = os.fork()
if child == 0:
    signal.alarm(30)
    if isinstance(m, AsyncMailer):
        runner = asyncio.Runner()
    os._exit(0 if one(m, "child").ok and one(start(), "child too").ok else 1)
say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), [one.ok for one in (result, *rest(stream))])
close(m)
""",
    "two at once": """
m = start(max_connections=2)
def work(name):
    async def sent():
        return [(await m.send(message(f"{name}{number}"))).ok for number in range(5)]
    if isinstance(m, AsyncMailer):
        return asyncio.run(sent())
    return [m.send(message(f"{name}{number}")).ok for number in range(5)]
with ThreadPoolExecutor(2) as pool:
    say(list(pool.map(work, "ab")))
close(m)
""",
}


def act(server: ScriptedServer, kind: str, event: str) -> Ended:
    if event in ("the deadline", "closed while it waits"):
        server.on_mail().silence()
    return run(f"{WORDS[kind]}\n{EVENTS[event]}\nend()", server, host="127.0.0.1")


@pytest.mark.parametrize("event", EVENTS)
def test_both_come_to_the_same(event: str) -> None:
    told: list[Ended] = []
    took: list[int] = []
    for kind in KINDS:
        with ScriptedServer() as server:
            told.append(act(server, kind, event))
            took.append(len(server.accepted))
    assert [one.errors for one in told] == ["", ""]
    assert [one.code for one in told] == [0, 0]
    assert told[0].lines == told[1].lines
    assert told[0].lines or event == "collected unclosed"
    if event not in ("closed in a stream", "stopped in a stream"):
        assert took[0] == took[1]
