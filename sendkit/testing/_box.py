"""What was taken, and what a test says about it: the same words for the double, a local server, and anything else.

Knows expectations and how a failure reads: what was expected, and the nearest message with the fields that differ. Must
not know transports, sockets or pytest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Unpack

from sendkit.testing._expected import Expectation, Expected, same_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sendkit._reading.received import ReceivedMessage
    from sendkit.testing._expected import ComparedField

__all__ = ["Box"]


class Box(ABC):
    """Received messages, with assertions.

    All assertions take the same: `to`, `cc`, `bcc`, `sender`, `subject`, `text_contains`, `html_contains`, `link`,
    `attachment` (file names) and `headers`. A string must be there as it is, a compiled pattern is searched for.
    """

    @property
    @abstractmethod
    def messages(self) -> list[ReceivedMessage]:
        """Every received message, in order."""

    def untaken(self) -> Sequence[str]:
        """Recipients who were refused, each with what it was answered, to be told where something is missing."""
        return ()

    @property
    def last(self) -> ReceivedMessage:
        """The newest message. Raises AssertionError if there is none."""
        __tracebackhide__ = True
        if not (messages := self.messages):
            raise AssertionError(self._nothing("no message was sent"))
        return messages[-1]

    def to(self, address: str) -> list[ReceivedMessage]:
        """Those of which this address is a recipient in the envelope."""
        return [one for one in self.messages if any(same_address(address, r) for r in one.envelope.recipients)]

    def assert_sent(self, *, times: int | None = None, **expected: Unpack[Expected]) -> ReceivedMessage:
        """Fail unless a matching message was sent, exactly `times` times if given; return the last of them.

        Raises AssertionError, which shows the nearest message and the fields that differ, and TypeError for a field
        that no message has.
        """
        __tracebackhide__ = True
        if times is not None and times < 1:
            raise ValueError(f"times={times} is never sent; that nothing like it was is said by assert_not_sent(…)")
        expectation, messages = Expectation(expected), self.messages
        found = [one for one in messages if expectation.fits(one)]
        if not found:
            raise AssertionError(self._missing(expectation, messages))
        if times is not None and len(found) != times:
            head = f"{_counted(times)} like this expected, but {len(found)} sent:"
            raise AssertionError("\n".join([head, *_indented(expectation.described()), *_listing(found)]))
        return found[-1]

    def assert_not_sent(self, **expected: Unpack[Expected]) -> None:
        """Fail if a matching message was sent. Raises AssertionError, which shows it."""
        __tracebackhide__ = True
        expectation = Expectation(expected)
        if found := [one for one in self.messages if expectation.fits(one)]:
            head = f"no message like this expected, but {len(found)} sent:"
            raise AssertionError("\n".join([head, *_indented(expectation.described()), *_listing(found)]))

    def assert_nothing_sent(self) -> None:
        """Fail if any message was sent. Raises AssertionError, which lists them."""
        __tracebackhide__ = True
        if messages := self.messages:
            raise AssertionError("\n".join([f"no message expected, but {len(messages)} sent:", *_listing(messages)]))

    def _nothing(self, head: str) -> str:
        refused = self.untaken()
        return "\n".join([head, *(["refused were:", *_indented(refused)] if refused else [])])

    def _missing(self, expectation: Expectation, messages: Sequence[ReceivedMessage]) -> str:
        if not messages:
            head = "no message like this was sent, nor any other:"
            return self._nothing("\n".join([head, *_indented(expectation.described())]))
        compared = [expectation.fields(one) for one in messages]
        near = max(range(len(messages)), key=lambda number: (_nearness(compared[number]), number))
        head = f"no message like this was sent; the nearest of {len(messages)} is {_summary(near + 1, messages[near])}"
        return self._nothing("\n".join([head, *_beside(compared[near])]))


def _nearness(fields: Iterable[ComparedField]) -> float:
    return sum(1.0 if field.fits else 0.9 * field.near for field in fields)


def _beside(fields: Sequence[ComparedField]) -> list[str]:
    lines: list[str] = []
    width = max((len(field.name) for field in fields), default=0)
    for field in fields:
        if field.fits:
            lines.append(f"{field.name:{width}}  as expected: {field.expected}")
        else:
            lines += [f"{field.name:{width}}  expected {field.expected}", f"{'':{width}}  found    {field.found}"]
    return _indented(lines)


def _listing(messages: Sequence[ReceivedMessage]) -> list[str]:
    return _indented(_summary(number, one) for number, one in enumerate(messages, 1))


def _summary(number: int, message: ReceivedMessage) -> str:
    return f"message {number}, {message.subject!r} to {', '.join(message.envelope.recipients)}"


def _counted(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
