"""A shell, and a submission server whose password is in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit._accounts import config
from sendkit.testing import LocalServer
from tests.accounts import write_account

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


@pytest.fixture
def account_of_sendmail(server: LocalServer) -> Iterator[None]:
    """An account in the user's file, and no file of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "SYSTEM_FILE", Path("/nonexistent/sendkit/config.toml"))
        write_account(server)
        yield
