"""The synchronous face: the asynchronous core behind a portal, one call for each method, and no logic of its own.

The core, and asyncio with it, is imported when the first mailer is made: a program should not wait for it before.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import AsyncIterable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sendkit._lifetime.exits import refuse_when_gone
from sendkit._plan.constructors import Constructors
from sendkit._plan.options import takes_settings
from sendkit._plan.signatures_apart import Discovery

if TYPE_CHECKING:
    from typing import Unpack

    from dns.asyncresolver import Resolver

    from sendkit._doctor import Diagnosis
    from sendkit._mailer import AsyncMailer, OnProgress
    from sendkit._many import SendStream
    from sendkit._message.compose import AnyMessage, Recipients
    from sendkit._plan.options import MailerSettings
    from sendkit._plan.targets import ServerLike
    from sendkit._reading.lint import Advice
    from sendkit._server.security import Security
    from sendkit._submission import SubmissionOptions
    from sendkit.results import DeliveryResult


class Mailer(Constructors, Discovery):
    """Sends mail through one account on a submission server, and returns the outcome for each recipient.

    The same as AsyncMailer, for programs without an event loop: every method blocks. Safe to share between threads, and
    to use after a fork. Inside a running event loop it blocks that loop, and warns once. Raises ConfigurationError.
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
            from sendkit._mailer import AsyncMailer  # noqa: PLC0415 - see the law of this file

            self._begin_with(AsyncMailer(host_or_server, username=username, port=port, security=security, **settings))

    def _begin_with(self, core: AsyncMailer) -> None:
        from sendkit._lifetime.green_portal import portal  # noqa: PLC0415 - see the law of this file

        self._core = core
        rest = self._core._rest  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the law of this file
        self._portal = portal(rest, self._core.aclose)
        # A mailer that nobody closes still ends its connections with QUIT; when the interpreter ends, by the portal.
        weakref.finalize(self, self._portal.abandon).atexit = False

    def __repr__(self) -> str:
        return repr(self._core).replace("AsyncMailer", "Mailer", 1)

    if not TYPE_CHECKING:  # checkers and editors see the whole signature

        @classmethod
        @takes_settings
        def discover(
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
            from sendkit._lifetime.green_portal import portal as made  # noqa: PLC0415 - see the law of this file
            from sendkit._plan.plan import stands_in  # noqa: PLC0415 - see the law of this file
            from sendkit._plan.targets import discovered  # noqa: PLC0415 - see the law of this file

            portal, asked = made(_nothing, _nothing), not stands_in(settings)
            try:
                return cls._at(portal.call(discovered(address, trust=trust, resolver=resolver, asked=asked)), settings)
            finally:
                portal.close()

    def send(
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
        accepted. A KeyboardInterrupt gets the result so far as its `.result`.

        `on_progress(sent, total)` is called, on the mailer's own thread, with the octets of the content sent so far: 0
        first, then after each block, `total` at the end, and from 0 again on a retry. If it raises, the call ends
        as after an interrupt: the connection is closed, and nothing of that transaction is accepted.

        `options` are requests to the server beside the message: reports, REQUIRETLS, a later release.
        """
        _look_around()
        work = self._core._sending(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the law of this file
            message,
            envelope_from=envelope_from,
            recipients=recipients,
            check=check,
            deadline=deadline,
            on_progress=on_progress,
            options=options,
        )
        return self._portal.call(work)

    def send_many(
        self,
        messages: Iterable[AnyMessage] | AsyncIterable[AnyMessage],
        *,
        in_flight: int = 1,
        options: SubmissionOptions | None = None,
    ) -> SendStream:
        """Send many messages, on at most `max_connections` connections, and yield each result as it arrives.

        `in_flight` writes up to that many messages ahead on each connection, if the server announces CHUNKING
        (RFC 3030) and ENHANCEDSTATUSCODES (RFC 2034); faster with a distant server, but that many messages are in
        doubt if the connection is lost. `options` are those of `send`, for each message.

        `result.message` and `result.index` identify the message. If a message fails, the error is in
        `result.error`, and the stream continues. The source is read on this thread, no faster than messages are sent.
        An error of the source itself is raised after what is in flight. What was started and not yielded when you leave
        the loop ends in the background, and is `unfinished`. Raises ConfigurationError if the mailer is closed.
        """
        from sendkit._many import SendStream  # noqa: PLC0415 - see the law of this file
        from sendkit._message.compose import check_several  # noqa: PLC0415 - as above

        _look_around()
        self._portal.check_open()
        check_several(messages)
        window = self._core._window(in_flight, options)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
        return SendStream(window, messages, self, self._portal)

    def preflight(
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
        _look_around()
        return self._portal.call(
            self._core.preflight(message, envelope_from=envelope_from, recipients=recipients, limit=limit)
        )

    def diagnose(
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
        _look_around()
        asked = partial(self._core.diagnose, sender=sender, to=to, limit=limit, dkim_selector=dkim_selector)
        return self._portal.call(asked(resolver=resolver, message=message))

    def close(self, timeout: float | None = 30) -> None:
        """Refuse new work, let what is in progress end, and close the connections with QUIT.

        What is still in progress after `timeout` seconds (None: no limit) is interrupted: deferred, or in doubt if the
        end of data may have been sent.
        """
        self._portal.close(partial(self._core.aclose, timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


async def _nothing() -> None:
    pass


_warned: list[bool] = []


def _in_notebook() -> bool:
    """Whether this is a cell: a kernel runs each inside of its own event loop, where nothing else has to go on."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _look_around() -> None:
    """Warn inside of an event loop. Raises SendkitError where the interpreter is gone too far, as in a `__del__`."""
    refuse_when_gone()
    import asyncio  # noqa: PLC0415 - see the law of this file

    if asyncio._get_running_loop() is not None:  # noqa: SLF001 - one of asyncio.events.__all__
        warn_of_blocking("await AsyncMailer(…).send(…)", stacklevel=4)


def warn_of_blocking(instead: str, *, stacklevel: int) -> None:
    """Say once in a process that an event loop is blocked here, and what to write instead."""
    if not _warned and not _in_notebook():
        _warned.append(True)
        text = f"sendkit.Mailer blocks the event loop that runs here; use `{instead}` instead"
        warnings.warn(text, RuntimeWarning, stacklevel=stacklevel)
