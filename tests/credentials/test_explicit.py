"""What the program hands over is all that is asked."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import traceback
from typing import TYPE_CHECKING

import pytest

from sendkit._credentials import Credentials, Password, Renewable, Secret, explicit
from sendkit.errors import ConfigurationError, CredentialsError, CredentialsNotFound, KeyringLocked
from tests.credentials.helpers import HOST, PASSWORD, USER, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable

request_id = contextvars.ContextVar("request_id", default="none")


def sync_vault(host: str, username: str) -> str:
    assert (host, username) == (HOST, USER)
    return PASSWORD


async def async_vault(host: str, username: str) -> str:
    await asyncio.sleep(0)
    return sync_vault(host, username)


def bridged_vault(host: str, username: str) -> Awaitable[str]:
    return async_vault(host, username)


def sealed_vault(host: str, username: str) -> Secret:
    return Secret(sync_vault(host, username))


class AsyncVault:
    async def __call__(self, host: str, username: str) -> str:
        return await async_vault(host, username)


class OwnCredentials:
    source = "our own vault"

    async def secret(self, *, host: str, username: str) -> Secret:
        return sealed_vault(host, username)


async def ask(credentials: object) -> Secret:
    found = explicit(None, credentials)
    assert found is not None
    return await found.secret(host=HOST, username=USER)


async def test_a_password_serves_every_account() -> None:
    password = explicit(PASSWORD, None)
    assert isinstance(password, Credentials)
    assert (await password.secret(host="any", username="who")).reveal() == PASSWORD
    assert password.source == "the program (password=)"


def test_a_password_and_credentials_are_not_printed() -> None:
    assert PASSWORD not in repr(explicit(PASSWORD, None)) + repr(explicit(None, sync_vault))


async def test_a_secret_is_taken_for_a_password() -> None:
    assert (await Password(Secret(PASSWORD)).secret(host=HOST, username=USER)).reveal() == PASSWORD


def test_nothing_given_is_nothing_found() -> None:
    assert explicit(None, None) is None


@pytest.mark.parametrize(
    "credentials",
    [
        sync_vault,
        async_vault,
        sealed_vault,
        AsyncVault(),
        OwnCredentials(),
        functools.partial(async_vault),
        bridged_vault,
        Password(PASSWORD),
    ],
)
async def test_an_object_or_a_callable_of_either_colour_gives_the_secret(credentials: object) -> None:
    assert (await ask(credentials)).reveal() == PASSWORD


async def test_an_object_says_itself_where_its_secrets_come_from() -> None:
    found = explicit(None, OwnCredentials())
    assert found is not None
    assert found.source == "our own vault"


class Careless:
    """Credentials as a user may write them: what they return or raise is given, and is returned or raised."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    @property
    def source(self) -> str:
        if isinstance(self.answer, str):
            return "a vault"
        raise RuntimeError(f"no vault for {PASSWORD}")

    async def secret(self, *, host: str, username: str) -> object:
        opened = PASSWORD.encode().decode()
        if isinstance(self.answer, BaseException):
            raise type(self.answer)(opened)
        return self.answer


class CarelessAndRenewable(Careless):
    async def renewed(self, refused: Secret, *, host: str, username: str) -> object:
        return await self.secret(host=host, username=username)


class PlainMethod:
    source = "a method that is no coroutine"

    def secret(self, *, host: str, username: str) -> str:
        return PASSWORD


@pytest.mark.parametrize("credentials", [Careless(PASSWORD), CarelessAndRenewable(PASSWORD), PlainMethod()])
async def test_text_from_an_object_is_sealed(credentials: object) -> None:
    found = explicit(None, credentials)
    assert found is not None
    assert (await found.secret(host=HOST, username=USER)).reveal() == PASSWORD
    if isinstance(credentials, CarelessAndRenewable) and isinstance(found, Renewable):
        assert await found.renewed(Secret("old"), host=HOST, username=USER) == Secret(PASSWORD)


@pytest.mark.parametrize(
    ("credentials", "error"),
    [
        (Careless(PASSWORD.encode()), CredentialsError),
        (Careless([PASSWORD]), CredentialsError),
        (Careless(None), CredentialsNotFound),
        (Careless(""), CredentialsNotFound),
        (Careless(ValueError()), CredentialsError),
        (Careless(KeyringLocked("…")), KeyringLocked),
        (Careless(UnicodeError()), CredentialsError),
        (lambda host, username: [PASSWORD], CredentialsError),
        (Careless(LookupError()).secret, CredentialsError),
    ],
    ids=lambda _: "",
)
async def test_whatever_a_user_s_object_returns_or_raises_leaks_nothing(
    credentials: object, error: type[CredentialsError]
) -> None:
    """Not in the error's words, and not in the frames of its traceback: an error reporter shows all of them."""
    found = explicit(None, credentials)
    assert found is not None
    with pytest.raises(error) as caught:
        await found.secret(host=HOST, username=USER)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    words = "".join(frames.format())
    # What a CredentialsError says is meant to be read; here it says the worst.
    assert PASSWORD not in (words.replace(caught.value.message, "") if error is KeyringLocked else words)


async def test_an_object_that_knows_no_other_secret_is_not_asked_for_one() -> None:
    found = explicit(None, OwnCredentials())
    assert isinstance(found, Renewable)
    assert await found.renewed(Secret("old"), host=HOST, username=USER) is None


async def test_a_callable_is_named_as_the_source() -> None:
    found = explicit(None, sync_vault)
    assert found is not None
    assert found.source == "the program (credentials=sync_vault)"


async def test_a_sync_callable_may_block_without_blocking_the_loop() -> None:
    released = threading.Event()

    def slow(host: str, username: str) -> str:
        released.wait()
        return PASSWORD

    asking = asyncio.create_task(ask(slow))
    await asyncio.sleep(0)
    released.set()
    assert (await asking).reveal() == PASSWORD


async def test_a_sync_callable_sees_the_context_of_its_caller() -> None:
    def vault(host: str, username: str) -> str:
        return request_id.get()

    request_id.set("r-42")
    assert (await ask(vault)).reveal() == "r-42"


async def test_each_login_asks_the_callable_again() -> None:
    answers = iter(["old password", "new password"])

    def rotating(host: str, username: str) -> str:
        return next(answers)

    found = explicit(None, rotating)
    assert found is not None
    for password in ("old password", "new password"):
        assert await found.secret(host=HOST, username=USER) == Secret(password)


@pytest.mark.parametrize("answer", [None, ""])
async def test_a_callable_without_an_answer_is_credentials_not_found(answer: str | None) -> None:
    with pytest.raises(CredentialsNotFound, match=f"no password for {USER} on {HOST}"):
        await ask(lambda host, username: answer)


@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_an_answer_that_is_no_text_is_refused_without_being_quoted(colour: str) -> None:
    async def wrong(host: str, username: str) -> bytes:
        return PASSWORD.encode()

    with pytest.raises(CredentialsError, match="must be text, not bytes") as caught:
        await ask(wrong if colour == "async" else lambda host, username: PASSWORD.encode())
    assert PASSWORD not in shown(caught.value)


async def test_a_callable_that_fails_is_named_with_the_kind_and_the_place_of_its_error() -> None:
    def broken(host: str, username: str) -> str:
        raise LookupError("the vault is sealed")

    with pytest.raises(CredentialsError, match="failed with LookupError") as caught:
        await ask(broken)
    assert isinstance(caught.value.__cause__, LookupError)
    assert "test_explicit.py, line" in str(caught.value)
    assert "the vault is sealed" not in "".join(traceback.format_exception(caught.value))


async def test_a_credentials_error_of_a_callable_comes_through_as_it_is() -> None:
    def locked(host: str, username: str) -> str:
        raise KeyringLocked("our own keyring is locked")

    with pytest.raises(KeyringLocked, match="our own keyring"):
        await ask(locked)


def test_password_and_credentials_together_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="both given") as caught:
        explicit(PASSWORD, sync_vault)
    assert PASSWORD not in shown(caught.value)


@pytest.mark.parametrize("kind", [str, bytes])
def test_what_cannot_be_asked_is_refused_without_being_quoted(kind: type) -> None:
    with pytest.raises(ConfigurationError, match=f"a {kind.__name__}") as caught:
        explicit(None, PASSWORD if kind is str else PASSWORD.encode())
    assert PASSWORD not in shown(caught.value)


def test_a_class_is_no_callable_that_returns_a_password() -> None:
    with pytest.raises(ConfigurationError, match="a type"):
        explicit(None, OwnCredentials)


def test_a_password_that_is_no_text_is_refused_without_being_quoted() -> None:
    with pytest.raises(ConfigurationError, match="must be text, not bytes") as caught:
        explicit(PASSWORD.encode(), None)
    assert PASSWORD not in shown(caught.value)
