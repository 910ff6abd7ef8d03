"""A shell, and a submission server whose password is in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendkit.testing import LocalServer

from .shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:
        monkeypatch.setenv("SENDKIT_PASSWORD", server.password)
        yield server
