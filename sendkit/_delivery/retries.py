"""How often deferred recipients are tried again, as a plain value: for ours, which nobody has to check.

What a caller gives is a RetryPolicy, which has the same fields. Must not know: how long anything takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from sendkit._delivery.policy import RetryPolicy
    from sendkit.results import Waiting


class Retries(NamedTuple):
    """As RetryPolicy, unchecked; by default what every mailer does."""

    max_attempts: int = 4
    max_elapsed: float = 120
    wait: Callable[..., float] | None = None
    retry_in_doubt: bool = False
    on_wait: Callable[[Waiting], object] | None = None


def plain_policy(
    *, max_attempts: int = 4, max_elapsed: float = 120, on_wait: Callable[[Waiting], object] | None = None
) -> RetryPolicy:
    """The plain form of a policy, for a program that must not wait for pydantic and has checked it."""
    return cast("RetryPolicy", Retries(max_attempts, max_elapsed, on_wait=on_wait))
