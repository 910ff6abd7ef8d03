"""A project that `startproject` made: its own tests, its transactions in SQLite and PostgreSQL, and its checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sendkit.testing import LocalServer
from tests.django.project import mail_settings
from tests.docs.pages import page
from tests.servers.postgresql import PostgreSQL

SETTINGS = """
import json, os
for _name, _value in json.loads(os.environ["SHOP"]).items():
    globals()[_name] = _value
INSTALLED_APPS += ["sendkit.django", "shop"]
ROOT_URLCONF = "shop.views"
"""
VIEWS = """
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpResponse
from django.urls import path

@transaction.atomic
def sign_up(request):
    name = request.GET["name"]
    User.objects.create(username=name)
    send_mail("Welcome!", "Good that you are here.", None, [f"{name}@example.com"])
    if "fail" in request.GET:
        raise ValueError("after the mail")
    return HttpResponse("ok")

async def sign_up_async(request):
    return await sync_to_async(sign_up)(request)

urlpatterns = [path("sync", sign_up), path("async", sign_up_async)]
"""
TESTS = """
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.test import TestCase, TransactionTestCase, override_settings
from sendkit.outbox import Outbox

OURS = {name: settings.OURS[name] for name in settings.OURS}

class UsualTests(TestCase):
    def test_the_outbox_of_django(self):
        with self.assertNumQueries(3):  # SAVEPOINT, INSERT, RELEASE
            self.client.get("/sync", {"name": "luis"})
        self.assertEqual([one.to for one in mail.outbox], [["luis@example.com"]])

    def test_it_is_empty_for_each_test(self):
        self.assertEqual(mail.outbox, [])

    async def test_an_asynchronous_view(self):
        await self.async_client.get("/async", {"name": "luis"})
        self.assertEqual(len(mail.outbox), 1)

@override_settings(**OURS)
class WithOurBackend(TestCase):
    def test_the_queries_are_the_same(self):
        with self.assertNumQueries(3):
            self.client.get("/sync", {"name": "luis"})

@override_settings(**OURS)
class Transactions(TransactionTestCase):
    def put(self):
        from sendkit.django._settings import outbox_of
        return [one.message_id for one in outbox_of("default")[0].letters()]

    def test_what_is_committed_is_put(self):
        self.client.raise_request_exception, before = False, len(self.put())
        for way in ("/sync", "/async"):
            self.assertEqual(self.client.get(way, {"name": "luis" + way[1:]}).status_code, 200)
            self.assertEqual(self.client.get(way, {"name": "eva" + way[1:], "fail": 1}).status_code, 500)
        self.assertEqual(User.objects.count(), 2)
        self.assertEqual(len(self.put()) - before, 2)

    async def test_an_asynchronous_request_commits_and_rolls_back(self):
        self.async_client.raise_request_exception = False
        self.assertEqual((await self.async_client.get("/async", {"name": "mia"})).status_code, 200)
        self.assertEqual((await self.async_client.get("/async", {"name": "ida", "fail": 1})).status_code, 500)
        self.assertEqual(len([one async for one in User.objects.all()]), 1)
"""


class Project:
    """The project in a folder, and its manage.py."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.django("startproject", "site_", str(folder))
        (folder / "shop").mkdir()
        with (folder / "site_" / "settings.py").open("a") as settings:
            settings.write(SETTINGS)
        for name, text in {"__init__": "", "views": VIEWS, "tests": TESTS}.items():
            (folder / "shop" / f"{name}.py").write_text(text)

    def django(self, *words: str) -> None:
        subprocess.run([sys.executable, "-m", "django", *words], check=True, cwd=self.folder)

    def manage(self, settings: dict[str, object], *words: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py with these settings."""
        environ = {**os.environ, "SHOP": json.dumps(settings), "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, env=environ, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("SENDKIT_URL", "SENDKIT_HOST", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """What DATABASES says of a database."""
    if request.param == "sqlite":
        own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
        return {**own, "TEST": {"NAME": str(tmp_path / "test.sqlite3")}}
    running: PostgreSQL = request.getfixturevalue("postgresql_server")
    url = urlsplit(running.new_database())
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.hostname or "",
        "PORT": url.port or "",
    }


def mail_of(server: LocalServer, **own: object) -> dict[str, object]:
    account = {"username": server.username, "password": server.password, "ca_file": str(server.ca_file)}
    return mail_settings(server.host, server.port, **account, **own)


def test_its_own_tests_pass(project: Project, database: dict[str, object], server: LocalServer) -> None:
    ours = mail_of(server, outbox="default")
    ran = project.manage({"DATABASES": {"default": database}, "OURS": ours, **ours}, "test", "--noinput")
    assert ran.returncode == 0, ran.stderr
    assert "Ran 6 tests" in ran.stderr
    assert server.messages == []


def test_what_is_committed_is_sent_and_what_is_rolled_back_is_not(
    project: Project, database: dict[str, object], server: LocalServer
) -> None:
    settings = {"DATABASES": {"default": database}, **mail_of(server, outbox="default")}
    assert project.manage(settings, "migrate").returncode == 0
    program = """
from django.test import Client
client = Client(raise_request_exception=False)
requests = ("sync?name=luis", "sync?name=eva&fail=1", "async?name=mia", "async?name=ida&fail=1")
print([client.get(f"/{one}", headers={"host": "localhost"}).status_code for one in requests])
"""
    ran = project.manage(settings, "shell", "--command", program)
    assert ran.stdout.splitlines()[-1:] == ["[200, 500, 200, 500]"], ran.stdout + ran.stderr
    assert server.messages == []
    drained = project.manage(settings, "sendkit_outbox", "--drain")
    assert drained.returncode == 0, drained.stderr
    assert sorted(sent.envelope.recipients[0] for sent in server.messages) == ["luis@example.com", "mia@example.com"]


def test_the_page_shows_what_check_says_of_a_wrong_password(project: Project, server: LocalServer) -> None:
    server.on_auth().reply("535 5.7.8 authentication failed")
    ran = project.manage(mail_of(server), "check", "--tag", "sendkit", "--deploy")
    said = ran.stderr.partition("\n\nWARNINGS:")[0].replace(f"{server.host}:{server.port}", "smtp.example.com:587")
    said = said.replace("OPTIONS of MAILERS['default']", "EMAIL_HOST_PASSWORD")
    said = re.sub(r"EMAIL_BACKEND|MAILERS\['default'\]", "EMAIL_BACKEND", said).replace(server.host, "smtp.example.com")
    (block,) = [one.text for one in page("frameworks.md").blocks if one.section == "Checks"]
    assert (ran.returncode, block) == (1, f"$ python manage.py check --tag sendkit --deploy\n{said}\n")
    assert server.password not in ran.stderr
