"""Under gevent a greenlet that sends stops no other; under eventlet a mailer is refused, with what to do instead."""

from __future__ import annotations

import importlib.util
import textwrap

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import FORK, Ended, run

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


def patched(library: str, program: str, server: ScriptedServer) -> Ended:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"pip install {library}")
    before = f"import warnings; warnings.simplefilter('ignore'); {PATCHES[library]}"
    return run(textwrap.dedent(program), server, before=before)


def test_under_eventlet_a_mailer_is_refused_at_once(server: ScriptedServer) -> None:
    ended = patched(
        "eventlet",
        """
        from sendkit import errors
        for _ in range(2):
            try:
                made()
            except errors.ConfigurationError as error:
                say("eventlet" in str(error), bool(error.hint))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True True"] * 2, "", 0)


def test_a_mailer_that_was_made_before_threads_were_patched_is_refused_too(server: ScriptedServer) -> None:
    if importlib.util.find_spec("gevent") is None:
        pytest.skip("pip install gevent")
    ended = run(
        """
        from sendkit import errors
        mailer = made()
        say(mailer.send(message()).ok)
        from gevent import monkey
        monkey.patch_all()
        try:
            mailer.send(message())
        except errors.ConfigurationError as error:
            say("gevent" in str(error))
        os._exit(0)
        """,
        server,
    )
    assert (ended.lines, ended.code) == (["True", "True"], 0)


def test_greenlets_send_at_the_same_time_and_others_go_on(server: ScriptedServer) -> None:
    ended = patched(
        "gevent",
        """
        import gevent
        beats = []
        def beat():
            while True:
                gevent.sleep(0.001)
                beats.append(1)
        beating = gevent.spawn(beat)
        class Counts:
            plain = 0
            def on_result(self, result): Counts.plain += 1
        with made(observers=[Counts()]) as mailer:
            def job():
                return all(mailer.send(message(n)).ok for n in range(10))
            jobs = [gevent.spawn(job) for _ in range(5)]
            gevent.joinall(jobs, raise_error=True)
            say(all(one.value for one in jobs), bool(beats))
            say(sum(result.ok for result in mailer.send_many([message(n) for n in range(10)])))
        while Counts.plain < 60:  # a busy machine may be late
            gevent.sleep(0.01)
        say(Counts.plain)
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True True", "10", "60"], "", 0)


def test_a_timeout_in_a_greenlet_ends_the_call_and_the_next_one_works(server: ScriptedServer) -> None:
    ended = patched(
        "gevent",
        """
        import gevent
        mailer = made()
        for _ in range(20):
            with gevent.Timeout(0.000001, False):
                mailer.send(message())
        say(mailer.send(message()).ok)
        mailer.close()
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)


def test_a_mailer_that_nobody_closes_quits_at_the_exit_and_a_child_has_its_own(server: ScriptedServer) -> None:
    ended = patched(
        "gevent",
        FORK
        + """
mailer = made()
say(mailer.send(message("first")).ok)
say(fork(lambda: mailer.send(message("child")).ok))
say(mailer.send(message("parent")).ok)
""",
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True", "0", "True"], "", 0)
