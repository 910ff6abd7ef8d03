"""What can happen to a program that sends mail, in words that both mailers understand, and what comes of it.

An event is a program, the lines it has to print, and where the server holds back its answer meanwhile. The program asks
the test with a line that starts with "?": `held` waits until the server holds, `release` lets it go, `interrupt`
is Ctrl-C until the program asks for something else or ends.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("Mailer", "AsyncMailer")
# The same words for both mailers. `told` are the results that reached the program on any way.
WORDS = {
    "Mailer": """
def start(**settings): return made(Mailer, **settings)
def one(mailer, subject, **more):
    try:
        told.append(mailer.send(message(subject, **FILES), check=False, **more))
    except KeyboardInterrupt as interrupt:
        told.append(interrupt.result)
        raise
    return told[-1]
def each(mailer, source, body=lambda result: None, **more):
    try:
        for result in mailer.send_many(source, **more):
            told.append(result)
            body(result)
    except KeyboardInterrupt as interrupt:
        told.extend(interrupt.results)
        raise
def first(mailer, count):
    stream = mailer.send_many(map(message, range(count)))
    return next(stream), stream
def rest(stream): return list(stream)
def close(mailer, *limit): mailer.close(*limit)
def end(): pass
""",
    "AsyncMailer": """
runner = asyncio.Runner()
def renew():
    global runner
    left_behind.append(runner)
    runner = asyncio.Runner()
left_behind = []
os.register_at_fork(after_in_child=renew)
def run(work):
    return runner.run(work) if threading.current_thread() is threading.main_thread() else asyncio.run(work)
def start(**settings): return made(AsyncMailer, **settings)
async def _one(mailer, subject, **more):
    try:
        told.append(await mailer.send(message(subject, **FILES), check=False, **more))
    except asyncio.CancelledError as cancelled:
        told.append(cancelled.result)
        raise
    return told[-1]
def one(mailer, subject, **more): return run(_one(mailer, subject, **more))
async def _each(mailer, source, body, **more):
    try:
        async for result in mailer.send_many(source, **more):
            told.append(result)
            body(result)
    except asyncio.CancelledError as cancelled:
        told.extend(getattr(cancelled, "results", ()))
        raise
def each(mailer, source, body=lambda result: None, **more): return run(_each(mailer, source, body, **more))
async def _first(mailer, count):
    stream = mailer.send_many(map(message, range(count)))
    return await anext(stream), stream
def first(mailer, count): return run(_first(mailer, count))
async def _rest(stream): return [one async for one in stream]
def rest(stream): return run(_rest(stream))
def close(mailer, *limit): run(mailer.aclose(*limit))
def end(): runner.close()
""",
}
COMMON = """
from sendkit import errors
told, FILES = [], {}
LOGIN = dict(username="ana@example.com", password="correct horse")
def ask(what):
    say("?", what)
    sys.stdin.readline()
def outcomes():
    return sorted({(one.outcome.value, one.reason) for result in told for one in result.recipients.values()})
def numbers(count): return map(message, range(count))
def thread(work):
    started = threading.Thread(target=work)
    started.start()
    return started
kept = {name: getattr(threading, name) for name in ("_start_new_thread", "_start_joinable_thread")
        if hasattr(threading, name)}
def refuse(*_, **__): raise RuntimeError("can't start new thread")
def threads(allowed):
    for name in kept:
        setattr(threading, name, kept[name] if allowed else refuse)
def descriptors(allowed):
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024 if allowed else 3, hard))
def tried(act):
    try:
        return act()
    except (errors.SendkitError, KeyboardInterrupt) as error:
        return error
"""


@dataclass(slots=True, frozen=True)
class Event:
    """A program, what it says, and the stage at which the server holds one answer back ("silent": all, for good)."""

    program: str
    says: tuple[str, ...]
    stage: str | None = None


CLOSING = {
    "closed twice": Event("m = start(); say(one(m, 'a').ok); close(m); close(m)", ("True",)),
    "used when closed": Event(
        """
m = start(); close(m)
for act in (lambda: one(m, "a"), lambda: each(m, numbers(2))):
    say(tried(act).message)
""",
        ("this mailer is closed",) * 2,
    ),
    "closed while it sends": Event(
        """
m = start()
sending = thread(lambda: one(m, "held"))
ask("held")
closing = thread(lambda: close(m))
ask("release")
sending.join(); closing.join()
say(outcomes())
""",
        ("[('accepted', None)]",),
        "the end of data",
    ),
    "closed while it sends, with a limit": Event(
        """
m = start(**LOGIN)
sending = thread(lambda: one(m, "silent"))
ask("held")
close(m, 0.1)
sending.join()
say([outcome for outcome, reason in outcomes()], all("closed" in reason for outcome, reason in outcomes()))
""",
        ("['deferred'] True",),
        "AUTH",
    ),
    "closed in doubt": Event(
        """
m = start()
sending = thread(lambda: one(m, "silent"))
ask("held")
close(m, 0.1)
sending.join()
say([outcome for outcome, reason in outcomes()])
""",
        ("['in_doubt']",),
        "the end of data",
    ),
    "closed in a stream": Event(
        """
m = start(max_connections=2)
result, stream = first(m, 10)
close(m)
told += [result, *rest(stream)]
say(outcomes(), len(stream.unfinished), len(told) < 5)
""",
        ("[('accepted', None)] 0 True",),
    ),
    "stopped in a stream": Event(
        """
m = start(max_connections=2)
result, stream = first(m, 50)
stream.stop()
told += [result, *rest(stream)]
say(len(told) < 5, len(stream.in_progress), len(stream.unfinished))
close(m)
""",
        ("True 0 0",),
    ),
    "one message that cannot be": Event(
        """
m = start()
each(m, ["Hola" if number == 1 else message(number) for number in range(3)])
say([(one.index, one.ok, type(one.error).__name__) for one in sorted(told, key=lambda one: one.index)])
close(m)
""",
        ("[(0, True, 'NoneType'), (1, False, 'MessageError'), (2, True, 'NoneType')]",),
    ),
    "a deadline": Event(
        """
m = start(**LOGIN)
one(m, "silent", deadline=2)
say(outcomes())
close(m)
""",
        ("[('deferred', 'the deadline of 2 s ran out')]",),
        "AUTH",
    ),
}
LOOPS = {
    "two at once": Event(
        """
m = start(max_connections=2)
working = [thread(lambda: [one(m, name) for _ in range(5)]) for name in "ab"]
for each_one in working:
    each_one.join()
say(len(told), outcomes())
close(m)
""",
        ("10 [('accepted', None)]",),
    ),
    "two in turns": Event(
        """
warnings.simplefilter("ignore")  # the synchronous one says that it blocks the loop
m = start()
async def turn():
    if isinstance(m, AsyncMailer):
        await _one(m, "turn")
    else:
        one(m, "turn")
for _ in range(2):
    asyncio.run(turn())
loops = [asyncio.new_event_loop() for _ in range(2)]
for number in range(6):
    loops[number % 2].run_until_complete(turn())
for loop in loops:
    loop.close()
say(len(told), outcomes())
close(m)
""",
        ("8 [('accepted', None)]",),
    ),
    "one in a thread, and its end": Event(
        """
m = start()
for _ in range(3):
    thread(lambda: one(m, "thread")).join()
one(m, "main")
say(len(told), outcomes())
close(m)
""",
        ("4 [('accepted', None)]",),
    ),
}
EXITS = {
    "main has ended": Event(
        """
m = start()
def work():
    threading.main_thread().join()
    one(m, "late"); each(m, numbers(3))
    say(outcomes())
    close(m)
thread(work)
""",
        ("[('accepted', None)]",),
    ),
    "jobs of an executor when main has ended": Event(
        """
m = start(max_connections=3)
executor = ThreadPoolExecutor(3)
for number in range(9):
    executor.submit(one, m, number).add_done_callback(lambda job: say(job.result().ok))
""",
        ("True",) * 9,
    ),
    "a handler of the exit, registered before": Event(
        "atexit.register(lambda: say(one(m, 'last').ok))\nm = start()\none(m, 'first')", ("True",)
    ),
    "a handler of the exit, registered after": Event(
        "m = start()\natexit.register(lambda: say(one(m, 'last').ok))", ("True",)
    ),
    "the first of all in a handler of the exit": Event("atexit.register(lambda: say(one(start(), 'a').ok))", ("True",)),
    "the shutdown of logging": Event(
        """
class Digest(logging.Handler):
    lines = ["one"]
    def emit(self, record): pass
    def flush(self):
        while self.lines:
            say(one(m, self.lines.pop()).ok)
m = start()
logging.getLogger().addHandler(Digest())
""",
        ("True",),
    ),
}
COLLECTION = {
    "collected unclosed": Event("m = start(); say(one(m, 'a').ok); del m; gc.collect()", ("True",)),
    "streams and mailers collected while another sends": Event(
        """
m = start()
for number in range(10):
    other = start()
    result, stream = first(other, 5)
    other.me, stream.me = other, stream
    del other, stream
    one(m, number, on_progress=lambda *_: gc.collect())
say(outcomes())
close(m)
""",
        ("[('accepted', None)]",),
    ),
    "one expression": Event("each(start(), numbers(5)); say(len(told), outcomes())", ("5 [('accepted', None)]",)),
}
