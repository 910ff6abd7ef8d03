"""The mailer: takes messages, hands letters to a transport under a retry policy, and gives the result.

The one core, asynchronous; the synchronous Mailer is a skin over it. Knows neither sockets nor SMTP.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable, Sequence
from email.message import Message as StdlibMessage
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypedDict, Unpack

from sendkit import errors
from sendkit._accounts.account import Account, check_mechanism
from sendkit._by_name import ByName
from sendkit._delivery import diversion
from sendkit._delivery.audience import Audience, settings_of
from sendkit._delivery.pace import UNLIMITED, Pace, parse_rate
from sendkit._delivery.retry import Delivery, RetryPolicy
from sendkit._delivery.stream import Tally, fan_out
from sendkit._message.compose import compose
from sendkit._message.letter import Letter
from sendkit._message.message import Message
from sendkit._message.ready import ReadyMessage
from sendkit._plan import Place, accounts_of, check_logins, wire
from sendkit._seam.limits import Limits
from sendkit._seam.terms import Stopped, Terms
from sendkit._seam.transport import Transport
from sendkit._smtp.envelope import Envelope
from sendkit._transport.named import named_transport
from sendkit.results import DeliveryResult, failed_before_sending

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

    from sendkit._credentials import Credentials, Secret
    from sendkit._credentials.explicit import CredentialsCall
    from sendkit._doctor import Diagnosis

AnyMessage: TypeAlias = "Message | ReadyMessage | StdlibMessage[Any, Any]"
Recipients: TypeAlias = "Iterable[str] | Envelope | str"
Progress: TypeAlias = Callable[[int, int], object]


class MailerSettings(TypedDict, total=False):
    """What every way to make a mailer takes beside the server."""

    password: str | Secret | None
    credentials: Credentials | CredentialsCall | None
    mechanism: str | None
    retry: RetryPolicy
    transport: Transport | None
    deadline: float | None
    max_connections: int
    messages_per_connection: int | None
    idle_timeout: float | None
    rate: str | None
    transcript: bool
    redirect_all_to: Iterable[str] | str | None
    allow_only: Iterable[str] | str | None


class AsyncMailer(ByName):
    """Sends mail through one account on a submission server, and says what became of it.

    `host_or_server` is a Server, or `host`, `host:port`, `[v6]:port`; or a list of them, the backup servers behind the
    first. With a `username` it logs in; the password is `password=`, what `credentials=` says, or found in the
    environment or the operating system's keyring. `mechanism` is the one SASL mechanism that will do, in place of the
    best that the server offers. `deadline` is the default in seconds for one message with all its tries. `transport`
    replaces the wire; `transcript=True` keeps every conversation in `result.attempts`, secrets masked. For machines
    that must not write to everybody: `redirect_all_to` gets all mail in place of its recipients, but for those that
    `allow_only` names (`*@example.com`); without the former, nothing is sent to anybody else.

    At most `max_connections` are open at a time, each for at most `messages_per_connection` (None: no limit); one that
    nobody used for `idle_timeout` seconds is left with a good-bye (None: when the mailer closes). `rate` is how many
    messages may be begun, evenly spaced, such as "30/minute", or a number per `second`, `hour` or `day`; each try
    counts. When a server complains (421, 450 or 451 4.7.z, 452), the pace is halved, and creeps up again.

    Connects when first needed; use `async with`, or call `aclose()`. Raises ConfigurationError.
    """

    def __init__(
        self,
        host_or_server: Place | Sequence[Place] | None = None,
        *,
        username: str | None = None,
        password: str | Secret | None = None,
        credentials: Credentials | CredentialsCall | None = None,
        mechanism: str | None = None,
        retry: RetryPolicy | None = None,
        transport: Transport | None = None,
        deadline: float | None = None,
        max_connections: int = 4,
        messages_per_connection: int | None = None,
        idle_timeout: float | None = 60,
        rate: str | None = None,
        transcript: bool = False,
        redirect_all_to: Iterable[str] | str | None = None,
        allow_only: Iterable[str] | str | None = None,
    ) -> None:
        from sendkit._credentials import sealed  # noqa: PLC0415 - a mailer is cheap to import

        password = sealed(password)
        _check_positive("deadline", deadline)
        _check_positive("max_connections", max_connections)
        _check_positive("messages_per_connection", messages_per_connection)
        _check_positive("idle_timeout", idle_timeout)
        limit = UNLIMITED if rate is None else parse_rate(rate)
        self._pace = Pace(limit, max_connections if transport is None else None)
        if transport is None:
            accounts, chosen = accounts_of(host_or_server, username), check_mechanism(mechanism)
            check_logins(accounts, password, credentials, chosen)
            limits = Limits(max_connections, messages_per_connection, idle_timeout)
            transport = wire(accounts, password, credentials, limits, chosen)
        self._transport = transport
        self._named = diversion.is_by_name()
        self._retry = retry or RetryPolicy()
        self._deadline = deadline
        self._max_connections = max_connections
        self._terms = Terms(keep_transcript=transcript)
        self._audience = Audience.of(redirect_all_to, allow_only)
        self._closed = False
        self._tally: Tally | None = None

    @classmethod
    def from_url(cls, url: str | Sequence[str], **settings: Unpack[MailerSettings]) -> Self:
        """Make a mailer from `smtp+starttls://USER@HOST:PORT` or `smtps://…`; a password in it is refused.

        In a list, the backup servers stand behind the first, each with its own username. Raises ConfigurationError.
        """
        urls = (url,) if isinstance(url, str) else url
        return cls([Account.from_url(one) for one in urls], **settings)

    @classmethod
    def from_env(cls, **settings: Unpack[MailerSettings]) -> Self:
        """Make a mailer from SENDKIT_URL, or SENDKIT_HOST, SENDKIT_PORT, SENDKIT_SECURITY and SENDKIT_USERNAME.

        SENDKIT_TRANSPORT stands above them: `memory`, `console` and `file:DIR` send nowhere. SENDKIT_REDIRECT_ALL_TO
        and SENDKIT_ALLOW_ONLY stand for the two settings. Raises ConfigurationError.
        """
        redirect_all_to, allow_only = settings_of(os.environ)
        settings.setdefault("redirect_all_to", redirect_all_to)
        settings.setdefault("allow_only", allow_only)
        if settings.get("transport") is not None:
            return cls(None, **settings)
        with diversion.by_name() as stand_in:
            named = os.environ.get("SENDKIT_TRANSPORT")
            settings["transport"] = stand_in or (named_transport(named) if named else None)
            if settings["transport"] is not None:
                return cls(None, **settings)
            return cls(Account.all_from_env(os.environ), **settings)

    @classmethod
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
        from sendkit._accounts.discovery import discover  # noqa: PLC0415 - seldom needed

        return cls._at(await discover(address, trust=trust, resolver=resolver), address, settings)

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
        _check_positive("deadline", deadline)
        letter = compose(message, envelope_from=envelope_from, recipients=recipients)
        limit = self._deadline if deadline is None else deadline
        terms = self._terms if on_progress is None else self._terms._replace(on_progress=on_progress)
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
        _check_positive("in_flight", in_flight)
        self._check_open()
        send = partial(self._begin, self._terms._replace(in_flight=in_flight))
        width, burst = self._max_connections * in_flight, (in_flight + 1) // 2
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
                return await self._deliver(letter, self._deadline, terms, index)
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
    ) -> DeliveryResult:
        self._check_open()
        letter, withheld = self._audience.admit(letter)
        transport = diversion.instead_of(self._transport, named=self._named)
        delivery = Delivery(letter, transport, self._retry, self._pace, terms, withheld)
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

        _check_positive("limit", limit)
        self._check_open()
        transport = diversion.instead_of(self._transport, named=self._named)
        return await diagnose(
            transport, sender=sender, to=to, limit=limit, dkim_selector=dkim_selector, resolver=resolver
        )

    async def aclose(self) -> None:
        """Wait for what `send_many` has under way, say good-bye to the server, and close the connections."""
        self._closed = True
        await self._under_way().over()
        await self._transport.aclose()

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


async def _ended(result: DeliveryResult) -> DeliveryResult:
    return result


_MAY_BE_NONE = ("deadline", "messages_per_connection", "idle_timeout")


def _check_positive(name: str, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        hint = f"give {name}= a positive number" + (", or None for no limit" if name in _MAY_BE_NONE else "")
        raise errors.ConfigurationError(f"{name}= must be more than zero, not {value}", hint=hint)
