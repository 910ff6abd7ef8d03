"""A logging handler that sends mail waits for nothing of itself, and never hears what is logged while it sends."""

from __future__ import annotations

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

HANDLER = """
class Mailing(logging.Handler):
    def emit(self, record):
        mailer.send(message(record.getMessage()), deadline=20)
mailer = made({settings})
handler = Mailing({level})
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel(logging.DEBUG)
"""


@pytest.mark.parametrize("settings", ["", "deadline=20", "transcript=True"])
@pytest.mark.parametrize("level", ["logging.DEBUG", "logging.ERROR"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_handler_of_everything_sends_one_mail_for_each_record(
    server: ScriptedServer, settings: str, level: str, inside: bool
) -> None:
    act = """
def act():
    for number in range(3):
        logging.getLogger("app").error("record %s", number)
"""
    call = "async def main(): act()\nwarnings.simplefilter('ignore')\nasyncio.run(main())" if inside else "act()"
    if inside and level == "logging.DEBUG":
        call = f"logging.getLogger('asyncio').propagate = False\n{call}"  # the program's own loop logs too
    ended = run(HANDLER.format(settings=settings, level=level) + act + call, server)
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server) == ["record 0", "record 1", "record 2"]


def test_while_others_send_a_record_of_ours_does_not_wait_for_a_handler_that_waits_for_us(
    server: ScriptedServer,
) -> None:
    ended = run(
        HANDLER.format(settings="max_connections=2", level="logging.ERROR")
        + """
def work(name):
    for number in range(10):
        mailer.send(message(f"{name}{number}"), deadline=20)
        logging.getLogger("app").error("%s%s told", name, number)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(work, "abcd"))
""",
        server,
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert len(subjects(server)) == 80


def test_what_is_logged_reaches_the_other_handlers(server: ScriptedServer) -> None:
    ended = run(
        """
        seen = []
        class Noting(logging.Handler):
            def emit(self, record):
                seen.append((record.name, record.getMessage()))
        logging.getLogger().addHandler(Noting())
        logging.getLogger().setLevel(logging.DEBUG)
        with made() as mailer:
            mailer.send(message())
        names = {name for name, _ in seen}
        say("sendkit.smtp" in names, "asyncio" in names, any("MAIL FROM" in text for _, text in seen))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True True True"], "", 0)


def test_an_async_mailer_in_a_handler_hears_nothing_of_itself(server: ScriptedServer) -> None:
    ended = run(
        """
        class Mailing(logging.Handler):
            def emit(self, record):
                asyncio.run(send(record.getMessage()))
        async def send(subject):
            async with made(AsyncMailer) as mailer:
                await mailer.send(message(subject))
        logging.getLogger("asyncio").propagate = False  # asyncio.run itself logs, before any mailer is there
        logging.getLogger().addHandler(Mailing())
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger("app").error("one")
        """,
        server,
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server) == ["one"]
