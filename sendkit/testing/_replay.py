"""A transport that plays a recorded conversation: the server's lines come from the file, all else is the real thing.

The same carrier, transaction and verdicts as on the wire run over it, so that the results are those of the recording;
only the socket is missing, and the opening of a session, of which the replies are noted. Its clock follows the times of
the file. Must not know: the network.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

from sendkit._seam.clock import Clock
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._server.server import Timeouts
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.phase import BEFORE_TRANSACTION, Phase
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Reason, Verdict, judge_failure, recorded
from sendkit._transport.memory import VirtualClock
from sendkit._wire.channel import Channel
from sendkit._wire.conversation import Stale
from sendkit._wire.driver import Carrier
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session
from sendkit.errors import ConfigurationError
from sendkit.testing._tape import RecordedAttempt, TapeLine, commands, on_one_line, read

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from sendkit._message.letter import Letter
    from sendkit._smtp.reply import Reply

__all__ = ["Replay"]

_CUT_SHORT = "the recording ends here"
_GREETINGS = ("EHLO ", "HELO ", "LHLO ")
_IN_A_TRANSACTION = ("RSET", "MAIL ", "RCPT ", "DATA", "BDAT ", "(content", ".")


class Replay(Transport):
    """Plays what `record` wrote: `Mailer(transport=Replay("dialogue.txt"))` gives the same results again.

    `path` is the file. Each attempt of the mailer plays the next one of the file; the messages must go to the same
    recipients, and the content may be another of about that size. One message at a time. Raises ConfigurationError for
    a file that is none, for other recipients, and when the file is at its end.
    """

    takes_options = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._left = deque(read(path))
        self.clock: Clock = (virtual := VirtualClock())
        self._virtual = virtual
        self._session: Session | None = None
        self._carrier = Carrier(Timeouts())
        self._refused: Reply | None = None

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Play the next attempt."""
        attempt = self._next(letter)
        log.host, log.port, log.username, log.tls = attempt.host, attempt.port, attempt.username, attempt.tls
        self._carrier.lmtp = _is_lmtp(attempt.lines, before=self._carrier.lmtp)
        log.protocol = "lmtp" if self._carrier.lmtp else "smtp"
        tape = _Tape(attempt, self._virtual)
        while True:
            if not self._open(tape, log):
                return
            session = self._session = self._on(tape)
            try:
                if await self._carrier.carry(session, letter, log):
                    return
                self._session = None  # the rest of it went over another connection
            except Stale:
                self._session = None
                if tape.at_end:
                    log.settle_all(judge_failure(log.phase, Failure(Break.LOST, _CUT_SHORT)))
                    return

    def _next(self, letter: Letter) -> RecordedAttempt:
        if not self._left:
            hint = "record the conversation to its end, or allow fewer tries: RetryPolicy(max_attempts=…)"
            raise ConfigurationError(f"{self._path} holds no further attempt", hint=hint)
        attempt = self._left.popleft()
        recorded = {line.partition("<")[2].partition(">")[0] for line in commands(attempt.lines, "RCPT ")}
        if strangers := recorded - {recipient.wire for recipient in letter.recipients}:
            hint = f"send it to {', '.join(sorted(recorded))}, as in the recording"
            raise ConfigurationError(
                f"{self._path} is about {', '.join(sorted(strangers))}, whom this message does not name", hint=hint
            )
        return attempt

    def _open(self, tape: _Tape, log: AttemptLog) -> bool:
        """Note how the session was opened, if it was; False when none came about."""
        opening = tape.opening()
        for line in opening:
            if line.reply is not None and line.phase is not None:
                log.answered(line.phase, line.reply)
            elif line.who == "C":
                log.said(line.text)
            else:
                log.happened(line.text)
        if tape.at_end and (verdict := tape.verdict(opening, self._refused)) is not None:
            self._refused = verdict.reply or self._refused
            log.phase = verdict.phase
            log.settle_all(verdict)
            return False
        if opening:
            self._session = Session(_Played(tape), _announced(opening), tape.attempt.tls)
        return True

    def _on(self, tape: _Tape) -> Session:
        """The session of before, or one that was in use when the recording began."""
        if self._session is None:
            due = tape.next_is("RSET")
            self._session = Session(_Played(tape), tape.inferred(), tape.attempt.tls, rset_due=due, transactions=1)
        self._session.go_on(_Played(tape))
        return self._session


def _is_lmtp(lines: Sequence[TapeLine], *, before: bool) -> bool:
    """Whether LMTP was spoken, as the greeting says, or two replies to one content; else as it was `before`."""
    greetings = [line.text[:5] for line in lines if line.who == "C" and line.text.startswith(_GREETINGS)]
    if greetings:
        return greetings[-1] == "LHLO "
    phases = [line.phase for line in lines if line.reply is not None or line.who == "C"]
    return before or (Phase.END_OF_DATA, Phase.END_OF_DATA) in pairwise(phases)


def _announced(opening: Sequence[TapeLine]) -> Capabilities:
    """What the last EHLO was answered; a server of before ESMTP has no extensions."""
    said = [line.reply.text for line in opening if line.phase is Phase.EHLO and line.reply and line.reply.positive]
    esmtp = said and not any(line.who == "C" and line.text.startswith("HELO ") for line in opening)
    return Capabilities.parse(said[-1]) if esmtp else Capabilities()


class _Tape:
    """One recorded attempt, and how far it has been played."""

    def __init__(self, attempt: RecordedAttempt, clock: VirtualClock) -> None:
        self.attempt = attempt
        self._lines = deque(attempt.lines)
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def at_end(self) -> bool:
        """Whether all of it has been played."""
        return not self._lines

    def next_is(self, verb: str) -> bool:
        """Whether the client's next command is this one."""
        return bool(self._lines) and self._lines[0].text.startswith(verb)

    def opening(self) -> list[TapeLine]:
        """Play up to the first command of a transaction."""
        played: list[TapeLine] = []
        while self._lines and not (self._lines[0].who == "C" and self._lines[0].text.startswith(_IN_A_TRANSACTION)):
            played.append(self._play())
        return played

    def reply(self) -> Reply:
        """Play up to the next reply of a transaction. Raises Broken where the recording has none."""
        reason = _CUT_SHORT
        while self._lines and not (self._lines[0].who == "*" and self._opens_again()):
            line = self._play()
            if line.reply is not None:
                return line.reply
            if line.who == "*":
                reason = line.text
        raise Broken(Failure(self._kind(), reason))

    @property
    def broke_in_body(self) -> bool:
        """Whether the connection was lost while content was on its way."""
        return self.attempt.phase is Phase.BODY and not any(line.who == "S" for line in self._lines)

    def verdict(self, opening: Sequence[TapeLine], before: Reply | None) -> Verdict | None:
        """What it meant that no session came about, or None where one did: always a deferral.

        A secret that was refused `before` is not sent again, and the reply of then is the verdict.
        """
        ending = self.attempt.ending
        if ending is None or ending.phase not in BEFORE_TRANSACTION:
            return None
        reply = opening[-1].reply if opening and opening[-1].phase is ending.phase else None
        if ending.phase is Phase.AUTH and not any(line.reply for line in opening):
            reply = before
        said = "" if reply is None else on_one_line(str(reply))
        reason = ending.message.removeprefix(said)
        if said and reason != ending.message:
            reason = reason.removeprefix(" (").removesuffix(")")
        again = Again.LATER if ending.transient else Again.NEXT_SERVER
        verdict = recorded(ending.phase, ending.cause, again, why=ending.why)
        return verdict._replace(reply=reply, reason=reason or None)

    def inferred(self) -> Capabilities:
        """What the server must have announced on a connection whose opening was not recorded."""
        said = " ".join(commands(self._lines, "MAIL "))
        chunking = bool(commands(self._lines, "BDAT "))
        ahead = chunking or "C C" in " ".join(line.who for line in self._lines)
        return Capabilities(
            esmtp=True,
            pipelining=ahead,
            chunking=chunking,
            enhanced_status_codes=chunking,
            eight_bit_mime="BODY=8BITMIME" in said,
            smtputf8="SMTPUTF8" in said,
            size_announced="SIZE=" in said,
        )

    def _play(self) -> TapeLine:
        line = self._lines.popleft()
        self._clock.advance(self._began + line.offset - self._clock.monotonic())
        return line

    def _opens_again(self) -> bool:
        return any(line.phase is Phase.GREETING for line in self._lines) and self._lines[0].text.startswith("connected")

    def _kind(self) -> Break:
        ending = self.attempt.ending
        if ending is not None and ending.why is Reason.NO_REPLY:
            return Break.TIMEOUT
        return Break.MALFORMED if ending is not None and ending.cause is Cause.PROTOCOL else Break.LOST


class _Played(Channel):
    """The connection's end at our side, with a tape instead of a network."""

    def __init__(self, tape: _Tape) -> None:
        super().__init__(_Nowhere(), asyncio.get_running_loop())
        self._tape = tape

    async def replies(self, most: int, limit: float) -> list[Reply]:
        """The next reply of the tape. Raises Broken."""
        return [self._tape.reply()]

    async def flush(self, limit: float) -> None:
        """Content has arrived, unless the recording says otherwise. Raises Broken."""
        if self._tape.broke_in_body:
            self._tape.reply()


class _Nowhere(asyncio.Transport):
    """Takes what is written, and leads nowhere."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        pass
