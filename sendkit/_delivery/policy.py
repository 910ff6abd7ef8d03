"""`RetryPolicy`: when the same message is tried again, as a caller says it.

Must not know: how attempts are made.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from sendkit._delivery.retries import Retries
from sendkit._frozen import Checked
from sendkit._server.checked import as_configuration_error
from sendkit.results import Waiting

if TYPE_CHECKING:
    import tenacity

_FOR_EVER = 1e9
PATIENCE = 1800.0  # seconds; most servers greylist for 1 to 15 minutes
_USUAL = Retries()


class RetryPolicy(Checked, BaseModel):
    """How often, for how long and with which waits deferred recipients are retried.

    At most `max_attempts` attempts, none later than `max_elapsed` seconds after the first. `wait` is a tenacity wait
    object, or any callable of its RetryCallState that returns seconds; by default up to 1, 2, 4 … 60 s with full
    jitter. `retry_in_doubt` also retries recipients in doubt, which may create duplicates. `on_wait` is called with
    a `Waiting` before each wait, on the event loop; if it raises, the call ends as after a cancellation. Raises
    ConfigurationError.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )

    max_attempts: Annotated[int, Field(ge=1)] = _USUAL.max_attempts
    max_elapsed: Annotated[float, Field(ge=0)] = _USUAL.max_elapsed
    wait: Callable[..., float] | None = None
    retry_in_doubt: bool = False
    on_wait: Callable[[Waiting], object] | None = None

    @classmethod
    def patient(
        cls,
        *,
        max_elapsed: float = PATIENCE,
        retry_in_doubt: bool = False,
        on_wait: Callable[[Waiting], object] | None = None,
    ) -> Self:
        """A policy for greylisting (RFC 6647 section 2.3): retries after 1, 5 and 15 minutes, then every 15.

        No attempt starts more than `max_elapsed` seconds after the first. A program that must not wait so long, or must
        not lose the message when it exits, puts it into an `Outbox`. Raises ConfigurationError.
        """
        seconds = min(cls(max_elapsed=max_elapsed).max_elapsed, _FOR_EVER)
        attempts = len(_PATIENT_WAITS) + 1 + int(seconds // _PATIENT_WAITS[-1])
        return cls(
            max_attempts=attempts,
            max_elapsed=max_elapsed,
            wait=_patiently,
            retry_in_doubt=retry_in_doubt,
            on_wait=on_wait,
        )

    if not TYPE_CHECKING:  # the checkers see the signature that pydantic derives from the fields

        def __init__(self, **settings: object) -> None:
            with as_configuration_error("RetryPolicy", type(self).model_fields):
                super().__init__(**settings)


_PATIENT_WAITS = (60.0, 300.0, 900.0)


def _patiently(state: tenacity.RetryCallState) -> float:
    # A little later than said, and never sooner: a server that wants five minutes counts them exactly.
    return _PATIENT_WAITS[min(state.attempt_number, len(_PATIENT_WAITS)) - 1] * random.uniform(1.0, 1.1)  # noqa: S311 - no secret
