"""Checks what a program passes for letters, workers and lanes, before anything is stored or started."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from math import isnan
from typing import cast

from sendkit.errors import ConfigurationError
from sendkit.outbox._schedule import Waits

LONGEST_KEY, LONGEST_NAME = 512, 255  # octets
LONGEST_LIFE = timedelta(days=3660)
_LAST_YEAR = 9000


def check_text(name: str, value: object, longest: int = LONGEST_NAME, *, wanted: bool = False) -> None:
    """Raise ConfigurationError unless it is printable text of at most so many octets, or None where that is allowed."""
    if value is None and not wanted:
        return
    if not isinstance(value, str):
        hint = f"give {name}= as a str of at most {longest} octets"
        raise ConfigurationError(f"{name}= is not text: {value!r}", hint=hint)
    if len(value.encode("utf-8", "surrogatepass")) > longest or not value.isprintable():
        hint = f"at most {longest} octets of printable text; for more, its digest: hashlib.sha256(…).hexdigest()"
        raise ConfigurationError(f"{name}= is too long, or not printable", hint=hint)


def check_account(value: object) -> None:
    """Raise ConfigurationError unless it can be the name of an account, or is None."""
    check_text("account", value)
    if value == "":
        raise ConfigurationError(
            "account= is empty", hint="leave it out, or give a name of the config, or user@host:port"
        )
    if isinstance(value, str) and value != value.strip():
        hint = "no worker would know it by that name: give a name of the config, or user@host:port"
        raise ConfigurationError(f"account= begins or ends with a space: {value!r}", hint=hint)


def check_key(value: object) -> None:
    """Raise ConfigurationError unless it can be a key, or is None."""
    check_text("key", value, LONGEST_KEY)
    if value == "":
        raise ConfigurationError("key= is empty", hint="leave it out, or give what makes this mail the same one")


def check_priority(value: object) -> None:
    """Raise ConfigurationError unless it is a small integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"priority= is not a whole number: {value!r}", hint="smaller is sooner")
    if abs(value) > 32_767:
        raise ConfigurationError(f"priority={value} is too far from 0", hint="-32767 to 32767")


def check_moment(moment: object) -> None:
    """Raise ConfigurationError unless `send_at=` is a datetime with a time zone, or None."""
    if moment is None:
        return
    if not isinstance(moment, datetime):
        hint = "give a datetime with a time zone: datetime.now(UTC) + timedelta(hours=2)"
        raise ConfigurationError(f"send_at= is not a datetime: {moment!r}", hint=hint)
    if moment.utcoffset() is None:
        hint = "give it one: datetime(…, tzinfo=ZoneInfo('Europe/Madrid')), or datetime.now(UTC) + timedelta(hours=2)"
        raise ConfigurationError("send_at= has no time zone", hint=hint)
    if moment.year > _LAST_YEAR:
        raise ConfigurationError(f"send_at= is in the year {moment.year}", hint="leave the letter out, or hold it")


def check_life(value: object) -> None:
    """Raise ConfigurationError unless `expires_in=` is a time span within the limits."""
    if not isinstance(value, timedelta) or not timedelta(0) < value <= LONGEST_LIFE:
        hint = f"give a timedelta above zero and of at most {LONGEST_LIFE.days} days, such as timedelta(days=5)"
        raise ConfigurationError(f"expires_in= cannot be {value!r}", hint=hint)


def check_time(name: str, value: object, *, needed: bool = True) -> None:
    """Raise ConfigurationError unless it is a timedelta, or None where that is allowed."""
    if value is None and not needed:
        return
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise ConfigurationError(f"{name}= cannot be {value!r}", hint="give a timedelta, such as timedelta(hours=4)")


def check_seconds(name: str, value: object) -> None:
    """Raise ConfigurationError unless it is a number of seconds, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ConfigurationError(f"{name}= cannot be {value!r}", hint="give seconds, from 0 on")


def check_timeout(value: object) -> None:
    """Raise ConfigurationError unless it is a number of seconds, or None; one below 0 is over already."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or isnan(value)):
        raise ConfigurationError(f"timeout= cannot be {value!r}", hint="give seconds, or None to wait without a limit")


def check_count(name: str, value: object, hint: str, *, least: int = 1) -> None:
    """Raise ConfigurationError unless it is an integer of at least that value."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name}= cannot be {value!r}", hint=hint)


def check_call(name: str, value: object) -> None:
    """Raise ConfigurationError unless it can be called, or is None."""
    if value is not None and not callable(value):
        raise ConfigurationError(f"{name}= cannot be called: {value!r}", hint="give a function of one argument")


def check_schedule(value: object) -> None:
    """Raise ConfigurationError unless it is a list of waits, or a function that returns them."""
    if not callable(value) and not isinstance(value, list | tuple):
        hint = "give a list of timedeltas, or a function of the number of attempts"
        raise ConfigurationError(f"schedule= cannot be {value!r}", hint=hint)
    Waits(cast("Callable[[int], float]", value))


def check_mailer(value: object, kind: type, other: str) -> None:
    """Raise ConfigurationError unless it is a mailer of this kind."""
    if not isinstance(value, kind):
        problem = f"a worker sends through a {kind.__name__}, and not through {type(value).__name__}"
        raise ConfigurationError(problem, hint=f"give a {kind.__name__}; {other} takes the other kind")


def check_word(name: str, value: object, words: Collection[str]) -> None:
    """Raise ConfigurationError unless it is one of these words, or None."""
    if value is not None and value not in words:
        raise ConfigurationError(f"{name}= cannot be {value!r}", hint=f"it is one of {', '.join(words)}")
