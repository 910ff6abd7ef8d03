"""The log of an attempt, which says at any moment what is known of each recipient.

The log is written as things happen, so that it is right wherever the attempt ends: with a return, an error, or a
cancellation between two bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from sendkit._lifetime import logs
from sendkit._redaction import redacted
from sendkit._seam.clock import Clock, SystemClock
from sendkit._seam.terms import PLAIN, Stopped, Terms
from sendkit._server.endpoint import server_name
from sendkit._server.route import MailProtocol
from sendkit._smtp.address import Address
from sendkit._smtp.facts import AttemptReply, TLSFacts
from sendkit._smtp.hints import Facts, UsedSecret, tell
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply, code_length
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Outcome, Reason, Verdict, judge_failure, not_accepted
from sendkit._unchecked import unchecked
from sendkit.errors import CredentialsError, MessageError, SendkitError

if TYPE_CHECKING:
    from sendkit.results import Attempt, AttemptError, TranscriptLine


def _attempt_model() -> type[Attempt]:
    from sendkit.results import Attempt  # noqa: PLC0415 - pydantic's models, and results come last

    return Attempt


_attempt = unchecked(_attempt_model)
# By the reply, which its note keeps alive: a connection hands out the same one for the same line (see `ReplyReader`).
# By the phase in front of it, as an object too: to hash a member of an enum is a call.
_notes: dict[int, dict[int, AttemptReply]] = {id(phase): {} for phase in Phase}
_MOST_NOTES, _SHORT = 256, 128
# For every message: to take a member from its class takes 0.1 µs on Python 3.11.
_RSET, _MAIL, _RCPT, _END_OF_DATA = Phase.RSET, Phase.MAIL, Phase.RCPT, Phase.END_OF_DATA
_of_rset, _of_mail, _of_end = _notes[id(_RSET)], _notes[id(_MAIL)], _notes[id(_END_OF_DATA)]
_ACCEPTED, _NO = Outcome.ACCEPTED, Again.NO
_logger = logging.getLogger("sendkit.smtp")
_Who: TypeAlias = Literal["C", "S", "*"]
_Line: TypeAlias = tuple[datetime, _Who, str]


@dataclass(slots=True)
class AttemptLog:
    """What happened in one attempt so far: a transport writes it, the mailer reads it.

    `username` is who logs in, where somebody does, and `used` with what; `peer` is the server's IP address. `others`
    are the logs of further servers in the same round. `certificate` is the server's (DER). `own_wait` is entered around
    each wait for something of our own, such as a free connection: what passes then is not a server's time.
    `recording`: whether anybody wants to know what is said. `ignored` are the options that nobody here knows of.
    `clean`: it is over, and every recipient was accepted; nobody needs to be asked about one by one.
    """

    recipients: tuple[Address, ...]
    clock: Clock = field(default_factory=SystemClock)
    terms: Terms = PLAIN
    host: str = ""
    port: int | None = None
    protocol: MailProtocol = "smtp"
    username: str | None = None
    used: UsedSecret | None = None
    phase: Phase = Phase.RESOLVE
    peer: str | None = None
    tls: TLSFacts | None = None
    certificate: bytes | None = None
    others: tuple[AttemptLog, ...] = ()
    own_wait: Callable[[], AbstractContextManager[None]] = nullcontext
    ignored: tuple[str, ...] = ()
    answers: list[AttemptReply] = field(init=False)
    verdicts: dict[Address, Verdict] = field(init=False)
    recording: bool = field(init=False)
    clean: bool = field(default=False, init=False)
    _lines: list[_Line] | None = field(init=False)
    _members: frozenset[Address] | None = field(default=None, init=False)
    _started: datetime = field(init=False)
    _start: float = field(init=False)
    _end: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.answers, self.verdicts = [], {}  # to call `list[AttemptReply]` takes ten times as long as `[]`
        self._lines = [] if self.terms.keep_transcript else None
        self.recording = self._lines is not None or _logger.isEnabledFor(logging.DEBUG)
        self._started, self._start = self.clock.now(), self.clock.monotonic()

    def another(self, recipients: tuple[Address, ...]) -> AttemptLog:
        """The log of one more server that is asked in the same round, for those who are left."""
        log = AttemptLog(recipients, self.clock, self.terms)
        self.others += (log,)
        return log

    @property
    def began(self) -> float:
        """When the attempt began, on its clock."""
        return self._start

    @property
    def facts(self) -> Facts:
        """What is known here that a hint may name."""
        return Facts(self.host or None, self.port, self.username, used=self.used)

    @property
    def server(self) -> str | None:
        """`host:port`, as soon as it is known."""
        return server_name(self.host, self.port) or None

    def answered(self, phase: Phase, reply: Reply, recipient: Address | None = None) -> None:
        """Note a reply."""
        self.phase = phase
        self.answers.append(AttemptReply(phase, reply, recipient.written) if recipient else _noted(phase, reply))
        if self.recording:
            for line in redacted(str(reply), code_length).split("\n"):
                self._line("S", line)

    def said(self, text: str) -> None:
        """Note what the client says; the caller has masked what is secret, and left out content."""
        if self.recording:
            self._line("C", text)

    def happened(self, text: str) -> None:
        """Note what was neither said nor answered: a handshake, a loss."""
        if self.recording:
            self._line("*", redacted(text))

    def _line(self, who: _Who, text: str) -> None:
        logs.log(_logger, logging.DEBUG, "%s %s: %s", self.server, who, text)
        if self._lines is not None:
            self._lines.append((self.clock.now(), who, text))

    def progress(self, sent: int, total: int) -> None:
        """Tell how many octets of the content have left. Raises Stopped for whatever goes wrong there."""
        if self.terms.on_progress is None:
            return
        try:
            self.terms.on_progress(sent, total)
        except Exception as error:
            raise Stopped(error) from error

    async def before_end(self, recipients: Sequence[Address]) -> None:
        """Tell that the end of data is about to leave, for these. Raises Stopped for whatever goes wrong there."""
        if self.terms.before_end is None:
            return
        try:
            await self.terms.before_end(tuple(recipients))
        except Exception as error:
            raise Stopped(error) from error

    def includes(self, recipient: Address) -> bool:
        """Whether this attempt was made for that recipient too."""
        if self._members is None:
            self._members = frozenset(self.recipients)
        return recipient in self._members

    def settle(self, verdicts: Mapping[Address, Verdict]) -> None:
        """Note what became of some of the recipients."""
        self.verdicts.update(verdicts)

    def settle_all(self, verdict: Verdict) -> None:
        """Note one verdict for every recipient that has none yet."""
        if verdict.reason is not None:
            verdict = verdict._replace(reason=redacted(verdict.reason))
        self.settle({r: verdict for r in self.recipients if r not in self.verdicts})

    def unable(self, error: SendkitError) -> None:
        """Note an error that kept the transport from asking: a person must do what it says."""
        self.settle_all(not_accepted(self.phase, _why(error), error.message))

    def interrupted(self) -> Failure:
        """The failure of an attempt that was ended from outside."""
        return Failure(Break.INTERRUPTED, self.terms.why_interrupted())

    def verdict(self, recipient: Address) -> Verdict:
        """What became of one recipient; where nothing was noted, the attempt ended before it came that far."""
        return self.verdicts.get(recipient) or judge_failure(self.phase, self.interrupted())

    def close(self) -> float:
        """The attempt is over; its duration is fixed from the first time on. Returns when that was, on its clock."""
        if self._end is None:
            self._end = self.clock.monotonic()
            self.clean = self._all_accepted()
        return self._end

    def _all_accepted(self) -> bool:
        for recipient in self.recipients:
            verdict = self.verdicts.get(recipient)
            if verdict is None or verdict.outcome is not _ACCEPTED or verdict.cause or verdict.again is not _NO:
                return False
        return bool(self.recipients)

    def summary(self) -> Attempt:
        """The attempt as a value."""
        end = self.clock.monotonic() if self._end is None else self._end
        return _attempt(
            host=self.host,
            port=self.port,
            protocol=self.protocol,
            username=self.username,
            started=self._started,
            duration=end - self._start,
            phase=self.phase,
            peer=self.peer,
            tls=self.tls,
            replies=tuple(self.answers),
            error=None if self.clean else self._error(),
            transcript=None if self._lines is None else tuple(map(_transcript_line, self._lines)),
            ignored_options=self.ignored,
        )

    def _error(self) -> AttemptError | None:
        for recipient in self.recipients:
            failed = self.verdict(recipient)
            if failed.cause and failed.outcome is not Outcome.ACCEPTED:
                return self._error_of(failed, failed.cause)
        return None

    def _error_of(self, failed: Verdict, cause: Cause) -> AttemptError:
        why, hint = tell(failed, self.facts)
        from sendkit.results import AttemptError  # noqa: PLC0415 - as above

        return AttemptError(
            cause=cause,
            phase=failed.phase,
            message=failed.words,
            hint=hint,
            transient=failed.again is Again.LATER,
            why=why,
        )


def _noted(phase: Phase, reply: Reply) -> AttemptReply:
    """The note of a reply that concerns no recipient: one for all messages that got the same."""
    notes = _notes[id(phase)]
    note = notes.get(id(reply))
    if note is not None:
        return note
    note = AttemptReply(phase, reply)
    if len(reply.text) <= _SHORT:
        if len(notes) >= _MOST_NOTES:
            notes.clear()
        notes[id(reply)] = note
    return note


def _transcript_line(line: _Line) -> TranscriptLine:
    from sendkit.results import TranscriptLine  # noqa: PLC0415 - as above

    time, who, text = line
    return TranscriptLine(time=time, who=who, text=text)


def _why(error: SendkitError) -> Reason:
    if isinstance(error, MessageError):
        return Reason.MESSAGE_UNUSABLE  # wherever it is sent
    return (error.why or Reason.NO_CREDENTIALS) if isinstance(error, CredentialsError) else Reason.SETTING_UNUSABLE


def answered_at_once(log: AttemptLog, recipients: Sequence[Address], replies: Sequence[Reply]) -> None:
    """Note all replies of a transaction that went out in one write to these, where nobody records what is said.

    `answered` notes the same, one by one.
    """
    log.phase, note, left = _END_OF_DATA, log.answers.append, iter(replies)
    if len(replies) > len(recipients) + 2:
        reset = next(left)
        note(_of_rset.get(id(reset)) or _noted(_RSET, reset))
    mail = next(left)
    note(_of_mail.get(id(mail)) or _noted(_MAIL, mail))
    for recipient in recipients:
        note(AttemptReply(_RCPT, next(left), recipient.written))
    end = next(left)
    note(_of_end.get(id(end)) or _noted(_END_OF_DATA, end))
