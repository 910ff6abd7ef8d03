"""The mailer: takes messages, hands letters to a transport under a retry policy, and gives the result.

The one core, asynchronous; the synchronous Mailer is a skin over it. Knows neither sockets nor SMTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, Unpack

from sendkit import errors
from sendkit._delivery.audience import admit
from sendkit._delivery.retries import Retries
from sendkit._delivery.retry import Delivery
from sendkit._delivery.signed import read_and_signed, within
from sendkit._delivery.stream import Started, Window
from sendkit._delivery.watch import Telling, Watch, observed, telling_of
from sendkit._lifetime.loops import PerLoop, running_loop
from sendkit._lifetime.progress import PATIENCE, Progress, Work
from sendkit._many import AsyncSendStream, failed_result
from sendkit._message.compose import AnyMessage, Recipients, check_several, compose
from sendkit._message.letter import Letter
from sendkit._plan.constructors import Constructors
from sendkit._plan.options import MailerSettings, check_positive, check_whole, takes_settings
from sendkit._plan.plan import Plan, plan, stands_in
from sendkit._plan.signatures_apart import AsyncDiscovery
from sendkit._plan.targets import ServerLike, discovered, given
from sendkit._seam.terms import BeforeEnd, Terms
from sendkit._sending import Alone, Sending

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

    from sendkit._doctor import Diagnosis
    from sendkit._reading.lint import Advice
    from sendkit._server.security import Security
    from sendkit._submission import SubmissionOptions
    from sendkit.results import DeliveryResult, RecipientResult, StreamResult

OnProgress: TypeAlias = Callable[[int, int], object]


class AsyncMailer(Constructors, AsyncDiscovery):
    """Sends mail through one account on a submission server, and returns the outcome for each recipient.

    `host_or_server` is a Server, or `host`, `host:port`, `[v6]:port`; or a list of them, with the backup servers
    after the first. `port` and `security` ("starttls", "implicit_tls", "none") go with one host. With a `username` it
    logs in; the password comes from `password=`, from `credentials=`, or from the environment or the operating system's
    keyring. `mechanism` is the only SASL mechanism to use, in place of the best that the server offers. `deadline`
    is the default in seconds for one message with all its attempts. `transport` replaces the network;
    `transcript=True` keeps every conversation in `result.attempts`, secrets masked. For machines that must not write
    to real people: `redirect_all_to` gets all mail instead of the recipients, except for those that `allow_only` names
    (`*@example.com`); without `redirect_all_to`, other recipients get nothing. A message without a sender gets the
    username as sender, if that is a mail address.

    At most `max_connections` are open at a time, each for at most `messages_per_connection` (None: no limit); one
    that is idle for `idle_timeout` seconds is closed with QUIT (None: when the mailer closes). A secret that the server
    refused is not sent again for `login_rest` seconds, and for twice as long after each further refusal. `rate` is how
    many messages can be started, evenly spaced, such as "30/minute", or a number per `second`, `hour` or `day`; each
    attempt counts. When a server complains (421, 450 or 451 4.7.z, 452), the rate is halved, and recovers slowly.

    SENDKIT_TRANSPORT in the environment replaces the server unless `transport` is given, and the limits
    SENDKIT_REDIRECT_ALL_TO and SENDKIT_ALLOW_ONLY apply after those of the program, however the mailer is created.

    Connects when first needed; use `async with`, or call `aclose()`. Raises ConfigurationError.
    """

    if not TYPE_CHECKING:  # checkers and editors see the whole signature

        @takes_settings
        def __init__(
            self,
            host_or_server: ServerLike | Sequence[ServerLike] | None = None,
            *,
            username: str | None = None,
            port: int | None = None,
            security: Security | str | None = None,
            **settings: Unpack[MailerSettings],
        ) -> None:
            self._begin_with(plan(given(host_or_server, username, port, security), settings))

    def _begin_with(self, made: Plan) -> None:
        self._plan, self._closed = made, False
        self._progress: PerLoop[Progress] = PerLoop()

    def __repr__(self) -> str:
        return f"<AsyncMailer {self._plan}>"

    if not TYPE_CHECKING:  # checkers and editors see the whole signature

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
            """Make a mailer for the account of a mail address, whose domain names its server in the DNS.

            RFC 6186, RFC 8314 section 5.1. Further servers of the domain are backup servers. A server outside it is an
            error, unless it belongs to a known provider or to `trust`. Needs the extra `dns`.

            Raises ConfigurationError.
            """
            running_loop()
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
        on_progress: OnProgress | None = None,
        options: SubmissionOptions | None = None,
    ) -> DeliveryResult:
        """Send one message, and return its result.

        `envelope_from` and `recipients` override the headers; `envelope_from=""` is the null reverse path
        (RFC 5321 section 4.5.5). `deadline` is in seconds, for all attempts. Raises MessageError, ConfigurationError
        or CredentialsError before any byte is sent, and, unless `check=False`, DeliveryError when a recipient was not
        accepted. A cancellation gets the result so far as its `.result`.

        `on_progress(sent, total)` is called, on the event loop, with the octets of the content sent so far: 0 first,
        then after each block, `total` at the end, and from 0 again on a retry. If it raises, the call ends as after a
        cancellation: the connection is closed, and nothing of that transaction is accepted.

        `options` are requests to the server beside the message: reports, REQUIRETLS, a later release.
        """
        return await self._sending(
            message,
            envelope_from=envelope_from,
            recipients=recipients,
            check=check,
            deadline=deadline,
            on_progress=on_progress,
            options=options,
        )

    def _sending(
        self,
        message: AnyMessage,
        *,
        envelope_from: str | None,
        recipients: Recipients | None,
        check: bool,
        deadline: float | None,
        on_progress: OnProgress | None,
        options: SubmissionOptions | None,
    ) -> Alone:
        """What `send` awaits, and a thread waits for, most often without a task."""
        check_positive("deadline", deadline)
        limit = self._plan.deadline if deadline is None else deadline
        terms = self._plan.terms if on_progress is None else self._plan.terms._replace(on_progress=on_progress)
        telling = telling_of(self._plan.watch)

        def made() -> tuple[Delivery, Work]:
            letter = compose(message, envelope_from, recipients, self._plan.usual_sender, options, files_later=True)
            return self._delivery(letter, terms, self._work(limit), telling)

        return Alone(made, telling, check=check)

    def send_many(
        self,
        messages: Iterable[AnyMessage] | AsyncIterable[AnyMessage],
        *,
        in_flight: int = 1,
        options: SubmissionOptions | None = None,
    ) -> AsyncSendStream:
        """Send many messages, on at most `max_connections` connections, and yield each result as it arrives.

        `in_flight` writes up to that many messages ahead on each connection, if the server announces CHUNKING
        (RFC 3030) and ENHANCEDSTATUSCODES (RFC 2034); faster with a distant server, but that many messages are in
        doubt if the connection is lost. `options` are those of `send`, for each message.

        `result.message` and `result.index` identify the message. If a message fails, the error is in
        `result.error`, and the stream continues. The source is read no faster than messages are sent. An error of the
        source itself is raised after what is in flight. What was started and not yielded when you leave the loop ends
        in the background, and is `unfinished`. Raises ConfigurationError if the mailer is closed.
        """
        check_several(messages)
        return AsyncSendStream(self._window(in_flight, options), messages, self)

    def _window(self, in_flight: int, options: SubmissionOptions | None) -> Window[AnyMessage, StreamResult]:
        check_whole("in_flight", in_flight)
        self._check_open()
        begin = partial(self._begin, self._plan.terms._replace(in_flight=in_flight), options)
        width, burst = self._plan.max_connections * in_flight, (in_flight + 1) // 2
        return Window(begin, width, burst, lambda: self._closed)

    def _begin(
        self, terms: Terms, options: SubmissionOptions | None, index: int, message: AnyMessage
    ) -> Started[StreamResult]:
        """Make the letter now, and send it when awaited; to make many in a row takes less time than one at a time."""
        plan = self._plan
        telling = telling_of(plan.watch)
        try:
            letter = compose(message, None, None, plan.usual_sender, options, files_later=True)
            delivery, work = self._delivery(letter, terms, self._progress.here(Progress).work(plan.deadline), telling)
        except Exception as error:  # noqa: BLE001 - what is wrong with one message is no matter of the others
            failed = partial(_ended, failed_result(error, index, message))
            return failed() if telling is None else observed(telling, failed)
        return Sending(delivery, work, index, message, telling)

    def _delivery(
        self, letter: Letter, terms: Terms, work: Work, telling: Telling | None, policy: Retries | None = None
    ) -> tuple[Delivery, Work]:
        plan, diverted = self._plan, False
        withheld: tuple[RecipientResult, ...] = ()
        if plan.audiences:
            letter, withheld, diverted = admit(letter, plan.audiences)
        transport = plan.transport_now()
        diverted |= plan.diverted and transport is plan.transport
        delivery = Delivery(
            letter, transport, policy or plan.retry, plan.pace, terms, withheld, diverted, telling, plan.signers
        )
        delivery.under(work)
        return delivery, work

    def _work(self, deadline: float | None) -> Work:
        self._check_open()
        return self._progress.here(Progress).work(deadline)

    async def _try_once(self, letter: Letter, before_end: BeforeEnd, watch: Watch | None) -> DeliveryResult:
        """One try, for an outbox: when to try again is its own business. `before_end` is as in Terms."""
        terms, once = self._plan.terms._replace(before_end=before_end), Retries(max_attempts=1)
        telling = telling_of(self._plan.watch, watch)

        def made() -> tuple[Delivery, Work]:
            return self._delivery(letter, terms, self._work(self._plan.deadline), telling, once)

        return await Alone(made, telling, check=False)

    async def preflight(
        self,
        message: AnyMessage,
        *,
        envelope_from: str | None = None,
        recipients: Recipients | None = None,
        limit: float = 30,
    ) -> tuple[Advice, ...]:
        """The problems that readers or the server would have with this message, each with a fix.

        In addition to `message.lint()`: the server's size limit, recipients that need SMTPUTF8, one-click without DKIM.
        `envelope_from` and `recipients` are as in `send`. The server is asked within `limit` seconds, without a login;
        nothing is sent. Raises MessageError, also when its files are not read within `limit` seconds, and
        ConfigurationError.
        """
        from sendkit._doctor.preflight import preflight  # noqa: PLC0415 - not for sending

        check_positive("limit", limit)
        running_loop()
        self._check_open()
        letter = await self._written(message, limit, envelope_from, recipients)
        return await preflight(letter, self._plan.transport_now(), limit=limit)

    async def _written(
        self, message: AnyMessage, limit: float, envelope_from: str | None = None, recipients: Recipients | None = None
    ) -> Letter:
        letter = compose(message, envelope_from, recipients, self._plan.usual_sender, files_later=True)
        return await within(limit, read_and_signed(letter, self._plan.signers))

    async def diagnose(
        self,
        *,
        sender: str | None = None,
        to: str | None = None,
        limit: float = 30,
        dkim_selector: str | None = None,
        resolver: Resolver | None = None,
        message: AnyMessage | None = None,
    ) -> Diagnosis:
        """Check each step from this account to a sent message, and say for each its status and what to do.

        Name, connection, TLS, certificate, mechanisms, secret, one login, MAIL and RCPT (then RSET), and the DNS
        of the sender's domain (SPF, DKIM, DMARC; needs the extra `dns`). It sends nothing, and ends within `limit`
        seconds. `sender` is by default the username, `to` the sender; `dkim_selector` is the name of the key.
        `resolver` is as in `discover`; `message` is checked as by `preflight`. Raises ConfigurationError and
        MessageError.
        """
        from sendkit._doctor import Asked, Own, diagnose  # noqa: PLC0415 - seldom needed

        check_positive("limit", limit)
        self._check_open()
        with self._progress.here(Progress).work():
            letter = None if message is None else await self._written(message, limit)
            own = Own(self._plan.signers, letter, paced=not self._plan.pace.unlimited)
            asked = Asked(sender, to, dkim_selector, resolver)
            return await diagnose(self._plan.transport_now(), asked, own, limit=limit)
        raise _closed()

    async def aclose(self, timeout: float | None = PATIENCE) -> None:  # noqa: ASYNC109 - it cancels nothing that has no result
        """Refuse new work, let what is in progress end, and close the connections with QUIT.

        What is still in progress after `timeout` seconds (None: no limit) is interrupted: deferred, or in doubt if the
        end of data may have been sent. On every event loop that runs; connections of other loops are dropped.
        """
        self._closed = True
        try:
            await self._progress.each(lambda progress: progress.over(timeout))
        except BaseException:  # a cancellation: who waits no longer wants it over at once
            self._progress.here(Progress).cut()
            raise
        finally:
            await self._plan.transport.aclose()
            self._progress.forget()
            self._plan.pace.forget()
            await self._tell_all()

    async def _rest(self) -> None:
        """Let what is in progress now end, as `aclose` does, and close the connections; others may follow."""
        await self._progress.each(lambda progress: progress.over_so_far(PATIENCE))
        await self._plan.transport.close_idle()
        await self._tell_all()

    async def _tell_all(self) -> None:
        if self._plan.watch is not None:
            await self._plan.watch.over()

    def _check_open(self) -> None:
        if self._closed:
            raise _closed()

    async def __aenter__(self) -> Self:
        running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


async def _ended(result: StreamResult) -> StreamResult:
    return result


def _closed() -> errors.ConfigurationError:
    hint = "send inside its `with` block, or make a new one"
    return errors.ConfigurationError("this mailer is closed", hint=hint)
