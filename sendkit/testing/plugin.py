"""The pytest plugin that comes with sendkit: the fixture `mailbox`.

Loaded in every test run of every project that has sendkit installed, so it imports pytest and nothing else; what the
fixture needs is loaded by the first test that asks for it.
Must not know: options, hooks, or anything that a run without mail would notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sendkit._transport.memory import MemoryTransport

__all__ = ["mailbox"]


@pytest.fixture
def mailbox() -> MemoryTransport:
    """A MemoryTransport of this test's own: `Mailer(transport=mailbox)`, then look at `mailbox.sent`."""
    from sendkit._transport.memory import MemoryTransport  # noqa: PLC0415 - pydantic takes longer than most tests

    return MemoryTransport()
