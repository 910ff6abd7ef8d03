"""How servers read what we send: strict ones, and those that take a lone CR or LF for a line end.

Knows octets only. It shares nothing with sendkit but the letter and the transaction that it looks at, and reads what
comes out of them in ways of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sendkit._message.compose import compose
from sendkit._message.letter import Letter
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.framing import END_OF_DATA, DotStuffer
from sendkit._smtp.reply import Reply
from sendkit._smtp.screening import screen
from sendkit._smtp.steps import BatchReplies, Command, Mode, Plan
from sendkit._smtp.transaction import transaction

__all__ = ["Heard", "compose", "ends_of_data", "fields_of", "heard", "octets_of", "on_the_wire", "rest_of"]

EVERYTHING = Capabilities(
    esmtp=True, pipelining=True, chunking=True, eight_bit_mime=True, smtputf8=True, size_announced=True
)
# Every way in which some server has ended, or read on in, a message (SMTP smuggling).
_LAX_END = re.compile(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)")
_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Heard:
    """The commands of one transaction, line by line without their CRLF, as a server splits them at any line end."""

    lines: list[bytes]

    @property
    def verbs(self) -> list[bytes]:
        """The first word of each."""
        return [line.split(b" ")[0].split(b":")[0].upper() for line in self.lines]

    @property
    def reverse_path(self) -> bytes:
        """What stands in the one MAIL command."""
        (line,) = [line for line in self.lines if line.upper().startswith(b"MAIL ")]
        return _path(line[len("MAIL FROM:") :])

    @property
    def recipients(self) -> list[bytes]:
        """What stands in the RCPT commands."""
        return [_path(line[len("RCPT TO:") :]) for line in self.lines if line.upper().startswith(b"RCPT ")]


def heard(letter: Letter, mode: Mode = Mode.PIPELINING, server: Capabilities = EVERYTHING) -> Heard:
    """Run the transaction of a letter against a server that takes everything."""
    screening = screen(letter.reverse_path, letter.recipients, letter.content, server)
    plan = Plan(
        letter.reverse_path,
        screening.recipients,
        screening.content.size,
        mode,
        rset=True,
        parameters=screening.parameters,
        utf8=screening.utf8,
    )
    said: list[bytes] = []
    steps = transaction(plan)
    batch = next(steps)
    while True:
        said += [step.line for step in batch if isinstance(step, Command)]
        replies = [Reply(354 if step.phase.value == "data" else 250, None, "ok") for step in batch]
        try:
            batch = steps.send(BatchReplies(replies, ended=any(not isinstance(step, Command) for step in batch)))
        except StopIteration:
            break
    octets = b"".join(said)
    assert octets.endswith(b"\r\n"), "the last command is not ended"
    return Heard(re.split(rb"\r\n|\r|\n", octets[:-2]))


def octets_of(letter: Letter) -> bytes:
    """The content as the recipient gets it."""
    return b"".join(letter.content.blocks())


def on_the_wire(letter: Letter) -> bytes:
    """The content as DATA carries it, with the dot."""
    return b"".join([*map(DotStuffer(), letter.content.blocks()), END_OF_DATA])


def ends_of_data(octets: bytes) -> list[int]:
    """Where the laxest server thinks that the message ends; the right answer is one place, the last."""
    return [match.end() for match in _LAX_END.finditer(b"\r\n" + octets)]


def lone_line_ends(octets: bytes) -> int:
    """How many CR stand without LF, and LF without CR."""
    return len(_LONE.findall(octets))


def fields_of(octets: bytes) -> list[tuple[str, str]]:
    """The header fields, unfolded, as the most careless reader splits them: at any line end."""
    head = re.split(rb"\r\n\r\n|\n\n|\r\r", octets, maxsplit=1)[0]
    lines = re.split(r"\r\n|\r|\n|\x85|\u2028|\u2029|\x0b|\x0c", head.decode("utf-8", "surrogateescape"))
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t"):
            name, value = fields.pop()
            fields.append((name, value + line))
        else:
            name, colon, value = line.partition(":")
            assert colon, f"no header field: {line!r}"
            fields.append((name, value.removeprefix(" ")))
    return fields


def rest_of(octets: bytes) -> bytes:
    """What comes behind the head."""
    return octets.partition(b"\r\n\r\n")[2]


def _path(argument: bytes) -> bytes:
    """What a server takes for the path: up to the first > that stands outside quotes."""
    assert argument.startswith(b"<"), argument
    quoted = escaped = False
    for place, octet in enumerate(argument):
        char = bytes([octet])
        if quoted:
            quoted, escaped = escaped or char != b'"', char == b"\\" and not escaped
        elif char == b'"':
            quoted = True
        elif char == b">":
            assert _parameters(argument[place + 1 :]), argument
            return argument[1:place]
    raise AssertionError(f"no path: {argument!r}")


def _parameters(text: bytes) -> bool:
    """Only parameters of ours."""
    return re.fullmatch(rb"( SIZE=\d+)?( BODY=8BITMIME)?( SMTPUTF8)?", text) is not None
