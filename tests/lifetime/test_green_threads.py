"""Where threads are greenlets, a mailer is refused at once, with what to do instead."""

from __future__ import annotations

import importlib.util

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.parametrize("library", PATCHES)
def test_a_mailer_is_refused_at_once(server: ScriptedServer, library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"pip install {library}")
    ended = run(
        f"""
        from sendkit import errors
        for _ in range(2):
            try:
                made()
            except errors.ConfigurationError as error:
                say("{library}" in str(error), bool(error.hint))
        """,
        server,
        before=f"import warnings; warnings.simplefilter('ignore'); {PATCHES[library]}",
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
