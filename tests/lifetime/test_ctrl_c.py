"""Ctrl-C in a stream, wherever it comes: what is in progress ends, and each result is told."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.preloaded import Program
from tests.servers.scripted import ScriptedServer

from .programs import LIMIT, run, start

INTERRUPTED = """
mailer = made(max_connections=4)
told, result = [], None
def source():
    for number in range(100_000):
        yield message(number)
def body():
    pass
def iterate(stream):
    global result
    for result in stream:
        told.append(result)
        body()
def everything():
    iterate(mailer.send_many(source(), in_flight=2))
def report(interrupt):
    left = interrupt.results
    say(len({one.index for one in (*told, result, *left) if one}), all(one.ok for one in left))
    say(len({one.index for one in left}) == len(left))
    say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
try:
    everything()
except KeyboardInterrupt as interrupt:
    caught = interrupt
report(caught)
mailer.close()
"""
# Where the signal comes: the program says that it is there.
PLACES = {
    "anywhere": """
def body():
    if len(told) == 20:
        say("ready")
""",
    "in a body that never ends": """
def body():
    if len(told) == 20:
        say("ready")
        while True:
            time.sleep(0.001)
""",
    "in a body that sends": """
def body():
    if len(told) == 20:
        say("ready")
    if len(told) >= 20:
        try:
            mailer.send(message("other"))
            time.sleep(0.001)
        except KeyboardInterrupt as interrupt:
            interrupt.result = None
            raise
""",
    "in a body with a with": """
def everything():
    with mailer.send_many(source(), in_flight=2) as stream:
        iterate(stream)
def body():
    if len(told) == 20:
        say("ready")
        while True:
            time.sleep(0.001)
""",
    "in a stream within a stream": """
def everything():
    global result
    for result in mailer.send_many(source()):
        told.append(result)
        if len(told) == 20:
            inside()
def inside():
    for one in mailer.send_many(message(f"inner {number}", cc="inner@example.com") for number in range(100_000)):
        inner.append(one)
        if len(inner) == 3:
            say("ready")
            while True:
                time.sleep(0.001)
inner = []
def report(interrupt, before=report):
    say(len([one for one in interrupt.results if "inner@example.com" in one.recipients]) + len(inner) > 3)
    told.extend(one for one in interrupt.results if "inner@example.com" not in one.recipients)
    say(len(told) + len(inner) + len([one for one in interrupt.results if "inner@example.com" in one.recipients]))
""",
}


HELD = """
mailer = made()
default, mine = signal.default_int_handler, lambda *_: None
def now():
    return signal.getsignal(signal.SIGINT)
for result in mailer.send_many(map(message, range(3))):
    say(now() is default)
say("ended", now() is default)
for result in mailer.send_many(map(message, range(3))):
    break
say("left", now() is default)
stream = mailer.send_many(map(message, range(3)))
say("not begun", now() is default)
next(stream)
thread = threading.Thread(target=lambda: globals().__delitem__("stream"))
thread.start(); thread.join()  # collected on another thread, where no handler can be set
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)
except KeyboardInterrupt as interrupt:
    say("default", hasattr(interrupt, "results"))
list(mailer.send_many(map(message, range(1))))
say("restored", now() is default)
for result in mailer.send_many(map(message, range(2))):
    signal.signal(signal.SIGINT, mine)
say("own", now() is mine)
for result in mailer.send_many(map(message, range(2))):
    say(now() is mine)
"""


def interrupt(program: str, server: ScriptedServer, times: int = 1, taken: int = 0) -> tuple[list[str], str]:
    """Run it, and send SIGINT when it says "ready", and the server has so many messages; what it said then."""
    with start(program, server) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            server.wait_for(lambda: len(server.accepted) >= taken)
            return _interrupt(child, times)
        finally:
            child.kill()


def _interrupt(child: Program | subprocess.Popen[str], times: int) -> tuple[list[str], str]:
    for number in range(times):
        child.send_signal(signal.SIGINT)
        try:  # no third one may come before a busy machine has seen to the second
            child.wait(LIMIT if times == 1 else 30 if number else 0.5)
            break
        except subprocess.TimeoutExpired:
            continue
    output, errors = child.communicate(timeout=LIMIT)
    return output.splitlines(), errors


@pytest.mark.parametrize("place", PLACES)
def test_the_first_lets_what_is_in_progress_end_and_tells_all(server: ScriptedServer, place: str) -> None:
    program = INTERRUPTED.replace("try:\n    everything", f"{PLACES[place]}\ntry:\n    everything", 1)
    lines, errors = interrupt(program, server)
    others = sum(b"Subject: other" in one.content for one in server.accepted)
    if place == "in a stream within a stream":
        assert (lines, errors) == (["True", str(len(server.accepted))], "")
    else:
        assert (lines, errors) == ([f"{len(server.accepted) - others} True", "True", "True"], "")
    assert set(server.copies().values()) == {1}


@pytest.mark.parametrize("in_body", [True, False])
def test_a_second_one_cancels_and_still_tells(server: ScriptedServer, in_body: bool) -> None:
    silent_from = 2 if in_body else 1
    for nth in range(silent_from, silent_from + 4):
        server.after_data(nth=nth).silence()
    place = """
def source():
    for number in range(100):
        if number == 3 and not IN_BODY:
            say("ready")
        yield message(number)
def body():
    if IN_BODY:
        say("ready")
        while True:
            time.sleep(0.001)
def report(interrupt):
    say(len(told) + len(interrupt.results), all(result.ok for result in interrupt.results))
    say({one.recipients["luis@example.com"].outcome.value for one in interrupt.results if not one.ok})
""".replace("IN_BODY", str(in_body))
    program = INTERRUPTED.replace("try:\n    everything", f"{place}\ntry:\n    everything", 1)
    program = program.replace("in_flight=2", "in_flight=1")
    lines, errors = interrupt(program, server, times=40, taken=silent_from)  # one is in progress
    assert lines[0].endswith("False")
    assert (lines[1:], errors) == (["{'in_doubt'}"], "")
    assert int(lines[0].split()[0]) == len(server.accepted)


def test_the_handler_is_held_only_while_a_stream_lives_and_a_program_s_own_is_left_alone(
    server: ScriptedServer,
) -> None:
    ended = run(HELD, server)
    assert ended.errors == ""
    assert ended.lines == [
        *["False"] * 3,
        "ended True",
        "left True",
        "not begun True",
        "default False",
        "restored True",
        "own True",
        *["True"] * 2,
    ]


@pytest.mark.parametrize("handler", ["", "signal.signal(signal.SIGUSR1, lambda *_: None)"])
def test_interrupt_main_does_what_ctrl_c_does(server: ScriptedServer, handler: str) -> None:
    server.after_data().silence()
    ended = run(
        f"""
        import _thread
        {handler}  # with one of its own, the main thread does not run the loop
        mailer = made()
        def soon(sent, total):
            if sent == total:
                threading.Timer(0.3, _thread.interrupt_main).start()
        try:
            mailer.send(message(), on_progress=soon, deadline=50)
        except KeyboardInterrupt as interrupt:
            say(interrupt.result.recipients["luis@example.com"].outcome.value)
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["in_doubt"], "", 0)
