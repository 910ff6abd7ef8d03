"""The sender of a message without one: the address of the account that will send it, as a mailer does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sendkit._smtp.address import AddressError, parse_address
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit.outbox._worker import AsyncWorker


def usual_sender(account: str, works: Iterable[AsyncWorker]) -> str | None:
    """What a worker here says, or else the account's own name or its entry in the config; None where none is one."""
    for work in works:
        if work.accounts is None or account in work.accounts:
            return work.usual_sender
    username, _, host = account.rpartition("@")
    return _address(username) if "@" in username and host else _of_config(account)


def _of_config(account: str) -> str | None:
    from sendkit._plan.named import account_named  # noqa: PLC0415 - few messages have no sender

    try:
        found = account_named(account)
    except ConfigurationError:  # the account need be known to its worker alone
        return None
    return found.sender or _address(found.username or "")


def _address(text: str) -> str | None:
    try:
        return parse_address(text).written
    except AddressError:
        return None
