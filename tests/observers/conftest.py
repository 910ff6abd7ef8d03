"""A server in the clear for programs of their own, and a double."""

from __future__ import annotations

import pytest

from sendkit import MemoryTransport
from tests.lifetime.conftest import server

__all__ = ["server", "transport"]


@pytest.fixture
def transport() -> MemoryTransport:
    """A server that is none."""
    return MemoryTransport()
