"""When main has ended, and in the handlers of the exit: what is sent goes out, and what cannot says why."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

from .programs import run, subjects

NUMBERS = [str(number) for number in range(20)]


def test_jobs_of_an_executor_are_sent_when_main_has_ended(server: ScriptedServer) -> None:
    ended = run(
        """
        mailer = made(max_connections=4)
        executor = ThreadPoolExecutor(4)
        for number in range(20):
            executor.submit(lambda number: time.sleep(0.01) or mailer.send(message(number)), number).add_done_callback(
                lambda job: job.exception() and say("failed", repr(job.exception())))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == ([], "", 0)
    assert subjects(server) == NUMBERS


def test_a_stream_in_a_thread_goes_on_when_main_has_ended(server: ScriptedServer) -> None:
    ended = run(
        """
        mailer = made(max_connections=3, messages_per_connection=3)
        def work():
            def source():
                for number in range(20):
                    time.sleep(0.01)
                    yield message(number)
            say(sum(result.ok for result in mailer.send_many(source())))
        threading.Thread(target=work).start()
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["20"], "", 0)
    assert subjects(server) == NUMBERS


@pytest.mark.parametrize("warm", [True, False])
def test_a_file_is_attached_when_main_has_ended(server: ScriptedServer, warm: bool, tmp_path: object) -> None:
    ended = run(
        f"""
        from pathlib import Path
        path = Path({str(tmp_path)!r}) / "large.bin"
        path.write_bytes(bytes(300_000))
        mailer = made()
        if {warm}:
            mailer.send(message("warm"))
        def work():
            threading.main_thread().join()
            say(mailer.send(message("late", attachments=[path]), check=False).ok)
        threading.Thread(target=work).start()
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    assert subjects(server)[-1] in ("late", "warm")
    assert "late" in subjects(server)


@pytest.mark.parametrize("made_early", [True, False])
def test_the_first_send_of_all_may_be_in_a_handler_of_the_exit(server: ScriptedServer, made_early: bool) -> None:
    ended = run(
        f"""
        if {made_early}:
            mailer = made()
            atexit.register(lambda: say(mailer.send(message("late")).ok))
        else:
            atexit.register(lambda: say(made().send(message("late")).ok))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    assert subjects(server) == ["late"]
    assert server.lines()[-1] == "QUIT"


def test_a_handler_that_was_registered_before_the_mailer_was_made_can_send(server: ScriptedServer) -> None:
    ended = run(
        """
        atexit.register(lambda: say(mailer.send(message("last")).ok))
        atexit.register(lambda: say([result.ok for result in mailer.send_many([message("many")])]))
        mailer = made()
        mailer.send(message("first"))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["[True]", "True"], "", 0)
    assert subjects(server) == ["last", "many", "first"]
    assert [connection.commands[-1] for connection in server.connections] == ["QUIT"] * len(server.connections)


def test_a_logging_handler_can_send_from_the_shutdown_of_logging(server: ScriptedServer) -> None:
    ended = run(
        """
        class Digest(logging.Handler):
            lines = []
            def emit(self, record):
                self.lines.append(record.getMessage())
            def flush(self):
                if self.lines:
                    subject, self.lines[:] = " ".join(self.lines), []
                    say(mailer.send(message(subject)).ok)
        logging.getLogger().addHandler(Digest())
        mailer = made()
        logging.getLogger("app").error("one")
        logging.getLogger("app").error("two")
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    assert subjects(server) == ["one two"]


@pytest.mark.parametrize("used", [True, False])
def test_an_async_mailer_sends_in_a_handler_of_the_exit(server: ScriptedServer, used: bool) -> None:
    ended = run(
        f"""
        mailer = made(AsyncMailer)
        async def send(subject):
            return (await mailer.send(message(subject))).ok
        if {used}:
            asyncio.run(send("first"))
        atexit.register(lambda: say(asyncio.run(send("late"))))
        """,
        server,
    )
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    assert "late" in subjects(server)


def test_a_mailer_that_nobody_closed_quits_at_the_exit(server: ScriptedServer) -> None:
    ended = run("mailer = made()\nsay(mailer.send(message()).ok)", server)
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    assert server.lines()[-1] == "QUIT"


# Where a read waits without end, as on a network disk that is gone; `hang` says which of its calls does.
DISKS = {
    "a look at the file": "hang(Path, 'open')",
    "a small file": "path.write_bytes(b'small'); hang(Path, 'open')",
    "a block": "hang(StoredFile, 'blocks')",
    "a look before a try": "hang(StoredFile, 'check')",
    "a signature": "settings.update(dkim=DKIM(domain='a.example', selector='a', key=KEY)); hang(StoredFile, 'blocks')",
    "the file of the password": "os.environ['SENDKIT_PASSWORD_FILE'] = str(path); settings.update(username='ana');"
    "hang(Path, 'is_file')",
}


@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
@pytest.mark.parametrize("place", DISKS)
def test_a_file_read_that_hangs_holds_back_neither_the_deadline_nor_the_exit(
    server: ScriptedServer, tmp_path: object, place: str, kind: str
) -> None:
    ended = run(
        f"""
        from pathlib import Path
        from cryptography.hazmat.primitives.asymmetric import ed25519
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from sendkit._message.stored import StoredFile
        from sendkit.signing import DKIM
        KEY = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        settings, path = {{}}, Path({str(tmp_path)!r}) / "large.bin"
        path.write_bytes(bytes(300_000))
        def hang(owner, name):
            real = getattr(owner, name)
            def waits(self, *rest, **more):
                if getattr(self, "path", self) == path:
                    threading.Event().wait()
                return real(self, *rest, **more)
            setattr(owner, name, waits)
        late = message("late", attachments=[path])
        {DISKS[place]}
        mailer = made({kind}, **settings)
        sending = mailer.send(late, deadline=0.5, check=False)
        result = sending if {kind} is Mailer else asyncio.run(sending)
        one = result.recipients["luis@example.com"]
        say(one.outcome, "0.5 s ran out" in one.reason)
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["deferred True"], "", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes of this kind")
@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
def test_certificates_that_cannot_be_read_hold_back_nobody(
    server: ScriptedServer, authority: Authority, tmp_path: Path, kind: str
) -> None:
    pem = shutil.copy(authority.ca_file, tmp_path / "ca.pem")
    ended = run(
        f"""
        pipe = {str(pem)!r}
        place = Server(HOST, PORT, ca_file=pipe)
        os.unlink(pipe)
        os.mkfifo(pipe)  # who opens it waits until somebody writes
        mailers = [{kind}(one, retry=RetryPolicy(max_attempts=1)) for one in (place, server())]
        async def both():
            return await asyncio.gather(*(
                mailer.send(message(), deadline=late, check=False) for mailer, late in zip(mailers, (1, None))
            ))
        results = (
            [mailer.send(message(), deadline=late, check=False) for mailer, late in zip(mailers, (1, None))]
            if {kind} is Mailer else asyncio.run(both())
        )
        say(*(one.outcome for result in results for one in result.recipients.values()))
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["deferred accepted"], "", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the authorities are not in a file")
@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
@pytest.mark.parametrize("security", ["STARTTLS", "IMPLICIT_TLS"])
def test_authorities_of_the_system_that_cannot_be_read_hold_back_nobody(
    server: ScriptedServer, tmp_path: Path, kind: str, security: str
) -> None:
    server.capabilities.append("STARTTLS")
    ended = run(
        f"""
        os.environ["SSL_CERT_FILE"] = pipe = {str(tmp_path / "ca.pem")!r}
        os.mkfifo(pipe)  # who opens it waits until somebody writes
        places = Server(HOST, PORT, security=Security.{security}), server()
        mailers = [{kind}(one, retry=RetryPolicy(max_attempts=1)) for one in places]
        async def both():
            return await asyncio.gather(*(
                mailer.send(message(), deadline=late, check=False) for mailer, late in zip(mailers, (1, None))
            ))
        for _ in range(2):
            results = (
                [mailer.send(message(), deadline=late, check=False) for mailer, late in zip(mailers, (1, None))]
                if {kind} is Mailer else asyncio.run(both())
            )
            say(*(one.outcome for result in results for one in result.recipients.values()))
        say([thread.name for thread in threading.enumerate()].count("sendkit-worker"))
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["deferred accepted"] * 2 + ["1"], "", 0)


@pytest.mark.parametrize("act", ["preflight(late, limit=0.5)", "diagnose(limit=0.5, message=late)"])
@pytest.mark.parametrize("kind", ["Mailer", "AsyncMailer"])
@pytest.mark.parametrize("hangs", ["open", "blocks"])
def test_who_looks_at_a_message_reads_its_files_within_the_limit(
    server: ScriptedServer, tmp_path: object, hangs: str, kind: str, act: str
) -> None:
    ended = run(
        f"""
        from pathlib import Path
        from sendkit import errors
        from sendkit._message.stored import StoredFile
        path = Path({str(tmp_path)!r}) / "large.bin"
        path.write_bytes(bytes(300_000))
        owner = Path if {hangs!r} == "open" else StoredFile
        real = getattr(owner, {hangs!r})
        def waits(self, *rest, **more):
            if getattr(self, "path", self) == path:
                threading.Event().wait()
            return real(self, *rest, **more)
        late = message("late", attachments=[path])
        setattr(owner, {hangs!r}, waits)
        async def main():
            return await {kind}(server()).{act}
        try:
            {kind}(server()).{act} if {kind} is Mailer else asyncio.run(main())
        except errors.MessageError as error:
            say(error.message)
        """,
        server,
        host="127.0.0.1",
    )
    assert (ended.lines, ended.errors, ended.code) == (["the files of the message were not read within 0.5 s"], "", 0)


def test_a_mailer_that_is_collected_just_before_the_exit_quits(server: ScriptedServer) -> None:
    ended = run("mailer = made()\nsay(mailer.send(message()).ok)\ndel mailer", server)
    assert (ended.lines, ended.errors, ended.code) == (["True"], "", 0)
    assert server.lines()[-1] == "QUIT"


def test_what_is_sent_while_the_interpreter_is_taken_down_says_that_it_is_too_late(server: ScriptedServer) -> None:
    ended = run(
        """
        from sendkit import errors
        class Last:
            too_late, mailer = errors.SendkitError, made()
            def __del__(self, write=os.write):
                try:
                    self.mailer.send(message("last"))
                except self.too_late as error:
                    write(1, error.message.encode())
        last = Last()
        last.mailer.send(message("first"))
        """,
        server,
    )
    assert (ended.errors, ended.code) == ("", 0)
    assert ended.lines == ["nothing can be sent any more: the interpreter is shutting down"]
    assert subjects(server) == ["first"]
