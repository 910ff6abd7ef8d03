"""Programs as strangers write them: each ends by itself, says nothing of errors, and all that it sent has arrived."""

from __future__ import annotations

import importlib.util
import sys
from types import MappingProxyType

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

# Each says at its end what must have arrived at least.
PROGRAMS = {
    "hooks of exceptions": """
mailer = made()
sys.excepthook = lambda kind, value, traceback: mailer.send(message(value))
threading.excepthook = lambda what: mailer.send(message(what.exc_value))
def work():
    raise LookupError("in a thread")
thread = threading.Thread(target=work)
thread.start(); thread.join()
say("in a thread"); say("in main")
atexit.register(lambda: os._exit(0))  # not 1
raise LookupError("in main")
""",
    "a finalizer at the exit": """
class Thing: pass
thing = Thing()
weakref.finalize(thing, lambda: mailer.send(message("last")))
mailer = made()
mailer.send(message("first"))
say("first"); say("last")
""",
    "a daemon thread that sends to the end": """
mailer, reached = made(), threading.Event()
def work():
    for number in range(1_000_000):
        mailer.send(message(number))
        if number == 20:
            reached.set()
threading.Thread(target=work, daemon=True).start()
reached.wait()
for number in range(20): say(number)
""",
    "a daemon thread in a stream": """
mailer, reached = made(max_connections=3), threading.Event()
def work():
    for result in mailer.send_many(map(message, range(1_000_000)), in_flight=4):
        if result.index == 20:
            reached.set()
threading.Thread(target=work, daemon=True).start()
reached.wait()
say(20)
""",
    "a stream that is held at the exit": """
stream = made(max_connections=2).send_many(map(message, range(100)), in_flight=4)
say(next(stream).index)
""",
    "an asynchronous stream that is held at the exit": """
async def main():
    global stream
    stream = made(AsyncMailer, max_connections=2).send_many(map(message, range(100)), in_flight=4)
    say((await anext(stream)).index)
asyncio.run(main())
""",
    "generators around streams": """
def around(mailer):
    for result in mailer.send_many(map(message, range(100))):
        yield result
async def around_async(mailer):
    async for result in mailer.send_many(map(message, range(100, 200))):
        yield result
async def main():
    mailer = made(AsyncMailer)
    async for result in around_async(mailer):
        break
    other = around_async(mailer)
    await anext(other); await other.aclose()
    await mailer.aclose()
mailer = made()
generator = around(mailer)
next(generator); generator.close()
generator = around(mailer)
next(generator); del generator
mailer.close()
asyncio.run(main())
say(0); say(100)
""",
    "a mailer that is closed in a finalizer": """
class Holder:
    def __init__(self): self.mailer = made()
    def __del__(self): self.mailer.close()
for number in range(5):
    holder = Holder()
    holder.me = holder  # a circle
    holder.mailer.send(message(number)); say(number)
    del holder
    gc.collect()
last = Holder()
last.mailer.send(message("last")); say("last")
""",
    "a source that sends": """
mailer = made()
def source():
    for number in range(3):
        mailer.send(message(f"before {number}")); say("before", number)
        yield message(number)
for result in mailer.send_many(source()): say(result.index)
""",
    "two streams in turns": """
mailer = made(max_connections=2)
for pair in zip(mailer.send_many(map(message, range(8))), mailer.send_many(map(message, range(8, 16)))):
    for result in pair: say(result.message.subject)
""",
    "threads of a loop": """
async def main():
    await asyncio.gather(*(asyncio.to_thread(mailer.send, message(number)) for number in range(6)))
    await asyncio.to_thread(mailer.close)
mailer = made(max_connections=2)
asyncio.run(main())
for number in range(6): say(number)
""",
    "a loop that ends under its mailer": """
mailer, loop = made(AsyncMailer), asyncio.new_event_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
asyncio.run_coroutine_threadsafe(mailer.send(message(0)), loop).result(60)
loop.call_soon_threadsafe(loop.stop)
thread.join(); loop.close()
asyncio.run(mailer.send(message(1)))
say(0); say(1)
""",
}
ON_POSIX = {
    "a fork while eight threads send": """
mailer, over, codes = made(max_connections=3), [], set()
def work(name):
    while not over: mailer.send(message(name))
threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
for thread in threads: thread.start()
for number in range(6):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        signal.alarm(200)
        sent = mailer.send(message(f"child {number}")).ok and made().send(message(f"new {number}")).ok
        os._exit(0 if sent else 2)
    codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    say("child", number); say("new", number)
over.append(True)
for thread in threads: thread.join()
assert codes == {0}, codes
""",
    "a fork beside a stream, and a collection": """
mailer, over, codes = made(max_connections=3), [], set()
def source():
    while not over: yield message("stream")
thread = threading.Thread(target=lambda: list(mailer.send_many(source(), in_flight=4)))
thread.start()
for number in range(4):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        signal.alarm(200)
        gc.collect()
        sent = mailer.send(message(f"child {number}")).ok
        gc.collect(); mailer.close()
        os._exit(0 if sent else 2)
    codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    say("child", number)
over.append(True)
thread.join()
assert codes == {0}, codes
""",
    "a daemon after the first mail": """
mailer = made()
mailer.send(message("first"))
if child := os.fork():
    os.waitpid(child, 0)
    say("first"); say("second")
    os._exit(0)
os.setsid()
mailer.send(message("second")); mailer.close()
""",
    "a pool of processes": """
import multiprocessing
mailer = made()
mailer.send(message("parent"))
def work(number): return mailer.send(message(number)).ok
with multiprocessing.get_context("fork").Pool(3) as pool: assert all(pool.map(work, range(8)))
say("parent")
for number in range(8): say(number)
""",
    "a signal handler that sends": """
mailer, seen = made(), []
def handler(*_): mailer.send(message("signal"), deadline=60); seen.append(True)
signal.signal(signal.SIGUSR1, handler)
threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
while not seen: mailer.send(message("loop"))
say("signal")
""",
    "a signal handler that forks": """
mailer, codes = made(), []
def handler(*_):
    child = os.fork()
    if child == 0:
        signal.alarm(200)
        mailer.send(message("child")); os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
signal.signal(signal.SIGUSR1, handler)
threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
while not codes: mailer.send(message("loop"))
assert codes == [0]
say("child")
""",
    "a signal handler that raises in a stream": """
class Late(Exception): pass
def handler(*_): raise Late
signal.signal(signal.SIGALRM, handler)
mailer = made(max_connections=2)
stream, told = mailer.send_many(map(message, range(1_000_000))), []
try:
    for result in stream:
        told.append(result)
        if len(told) == 5: signal.setitimer(signal.ITIMER_REAL, 0.1)
except Late:
    stream.stop()
    told += stream
for result in told:
    assert result.ok
    say(result.message.subject)
""",
    "uvloop and asyncio in turns": """
import uvloop
mailer = made(AsyncMailer)
for number in range(4):
    (uvloop.run if number % 2 else asyncio.run)(mailer.send(message(number)))
    say(number)
""",
}
ALL = MappingProxyType({**PROGRAMS, **ON_POSIX})


@pytest.mark.parametrize("name", ALL)
def test_it_ends_and_all_has_arrived(server: ScriptedServer, name: str) -> None:
    if name in ON_POSIX and sys.platform == "win32":
        pytest.skip("there are no forks and signals of this kind")
    if "uvloop" in name and importlib.util.find_spec("uvloop") is None:
        pytest.skip("pip install uvloop")
    ended = run(ALL[name], server, host="127.0.0.1")
    assert (ended.errors, ended.code) == ("", 0)
    taken = subjects(server)
    assert ended.lines
    assert {*ended.lines} <= {*taken}
