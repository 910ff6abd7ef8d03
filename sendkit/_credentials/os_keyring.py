"""The operating system's keyring: read, store and delete one entry, and say why when that fails.

Knows: the `keyring` library, which is imported here alone and only on the daemon thread of a visit. Three answers are
kept apart: the entry is not there, the keyring is not usable, the keyring is locked. Backends of priority under 1
(none at all, one that forgets, a plain text file) are not usable, also as one of several that keyring chains.
A visit that takes too long is given up. Must not know: any other source.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import threading
from concurrent import futures
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from sendkit._credentials.source import Found, Missing, judge
from sendkit._lifetime import threads
from sendkit._lifetime.forks import starts_over
from sendkit._smtp.reason import Reason
from sendkit.errors import ConfigurationError, CredentialsError, KeyringLocked, KeyringUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

    from sendkit._credentials.secret import Secret

Backends: TypeAlias = "list[KeyringBackend]"
T = TypeVar("T")

LOOKUP_LIMIT = 5.0
"""Seconds for a lookup by a program: nobody may be there to answer a prompt."""
CHANGE_LIMIT = 60.0
"""Seconds for a change by a person, who may have to type the keyring's password first."""

_UNLOCK = "unlock it (log in to the desktop, or run gnome-keyring-daemon --unlock), or set SENDKIT_PASSWORD"
_ELSEWHERE = "set SENDKIT_PASSWORD or SENDKIT_PASSWORD_FILE, or install a keyring (on Linux: a Secret Service on D-Bus)"


class _Known(NamedTuple):
    words: str
    error: type[CredentialsError]
    hint: str
    reason: Reason


# What the keyrings of Windows (winerror.h) and macOS (SecBase.h) say in numbers.
_NUMBERS = {
    1783: _Known(
        "the secret is too long for the Windows Credential Manager, which holds about 1,280 characters",
        KeyringUnavailable,
        "store what is shorter (an app password, or a grant by `sendkit login HOST USER --oauth PROVIDER`), or keep it "
        "in a file that SENDKIT_PASSWORD_FILE names",
        Reason.KEYRING_FULL,
    ),
    -25308: _Known(
        "macOS cannot show a prompt to unlock the keychain, since nobody is logged in on a screen",
        KeyringLocked,
        "run `security unlock-keychain` in the same session before, or set SENDKIT_PASSWORD or SENDKIT_PASSWORD_FILE",
        Reason.KEYRING_LOCKED,
    ),
    -25244: _Known(
        "macOS does not let this program change that entry, since another program made it",
        KeyringUnavailable,
        "delete the entry in Keychain Access, and store it again: `sendkit login HOST USER`",
        Reason.KEYRING_DENIED,
    ),
}


def _numbers(error: BaseException) -> set[int]:
    """The numbers in an error of a backend, as keyring hands them on: alone, or in its words."""
    numbers = {one for one in error.args if isinstance(one, int)}
    return numbers | {int(found) for found in re.findall(r"-\d{5}\b|\b\d{4}\b", str(error)[:300])}


def service_name(host: str) -> str:
    """Return the name under which the keyring holds the secrets for this host."""
    return f"sendkit:{host.lower()}"


def login_hint(host: str, username: str) -> str:
    """Say how a person puts the secret there."""
    return f"run `sendkit login {shlex.quote(host)} {shlex.quote(username)}`, or set SENDKIT_PASSWORD"


_KEYRING = "keyring service"


class Keyring:
    """The keyring as a source of a chain; a lookup is given up after `limit` seconds."""

    def __init__(self, limit: float = LOOKUP_LIMIT) -> None:
        self._limit = limit
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """In the child of a fork the parent's calls never finish."""
        self._visits: dict[tuple[str, str], _Visit[Found]] = {}

    async def find(self, *, host: str, username: str) -> Found | Missing:
        """Look up the entry `(sendkit:HOST, username)`."""
        visit = self._visits.get((host, username))
        # A visit that hangs at a prompt is waited for again, or a service that asks each minute leaves a thread each.
        if visit is None or visit.done():
            source = _source(host)
            visit = _Visit(source, lambda backends: _look(backends, source, host, username))
            self._visits[host, username] = visit
        return await visit.result_async(self._limit)


def store_password(host: str, username: str, secret: Secret, *, limit: float = CHANGE_LIMIT) -> None:
    """Store a secret in the keyring, in place of the one before, and read it back.

    Raises KeyringUnavailable (also when the keyring did not keep it), KeyringLocked, and ConfigurationError for an
    empty host or username.
    """
    source = _checked(host, username)

    def store(backends: Backends) -> Missing | None:
        # keyring's metaclass wraps this method without types.
        backends[0].set_password(service_name(host), username, secret.reveal())  # pyright: ignore[reportUnknownMemberType] - see above
        kept = _look(backends, source, host, username)
        if isinstance(kept, Found) and kept.secret == secret:
            return None
        return Missing(source, "the keyring did not keep the password", KeyringUnavailable, _ELSEWHERE)

    _settle(_Visit(source, store, quote_errors=False).result(limit))


def delete_password(host: str, username: str, *, limit: float = CHANGE_LIMIT) -> None:
    """Delete a secret from the keyring.

    Raises CredentialsNotFound when there is none, KeyringUnavailable (also when the keyring keeps it), KeyringLocked.
    """
    source = _checked(host, username)

    def delete(backends: Backends) -> Missing | None:
        holders = [one for one in backends if one.get_password(service_name(host), username) is not None]
        for holder in holders:
            holder.delete_password(service_name(host), username)
        after = _look(backends, source, host, username)
        if holders and isinstance(after, Missing):
            return None
        return after if isinstance(after, Missing) else Missing(source, "the keyring still has it", KeyringUnavailable)

    _settle(_Visit(source, delete).result(limit))


class _Visit(Generic[T]):
    """One call of the keyring, started at once on a daemon thread, to be awaited with or without an event loop."""

    def __init__(self, source: str, work: Callable[[Backends], T | Missing], *, quote_errors: bool = True) -> None:
        self._source = source
        self._work = work
        self._quote_errors = quote_errors
        self._chosen = threading.Event()
        self._future = threads.start(self._run)

    def done(self) -> bool:
        """Whether it has finished."""
        return self._future.done()

    def result(self, limit: float) -> T | Missing:
        """Wait, blocking, for `limit` seconds."""
        done, _ = futures.wait([self._future], timeout=limit)
        return self._future.result() if done else self._given_up(limit)

    async def result_async(self, limit: float) -> T | Missing:
        """Wait, without blocking the loop, for `limit` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                return await asyncio.wrap_future(self._future)
        return self._given_up(limit)

    def _run(self) -> T | Missing:
        try:
            backends = _usable_backends(self._source)
        except BaseException as error:  # noqa: BLE001  a plug-in or a wrong PYTHON_KEYRING_BACKEND may raise anything
            return self._unavailable(f"{type(error).__name__}: {error}")
        if isinstance(backends, Missing):
            return backends
        self._chosen.set()
        try:
            return self._work(backends)
        except BaseException as error:  # noqa: BLE001  so may a backend, and its frames hold the secret: they end here
            return self._failed(error)

    def _failed(self, error: BaseException) -> Missing:
        import keyring.errors as theirs  # noqa: PLC0415  imported already, by the choice of the backend

        # The words of others than keyring (a codec's, say) may quote the secret, and keyring's when it stores one.
        quote = self._quote_errors and isinstance(error, theirs.KeyringError)
        text = f"{type(error).__name__}: {error}" if quote else type(error).__name__
        known = next((_NUMBERS[number] for number in _numbers(error) if number in _NUMBERS), None)
        if known is not None:
            return Missing(self._source, f"{known.words} ({text})", known.error, known.hint, reason=known.reason)
        if isinstance(error, theirs.KeyringLocked):
            return Missing(self._source, f"the keyring is locked ({text})", KeyringLocked, _UNLOCK)
        return self._unavailable(text)

    def _unavailable(self, text: str) -> Missing:
        return Missing(self._source, f"the keyring is not usable ({text})", KeyringUnavailable, _ELSEWHERE)

    def _given_up(self, limit: float) -> Missing:
        if self._chosen.is_set():
            why = f"the keyring gave no answer within {limit:g} s; it probably waits to be unlocked"
            return Missing(self._source, why, KeyringLocked, _UNLOCK)
        return self._unavailable(f"it did not come up within {limit:g} s")


def _usable_backends(source: str) -> Backends | Missing:
    import keyring  # noqa: PLC0415  150 ms, and an application that gives its password otherwise never needs it
    from keyring.backends import chainer, fail  # noqa: PLC0415 - as above

    chosen = keyring.get_keyring()
    if isinstance(chosen, fail.Keyring):
        return Missing(source, "the keyring library found no keyring on this machine", KeyringUnavailable, _ELSEWHERE)
    backends: Backends = list(chosen.backends) if isinstance(chosen, chainer.ChainerBackend) else [chosen]
    usable = [backend for backend in backends if backend.priority >= 1]
    if usable:
        return usable
    name = f"{type(chosen).__module__}.{type(chosen).__qualname__}"
    why = f"the keyring backend {name} is refused: a priority under 1 means that it keeps nothing, or in the open"
    return Missing(source, why, KeyringUnavailable, _ELSEWHERE)


def _look(backends: Backends, source: str, host: str, username: str) -> Found | Missing:
    for backend in backends:
        answer = backend.get_password(service_name(host), username)
        if answer is not None:
            return judge(source, answer)
    return Missing(source, f"has no entry for {username}", hint=login_hint(host, username))


def in_keyring(source: str) -> bool:
    """Whether a secret from this source is one that `sendkit login` stored."""
    return source.startswith(_KEYRING)


def _source(host: str) -> str:
    return f"{_KEYRING} {service_name(host)}"


def _checked(host: str, username: str) -> str:
    if host and username:
        return _source(host)
    raise ConfigurationError("a keyring entry needs a host and a username", hint="give both: sendkit login HOST USER")


def _settle(answer: Missing | None) -> None:
    if answer is not None:
        raise answer.as_error(f"{answer.source}: {answer.why}")
