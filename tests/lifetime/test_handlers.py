"""A logging handler that has others send its mail, which it knows by name, hears nothing of it, but of other mail."""

from __future__ import annotations

from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

# Each worker makes its mail itself: only a name connects it with the handler. None ends a worker.
PROGRAM = """
import functools, logging.handlers, queue
from collections import deque
logging.getLogger().setLevel(logging.DEBUG)
mailer, told, started, jobs = made(max_connections=2), [], [], []
executor = ThreadPoolExecutor(2)
def mail(text):
    mailer.send(message(text[:9]), deadline=60)
    told.append(text)
    if len(told) > 99: os._exit(9)
def mail_of(prefix, record): mail(f"{prefix}{record.getMessage()}")
def work():
    while (one := waiting.get()) is not None: mail(one)
def work_on(given):
    while (one := given.get()) is not None: mail(one if isinstance(one, str) else one.getMessage())
def work_off():
    while True:
        while not line: time.sleep(0.001)
        if (one := line.popleft()) is None: return
        mail(one)
waiting, line = queue.Queue(), deque()

class Queue(logging.Handler):
    start = staticmethod(lambda: (work, ()))
    def emit(self, record): waiting.put(record.getMessage())
    def end(self): waiting.put(None)
class Line(Queue):
    start = staticmethod(lambda: (work_off, ()))
    def emit(self, record): line.append(record.getMessage())
    def end(self): line.append(None)
class OwnQueue(logging.Handler):
    def __init__(self): super().__init__(); self.waiting = queue.SimpleQueue()
    def start(self): return work_on, (self.waiting,)
    def emit(self, record): self.waiting.put(record)
    def end(self): self.waiting.put(None)
class OfTheLibrary(logging.handlers.QueueHandler):
    def __init__(self): super().__init__(queue.SimpleQueue())
    def start(self): return work_on, (self.queue,)
    def end(self): self.queue.put(None)
class Worker(threading.Thread):
    def __init__(self, given): super().__init__(); self.given = given
    def run(self):
        while (one := self.given.get()) is not None: mail(one.getMessage())
class OfAThread(OwnQueue):
    def start(self): return Worker, (self.waiting,)
class EachAThread(logging.Handler):
    def emit(self, record):
        started.append(threading.Thread(target=mail, args=(record.getMessage(),))); started[-1].start()
class Executor(logging.Handler):
    def emit(self, record): jobs.append(executor.submit(mail, record.getMessage()))
class OwnFunction(logging.Handler):
    def __init__(self): super().__init__(); self.function = functools.partial(mail_of, "")
    def emit(self, record): jobs.append(executor.submit(self.function, record))
class OwnMailer(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage()); jobs.append(executor.submit(made().send, message(record.getMessage()[:9])))

def begin(start):
    if start is not None:
        target, given = start()
        started.append(target(*given) if isinstance(target, type) else threading.Thread(target=target, args=given))
        started[-1].start()
KINDS = Queue, Line, OwnQueue, OfTheLibrary, OfAThread, EachAThread, Executor, OwnFunction, OwnMailer
for number, kind in enumerate(KINDS):
    handler = kind()
    begin(getattr(handler, "start", None))
    logging.getLogger().addHandler(handler)
    logging.getLogger("app").error("%s records", number)
    while len(told) == number: time.sleep(0.001)
    for job in jobs: job.result()
    if hasattr(handler, "end"): handler.end()
    for thread in started: thread.join()
    logging.getLogger().removeHandler(handler)
"""


def test_a_handler_hears_nothing_of_mail_that_a_worker_makes_of_its_records(server: ScriptedServer) -> None:
    ended = run(PROGRAM, server, host="127.0.0.1")
    assert (ended.errors, ended.code) == ("", 0)
    assert subjects(server) == [f"{number} records" for number in range(9)]


def test_of_what_a_thread_sends_for_itself_a_handler_hears_all(server: ScriptedServer) -> None:
    ended = run(
        """
        import queue
        heard, waiting, mailer = [], queue.Queue(), made()
        class Mailing(logging.Handler):
            def emit(self, record):
                heard.append(record.name)
                if record.name == "app": waiting.put(record.getMessage()); mailer.send(message())
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger().addHandler(Mailing())
        def work():
            mailer.send(message(1))
            waiting.put("done")
        thread = threading.Thread(target=work)
        thread.start(); thread.join()
        async def main():
            await made(AsyncMailer).send(message(2))
            waiting.put("done")
        alone = heard.count("sendkit.smtp")
        asyncio.run(main())
        say(alone > 5, heard.count("sendkit.smtp") > alone + 5)
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["True True"], "", 0)
