"""The pytest plugin that comes with sendkit: `mailbox`, `smtp_server`, and no memory of refused secrets between tests.

Loaded in every test run of every project that has sendkit installed, so it imports pytest and nothing else; what a
fixture needs is loaded by the first test that asks for it.
Must not know: anything that a run without mail would notice.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendkit._transport.refusals import Refusals
    from sendkit.testing._mailbox import MemoryMailbox
    from sendkit.testing._outbox import MemoryOutbox
    from sendkit.testing.local_server import LocalServer

__all__ = ["mailbox", "outbox", "smtp_server"]


@pytest.fixture
def mailbox() -> Iterator[MemoryMailbox]:
    """A MemoryMailbox of this test's own, where the mail of `Mailer.from_env()` goes; see `mailbox.assert_sent`."""
    from sendkit.testing._mailbox import MemoryMailbox  # noqa: PLC0415 - pydantic takes longer than most tests

    with MemoryMailbox() as opened:
        yield opened


@pytest.fixture
def outbox(mailbox: MemoryMailbox) -> MemoryOutbox:
    """The MemoryOutbox of this test: what a program puts is sent into `mailbox` by `outbox.drain()`."""
    return mailbox.outbox


@pytest.fixture
def smtp_server() -> Iterator[LocalServer]:
    """A LocalServer of this test's own, for mail that is sent through any library; needs the extra `demo`."""
    from sendkit.testing.local_server import LocalServer  # noqa: PLC0415 - it belongs to an extra, and takes a while

    with LocalServer() as server:
        yield server
        server.check_faults()


def pytest_runtest_setup() -> None:
    """A process does not send a refused secret twice; each test is a process of its own in this."""
    refusals: Refusals | None = getattr(sys.modules.get("sendkit._transport.refusals"), "REFUSALS", None)
    if refusals is not None:
        refusals.forget()
