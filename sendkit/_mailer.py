"""The mailer: takes messages, hands letters to a transport under a retry policy, and gives the result.

The one core, asynchronous; the synchronous Mailer is a skin over it. Knows neither sockets nor SMTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Unpack

from sendkit import errors
from sendkit._credentials import daemon
from sendkit._delivery.audience import admit
from sendkit._delivery.retry import Delivery, RetryPolicy
from sendkit._delivery.stream import Tally, fan_out
from sendkit._message.compose import AnyMessage, Recipients, compose
from sendkit._message.letter import Letter
from sendkit._plan.constructors import Constructors
from sendkit._plan.options import MailerSettings, check_positive, takes_settings
from sendkit._plan.plan import plan, stands_in
from sendkit._plan.targets import ServerLike, discovered, given
from sendkit._seam.terms import BeforeEnd, Stopped, Terms
from sendkit.results import DeliveryResult, failed_before_sending

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

    from sendkit._doctor import Diagnosis
    from sendkit._message.dkim import Signer

Progress: TypeAlias = Callable[[int, int], object]


class AsyncMailer(Constructors):
    """Sends mail through one account on a submission server, and says what became of it.

    `host_or_server` is a Server, or `host`, `host:port`, `[v6]:port`; or a list of them, the backup servers behind the
    first. With a `username` it logs in; the password is `password=`, what `credentials=` says, or found in the
    environment or the operating system's keyring. `mechanism` is the one SASL mechanism that will do, in place of the
    best that the server offers. `deadline` is the default in seconds for one message with all its tries. `transport`
    replaces the wire; `transcript=True` keeps every conversation in `result.attempts`, secrets masked. For machines
    that must not write to everybody: `redirect_all_to` gets all mail in place of its recipients, but for those that
    `allow_only` names (`*@example.com`); without the former, nothing is sent to anybody else.

    At most `max_connections` are open at a time, each for at most `messages_per_connection` (None: no limit); one that
    nobody used for `idle_timeout` seconds is closed with QUIT (None: when the mailer closes). `rate` is how many
    messages may be started, evenly spaced, such as "30/minute", or a number per `second`, `hour` or `day`; each attempt
    counts. When a server complains (421, 450 or 451 4.7.z, 452), the pace is halved, and creeps up again.

    Of the environment, SENDKIT_TRANSPORT takes the place of the server unless `transport` is given, and the limits
    SENDKIT_REDIRECT_ALL_TO and SENDKIT_ALLOW_ONLY hold behind those of the program, however the mailer is made.

    Connects when first needed; use `async with`, or call `aclose()`. Raises ConfigurationError.
    """

    @takes_settings
    def __init__(
        self,
        host_or_server: ServerLike | Sequence[ServerLike] | None = None,
        *,
        username: str | None = None,
        **settings: Unpack[MailerSettings],
    ) -> None:
        self._plan = plan(given(host_or_server, username), settings)
        self._closed = False
        self._tally: Tally | None = None

    def __repr__(self) -> str:
        return f"<AsyncMailer {self._plan}>"

    @classmethod
    @takes_settings
    async def discover(
        cls,
        address: str,
        *,
        trust: Sequence[str] = (),
        resolver: Resolver | None = None,
        **settings: Unpack[MailerSettings],
    ) -> Self:
        """Make a mailer for the account of a mail address, whose domain says in the DNS where its server is.

        RFC 6186, RFC 8314 section 5.1. Further servers of the domain are backup servers. One outside it is an error,
        unless it is a known provider's or `trust` names it. Needs the extra `dns`; `resolver` replaces the system's.
        Raises ConfigurationError.
        """
        asked = not stands_in(settings)
        return cls._at(await discovered(address, trust=trust, resolver=resolver, asked=asked), settings)

    async def send(
        self,
        message: AnyMessage,
        *,
        envelope_from: str | None = None,
        recipients: Recipients | None = None,
        check: bool = True,
        deadline: float | None = None,
        on_progress: Progress | None = None,
    ) -> DeliveryResult:
        """Send one message, and return what became of it.

        `envelope_from` and `recipients` replace what the headers say; `envelope_from=""` is the null reverse path
        (RFC 5321 section 4.5.5). `deadline` is in seconds, all tries included. Raises MessageError, ConfigurationError
        or CredentialsError before any byte goes out, and, unless `check=False`, DeliveryError when a recipient was not
        accepted. A cancellation gets the result so far as its `.result`.

        `on_progress(sent, total)` is told, on the event loop, how many octets of the content have left: 0 first, then
        after each block, `total` at the end, and from 0 again on another try. What it raises ends the call as a
        cancellation does: the connection is closed, and nothing of that transaction is accepted.
        """
        check_positive("deadline", deadline)
        letter = compose(message, envelope_from=envelope_from, recipients=recipients)
        limit = self._plan.deadline if deadline is None else deadline
        terms = self._plan.terms if on_progress is None else self._plan.terms._replace(on_progress=on_progress)
        result = await self._deliver(letter, limit, terms)
        return result.raise_for_failure() if check else result

    def send_many(
        self, messages: Iterable[AnyMessage] | AsyncIterable[AnyMessage], *, in_flight: int = 1
    ) -> AsyncGenerator[DeliveryResult]:
        """Send many messages, at most `max_connections` at a time, and yield each result as it comes.

        `in_flight` writes up to that many messages ahead on each connection, where the server announces CHUNKING
        (RFC 3030) and ENHANCEDSTATUSCODES (RFC 2034); faster over a long way, but that many messages are in doubt when
        the connection dies.

        `result.index` says which message it belongs to; what is wrong with one message stands in `result.error`, and
        never ends the stream. The source is read no faster than messages leave. An error of the source itself is
        raised after what is in flight; leaving the loop early waits for what is in flight. Raises ConfigurationError
        where the mailer is closed.
        """
        check_positive("in_flight", in_flight)
        self._check_open()
        send = partial(self._begin, self._plan.terms._replace(in_flight=in_flight))
        width, burst = self._plan.max_connections * in_flight, (in_flight + 1) // 2
        return fan_out(messages, send, width, lambda: self._closed, burst=burst)

    def _begin(self, terms: Terms, index: int, message: AnyMessage) -> Coroutine[Any, Any, DeliveryResult]:
        """Make the letter now, and send it when awaited; to make many in a row takes less time than one at a time."""
        try:
            letter = compose(message)
        except errors.SendkitError as error:
            return _ended(failed_before_sending(error, index=index))
        return self._carry_out(terms, index, letter)

    async def _carry_out(self, terms: Terms, index: int, letter: Letter) -> DeliveryResult:
        # A loop that is left by `break` closes nothing, so that closing the mailer has to know what is under way.
        with self._under_way():
            try:
                return await self._deliver(letter, self._plan.deadline, terms, index)
            except errors.SendkitError as error:
                return failed_before_sending(error, index=index)

    def _under_way(self) -> Tally:
        # What was under way on another event loop, be it that of the process this one was forked from, ends there.
        loop = asyncio.get_running_loop()
        if self._tally is None or self._tally.loop is not loop:
            self._tally = Tally(loop)
        return self._tally

    async def _deliver(
        self,
        letter: Letter,
        deadline: float | None,
        terms: Terms,
        index: int | None = None,
        policy: RetryPolicy | None = None,
    ) -> DeliveryResult:
        self._check_open()
        plan = self._plan
        if plan.signers:
            letter = await _signed(letter, plan.signers)
        letter, withheld, diverted = admit(letter, plan.audiences)
        transport = plan.transport_now()
        diverted |= plan.diverted and transport is plan.transport
        delivery = Delivery(letter, transport, policy or plan.retry, plan.pace, terms, withheld, diverted)
        try:
            await (delivery.run() if deadline is None else delivery.run_within(deadline))
        except errors.SendkitError:
            raise
        except Stopped as stopped:
            vars(stopped.error)["result"] = delivery.result(index)
            raise stopped.error from None
        except BaseException as ended:  # a cancellation
            vars(ended)["result"] = delivery.result(index)
            raise
        return delivery.result(index)

    async def _try_once(self, letter: Letter, before_end: BeforeEnd) -> DeliveryResult:
        """One try, for an outbox: when to try again is its own business. `before_end` is as in Terms."""
        terms = self._plan.terms._replace(before_end=before_end)
        with self._under_way():
            return await self._deliver(letter, self._plan.deadline, terms, policy=RetryPolicy(max_attempts=1))

    async def diagnose(
        self,
        *,
        sender: str | None = None,
        to: str | None = None,
        limit: float = 30,
        dkim_selector: str | None = None,
        resolver: Resolver | None = None,
    ) -> Diagnosis:
        """Look at what stands between this account and its mail, and say of each thing how it stands and what to do.

        Name, connection, TLS, certificate, mechanisms, secret, one login, MAIL and RCPT (then RSET), and what the DNS
        says of the sender's domain (SPF, DKIM, DMARC; needs the extra `dns`). It sends nothing, and ends within `limit`
        seconds. `sender` is by default the username, `to` the sender; `dkim_selector` is the name of the key.
        `resolver` is as in `discover`. Raises ConfigurationError.
        """
        from sendkit._doctor import diagnose  # noqa: PLC0415 - seldom needed

        check_positive("limit", limit)
        self._check_open()
        return await diagnose(
            self._plan.transport_now(),
            sender=sender,
            to=to,
            limit=limit,
            dkim_selector=dkim_selector,
            resolver=resolver,
            signers=self._plan.signers,
        )

    async def aclose(self) -> None:
        """Wait for what `send_many` has under way, say good-bye to the server, and close the connections."""
        self._closed = True
        await self._under_way().over()
        await self._plan.transport.aclose()

    def _check_open(self) -> None:
        if self._closed:
            hint = "send inside its `with` block, or make a new one"
            raise errors.ConfigurationError("this mailer is closed", hint=hint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


async def _signed(letter: Letter, signers: tuple[Signer, ...]) -> Letter:
    """The letter with signatures, once for all its tries. Files are read on a thread: a disk may be slow."""
    from sendkit._message.dkim import signed  # noqa: PLC0415 - few mailers sign

    work = partial(signed, letter.content, signers)
    content = await asyncio.wrap_future(daemon.start(work, name="sendkit-sign")) if letter.content.stored else work()
    return replace(letter, content=content)


async def _ended(result: DeliveryResult) -> DeliveryResult:
    return result
