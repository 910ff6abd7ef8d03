"""Where a letter of an outbox was put: OpenTelemetry's trace (W3C Trace Context), for who observes its sending.

OpenTelemetry is asked only where the program has loaded it. Nothing of this is in the mail. Must not know: outboxes.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_origin: ContextVar[str | None] = ContextVar("sendkit_origin", default=None)


def traceparent() -> str | None:
    """The span that is current here, as the header `traceparent` has it; None without one."""
    # Another thread may be loading it, and then it is not all there.
    current = getattr(sys.modules.get("opentelemetry.trace"), "get_current_span", None)
    if current is None:
        return None
    here = current().get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}" if here.is_valid else None


@contextmanager
def put_within(origin: str | None) -> Generator[None]:
    """What is sent in the block was put within this trace."""
    _origin.set(origin)
    try:
        yield
    finally:
        _origin.set(None)  # no token: a coroutine that nobody awaits any more is closed in another context


def origin_here() -> str | None:
    """The trace in which the letter was put that is sent here."""
    return _origin.get()
