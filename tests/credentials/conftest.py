"""Fixtures that choose a keyring for one test, or start an authorization server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keyring.backend
import keyring.core
import pytest

from tests.credentials.helpers import ENTRY, PASSWORD, Silent
from tests.servers.token_server import TokenServer

Choose = Callable[[keyring.backend.KeyringBackend | None], None]


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Choose:
    """Choose a backend as `keyring.set_keyring` does, for one test; None lets keyring choose once more."""
    return lambda backend: monkeypatch.setattr(keyring.core, "_keyring_backend", backend)


@pytest.fixture
def silent() -> Iterator[Silent]:
    """A keyring that is locked until the test ends, or unlocks it."""
    backend = Silent({ENTRY: PASSWORD})
    yield backend
    backend.unlocked.set()


@pytest.fixture
def server() -> Iterator[TokenServer]:
    """An authorization server on this machine."""
    with TokenServer() as server:
        yield server
