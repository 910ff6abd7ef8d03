"""The border to code that is not ours: what it returns is sealed; of what it raises, neither text nor frames are kept.

A user's object or function handles the plain secret. Its errors may quote it, and the frames of their traceback hold
it; so all that comes out of here is a value, from which the caller raises again. Must not know: what is asked for.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar, cast

from sendkit._credentials.secret import Secret
from sendkit._credentials.source import Credentials, Found, Missing, Renewable, judge
from sendkit.errors import CredentialsError, CredentialsNotFound

_HINT = "its own words are not shown, since they may quote the secret; call it by itself to see them"
_Value = TypeVar("_Value")


async def caught(source: str, ask: Callable[[], Awaitable[_Value]]) -> _Value | CredentialsError:
    """What it gives, or the error to raise instead. Only a cancellation is let through, without its frames."""
    try:
        return await ask()
    except CredentialsError as error:
        failed = error  # which was written for people to read
        failed.__cause__ = None
    except asyncio.CancelledError as error:
        error.__traceback__ = error.__context__ = error.__cause__ = None
        raise
    except Exception as error:  # noqa: BLE001 - whatever a program's own function raises
        failed = CredentialsError(f"{source} failed with {type(error).__name__}{_where(error)}", hint=_HINT)
        failed.__cause__ = _of_its_kind(error)
    failed.__traceback__ = failed.__context__ = None
    return failed


def _where(error: Exception) -> str:
    """File and line, which say to the author of the function what its words would."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({PurePath(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"


def _of_its_kind(error: Exception) -> BaseException:
    """An error of the nearest built-in type, with nothing in it."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins" and issubclass(kind, Exception))
    return kind.__new__(kind)


async def judged(source: str, given: object) -> Found | Missing:
    """Seal what was given, or what it gives when awaited."""
    return judge(source, await given if inspect.isawaitable(given) else given)


async def secret_of(
    source: str, host: str, username: str, ask: Callable[[], Awaitable[Found | Missing]], *, hint: str
) -> Secret:
    """The secret of this account. Raises CredentialsNotFound when there is none, CredentialsError when it fails."""
    answer = await caught(source, ask)
    if isinstance(answer, CredentialsError):
        raise answer
    if isinstance(answer, Missing):
        words = f"no password for {username} on {host}; looked in:\n  {answer.source}: {answer.why}"
        raise answer.error(words, hint=hint)
    return answer.secret


def has(given: object, *names: str) -> bool:
    """Whether an object has these attributes; `isinstance` with a protocol would run what is behind them."""
    return all(inspect.getattr_static(given, name, None) is not None for name in names)


@dataclass(slots=True, frozen=True, repr=False)
class ForeignCredentials:
    """An object of the user's that is asked as `Credentials`; text is taken for a Secret."""

    given: Credentials

    def __repr__(self) -> str:
        return f"<{self.source}>"

    @property
    def source(self) -> str:
        """Its own description, or its type."""
        try:
            return str(self.given.source)
        except Exception:  # noqa: BLE001 - a report of an error must not fail over it
            return f"the program (credentials=a {type(self.given).__name__})"

    async def secret(self, *, host: str, username: str) -> Secret:
        """Ask it. Raises CredentialsError."""
        return await self._secret(host, username, lambda: self.given.secret(host=host, username=username))

    async def renewed(self, refused: Secret, *, host: str, username: str) -> Secret | None:
        """Ask it for another one, if it knows how to. Raises CredentialsError."""
        if not has(self.given, "renewed"):
            return None
        given = cast("Renewable", self.given)
        try:
            return await self._secret(host, username, lambda: given.renewed(refused, host=host, username=username))
        except CredentialsNotFound:
            return None

    async def _secret(self, host: str, username: str, ask: Callable[[], object]) -> Secret:
        source = self.source

        async def asked() -> Found | Missing:
            return await judged(source, ask())

        hint = "return the password from `secret` of the object given as credentials="
        return await secret_of(source, host, username, asked, hint=hint)
