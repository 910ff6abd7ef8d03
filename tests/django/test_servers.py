"""Under the servers that people run Django with, several requests at a time: each view's mail arrives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from sendkit import Mailer, Outbox
from sendkit.testing import LocalServer
from tests.accounts import OPS

ROOT = Path(__file__).parents[2]
GUNICORN = ["-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1"]
UVICORN = ["-m", "uvicorn", "--port", "0", "tests.django.project:asgi"]
SERVERS = {
    "gthread": [*GUNICORN, "--worker-class", "gthread", "--threads", "4", "tests.django.project:application"],
    "gevent": [*GUNICORN, "--worker-class", "gevent", "tests.django.project:application"],
    "uvicorn": UVICORN,
}
REQUESTS = 8


@contextmanager
def running(name: str, facts: dict[str, object], log: Path) -> Iterator[str]:
    """The URL at which the project answers."""
    environ = {**os.environ, "DJANGO_MAIL": json.dumps(facts), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, *SERVERS[name]], env=environ, cwd=ROOT, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        if found := re.search(r"(?:Listening at:|running on) (http://127\.0\.0\.1:\d+)", log.read_text()):
            return found[1]
    pytest.fail(log.read_text())


def ask(url: str, log: Path) -> None:
    """So many requests at the same time."""

    def one(number: int) -> bool:
        with urlopen(f"{url}?to=user{number}@example.invalid", timeout=120) as response:
            return bool(json.load(response)["ok"])

    with ThreadPoolExecutor(REQUESTS) as pool:
        assert all(pool.map(one, range(REQUESTS))), log.read_text()


def facts_of(server: LocalServer, folder: Path, **own: object) -> dict[str, object]:
    account = {"username": server.username, "password": server.password, "ca_file": str(server.ca_file)}
    return {"host": server.host, "port": server.port, "database": str(folder / "django.db"), **account, **own}


@pytest.mark.parametrize(
    ("name", "view"), [("gthread", "sent"), ("gevent", "sent"), ("uvicorn", "sent"), ("uvicorn", "async")]
)
def test_mail_of_many_requests_arrives(name: str, view: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with LocalServer() as server:
        with running(name, facts_of(server, tmp_path), log) as url:
            ask(f"{url}/{view}", log)
        assert len(server.messages) == REQUESTS
        assert len(server.conversations) <= 4  # as many as one mailer may open


@pytest.mark.parametrize("name", SERVERS)
def test_mail_of_many_requests_is_put(name: str, tmp_path: Path) -> None:
    place, log = tmp_path / "outbox.db", tmp_path / "log"
    with LocalServer() as server:
        with running(name, facts_of(server, tmp_path, outbox=str(place)), log) as url:
            ask(f"{url}/put", log)
        assert server.messages == []
        account = f"{server.username}@{server.host}:{server.port}"
        with (
            Outbox(place) as outbox,
            Mailer(server.server, username=server.username, password=server.password) as mailer,
        ):
            outbox.drain(mailer, account=account)
        assert len(server.messages) == REQUESTS
        assert OPS not in str(server.messages)
