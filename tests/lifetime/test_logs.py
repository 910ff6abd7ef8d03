"""A logging handler that sends mail waits for nothing of itself, and never hears what is logged while it sends."""

from __future__ import annotations

import pytest

from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

HANDLER = """
class Mailing(logging.Handler):
    def emit(self, record):
        mailer.send(message(record.getMessage()), deadline=200)
mailer = made({settings})
handler = Mailing({level})
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel(logging.DEBUG)
"""


@pytest.mark.parametrize("settings", ["", "deadline=200", "transcript=True"])
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
        mailer.send(message(f"{name}{number}"), deadline=200)
        logging.getLogger("app").error("%s%s told", name, number)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(work, "abcd"))
""",
        server,
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert len(subjects(server)) == 80


def test_what_is_logged_reaches_the_other_handlers_but_not_that_a_loop_of_ours_is_made(server: ScriptedServer) -> None:
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
    assert (ended.lines, ended.errors, ended.code) == (["True False True"], "", 0)


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


LATER = {
    "create_task": "asyncio.create_task(mailer.send(made_now))",
    "ensure_future": "asyncio.ensure_future(mailer.send(made_now))",
    "a task of its own": "asyncio.create_task(self.later(made_now))",
    "call_soon": "asyncio.get_running_loop().call_soon(self.soon, made_now) and None",
    "another loop": "asyncio.run_coroutine_threadsafe(mailer.send(made_now), other)",
    "an executor": "executor.submit(blocking.send, made_now)",
    "the executor of the loop": "asyncio.get_running_loop().run_in_executor(executor, blocking.send, made_now)",
    "a stream": "executor.submit(lambda: list(blocking.send_many([made_now])))",
}


@pytest.mark.parametrize("way", LATER)
def test_a_handler_that_leaves_the_sending_to_others_hears_nothing_of_it(server: ScriptedServer, way: str) -> None:
    ended = run(
        f"""
        tasks, jobs, gone = [], [], threading.Event()
        class Mailing(logging.Handler):
            async def later(self, one):
                await mailer.send(one)
            def soon(self, one):
                tasks.append(asyncio.ensure_future(mailer.send(one)))
            def emit(self, record):
                made_now = message(record.getMessage())
                job = {LATER[way]}
                (tasks if isinstance(job, asyncio.Future) else jobs).append(job)
        mailer, blocking, executor = made(AsyncMailer, max_connections=2), made(), ThreadPoolExecutor(4)
        async def main():
            for number in range(3):
                logging.getLogger("app").error("record %s", number)
                await asyncio.sleep(0)
            while pending := [task for task in tasks if not task.done()]:
                await asyncio.wait(pending)
            for job in jobs:
                if job is not None:
                    await asyncio.to_thread(job.result, 60)
            await mailer.aclose()
        other = asyncio.new_event_loop()
        threading.Thread(target=other.run_forever, daemon=True).start()
        logging.getLogger("asyncio").propagate = False
        logging.getLogger().addHandler(Mailing())
        logging.getLogger().setLevel(logging.DEBUG)
        asyncio.run(main())
        executor.shutdown()
        blocking.close()
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server) == ["record 0", "record 1", "record 2"]


def test_a_task_that_a_handler_starts_for_a_record_of_ours_is_not_heard(server: ScriptedServer) -> None:
    ended = run(
        """
        from email.message import EmailMessage
        tasks = []
        def plain(subject):
            one = EmailMessage()
            one["From"], one["To"], one["Subject"] = "ana@example.com", "luis@example.com", subject
            return one
        async def later(text):
            await mailer.send(plain(text))
        class Mailing(logging.Handler):
            def emit(self, record):
                tasks.append(asyncio.create_task(known["later"](record.name)))
        known, mailer = {"later": later}, made(AsyncMailer, max_connections=2)
        async def main():
            logging.getLogger("app").error("one")
            while pending := [task for task in tasks if not task.done()]:
                await asyncio.wait(pending)
            await mailer.aclose()
        logging.getLogger("asyncio").propagate = False
        logging.getLogger().addHandler(Mailing())
        logging.getLogger().setLevel(logging.DEBUG)
        asyncio.run(main())
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server)[0] == "app"
    assert 1 < len(subjects(server)) < 40  # one about each line of the first one's dialogue, and none about theirs


@pytest.mark.parametrize("job", ["self.format(record)", "record"])
def test_a_handler_whose_mail_is_written_by_an_executor_hears_nothing_of_it(server: ScriptedServer, job: str) -> None:
    ended = run(
        f"""
        from concurrent.futures import wait
        jobs = []
        class Mailing(logging.Handler):
            def emit(self, record):
                jobs.append(executor.submit(self.later, {job}))
            def later(self, one):
                text = one if isinstance(one, str) else self.format(one)
                mailer.send(Message(sender="ana@example.com", to="luis@example.com", subject="log", text=text))
        mailer, executor = made(max_connections=2), ThreadPoolExecutor(2)
        logging.getLogger("asyncio").propagate = False
        logging.getLogger().addHandler(Mailing())
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger("app").error("one")
        while not all(job.done() for job in jobs):
            wait(list(jobs))
        mailer.close()
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server) == ["log"]


OWN = {
    "thread": """
class Mailing(logging.Handler):
    def __init__(self):
        super().__init__()
        self.waiting = queue.SimpleQueue()
        self.worker = threading.Thread(target=self.work)
        self.worker.start()
    def emit(self, record): self.waiting.put(record.getMessage())
    def work(self):
        with made() as mailer:
            while (text := self.waiting.get()) is not None: self.mail(mailer, text)
    def mail(self, mailer, text): mailer.send(message(text), deadline=60); told.append(text)
handler = Mailing()
logging.getLogger().addHandler(handler)
act()
while len(told) < 3: time.sleep(0.01)
handler.waiting.put(None); handler.worker.join()
""",
    "thread of a function": """
def make():
    class Mailing(logging.Handler):
        def __init__(self):
            super().__init__()
            self.waiting = waiting = queue.SimpleQueue()
            def work():
                with made() as mailer:
                    while (text := waiting.get()) is not None:
                        mailer.send(message(text), deadline=60); told.append(text)
            self.worker = threading.Thread(target=work)
            self.worker.start()
        def emit(self, record): self.waiting.put(record.getMessage())
    return Mailing()
handler = make()
logging.getLogger().addHandler(logging.handlers.MemoryHandler(1, target=handler))
act()
while len(told) < 3: time.sleep(0.01)
handler.waiting.put(None); handler.worker.join()
""",
    "task": """
class Mailing(logging.Handler):
    def emit(self, record): self.waiting.put_nowait(record.getMessage())
    async def work(self):
        async with made(AsyncMailer) as mailer:
            while (text := await self.waiting.get()) is not None:
                await mailer.send(message(text), deadline=60); told.append(text)
async def main():
    handler = Mailing()
    handler.waiting = asyncio.Queue()
    worker = asyncio.create_task(handler.work())
    logging.getLogger().addHandler(handler)
    act()
    while len(told) < 3: await asyncio.sleep(0.01)
    handler.waiting.put_nowait(None)
    await worker
asyncio.run(main())
""",
}


@pytest.mark.parametrize("own", OWN)
def test_a_handler_with_a_worker_of_its_own_hears_nothing_of_what_it_sends(server: ScriptedServer, own: str) -> None:
    ended = run(
        f"""
import logging.handlers, queue
told = []
logging.getLogger("asyncio").propagate = False
logging.getLogger().setLevel(logging.DEBUG)
def act():
    for number in range(3):
        logging.getLogger("app").error("record %s", number)
{OWN[own]}
""",
        server,
        host="127.0.0.1",
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server) == ["record 0", "record 1", "record 2"]
