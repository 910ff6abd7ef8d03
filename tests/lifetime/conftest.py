"""A server in the clear for programs of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A submission server that wants no login."""
    with ScriptedServer() as server:
        yield server
