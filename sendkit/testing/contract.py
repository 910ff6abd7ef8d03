"""The contract of every transport, as a test class: subclass it, say how to make yours, and run pytest or unittest.

It looks at a transport from both sides: what the result says, and what arrived. No network of its own, no clock, and
no framework: each rule is a method without arguments that raises AssertionError.
Must not know: pytest, or any transport.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sendkit._delivery.policy import RetryPolicy
from sendkit._delivery.retry import Delivery
from sendkit._mailer import AsyncMailer
from sendkit._message.compose import compose
from sendkit._message.message import Message
from sendkit._seam.terms import Stopped, Terms
from sendkit._seam.transport import Transport
from sendkit._smtp.address import Address
from sendkit._smtp.envelope import Envelope
from sendkit._smtp.verdict import Outcome
from sendkit.errors import ConfigurationError, CredentialsError
from sendkit.results import DeliveryResult

if TYPE_CHECKING:
    from sendkit._message.compose import AnyMessage

__all__ = ["TransportContract"]

_ANA, _TO, _HIDDEN = "ana@example.com", ["luis@example.com", "ops@example.net"], "eva@example.org"
_TRICKY = ".\n..\n.dot\nFrom here\nQUIT\nDATA\nñandú – 日本\n"
_EIGHT_BIT = (
    b"From: ana@example.com\r\nTo: luis@example.com\r\nMessage-ID: <8bit@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc2\xa1Hola!\r\n"
)
_STEPS = (1, 2, 3, 5, 8, 13)
_Returned = TypeVar("_Returned")
Arrived = tuple[Envelope, bytes | None]


class _Refused(Exception):
    """What a caller raises who wants nothing to leave."""


class TransportContract(ABC):
    """What a transport promises. Each test makes a transport of its own, and closes it.

    `make_transport()` returns a new transport that works, `received(transport)` what has arrived by it, and
    `break_down(transport)` makes it fail from now on, as a server that is gone would.
    """

    @abstractmethod
    def make_transport(self) -> Transport:
        """A new transport to where nothing has arrived yet."""

    @abstractmethod
    def received(self, transport: Transport) -> Iterable[Arrived]:
        """What arrived: the envelope, and the octets without dot-stuffing, or None where nobody can look at them."""

    @abstractmethod
    def break_down(self, transport: Transport) -> None:
        """From now on nothing can be delivered."""

    def test_a_message_arrives_once_with_its_envelope_and_its_octets(self) -> None:
        message = Message(sender=_ANA, to=_TO, subject="Hola", text=_TRICKY)
        result, arrived = self._sent(message)
        _check(result.ok, f"not accepted: {result}")
        _check_copies(arrived, _octets(message), _TO)

    def test_the_result_says_who_and_where(self) -> None:
        result, _ = self._sent(Message(sender=_ANA, to=_TO, text="Hola"))
        _check(list(result.recipients) == _TO, f"results for {list(result.recipients)}, not for {_TO}")
        named, asked = {one.server for one in result.recipients.values()}, [one.server for one in result.attempts]
        _check(all(asked), "an attempt names no server: set log.host")
        _check(named <= {*asked}, f"the recipients name {named}, and the attempts {asked}")

    def test_bcc_is_in_the_envelope_and_not_in_the_octets(self) -> None:
        _, arrived = self._sent(Message(sender=_ANA, to=_TO[0], bcc=_HIDDEN, text="Hola"))
        _check_copies(arrived, None, [_TO[0], _HIDDEN])
        _check(not any(_HIDDEN.encode() in (octets or b"") for _, octets in arrived), "the octets name the Bcc")

    def test_the_envelope_goes_before_the_headers(self) -> None:
        result, arrived = self._sent(Message(sender=_ANA, to=_TO, text="Hola"), envelope_from="", recipients=[_HIDDEN])
        _check(result.ok, f"not accepted: {result}")
        _check_copies(arrived, None, [_HIDDEN])
        paths = {envelope.reverse_path for envelope, _ in arrived}
        _check(paths == {""}, f"the null reverse path became {paths}")

    def test_eight_bit_octets_arrive_or_are_refused(self) -> None:
        """A transport without 8BITMIME may re-encode them; it may not damage them (RFC 6152)."""
        result, arrived = self._sent(Message.from_bytes(_EIGHT_BIT))
        _check(result.ok == bool(arrived), f"{result}, and {len(arrived)} messages arrived")
        whole = [octets for _, octets in arrived if octets is not None and not octets.isascii()]
        _check(all(octets == _EIGHT_BIT for octets in whole), "the octets over 127 were damaged")

    def test_a_large_message_arrives_whole(self) -> None:
        message = Message(sender=_ANA, to=_TO[0], text="A line like all the others.\n" * 40_000)
        result, arrived = self._sent(message)
        _check(result.ok, f"not accepted: {result}")
        _check_copies(arrived, _octets(message), _TO[:1])

    def test_many_messages_at_once_arrive_once_each(self) -> None:
        messages = [Message(sender=_ANA, to=f"reader{number}@example.com", text="News") for number in range(20)]

        async def act(mailer: AsyncMailer) -> list[DeliveryResult]:
            return [result async for result in mailer.send_many(messages)]

        transport = self.make_transport()
        results = _run(transport, act)
        _check(all(result.ok for result in results), f"not all were accepted: {results}")
        arrived = sorted(to for envelope, _ in self.received(transport) for to in envelope.recipients)
        _check(arrived == sorted(f"reader{number}@example.com" for number in range(20)), f"arrived for {arrived}")

    def test_where_nothing_can_be_delivered_nobody_is_accepted(self) -> None:
        """Trouble is a verdict in the log, or an error that the caller must fix; no other exception."""
        transport = self.make_transport()
        self.break_down(transport)
        result: DeliveryResult | None = None
        with contextlib.suppress(ConfigurationError, CredentialsError):
            result = _run(transport, lambda mailer: mailer.send(_message(), check=False))
        said = [] if result is None else [one.outcome for one in result.recipients.values()]
        _check(Outcome.ACCEPTED not in said, "a transport that is broken accepted a message")
        _check(result is None or len(said) == len(_TO), "a recipient has no verdict")
        _check(
            all(one.reply or one.reason for one in (result.recipients.values() if result else ())), "nobody says why"
        )

    def test_a_cancelled_delivery_is_let_through_and_told_truly(self) -> None:
        for steps in _STEPS:
            transport, letter = self.make_transport(), compose(_message())
            delivery = Delivery(letter, transport, RetryPolicy(max_attempts=1))
            ended = asyncio.run(_cancelled(transport, delivery.run(), steps))
            _check(ended in (None, asyncio.CancelledError), f"a cancellation became {ended}")
            told = {delivery.verdict(recipient)[0].outcome for recipient in letter.recipients}
            arrived = bool(list(self.received(transport)))
            _check(arrived or Outcome.ACCEPTED not in told, f"accepted, and nothing arrived (after {steps} steps)")
            _check(not arrived or Outcome.DEFERRED not in told, f"deferred, and it arrived (after {steps} steps)")

    def test_before_the_end_of_data_may_leave_the_caller_is_asked(self) -> None:
        """Whoever may be accepted was named to `Terms.before_end` before anything could arrive."""
        transport, letter = self.make_transport(), compose(_message())
        named: set[str] = set()

        async def note(recipients: tuple[Address, ...]) -> None:
            _check(not list(self.received(transport)), "it arrived before `log.before_end` was awaited")
            named.update(recipient.written for recipient in recipients)

        delivery = Delivery(letter, transport, RetryPolicy(max_attempts=1), terms=Terms(before_end=note))
        _run(transport, lambda _: delivery.run())
        told = {r.written for r in letter.recipients if delivery.verdict(r)[0].outcome is Outcome.ACCEPTED}
        _check(told <= named, f"accepted without having been named: {told - named}; await log.before_end(recipients)")

    def test_what_that_caller_raises_lets_nothing_arrive(self) -> None:
        transport, letter = self.make_transport(), compose(_message())

        async def refuse(_: tuple[Address, ...]) -> None:
            raise _Refused

        delivery = Delivery(letter, transport, RetryPolicy(max_attempts=2), terms=Terms(before_end=refuse))
        ended: BaseException | None = None
        try:
            _run(transport, lambda _: delivery.run())
        except Stopped as stopped:
            ended = stopped.error
        _check(isinstance(ended, _Refused), f"what `Terms.before_end` raised became {ended!r}")
        _check(not list(self.received(transport)), "it arrived although `Terms.before_end` raised")
        told = {delivery.verdict(recipient)[0].outcome for recipient in letter.recipients}
        _check(told == {Outcome.DEFERRED}, f"nothing left, so all are deferred, and not {told}")

    def test_it_may_be_closed_twice_and_without_having_been_used(self) -> None:
        transport = self.make_transport()

        async def act() -> None:
            await transport.aclose()
            await transport.aclose()

        asyncio.run(act())
        _check(not list(self.received(transport)), "closing it sent something")

    def test_the_result_can_be_written_and_read_again(self) -> None:
        """What a transport notes is not looked at again: a port is an int, a phase a Phase, a reply a Reply."""
        result, _ = self._sent(Message(sender=_ANA, to=_TO, text="Hola"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = DeliveryResult.model_validate_json(result.model_dump_json())
        _check(again == result, f"read again it is {again!r}, and was {result!r}")

    def test_the_result_holds_no_content(self) -> None:
        result, _ = self._sent(Message(sender=_ANA, to=_TO[0], subject="for Luis alone", text="for Luis alone"))
        _check("for Luis alone" not in result.model_dump_json(), "the result holds what the message says")

    def _sent(self, message: AnyMessage, **redirection: Any) -> tuple[DeliveryResult, list[Arrived]]:
        transport = self.make_transport()
        result = _run(transport, lambda mailer: mailer.send(message, check=False, **redirection))
        return result, list(self.received(transport))


def _message() -> Message:
    return Message(sender=_ANA, to=_TO, subject="Hola", text=_TRICKY)


def _octets(message: Message) -> bytes:
    return b"".join(compose(message).content.blocks())


def _run(transport: Transport, act: Callable[[AsyncMailer], Coroutine[Any, Any, _Returned]]) -> _Returned:
    async def closed_afterwards() -> _Returned:
        async with AsyncMailer(transport=transport, retry=RetryPolicy(max_attempts=1)) as mailer:
            return await act(mailer)

    return asyncio.run(closed_afterwards())


async def _cancelled(
    transport: Transport, delivery: Coroutine[Any, Any, None], steps: int
) -> type[BaseException] | None:
    task = asyncio.ensure_future(delivery)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    await transport.aclose()
    return None if ended is None else type(ended)


def _check_copies(arrived: Sequence[Arrived], octets: bytes | None, recipients: list[str]) -> None:
    copies = sorted(to for envelope, _ in arrived for to in envelope.recipients)
    _check(copies == sorted(recipients), f"copies for {copies}, not one for each of {sorted(recipients)}")
    if octets is not None:
        changed = [found for _, found in arrived if found is not None and found != octets]
        _check(not changed, f"other octets arrived: {changed[:1]} instead of {octets!r}"[:2000])


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
