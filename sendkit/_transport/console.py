"""The console as a transport: a summary of each message for the person at the terminal, and nothing is sent.

It shows what that person would look for in the mail: from, to, subject, the text, the names of what is attached.
What a message says must not steer the terminal, so whatever cannot be printed is shown as U+FFFD.
Must not know: passwords, mailers, or how a message was made.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Reason, accepted, not_accepted

if TYPE_CHECKING:
    from email.message import EmailMessage

_SHOWN = Reply(250, "2.0.0", "shown on the console")
_LINES, _WIDTH = 20, 500


class ConsoleTransport(Transport):
    """Writes a summary of each message to a stream, by default standard error.

    The text is shown up to its twentieth line, so that a link in it can be followed; with `text=False` it is not.
    """

    tells_before_end = takes_options = True

    def __init__(self, stream: TextIO | None = None, *, text: bool = True) -> None:
        self._stream = stream
        self._text = text

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Write the summary; a stream that is closed is a deferral."""
        log.host, log.phase = "console", Phase.BODY
        log.ignored = letter.options.given if letter.options else ()
        lines = [*_envelope(letter), *_message(letter, text=self._text)]
        await log.before_end(letter.recipients)
        try:
            self._write("".join(f"{_printable(line)}\n" for line in lines))
        except (OSError, ValueError) as error:  # a ValueError: the stream was closed
            reason = f"the console cannot be written to: {error}"
            log.settle_all(not_accepted(Phase.BODY, Reason.STORE_FAILED, reason))
            return
        log.answered(Phase.END_OF_DATA, _SHOWN)
        log.settle_all(accepted(_SHOWN))

    def _write(self, text: str) -> None:
        stream = self._stream or sys.stderr  # asked each time: tests and servers put another in its place
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def _envelope(letter: Letter) -> Iterator[str]:
    envelope = letter.envelope
    yield f"----- from <{envelope.reverse_path}> to {', '.join(f'<{to}>' for to in envelope.recipients)}"
    yield f"Message-ID: {letter.message_id}, {letter.content.size} octets"


def _message(letter: Letter, *, text: bool) -> Iterator[str]:
    from sendkit._reading.parts import parsed  # noqa: PLC0415 - it takes time to load

    message = parsed(b"".join(letter.content.blocks()))
    try:
        yield f"Subject: {message['Subject'] or ''}"
        yield from (f"Attached: {part.get_filename() or part.get_content_type()}" for part in _attached(message))
        if text:
            yield from ("", *_text(message))
    except Exception as error:  # noqa: BLE001 - the standard parser raises all sorts of errors over a ready message
        yield f"(the rest cannot be shown: {type(error).__name__})"


def _attached(message: EmailMessage) -> Iterator[EmailMessage]:
    return (part for part in message.walk() if part.get_content_disposition() == "attachment")


def _text(message: EmailMessage) -> Iterator[str]:
    body = message.get_body(("plain", "html"))
    lines = body.get_content().splitlines() if body is not None else ["(no text)"]
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"({len(lines) - _LINES} more lines)"


def _printable(line: str) -> str:
    shown = line if len(line) <= _WIDTH else line[:_WIDTH] + "…"
    return "".join(character if character.isprintable() or character == "\t" else "\ufffd" for character in shown)
