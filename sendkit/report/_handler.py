"""`MailHandler`: the errors of a log by mail, in digests. It never blocks the program or reports its own errors.

A record is only put into a dict; a thread of its own sends. No lock is held while anything is sent, and none of
logging's is used, so that other threads can log meanwhile. It ignores the logger `sendkit`, and all that
its own thread logs.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING

from sendkit._lifetime import threads
from sendkit._lifetime.forks import starts_over
from sendkit.errors import ConfigurationError
from sendkit.report._digest import Digest, Schedule, report_of
from sendkit.report._dispatch import Dispatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendkit._message.mailbox import MailboxLike
    from sendkit.report._dispatch import Mails, Puts


class MailHandler(logging.Handler):
    """A handler for logging that mails digests: `logging.getLogger().addHandler(MailHandler(to="ops@example.com"))`.

    Records of `level` and above are mailed; `subject` is that of each mail, by default what its worst record says. A
    mail leaves `interval` seconds after the first record, or with `count` of them, and at most `per_hour` an hour; what
    comes meanwhile is in the next. It goes to the sender unless `to` is given, through the account of the environment,
    or `mailer`, or into an `outbox`. `flush` sends what there is, and waits at most `limit` seconds, at the end of the
    program too. That a mail did not leave is said once on standard error, and its records stay for the next. Raises
    MessageError at once where nobody is named to write to.
    """

    def __init__(
        self,
        *,
        to: MailboxLike | Iterable[MailboxLike] | None = None,
        sender: MailboxLike | None = None,
        level: int | str = logging.ERROR,
        subject: str | None = None,
        interval: float = 60,
        count: int = 100,
        per_hour: int = 10,
        limit: float = 30,
        mailer: Mails | None = None,
        outbox: Puts | None = None,
    ) -> None:
        super().__init__(level)
        if interval < 0 or count < 1 or per_hour < 1 or limit < 0:
            hint = "interval and limit are seconds from 0 on, count and per_hour numbers from 1 on"
            raise ConfigurationError("a MailHandler that never sends", hint=hint)
        self._dispatch = Dispatch(to=to, sender=sender, mailer=mailer, outbox=outbox)
        if self._dispatch.asynchronous:
            raise ConfigurationError("an asynchronous mailer cannot serve a log", hint="give a Mailer, or an Outbox")
        self._subject = subject
        self._schedule = Schedule(interval, count, per_hour)
        self._limit = limit
        self._complained = False
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """Start with nothing, as a process does: what was logged before a fork is its parent's to send."""
        self._state = threading.Condition(threading.RLock())  # a signal or a finalizer may log within it
        self._digest = Digest()
        self._since = 0.0
        self._thread: threading.Thread | None = None
        self._hurried = self._busy = self._closed = False

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record, without the lock of logging: it is held while `flush` waits for the thread."""
        if record.name == "sendkit" or record.name.startswith("sendkit.") or threading.current_thread() is self._thread:
            return False
        accepted = self.filter(record)
        if accepted:
            self.emit(record if accepted is True else accepted)
        return bool(accepted)

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record into the digest."""
        try:
            with self._state:
                if not self._digest.records:
                    self._since = time.monotonic()
                self._digest.add(record, self.format)
                if self._digest.records == 1 or self._digest.records >= self._schedule.count:
                    self._state.notify_all()
                self._start()
        except Exception:  # noqa: BLE001 - a record that cannot be written must not stop who logs it
            self.handleError(record)

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            with contextlib.suppress(threads.NoThread):  # `flush` sends it then
                self._thread = threads.start_thread(self._run, name="sendkit-log")

    def _run(self) -> None:
        while True:
            with self._state:
                while (wait := self._due()) != 0.0:
                    if self._closed and not self._digest.records:
                        return
                    self._state.wait(wait)
                digest = self._take()
            self._deliver(digest)

    def _due(self) -> float | None:
        if not self._digest.records:
            return None
        now = time.monotonic()
        hurried = self._hurried or self._closed
        return self._schedule.wait(self._digest.records, self._since, now, hurried=hurried)

    def _take(self) -> Digest:
        digest, self._digest, self._busy = self._digest, Digest(), True
        self._schedule.sent.append(time.monotonic())
        return digest

    def _deliver(self, digest: Digest) -> None:
        left = self._dispatch.send(lambda: report_of(digest, self._subject), quiet=self._complained)
        with self._state:
            self._complained = left is False
            if left is False:  # what is in doubt is not sent again
                digest.merge(self._digest)
                self._digest, self._hurried = digest, False
                self._schedule.not_before = time.monotonic() + self._schedule.interval
            self._busy = False
            self._state.notify_all()

    def flush(self) -> None:
        """Send what there is now; returns when it left, did not leave, or `limit` seconds are over."""
        with self._state:
            if not self._digest.records and not self._busy:
                return None
            if self._thread is None:
                return self._send_here()
            self._hurried = True
            self._state.notify_all()
            self._state.wait_for(self._idle, self._limit)
            self._hurried = False
        return None

    def _idle(self) -> bool:
        if self._busy:
            return False
        return not self._digest.records or not self._hurried or self._schedule.closed(time.monotonic()) > 0

    def _send_here(self) -> None:
        if self._schedule.closed(time.monotonic()) == 0.0:
            self._deliver(self._take())

    def close(self) -> None:
        """Send what there is, as `flush`, and end. What the hour has no room for is told on standard error."""
        self.flush()
        with self._state:
            self._closed = True
            if left := self._digest.records:
                self._digest = Digest()
                what = "1 record" if left == 1 else f"{left:,} records"
                print(f"sendkit: of the log, {what} could not be mailed", file=sys.stderr)  # noqa: T201 - logging is what fails here
            self._state.notify_all()
        super().close()
