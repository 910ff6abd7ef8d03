"""`report_failure`: a job that fails says so by mail, with its traceback, and fails as it would have without.

Knows that a traceback may hold secrets: no local variables unless they are asked for, the arguments of the process
never. Whatever becomes of the mail, the error of the job is the one that is raised.
"""

from __future__ import annotations

import functools
import inspect
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

from sendkit.errors import ConfigurationError
from sendkit.report._characters import one_line, shortened
from sendkit.report._code import Code
from sendkit.report._dispatch import Dispatch
from sendkit.report._report import Report
from sendkit.report._table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from sendkit._message.mailbox import MailboxLike
    from sendkit.report._dispatch import Mails, Puts

_P = ParamSpec("_P")
_R = TypeVar("_R")
_SECRET = re.compile(r"passw|secret|token|api_?key|credential|authorization|cookie|private", re.IGNORECASE)
_TITLE, _LONGEST = 120, 500  # characters


class FailureWatch:
    """A job that is watched: a context manager, and a decorator for functions, asynchronous ones too."""

    def __init__(self, dispatch: Dispatch, name: str | None, *, show_locals: bool) -> None:
        self._dispatch = dispatch
        self._name = name
        self._locals = show_locals
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if self._dispatch.asynchronous:
            hint = "write `async with report_failure(…)`, or decorate an async function"
            raise ConfigurationError("an asynchronous mailer needs to be awaited", hint=hint)
        self._started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and _is_failure(error):
            self._dispatch.send(self._told(error))

    async def __aenter__(self) -> Self:
        self._started = time.monotonic()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and _is_failure(error):
            await self._dispatch.send_async(self._told(error))

    def _told(self, error: BaseException) -> Callable[[], Report]:
        took = time.monotonic() - self._started
        return lambda: _report(error, self._name or _program(), took, show_locals=self._locals)

    def __call__(self, job: Callable[_P, _R]) -> Callable[_P, _R]:
        name = self._name or job.__qualname__

        def watched() -> FailureWatch:
            return FailureWatch(self._dispatch, name, show_locals=self._locals)

        if inspect.iscoroutinefunction(job):

            @functools.wraps(job)
            async def waited(*args: _P.args, **kwargs: _P.kwargs) -> Any:
                async with watched():
                    return await job(*args, **kwargs)

            return waited  # type: ignore[return-value]  # a coroutine function for a coroutine function

        @functools.wraps(job)
        def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with watched():
                return job(*args, **kwargs)

        return called


@overload
def report_failure(job: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def report_failure(
    *,
    to: MailboxLike | Iterable[MailboxLike] | None = None,
    sender: MailboxLike | None = None,
    name: str | None = None,
    locals: bool = False,
    mailer: Mails | None = None,
    outbox: Puts | None = None,
) -> FailureWatch: ...
def report_failure(
    job: Callable[_P, _R] | None = None,
    /,
    *,
    to: MailboxLike | Iterable[MailboxLike] | None = None,
    sender: MailboxLike | None = None,
    name: str | None = None,
    locals: bool = False,  # noqa: A002 - the word that readers of tracebacks know
    mailer: Mails | None = None,
    outbox: Puts | None = None,
) -> Callable[_P, _R] | FailureWatch:
    """Mail the traceback of what fails within: `with report_failure(to=…):`, or as a decorator, `@report_failure`.

    `job` is the function that is decorated, and `name` what the mail calls it. It goes to the sender unless `to` is
    given, through the account of the environment, or `mailer`, or into an `outbox`. The error is raised again in any
    case; that the mail did not leave is said on standard error. `locals=True` adds the local variables, except for
    those that look like secrets. KeyboardInterrupt, cancellation and SystemExit(0) are no failures. Raises MessageError
    at once where nobody is named to write to.
    """
    watched = FailureWatch(Dispatch(to=to, sender=sender, mailer=mailer, outbox=outbox), name, show_locals=locals)
    return watched if job is None else watched(job)


def _is_failure(error: BaseException) -> bool:
    if isinstance(error, SystemExit):
        return error.code not in (None, 0)
    return isinstance(error, Exception)


def _report(error: BaseException, name: str, took: float, *, show_locals: bool) -> Report:
    kind = type(error).__name__
    told = one_line(str(error)) if not isinstance(error, SystemExit) else f"exit code {error.code}"
    facts = [
        {"what": "Job", "value": name},
        {"what": "Host", "value": platform.node()},
        {"what": "Time", "value": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}"},
        {"what": "After", "value": f"{took:.1f} s"},
        {"what": "Process", "value": f"{os.getpid()}, Python {platform.python_version()}"},
    ]
    return Report(
        shortened(f"{name} failed: {kind}: {told}".rstrip(": "), _TITLE),
        [
            Table(facts, header=False, name="facts", max_rows=None, rest=None),
            Code(_traceback(error, show_locals=show_locals), caption="Traceback", name="traceback.txt"),
        ],
        preheader=shortened(f"{kind}: {told}", 200),
    )


def _traceback(error: BaseException, *, show_locals: bool) -> str:
    told = traceback.TracebackException.from_exception(error, capture_locals=show_locals)
    if show_locals:
        _hide_secrets(told)
    return "".join(told.format())


def _hide_secrets(told: traceback.TracebackException) -> None:
    for frame in told.stack:
        values: dict[str, str] = frame.locals or {}
        if frame.name == "<module>":
            values.clear()  # those are all the names of a program
        for name, value in values.items():
            values[name] = "..." if _SECRET.search(f"{name} {value}") else shortened(value, _LONGEST)
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _hide_secrets(other)


def _program() -> str:
    # The name alone: the arguments of a process hold whatever its caller thought good.
    return Path(sys.argv[0]).name if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python"
