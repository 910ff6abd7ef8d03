"""Forks, Ctrl-C, and limits of threads and descriptors, as events for both mailers; the words are those of `events`."""

from __future__ import annotations

from .events import Event

STAGES = ("the greeting", "EHLO", "AUTH", "MAIL", "the end of data")

FORK_IN_A_CALL = """
m = start(**LOGIN)
sending = thread(lambda: one(m, "parent"))
ask("held")
say(fork(lambda: one(m, "child").ok and one(start(**LOGIN), "child too").ok))
ask("release")
sending.join()
say(one(m, "after").ok, outcomes())
close(m)
"""
WAITS = """
hold, reached, parent = threading.Event(), threading.Event(), os.getpid()
def wait():
    if os.getpid() == parent:
        reached.set()
        hold.wait()
"""
FORK_AT_A_SECRET = """
m = again()
sending = thread(lambda: one(m, "parent"))
reached.wait()
def act():
    return [one(each_one, "child", deadline=200).ok for each_one in (m, again())] == [True, True]
say(fork(act))
hold.set()
sending.join()
say(one(m, "after").ok, outcomes())
close(m)
"""
WENT_ON = ("0", "True [('accepted', None)]")
KEYRING = """
import keyring
from keyring.backend import KeyringBackend
class Slow(KeyringBackend):
    priority = 9
    def get_password(self, service, username):
        wait()
        return "correct horse"
    def set_password(self, *_): pass
keyring.set_keyring(Slow())
def again(): return start(username="ana@example.com")
"""
TOKEN = """
def provide(*_):
    wait()
    return "token"
def password(*_): return "correct horse" if provide() else None
def again(): return start(username="ana@example.com", credentials=OAuth2(provide) if {oauth2} else password)
"""

FORKS = {
    "a fork before anything": Event(
        "m = start()\nsay(fork(lambda: one(m, 'child').ok), one(m, 'parent').ok)\nclose(m)", ("0 True",)
    ),
    "a fork between two calls": Event(
        """
m = start()
one(m, "first")
say(fork(lambda: one(m, "child").ok and close(m) is None), one(m, "parent").ok)
close(m)
""",
        ("0 True",),
    ),
    "a fork of a fork": Event(
        """
m = start()
one(m, "first")
say(fork(lambda: one(m, "child").ok and fork(lambda: one(m, "its child").ok) == 0), one(m, "parent").ok)
close(m)
""",
        ("0 True",),
    ),
    "a fork between two results": Event(
        """
m = start(max_connections=2)
result, stream = first(m, 6)
say(fork(lambda: one(m, "child").ok and one(start(), "child too").ok), [one.ok for one in (result, *rest(stream))])
close(m)
""",
        (f"0 {[True] * 6}",),
    ),
    "a fork in the source": Event(
        """
m = start(max_connections=2)
def source():
    for number in range(6):
        if number == 3:
            thread(lambda: say(fork(lambda: one(m, "child").ok))).join()
        yield message(number)
each(m, source())
say(len(told), outcomes())
close(m)
""",
        ("0", "6 [('accepted', None)]"),
    ),
    "a fork whose child comes back to the source": Event(
        """
m, parent = start(max_connections=2), os.getpid()
child = None
def source():
    global child
    for number in range(6):
        if number == 3 and isinstance(m, Mailer):
            child = os.fork()
        yield message(number)
error = tried(lambda: each(m, source()))
if os.getpid() != parent:
    os._exit(len(told) if isinstance(error, errors.ConfigurationError) else 99)
say(len(told), outcomes(), error)
say(child is None or os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) <= 3)
close(m)
""",
        ("6 [('accepted', None)] None", "True"),
    ),
    "a fork whose child goes on with the stream": Event(
        """
m = start(max_connections=2)
result, stream = first(m, 6)
def act():
    error = tried(lambda: rest(stream))
    say(type(error).__name__, error.message)
    return one(m, "child").ok and tried(lambda: rest(stream)) == []
say(fork(act), [one.ok for one in (result, *rest(stream))])
close(m)
""",
        (
            "ConfigurationError this stream belongs to the process that started it",
            f"0 {[True] * 6}",
        ),
    ),
    **{f"a fork at {stage}": Event(FORK_IN_A_CALL, WENT_ON, stage) for stage in STAGES},
    "a fork at a token of OAuth2": Event(WAITS + TOKEN.format(oauth2=True) + FORK_AT_A_SECRET, WENT_ON),
    "a fork at a callable": Event(WAITS + TOKEN.format(oauth2=False) + FORK_AT_A_SECRET, WENT_ON),
    "a fork at the keyring": Event(WAITS + KEYRING + FORK_AT_A_SECRET, WENT_ON),
    "a fork at a look-up of a name": Event(
        """
import socket
look_up = socket.getaddrinfo
def slow(*arguments, **more):
    wait()
    return look_up("127.0.0.1", *arguments[1:], **more)
socket.getaddrinfo = slow
HOST = "localhost"
"""
        + WAITS
        + "def again(): return start()"
        + FORK_AT_A_SECRET,
        WENT_ON,
    ),
}
INTERRUPTED = """
say(type(tried(lambda: each(m, source(), body))).__name__)
say({outcome for outcome, reason in outcomes()} <= ENDS, len(told) == len({one.message_id for one in told}))
say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
for one in told:
    say("told", one.message_id)
close(m)
"""
SOURCE = """
ENDS = {"accepted", "deferred", "in_doubt"}
m = start(max_connections=2)
def source():
    for number in range(1000):
        yield message(number)
def body(result): pass
"""
CTRL_C = {
    **{
        f"Ctrl-C {often} at {stage}": Event(
            f"""
m = start(**LOGIN)
sending = threading.main_thread()
asking = thread(lambda: ask("held") or ask("{command}"))
say(type(tried(lambda: one(m, "interrupted"))).__name__)
asking.join()
say([outcome for outcome, reason in outcomes()], one(m, "next").ok)
close(m)
""",
            ("KeyboardInterrupt", f"['{'in_doubt' if stage == 'the end of data' else 'deferred'}'] True"),
            stage,
        )
        for often, command in (("once", "interrupt once"), ("twice", "interrupt"))
        for stage in ("EHLO", "AUTH", "the end of data")
    },
    "Ctrl-C in the source": Event(
        SOURCE
        + """
def source():
    for number in range(1000):
        if number == 7:
            os.kill(os.getpid(), signal.SIGINT)
        yield message(number)
"""
        + INTERRUPTED,
        ("KeyboardInterrupt", "True True", "True"),
    ),
    "Ctrl-C in the body": Event(
        SOURCE
        + """
def body(result):
    if len(told) == 7:
        os.kill(os.getpid(), signal.SIGINT)
"""
        + INTERRUPTED,
        ("KeyboardInterrupt", "True True", "True"),
    ),
    "Ctrl-C again and again in a stream": Event(
        SOURCE
        + 'ENDS = {"in_doubt"}\nasking = thread(lambda: ask("held") or ask("interrupt"))'
        + INTERRUPTED
        + "asking.join()",
        ("KeyboardInterrupt", "True True", "True"),
        "silent",
    ),
}
LIMITED = """
m = again()
for _ in range(2):
    {limit}(False)
    error = tried(lambda: one(m, "early"))
    {limit}(True)
    say([outcome for outcome, reason in outcomes()] or isinstance(error, errors.SendkitError))
    told.clear()
say(one(m, "late").ok, outcomes())
close(m)
"""
FAILED, WORKS = "['deferred']", "True [('accepted', None)]"
LIMITS = {
    "no thread for a name": Event(
        'HOST = "localhost"\ndef again(): return start()' + LIMITED.format(limit="threads"), (FAILED, FAILED, WORKS)
    ),
    "no thread, and none needed": Event(
        'm = start()\nthreads(False)\nsay(one(m, "a").ok)\neach(m, numbers(3))\nclose(m)\nsay(outcomes())',
        ("True", "[('accepted', None)]"),
    ),
    "no thread for a secret": Event(
        WAITS.replace("hold.wait()", "pass") + TOKEN.format(oauth2=False) + LIMITED.format(limit="threads"),
        ("True", "True", WORKS),
    ),
    "no thread for a file": Event(
        """
import tempfile
from pathlib import Path
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "large.bin"
path.write_bytes(bytes(300_000))
FILES["attachments"] = [path]
def again(): return start()
"""
        + LIMITED.format(limit="threads"),
        (FAILED, FAILED, WORKS),
    ),
    "no descriptor for a connection": Event(
        """
def again():
    m = start()
    one(m, "warm"); told.clear()  # what is imported needs descriptors too
    rest_all(m)
    return m
def rest_all(m):
    run(m._rest()) if isinstance(m, AsyncMailer) else m._portal.rest()
"""
        + LIMITED.format(limit="descriptors"),
        (FAILED, FAILED, WORKS),
    ),
    "no descriptor at all": Event(
        """
warm = start(); one(warm, "warm"); close(warm); told.clear()
def again(): return start()
"""
        + LIMITED.format(limit="descriptors").replace("or isinstance", "== ['deferred'] or isinstance"),
        ("True", "True", WORKS),
    ),
}
