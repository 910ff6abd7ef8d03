"""`assert_no_secret_leaks` finds a secret wherever it hides, and does not show it while it says so."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
import traceback
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import DeliveryResult, Outcome, RecipientResult, errors
from sendkit.testing.secrets import SecretWatch, assert_no_secret_leaks

HIDDEN = "pa55 wörd/+="
logger = logging.getLogger("tests.secrets")


def places(*evidence: object, secret: str = HIDDEN) -> str:
    """What the failure says."""
    with pytest.raises(AssertionError) as failure:
        assert_no_secret_leaks(secret, *evidence)
    return str(failure.value)


@dataclass
class Account:
    """A thing that shows what it has."""

    password: str


class Quiet:
    """A thing that shows nothing and is pickled whole."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Quiet"


def login(password: str) -> None:
    """Fail with the password in a local variable."""
    raise errors.AuthenticationError("refused")


def failed_login() -> BaseException:
    """The error of a failed login, with its frames."""
    try:
        login(HIDDEN)
    except errors.AuthenticationError as error:
        return error
    raise AssertionError


@given(st.text(min_size=4, max_size=30), st.binary(max_size=9), st.binary(max_size=9))
def test_a_secret_is_found_in_base64_whatever_stands_around_it(secret: str, before: bytes, after: bytes) -> None:
    """AUTH PLAIN is base64 of NUL, user, NUL, password (RFC 4616)."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert "evidence 1" in places(encode(before + secret.encode() + after), secret=secret)


@pytest.mark.parametrize(
    "text",
    [
        HIDDEN,
        HIDDEN.encode(),
        bytearray(HIDDEN.encode()),
        repr(HIDDEN),
        repr(HIDDEN.encode()),
        json.dumps([HIDDEN]),
        quote(HIDDEN, safe=""),
        f"AUTH {HIDDEN} ok\udcff",
    ],
    ids=range(8),
)
def test_a_secret_is_found_however_it_is_written(text: object) -> None:
    assert places(text)


@pytest.mark.parametrize(
    "thing",
    [
        Account(HIDDEN),
        Quiet(HIDDEN),
        [Account(HIDDEN)],
        {"account": (Account(HIDDEN),)},
        {HIDDEN: 1},
        {HIDDEN},
        errors.DeliveryError(HIDDEN),
        errors.MessageError("no", hint=HIDDEN),
        ExceptionGroup("two", [ValueError(1), ValueError(HIDDEN)]),
    ],
    ids=range(9),
)
def test_a_secret_is_found_inside_of_things(thing: object) -> None:
    assert places(thing)


def test_a_secret_is_found_in_the_json_of_a_result() -> None:
    recipient = RecipientResult(address="luis@example.com", outcome=Outcome.DEFERRED, reason=f"said {HIDDEN}")
    assert "JSON" in places(DeliveryResult(recipients={"luis@example.com": recipient}))


def test_a_secret_is_found_in_the_locals_of_a_traceback() -> None:
    found = places(failed_login())
    assert "the local 'password' of login" in found
    assert "test_secrets.py" in found


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_a_secret_is_found_in_what_led_to_an_error(link: str) -> None:
    """Error reporters show a context even where `from None` hides it from a terminal."""
    error = errors.DeliveryError("no")
    setattr(error, link, failed_login())
    error.__suppress_context__ = True
    assert "the local 'password' of login" in places(error)


def test_a_secret_is_found_in_a_result_that_an_error_carries() -> None:
    recipient = RecipientResult(address="luis@example.com", outcome=Outcome.DEFERRED, reason=HIDDEN)
    result = DeliveryResult(recipients={"luis@example.com": recipient})
    assert ".result" in places(errors.DeliveryError("no", result=result))


def test_a_secret_is_found_in_a_note() -> None:
    error = ValueError("no")
    error.add_note(f"it was {HIDDEN}")
    assert places(error)


def test_a_function_that_still_runs_may_hold_the_secret() -> None:
    password = HIDDEN

    def check() -> None:
        try:
            raise errors.AuthenticationError("refused")  # noqa: TRY301 - its frames are what is looked at
        except errors.AuthenticationError as error:
            assert_no_secret_leaks(password, error)

    check()


def test_everything_that_goes_to_a_log_in_the_block_is_looked_at() -> None:
    for log in (
        lambda: logger.debug("it was %s", HIDDEN),
        lambda: logger.debug("it was hidden", extra={"password": HIDDEN}),
        lambda: logger.error("it failed", exc_info=failed_login()),
        lambda: logging.getLogger("sendkit.smtp").debug(
            "AUTH PLAIN %s", base64.b64encode(b"\0ana\0" + HIDDEN.encode())
        ),
    ):
        with pytest.raises(AssertionError, match="evidence 2"), assert_no_secret_leaks(HIDDEN):
            log()


def test_the_error_that_leaves_the_block_is_looked_at() -> None:
    with pytest.raises(AssertionError, match="the local 'password'"), assert_no_secret_leaks(HIDDEN):
        login(HIDDEN)


def test_a_clean_error_leaves_the_block_as_it_is() -> None:
    with pytest.raises(errors.AuthenticationError, match="refused"), assert_no_secret_leaks(HIDDEN):
        raise errors.AuthenticationError("refused")


def test_what_is_given_to_it_in_the_block_is_looked_at_at_once() -> None:
    with assert_no_secret_leaks(HIDDEN) as watch:
        watch.look_at("nothing here")
        with pytest.raises(AssertionError):
            watch.look_at(Account(HIDDEN))


def test_the_levels_of_the_loggers_are_put_back() -> None:
    loggers = [logging.getLogger(), logging.getLogger("sendkit")]
    before = [(one.level, list(one.handlers)) for one in loggers]
    with assert_no_secret_leaks(HIDDEN):
        assert all(one.level == logging.DEBUG for one in loggers)
    assert [(one.level, one.handlers) for one in loggers] == before


def test_where_there_is_no_secret_nothing_is_said() -> None:
    result = DeliveryResult(recipients={})
    watch = assert_no_secret_leaks(
        HIDDEN, "text", b"octets", 5, None, result, errors.DeliveryError("no", result=result), [{}], len, int
    )
    assert isinstance(watch, SecretWatch)


def test_what_refuses_to_be_shown_or_pickled_is_no_leak() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

        def __reduce__(self) -> str:
            raise RuntimeError

    assert_no_secret_leaks(HIDDEN, Shy(), lambda: None)


def test_a_thing_that_holds_itself_is_looked_at_once() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert_no_secret_leaks(HIDDEN, ring)


def test_the_failure_does_not_show_the_secret() -> None:
    with pytest.raises(AssertionError) as failure:
        assert_no_secret_leaks(HIDDEN, {HIDDEN: HIDDEN}, Account(HIDDEN), failed_login(), ValueError(HIDDEN))
    error = failure.value
    running = {frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name.startswith("test_")}
    shown = str(error) + repr(error) + pickle.dumps(error).decode("latin-1")
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame not in running:
            shown += "".join(f"{name}={value!r}" for name, value in frame.f_locals.items())
    assert HIDDEN not in shown
    assert base64.b64encode(HIDDEN.encode()).decode() not in shown


def test_a_failure_over_many_places_is_short() -> None:
    assert "more findings" in places(*[f"{number} {HIDDEN}" for number in range(50)])


@pytest.mark.parametrize("short", ["", "abc", "ñ"])
def test_a_secret_that_is_found_everywhere_is_refused(short: str) -> None:
    with pytest.raises(ValueError, match="longer"):
        assert_no_secret_leaks(short)


async def test_it_works_where_a_task_was_cancelled() -> None:
    async def log_in(password: str) -> None:
        assert password
        await asyncio.Event().wait()

    task = asyncio.create_task(log_in(HIDDEN))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert "the local 'password' of" in places(cancelled.value)
