"""Secrets that the program itself hands over: `password=`, `credentials=` as an object or a callable.

What was given is all that is asked: no environment variable and no keyring stands in for it when it fails.
Must not know: any other source.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

from sendkit._credentials.foreign import ForeignCredentials, has, judged, secret_of
from sendkit._credentials.secret import Secret, seal, sealed
from sendkit._credentials.source import Credentials, Found, Missing, judge
from sendkit._lifetime import threads
from sendkit.errors import ConfigurationError

CredentialsCall: TypeAlias = Callable[[str, str], str | Secret | Awaitable[str | Secret | None] | None]

_HINT = "give the password as text with password=, or a callable (host, username) that returns it with credentials="


@dataclass(slots=True, frozen=True, init=False, repr=False)
class Password:
    """A password known to the program. Raises ConfigurationError when it is empty or cannot be sent."""

    value: Secret

    def __init__(self, value: str | Secret) -> None:
        sealed = seal(value)
        del value
        if isinstance(sealed, str):
            raise ConfigurationError(f"the password {sealed}", hint=_HINT)
        object.__setattr__(self, "value", sealed)

    def __repr__(self) -> str:
        return "Password(***)"

    @property
    def source(self) -> str:
        """Where the secret comes from."""
        return "the program (password=)"

    async def secret(self, *, host: str, username: str) -> Secret:
        """Return it, whatever the account."""
        return self.value


@dataclass(slots=True, frozen=True, repr=False)
class CallableCredentials:
    """A callable `(host, username)` that returns the password, or None when it has none; sync or async.

    It is called once for each login, so it may hand out a password that changes. A sync one runs on a thread of its
    own, so that it may block.
    """

    call: Callable[[str, str], object]

    def __repr__(self) -> str:
        return f"<{self.source}>"

    @property
    def source(self) -> str:
        """Where the secret comes from."""
        return f"the program (credentials={_name(self.call)})"

    async def secret(self, *, host: str, username: str) -> Secret:
        """Ask the callable. Raises CredentialsNotFound when it has none, CredentialsError when it fails."""
        hint = "return the password as str from the callable given as credentials="
        return await secret_of(self.source, host, username, partial(self._ask, host, username), hint=hint)

    async def renewed(self, refused: Secret, *, host: str, username: str) -> Secret | None:
        """Ask the callable once more."""
        return await self.secret(host=host, username=username)

    async def _ask(self, host: str, username: str) -> Found | Missing:
        if _is_async(self.call):
            return await judged(self.source, self.call(host, username))
        answer = await self._ask_in_thread(host, username)
        return answer if isinstance(answer, Found | Missing) else await judged(self.source, answer)

    async def _ask_in_thread(self, host: str, username: str) -> object:
        context = contextvars.copy_context()
        future = threads.start(lambda: context.run(self._call_and_judge, host, username))
        return await asyncio.wrap_future(future)

    def _call_and_judge(self, host: str, username: str) -> object:
        # Judged on this side, for a future's repr shows its result. A lambda may return what an async function made.
        answer = self.call(host, username)
        return answer if inspect.isawaitable(answer) else judge(self.source, answer)


def seal_settings(settings: MutableMapping[str, object]) -> None:
    """Among a mailer's settings, put what may be seen in place of what may not. It never raises.

    What cannot be used stays there without its value, and is refused where the mailer is made. A password that was
    given as `credentials=` is text too.
    """
    for name in ("password", "credentials"):
        if name in settings:
            settings[name] = unseen(settings[name], everything=name == "password")


def unseen(given: object, *, everything: bool) -> object:
    """What was given, with text (or `everything`) as a Secret, perhaps one that says why it cannot be one."""
    if everything or isinstance(given, str | bytes | bytearray):
        return sealed(cast("str | None", given))
    return given


def explicit(password: object, credentials: object) -> Credentials | None:
    """Turn `password=` and `credentials=` of a mailer into credentials, or None when neither was given.

    Raises ConfigurationError for both at once, an unusable password, and what is neither credentials nor callable.
    """
    given = _given(password, credentials)
    del password, credentials
    if isinstance(given, str):
        raise ConfigurationError(given, hint=_HINT)
    return given


def _given(password: object, credentials: object) -> Credentials | str | None:
    if password is not None and credentials is not None:
        return "password= and credentials= were both given"
    if password is not None:
        sealed = seal(password)
        return f"password= {sealed}" if isinstance(sealed, str) else Password(sealed)
    if credentials is None:
        return None
    if has(credentials, "secret", "source") and not isinstance(credentials, type):
        return ForeignCredentials(cast("Credentials", credentials))
    if callable(credentials) and not isinstance(credentials, type):
        return CallableCredentials(credentials)
    if isinstance(credentials, Secret):
        credentials = "text"
    return f"credentials= is neither callable nor does it have `secret` and `source`: a {type(credentials).__name__}"


def _is_async(call: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004 - not whether it can be called


def _name(call: object) -> str:
    return str(getattr(call, "__qualname__", type(call).__name__))
