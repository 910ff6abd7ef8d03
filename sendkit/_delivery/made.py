"""The values that callers get, made of what is right already; their models are loaded when the first one is made.

Must not know what they are made from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._unchecked import unchecked

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, RecipientResult, StreamResult


def _delivery_model() -> type[DeliveryResult]:
    from sendkit.results import DeliveryResult  # noqa: PLC0415 - pydantic's models, and results come last

    return DeliveryResult


def _stream_model() -> type[StreamResult]:
    from sendkit.results import StreamResult  # noqa: PLC0415 - as above

    return StreamResult


def _recipient_model() -> type[RecipientResult]:
    from sendkit.results import RecipientResult  # noqa: PLC0415 - as above

    return RecipientResult


delivery_result = unchecked(_delivery_model)
stream_result = unchecked(_stream_model)
recipient_result = unchecked(_recipient_model)
