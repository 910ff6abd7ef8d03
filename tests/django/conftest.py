"""Django, set up once for the process, with a server for its mail."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from sendkit.testing import LocalServer
from tests.django.project import configure, mail_settings


@pytest.fixture(autouse=True, scope="session")
def _django() -> None:
    if not settings.configured:
        configure(str(Path(tempfile.mkdtemp(), "django.sqlite3")))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A server, and the settings of mail for it."""
    for name in ("SENDKIT_URL", "SENDKIT_HOST"):
        monkeypatch.delenv(name, raising=False)
    with LocalServer() as server, override_settings(**settings_for(server)):
        yield server


def settings_for(server: LocalServer, **own: object) -> dict[str, object]:
    """The settings of mail for this server."""
    account = {"username": server.username, "password": server.password}
    return mail_settings(server.host, server.port, **account, ca_file=str(server.ca_file), **own)
