"""Where a letter of an outbox was put: OpenTelemetry's trace (W3C Trace Context), for who observes its sending.

OpenTelemetry is asked only where the program has loaded it. Nothing of this is in the mail. Must not know: outboxes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_origin: ContextVar[str | None] = ContextVar("sendkit_origin", default=None)


def traceparent() -> str | None:
    """The span that is current here, as the header `traceparent` has it; None without one."""
    if (trace := sys.modules.get("opentelemetry.trace")) is None:
        return None
    here = trace.get_current_span().get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}" if here.is_valid else None


@contextmanager
def put_within(origin: str | None) -> Iterator[None]:
    """What is sent in the block was put within this trace."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def origin_here() -> str | None:
    """The trace in which the letter was put that is sent here."""
    return _origin.get()
