"""`MailHandler`: digests that leave in time, at the end too; it never hears itself, blocks, or is sent too often."""

from __future__ import annotations

import logging
import logging.config
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, Mailer, MemoryTransport, Message
from sendkit.errors import ConfigurationError, MessageError
from sendkit.report import MailHandler
from sendkit.report._digest import Digest, Schedule, report_of

ROOT = Path(__file__).parents[2]


class Sink:
    """A mailer that keeps what it is given; `hold` keeps it waiting, `error` is what it raises."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.hold = threading.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.arrived = threading.Semaphore(0)

    def send(self, message: Message) -> None:
        self.hold.wait(300)
        try:
            if self.error is not None:
                raise self.error
            self.messages.append(message)
        finally:
            self.arrived.release()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def log(sink: Sink) -> Iterator[logging.Logger]:
    """A logger whose handler sends after an hour, or when it is told to."""
    yield from logger_with(MailHandler(to="ops@example.com", sender="ana@example.com", interval=3600, mailer=sink))


def logger_with(handler: MailHandler) -> Iterator[logging.Logger]:
    logger = logging.Logger("app")  # noqa: LOG001 - nobody else's
    logger.addHandler(handler)
    yield logger
    handler.close()


def handler_of(logger: logging.Logger) -> MailHandler:
    (handler,) = logger.handlers
    assert isinstance(handler, MailHandler)
    return handler


def record(text: str = "it failed", *arguments: object, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord("app", level, "app.py", 1, text, arguments, None)


def digest_of(*records: logging.LogRecord) -> Digest:
    digest = Digest()
    for each in records:
        digest.add(each, logging.Formatter().format)
    return digest


class TestDigest:
    """What stands in a mail."""

    def test_each_thing_is_there_once_with_its_count_and_its_first_occurrence(self) -> None:
        records = [record("order %s failed", number) for number in range(5)] + [record("disk full", level=50)]
        report = report_of(digest_of(*records), None)
        assert report.title.endswith(": disk full (and 5 more)")
        assert "order 0 failed" in report.text
        assert "order 1 failed" not in report.text
        assert "ERROR app, " in report.text
        assert "5 times" in report.text

    def test_a_traceback_is_that_of_the_first(self) -> None:
        try:
            int("<no rows>")
        except ValueError:
            info = sys.exc_info()
        failed = logging.LogRecord("app", logging.ERROR, "app.py", 1, "it failed", (), info)
        report = report_of(digest_of(failed), None)
        assert "'<no rows>'" in report.text
        assert "'&lt;no rows&gt;'" in report.html

    def test_a_line_end_in_what_was_said_is_none_in_the_subject(self) -> None:
        assert "\n" not in report_of(digest_of(record("a\r\nBcc: x@example.com")), None).title

    def test_it_is_bounded_whatever_is_said(self) -> None:
        digest = digest_of(*[record(f"{number} " + "x" * 50_000) for number in range(1000)])
        assert (len(digest.groups), digest.others, digest.records) == (200, 800, 1000)
        report = report_of(digest, None)
        assert len(report.html.encode()) <= 95_000
        assert "800 further records" in report.text

    def test_what_was_not_sent_is_added_up(self) -> None:
        digest = digest_of(record("a"), record("b"))
        digest.merge(digest_of(record("b"), record("c")))
        assert ([group.count for group in digest.groups.values()], digest.records) == ([1, 2, 1], 4)


class TestSchedule:
    """When a mail is due, with a clock that is told."""

    def test_it_is_due_after_an_interval_or_with_enough(self) -> None:
        schedule = Schedule(interval=60, count=3, per_hour=10)
        assert schedule.wait(1, since=100, now=100) == 60
        assert schedule.wait(1, since=100, now=160) == 0
        assert schedule.wait(3, since=100, now=100) == 0
        assert schedule.wait(1, since=100, now=100, hurried=True) == 0

    def test_an_hour_has_room_for_so_many(self) -> None:
        schedule = Schedule(interval=0, count=1, per_hour=2)
        schedule.sent.extend([100.0, 200.0])
        assert schedule.wait(9, since=0, now=300, hurried=True) == 3400
        assert schedule.wait(9, since=0, now=3700) == 0

    def test_after_a_failure_it_waits_even_with_enough(self) -> None:
        schedule = Schedule(interval=60, count=1, per_hour=10, not_before=500)
        assert schedule.wait(9, since=0, now=460) == 40
        assert schedule.wait(9, since=0, now=460, hurried=True) == 0


class TestHandler:
    """A thread of its own."""

    def test_a_flush_sends_what_there_is(self, log: logging.Logger, sink: Sink) -> None:
        log.error("disk full")
        log.warning("not heard")
        handler_of(log).flush()
        (message,) = sink.messages
        assert "disk full" in message.subject
        assert "not heard" not in (message.text or "")
        assert message.headers["Auto-Submitted"] == "auto-generated"
        handler_of(log).flush()
        assert len(sink.messages) == 1

    def test_enough_of_them_leave_by_themselves(self, sink: Sink) -> None:
        for log in logger_with(MailHandler(sender="ana@example.com", interval=3600, count=3, mailer=sink)):
            for number in range(3):
                log.error("failed %s", number)
            assert sink.arrived.acquire(timeout=300)
            assert [str(box) for box in sink.messages[0].to] == ["ana@example.com"]

    def test_logging_goes_on_while_it_sends(self, log: logging.Logger, sink: Sink) -> None:
        sink.hold.clear()
        log.error("the beginning")
        flusher = threading.Thread(target=handler_of(log).flush)
        flusher.start()
        for number in range(1000):
            log.error("meanwhile %s", number)
        sink.hold.set()
        flusher.join(300)
        handler_of(log).flush()
        assert sum("the beginning" in (message.text or "") for message in sink.messages) == 1
        assert sum("meanwhile" in (message.text or "") for message in sink.messages) >= 1

    def test_it_hears_neither_sendkit_nor_its_own_thread(self, sink: Sink) -> None:
        class Loud(Sink):
            def send(self, message: Message) -> None:
                root.error("sending")
                logging.getLogger("sendkit.smtp").error("S: 250")
                super().send(message)

        loud = Loud()
        root = logging.getLogger()
        handler = MailHandler(sender="ana@example.com", interval=3600, mailer=loud)
        root.addHandler(handler)
        try:
            logging.getLogger("sendkit").error("unheard-of")
            logging.getLogger("sendkitten").error("heard")
            handler.flush()
            handler.flush()
        finally:
            root.removeHandler(handler)
            handler.close()
        (message,) = loud.messages
        assert "heard" in (message.text or "")
        assert not any(word in (message.text or "") for word in ("unheard-of", "sending", "S: 250"))

    def test_that_it_could_not_be_sent_is_said_once_and_nothing_is_lost(
        self, log: logging.Logger, sink: Sink, capfd: pytest.CaptureFixture[str]
    ) -> None:
        sink.error = OSError("no route")
        for _ in range(3):
            log.error("failed")
            handler_of(log).flush()
        assert capfd.readouterr().err.count("no route") == 1
        sink.error = None
        handler_of(log).flush()
        assert "3 times" in (sink.messages[0].text or "")

    def test_what_the_hour_has_no_room_for_is_told_at_the_end(
        self, sink: Sink, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for log in logger_with(MailHandler(sender="ana@example.com", interval=3600, per_hour=1, mailer=sink)):
            for _ in range(2):
                log.error("failed")
                handler_of(log).flush()
        assert len(sink.messages) == 1
        assert "1 record could not be mailed" in capfd.readouterr().err

    def test_a_record_that_cannot_be_written_stops_nobody(
        self, log: logging.Logger, sink: Sink, capfd: pytest.CaptureFixture[str]
    ) -> None:
        log.error("%d apples", "no")
        log.error("after")
        handler_of(log).flush()
        assert "after" in (sink.messages[0].text or "")
        assert "%d format: a real number is required" in capfd.readouterr().err

    def test_an_outbox_takes_it(self) -> None:
        class Outbox:
            def put(self, message: Message) -> None:
                messages.append(message)

        messages: list[Message] = []
        for log in logger_with(MailHandler(sender="ana@example.com", interval=3600, outbox=Outbox())):
            log.error("kept")
        assert len(messages) == 1

    def test_a_real_mailer_takes_it(self) -> None:
        transport = MemoryTransport()
        with Mailer(transport=transport) as mailer:
            for log in logger_with(MailHandler(sender="ana@example.com", interval=3600, mailer=mailer)):
                log.error("sent")
        assert len(transport.sent) == 1

    def test_logging_can_be_told_of_it_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDKIT_FROM", "ana@example.com")
        handler = {"class": "sendkit.report.MailHandler", "to": "ops@example.com", "level": "CRITICAL"}
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "handlers": {"mail": handler}})

    @pytest.mark.parametrize(
        ("settings", "error", "told"),
        [
            ({}, MessageError, "sender"),
            ({"sender": "nobody"}, MessageError, "sender"),
            ({"sender": "ana@example.com", "to": "nobody"}, MessageError, "to"),
            ({"sender": "ana@example.com", "count": 0}, ConfigurationError, "never sends"),
            (
                {"sender": "ana@example.com", "mailer": Sink(), "outbox": Sink()},
                ConfigurationError,
                "do not go together",
            ),
        ],
    )
    def test_what_cannot_work_is_refused_at_once(
        self, settings: dict[str, Any], error: type[Exception], told: str
    ) -> None:
        with pytest.raises(error, match=told):
            MailHandler(**settings)

    async def test_an_asynchronous_mailer_is_refused(self) -> None:
        async with AsyncMailer(transport=MemoryTransport()) as mailer:
            with pytest.raises(ConfigurationError, match="asynchronous"):
                MailHandler(sender="ana@example.com", mailer=mailer)


PROGRAM = """
import logging, os, sys
from sendkit.report import MailHandler
logging.getLogger().addHandler(MailHandler(interval=3600))
logging.error("at the end")
if "fork" in sys.argv:
    if os.fork() == 0:
        sys.exit(0)
    os.wait()
if "late" in sys.argv:
    import atexit
    atexit.register(logging.error, "later still")
"""


def ended(folder: Path, *arguments: str) -> tuple[list[str], str]:
    """What a program sent until it ended, and what it said on standard error."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SENDKIT_FROM": "ana@example.com",
        "SENDKIT_TRANSPORT": f"file:{folder}",
    }
    command = [sys.executable, "-c", PROGRAM, *arguments]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=300)
    return [file.read_text() for file in folder.rglob("*.eml")], ran.stderr


def test_what_was_logged_leaves_when_the_program_ends(tmp_path: Path) -> None:
    (sent,), told = ended(tmp_path)
    assert "at the end" in sent
    assert "not sent" not in told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_does_not_send_what_its_parent_logged(tmp_path: Path) -> None:
    assert len(ended(tmp_path, "fork")[0]) == 1


def test_what_is_logged_at_the_end_leaves_too(tmp_path: Path) -> None:
    assert "later still" in "".join(ended(tmp_path, "late")[0])
