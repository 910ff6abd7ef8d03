"""A real conversation as a text file: each line with its time, who said it, and the phase that a reply belongs to.

Knows results and their transcripts, in which secrets are masked and content is left out, and writes nothing that does
not stand there. Replies are written as servers write them (RFC 5321 section 4.2.1). Must not know transports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._server.endpoint import server_name
from sendkit._smtp.phase import Phase
from sendkit._smtp.reason import Cause, Reason
from sendkit._smtp.reply import MalformedReply, Reply, ReplyReader
from sendkit.errors import ConfigurationError, DeliveryError
from sendkit.results import Attempt, DeliveryResult, TLSFacts

if TYPE_CHECKING:
    import os

_TITLE = "sendkit conversation 1"
_NOTES = "# What is said during AUTH is masked, and content is left out; addresses are as they were.\n"


@dataclass(slots=True, frozen=True)
class TapeLine:
    """One line: seconds since the attempt began, who (`C`, `S`, `*`), the words; `S` also has a phase and a reply."""

    offset: float
    who: str
    text: str
    phase: Phase | None = None
    reply: Reply | None = None


@dataclass(slots=True, frozen=True)
class Ending:
    """Why an attempt ended before everybody was accepted, as `AttemptError` says it."""

    cause: Cause
    why: Reason | None
    phase: Phase
    transient: bool
    message: str


@dataclass(slots=True, frozen=True)
class RecordedAttempt:
    """One try on one server, as it was recorded; `phase` is how far it came."""

    host: str
    port: int | None
    username: str | None
    tls: TLSFacts | None
    lines: tuple[TapeLine, ...]
    phase: Phase
    ending: Ending | None


def record(path: str | os.PathLike[str], *results: DeliveryResult | DeliveryError) -> None:
    """Write the conversations of these results, or of the errors that hold them, into a text file, `path`.

    They must come from a mailer with `transcript=True`. Passwords are masked and content is left out, so that the file
    may go into a bug report; addresses stand in it. `Replay` plays it. Raises ConfigurationError, and OSError.
    """
    parts = [_TITLE + "\n" + _NOTES]
    for one in results:
        result = one.result if isinstance(one, DeliveryError) else one
        parts += [_attempt(attempt) for attempt in (result.attempts if result else ())]
    Path(path).write_text("\n".join(parts), encoding="utf-8", newline="\n")


def _attempt(attempt: Attempt) -> str:
    if attempt.transcript is None:
        raise ConfigurationError(
            "this result holds no conversation", hint="make its mailer with transcript=True: Mailer(…, transcript=True)"
        )
    tls = f" {attempt.tls.version} {attempt.tls.cipher}" if attempt.tls else ""
    lines = [f"attempt {attempt.server} {attempt.started.isoformat()}{tls}"]
    if attempt.username is not None:
        lines.append(f"as {on_one_line(attempt.username)}")
    lines += [_written(line) for line in _lines(attempt)]
    lines.append(f"reached {attempt.phase}")
    if error := attempt.error:
        again = "transient" if error.transient else "permanent"
        cause = f"{error.cause}/{error.why}" if error.why else error.cause
        lines.append(f"failed {cause} {error.phase} {again} {on_one_line(error.message)}")
    return "\n".join([*lines, ""])


def _lines(attempt: Attempt) -> Iterator[TapeLine]:
    """The transcript, with each reply whole: it holds a line for each line of a reply, in the order of `replies`."""
    answers = iter(attempt.replies)
    more = 0
    for line in attempt.transcript or ():
        offset = (line.time - attempt.started).total_seconds()
        if line.who != "S":
            yield TapeLine(offset, line.who, on_one_line(line.text))
        elif more:
            more -= 1
        elif answer := next(answers, None):
            more = answer.reply.text.count("\n")
            yield TapeLine(offset, "S", str(answer.reply), answer.phase, answer.reply)


def _written(line: TapeLine) -> str:
    if line.reply is None:
        return f"{line.offset:10.6f} {line.who} {line.text}"
    *firsts, last = [" ".join(filter(None, (line.reply.enhanced, one))) for one in line.reply.text.split("\n")]
    said = [*(f"{line.reply.code}-{one}" for one in firsts), f"{line.reply.code} {last}"]
    return "\n".join(f"{line.offset:10.6f} S {line.phase} {one}" for one in said)


def on_one_line(text: str) -> str:
    """The text with spaces for line ends, as a line of the file holds it."""
    return " ".join(text.splitlines())


def read(path: str | os.PathLike[str]) -> list[RecordedAttempt]:
    """Read a recorded conversation. Raises ConfigurationError that names the line, and OSError."""
    text = Path(path).read_text(encoding="utf-8")
    if not text.startswith(_TITLE + "\n"):
        raise _unreadable(path, 1, "this is not a recorded conversation")
    blocks: list[list[tuple[int, str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("attempt "):
            blocks.append([])
        if blocks and line:
            blocks[-1].append((number, line))
    attempts: list[RecordedAttempt] = []
    for block in blocks:
        reader = _Reader()
        for number, line in block:
            try:
                reader.take(line)
            except (ValueError, IndexError) as error:
                raise _unreadable(path, number, str(error)) from error
        attempts.append(reader.attempt())
    return attempts


def _unreadable(path: object, number: int, why: str) -> ConfigurationError:
    hint = "record it again with sendkit.testing.record(path, result), or correct that line"
    return ConfigurationError(f"{path}, line {number}: {why}", hint=hint)


class _Reader:
    """Gathers the lines of one attempt."""

    def __init__(self) -> None:
        self._replies = ReplyReader()
        self._lines: list[TapeLine] = []
        self._host = ""
        self._port: int | None = None
        self._username: str | None = None
        self._tls: TLSFacts | None = None
        self._phase = Phase.RESOLVE
        self._ending: Ending | None = None

    def take(self, line: str) -> None:
        """Take one line. Raises ValueError or IndexError for one that is none."""
        kind, _, rest = line.partition(" ")
        if kind == "attempt":
            server, _, *tls = rest.split(" ")
            self._host, self._port = _host_and_port(server)
            self._tls = TLSFacts(tls[0], tls[1]) if tls else None
        elif kind == "as":
            self._username = rest
        elif kind == "reached":
            self._phase = Phase(rest)
        elif kind == "failed":
            cause, phase, again, message = rest.split(" ", 3)
            cause, _, why = cause.partition("/")
            self._ending = Ending(
                Cause(cause), Reason(why) if why else None, Phase(phase), again == "transient", message
            )
        else:
            offset, who, text = line.lstrip().split(" ", 2)
            self._said(float(offset), who, text)

    def _said(self, offset: float, who: str, text: str) -> None:
        if who != "S":
            self._lines.append(TapeLine(offset, who, text))
            return
        phase, _, words = text.partition(" ")
        self._replies.feed(words.encode() + b"\r\n")
        try:
            reply = self._replies.next_reply()
        except MalformedReply as error:
            raise ValueError(f"no reply: {words!r}") from error
        if reply is not None:
            self._lines.append(TapeLine(offset, "S", str(reply), Phase(phase), reply))

    def attempt(self) -> RecordedAttempt:
        """All that was taken."""
        return RecordedAttempt(
            host=self._host,
            port=self._port,
            username=self._username,
            tls=self._tls,
            lines=tuple(self._lines),
            phase=self._phase,
            ending=self._ending,
        )


def _host_and_port(server: str) -> tuple[str, int | None]:
    host, colon, port = server.rpartition(":")
    if not colon or not port.isdigit():
        return server, None
    host = host.removeprefix("[").removesuffix("]")
    return (host, int(port)) if server_name(host, int(port)) == server else (server, None)


def commands(lines: Iterable[TapeLine], verb: str) -> list[str]:
    """What the client said with this verb."""
    return [line.text for line in lines if line.who == "C" and line.text.startswith(verb)]
