"""The recipes for the frameworks in `examples/` run inside those frameworks, against a real server or the double."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI

from sendkit import (
    AsyncMailer,
    AsyncOutbox,
    Mailer,
    MemoryTransport,
    Message,
    Outbox,
    RetryPolicy,
    errors,
)
from sendkit.celery import mailer
from sendkit.fastapi import Mail, Sender, add_mail, current_sender
from sendkit.testing import LocalServer
from tests.accounts import ANA, EVA, LUIS, OPS, message
from tests.recipes import recipe

BUSY = "450 4.2.0 not now"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A server, and its account in the environment."""
    with LocalServer() as server:
        monkeypatch.setenv("SENDKIT_HOST", server.host)
        monkeypatch.setenv("SENDKIT_PORT", str(server.port))
        monkeypatch.setenv("SENDKIT_USERNAME", server.username)
        monkeypatch.setenv("SENDKIT_PASSWORD", server.password)
        monkeypatch.setenv("SENDKIT_FROM", "app@example.com")
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        yield server


@pytest.fixture
def double() -> MemoryTransport:
    """A server that is none."""
    return MemoryTransport()


class TestDjango:
    """Settings are enough."""

    def test_send_mail_arrives(self, server: LocalServer) -> None:
        program = f"""
import django
django.setup()
from django.conf import settings
from django.core.mail import get_connection, send_mail
for name, value in {{"PORT": {server.port}, "HOST_USER": {server.username!r}}}.items():
    setattr(settings, f"EMAIL_{{name}}", value)
print(send_mail("Hola", "x", None, [{LUIS!r}]), get_connection().mailer)
"""
        root = Path(__file__).parents[1]
        module = {"DJANGO_SETTINGS_MODULE": "examples.django_settings", "PYTHONPATH": str(root)}
        environ = {**os.environ, **module, "EMAIL_HOST": server.host}
        command = [sys.executable, "-c", program]
        ran = subprocess.run(command, cwd=root, env=environ, capture_output=True, encoding="utf-8", check=True)
        assert ran.stdout == f"1 <Mailer {server.username}@{server.host}:{server.port} starttls>\n"
        (sent,) = server.messages
        assert (sent.envelope.recipients, sent.message["From"]) == ((LUIS,), "Example <app@example.com>")


class TestFastAPI:
    """Each outcome is a status of its own."""

    async def post(self, address: str, mailer: AsyncMailer | None = None) -> httpx.Response:
        app = recipe("fastapi_app").create_app(mailer)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example.com") as client,
        ):
            response: httpx.Response = await client.post("/users", json={"address": address})
        return response

    async def test_a_new_user_is_welcomed(self, server: LocalServer) -> None:
        response = await self.post(LUIS)
        assert (response.status_code, response.json()) == (202, {"mail": "look into your mailbox"})
        assert server.messages[0].message["Subject"] == "Welcome!"

    async def test_only_what_the_user_can_correct_is_the_users(
        self, server: LocalServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.on_rcpt(LUIS).reply("550 5.1.1 no such user")
        responses = [await self.post(address) for address in (LUIS, "nobody")]
        assert [response.status_code for response in responses] == [422, 422]
        assert responses[1].json()["detail"] == "to: 'nobody' is not an address"
        assert LUIS in caplog.text
        assert LUIS not in responses[0].text
        server.on_auth().reply("535 5.7.8 wrong")
        assert (await self.post(EVA)).status_code == 503

    async def test_a_test_gives_it_the_double(self, double: MemoryTransport, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDKIT_FROM", ANA)
        double.on_rcpt().reply(BUSY, times=1)
        late = await self.post(LUIS, AsyncMailer(transport=double, retry=RetryPolicy(max_attempts=1)))
        double.after_data().drop(times=1)
        doubtful = await self.post(LUIS, AsyncMailer(transport=double))
        assert (late.status_code, late.headers["Retry-After"], doubtful.status_code) == (503, "600", 202)

    async def test_its_own_lifespan_and_an_override_stay(self, double: MemoryTransport) -> None:
        ran: list[str] = []

        @asynccontextmanager
        async def own(_: FastAPI) -> AsyncIterator[dict[str, str]]:
            ran.append("started")
            yield {"own": "state"}
            ran.append("ended")

        app = FastAPI(lifespan=own)
        add_mail(app, AsyncMailer(transport=double))

        @app.get("/")
        async def endpoint(mail: Mail) -> None:
            await mail.send(message())

        other = MemoryTransport()
        async with (
            app.router.lifespan_context(app) as state,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example.com") as client,
        ):
            assert state == {"own": "state"}
            await client.get("/")
            app.dependency_overrides[current_sender] = lambda: Sender(AsyncMailer(transport=other))
            await client.get("/")
        assert (ran, len(double.sent), len(other.sent)) == (["started", "ended"], 1, 1)

    async def test_with_an_outbox_no_request_waits_for_a_server(self, server: LocalServer, tmp_path: Path) -> None:
        server.on_connect().drop(times=1)
        outbox = AsyncOutbox(tmp_path / "outbox.db", schedule=[0.05])
        app = recipe("fastapi_app").create_app(outbox=outbox)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example.com") as client,
        ):
            responses = [await client.post("/users", json={"address": address}) for address in (LUIS, "nobody")]
            (letter,) = [one async for one in outbox.letters()]
            await outbox.wait(letter.id, timeout=300)
        assert [response.status_code for response in responses] == [202, 422]
        assert [sent.envelope.recipients for sent in server.messages] == [(LUIS,)]


class TestFlask:
    """A visitor hears what to do, and can write to nobody but the owner of the form."""

    FORM = {"address": LUIS, "subject": "Hola", "text": "¿Qué tal?"}  # noqa: RUF012 - never changed

    @pytest.fixture(autouse=True)
    def _owner(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONTACT_TO", OPS)

    def post(self, mailer: Mailer | None = None, **form: str) -> tuple[int, str]:
        app = recipe("flask_app").create_app(mailer)
        try:
            response = app.test_client().post("/contact", data=self.FORM | form)
            return response.status_code, response.text
        finally:
            app.extensions["sendkit"].mailer.close()

    def test_the_message_arrives_with_the_visitor_to_reply_to(self, server: LocalServer) -> None:
        assert self.post() == (202, "Thank you, we have your message.\n")
        (sent,) = server.messages
        assert (sent.envelope.recipients, sent.message["Reply-To"]) == ((OPS,), LUIS)

    def test_with_an_outbox_it_is_kept_and_sent_by_a_worker(self, server: LocalServer, tmp_path: Path) -> None:
        with Outbox(tmp_path / "outbox.db") as outbox:
            app = recipe("flask_app").create_app(outbox=outbox)
            assert app.test_client().post("/contact", data=self.FORM).status_code == 202
            assert server.messages == []
            outbox.drain(app.extensions["sendkit"].mailer)
            app.extensions["sendkit"].mailer.close()
        assert [sent.envelope.recipients for sent in server.messages] == [(OPS,)]

    @pytest.mark.parametrize("wrong", [{"address": "luis"}, {"subject": "x\r\nBcc: eva@example.org"}])
    def test_what_the_visitor_can_mend_is_named(
        self, wrong: dict[str, str], double: MemoryTransport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SENDKIT_FROM", ANA)
        status, text = self.post(Mailer(transport=double), **wrong)
        assert (status, double.sent) == (422, [])
        assert text.startswith("reply_to: " if "address" in wrong else "subject: ")

    @pytest.mark.parametrize(("place", "status"), [("on_rcpt", 503), ("after_data", 202)])
    def test_trouble_is_in_the_log_and_the_visitor_hears_what_to_do(
        self,
        place: str,
        status: int,
        double: MemoryTransport,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("SENDKIT_FROM", ANA)
        rule = getattr(double, place)()
        rule.reply(BUSY) if place == "on_rcpt" else rule.drop()
        code, text = self.post(Mailer(transport=double))
        assert (code, "4.2.0" in text) == (status, False)
        assert OPS in caplog.text


class TestCelery:
    """A retry carries those who have no copy yet, and nobody else."""

    @pytest.fixture
    def tasks(self) -> Iterator[ModuleType]:
        tasks = recipe("celery_tasks")
        tasks.app.conf.task_always_eager = True  # a queue and a worker in this very thread, which waits for nothing
        yield tasks
        if mailer.cache_info().currsize:
            mailer().close()
        mailer.cache_clear()

    def send(self, tasks: ModuleType) -> None:
        tasks.send_later(message(LUIS, OPS))

    def test_the_recipe_queues_a_message(self, tasks: ModuleType, server: LocalServer) -> None:
        tasks.welcome(LUIS)
        assert [sent.envelope.recipients for sent in server.messages] == [(LUIS,)]

    def test_files_and_blind_copies_cross_the_queue(
        self, tasks: ModuleType, server: LocalServer, tmp_path: Path
    ) -> None:
        (tmp_path / "report.csv").write_text("a,b\n", encoding="utf-8")
        files = [tmp_path / "report.csv"]
        tasks.send_later(Message(sender=ANA, to=LUIS, bcc=EVA, text="Hola", attachments=files))
        (sent,) = server.messages
        assert sent.envelope.recipients == (LUIS, EVA)
        assert [part.get_filename() for part in sent.message.iter_attachments()] == ["report.csv"]

    def test_a_message_arrives(self, tasks: ModuleType, server: LocalServer) -> None:
        self.send(tasks)
        assert [sent.envelope.recipients for sent in server.messages] == [(LUIS, OPS)]

    def test_only_the_deferred_are_tried_again_with_the_same_octets(
        self, tasks: ModuleType, server: LocalServer
    ) -> None:
        server.on_rcpt(OPS).reply(BUSY, times=2)
        self.send(tasks)
        first, second = server.messages
        assert (first.envelope.recipients, second.envelope.recipients) == ((LUIS,), (OPS,))
        assert first.content == second.content

    @pytest.mark.parametrize("place", ["on_rcpt", "after_data"])
    def test_what_is_refused_for_good_or_in_doubt_is_not(
        self, place: str, tasks: ModuleType, server: LocalServer
    ) -> None:
        rule = getattr(server, place)()
        rule.reply("550 5.1.1 no such user") if place == "on_rcpt" else rule.drop()
        self.send(tasks)
        commands = [line.text for lines in server.conversations for line in lines if line.who == "C"]
        assert sum(text.startswith("MAIL") for text in commands) == 1

    def test_what_is_in_the_outbox_is_sent_by_a_task(
        self, tasks: ModuleType, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SENDKIT_OUTBOX", str(tmp_path / "outbox.db"))
        with Outbox() as outbox:
            outbox.put(message(LUIS, OPS))
        assert server.messages == []
        (entry,) = tasks.app.conf.beat_schedule.values()
        assert tasks.app.tasks[entry["task"]].delay().get() == 1
        assert [sent.envelope.recipients for sent in server.messages] == [(LUIS, OPS)]

    def test_an_impossible_message_is_not_queued(self, tasks: ModuleType) -> None:
        with pytest.raises(errors.MessageError):
            tasks.welcome("luis")
