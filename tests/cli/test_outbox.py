"""`sendkit outbox` sends what was put, shows it, and takes orders; in tests it is the outbox of a temporary folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.testing import LocalServer

from .shell import Shell

ROOT = Path(__file__).parents[2]
USER = "ana@example.com"


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The outbox that the environment names."""
    path = tmp_path / "outbox.db"
    monkeypatch.setenv("SENDKIT_OUTBOX", str(path))
    return path


@pytest.fixture
def outbox(where: Path) -> Iterator[Outbox]:
    with Outbox(account="test") as outbox:
        yield outbox


def message(to: str = "luis@example.com") -> Message:
    return Message(sender=USER, to=to, subject="Hola", text="x")


def in_environment(server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make this server the account of the environment."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(Path(server.ca_file).read_bytes())
    for name, value in {
        "SENDKIT_HOST": server.host,
        "SENDKIT_PORT": str(server.port),
        "SENDKIT_USERNAME": server.username,
        "SSL_CERT_FILE": str(authority),
    }.items():
        monkeypatch.setenv(name, value)


class TestRun:
    def test_once_sends_what_is_due_and_ends_with_0(
        self, shell: Shell, server: LocalServer, where: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        in_environment(server, monkeypatch, tmp_path)
        with Outbox() as outbox:
            outbox.put(message())
        answer = shell("outbox", "run", "--once")
        assert (answer.code, answer.out) == (0, "1 attempts made; 1 settled\n")
        assert len(server.messages) == 1

    def test_once_ends_with_75_where_letters_wait_and_77_where_the_account_cannot_log_in(
        self, shell: Shell, server: LocalServer, where: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        in_environment(server, monkeypatch, tmp_path)
        server.on_mail().reply("451 4.3.0 later", times=1)
        with Outbox() as outbox:
            outbox.put(message())
        assert shell("outbox", "run", "--once").code == 75
        shell("outbox", "pause")
        answer = shell("outbox", "run", "--once")
        assert (answer.code, "everything is paused: a person said so" in answer.err) == (75, True)
        shell("outbox", "resume")
        monkeypatch.setenv("SENDKIT_PASSWORD", "wrong")
        assert "1 letters are tried now" in shell("outbox", "flush").out
        answer = shell("outbox", "run", "--once")
        assert answer.code == 77
        assert "cannot log in" in answer.err

    @pytest.mark.skipif(os.name != "posix", reason="SIGTERM is POSIX's")
    def test_sigterm_ends_it_after_what_is_in_progress(
        self, server: LocalServer, where: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        in_environment(server, monkeypatch, tmp_path)
        with Outbox() as outbox:
            receipt = outbox.put(message())
            command = [sys.executable, "-m", "sendkit", "outbox", "run"]
            environ = {**os.environ, "PYTHONPATH": str(ROOT)}
            with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as worker:
                assert worker.stdout is not None
                assert worker.stdout.readline().startswith("ready: ")
                assert outbox.wait(receipt, timeout=300).ok
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(timeout=300) == 0


class TestQuestions:
    def test_list_shows_a_letter_in_a_line(self, shell: Shell, outbox: Outbox) -> None:
        receipt = outbox.put(message())
        assert receipt.id[:12] in shell("outbox", "list").out
        assert shell("outbox", "list", "--recipient", "nobody@example.com").out == "no letters\n"
        told = json.loads(shell("outbox", "list", "--state", "ready", "--json").out)
        assert (told["id"], told["recipients"][0]["state"]) == (receipt.id, "waiting")

    def test_what_is_in_doubt_is_shown_with_what_a_person_needs_to_decide(self, shell: Shell, outbox: Outbox) -> None:
        transport = MemoryTransport()
        transport.after_data().drop()
        receipt = outbox.put(message())
        with Mailer(transport=transport) as mailer:
            outbox.drain(mailer)
        said = shell("outbox", "list", "--in-doubt").out
        assert all(word in said for word in ("luis@example.com", str(receipt.message_id), "memory", "retry", "forget"))
        assert shell("outbox", "wait", receipt.id, "--timeout", "1").code == 76

    def test_status_tells_the_whole_history(self, shell: Shell, outbox: Outbox) -> None:
        transport = MemoryTransport()
        transport.on_rcpt().reply("450 4.2.0 greylisted")
        receipt = outbox.put(message(), key="order-7")
        with Mailer(transport=transport) as mailer:
            outbox.drain(mailer)
        said = shell("outbox", "status", receipt.id[:8]).out
        assert all(word in said for word in ("order-7", "450 4.2.0 greylisted", "waiting", "next try"))
        assert json.loads(shell("outbox", "status", receipt.id, "--json").out)["history"]

    def test_an_unknown_letter_is_64(self, shell: Shell, outbox: Outbox) -> None:
        answer = shell("outbox", "status", "nobody")
        assert (answer.code, answer.out) == (64, "")

    def test_the_doctor_says_that_nobody_works(self, shell: Shell, outbox: Outbox) -> None:
        assert shell("outbox", "doctor").code == 0
        outbox.put(message())
        answer = shell("outbox", "doctor")
        assert answer.code == 75
        assert "no worker is there" in answer.out
        assert json.loads(shell("outbox", "doctor", "--json").out)["version"] == 3

    def test_counts_are_json_too(self, shell: Shell, outbox: Outbox) -> None:
        outbox.put(message())
        assert json.loads(shell("outbox", "counts", "--json").out)["letters"]["ready"] == 1
        assert "ready     1" in shell("outbox", "counts").out


class TestOrders:
    @pytest.mark.parametrize(
        ("action", "state"), [("cancel", "settled"), ("hold", "held"), ("retry", "ready"), ("forget", "ready")]
    )
    def test_an_order_says_what_came_of_it(self, shell: Shell, outbox: Outbox, action: str, state: str) -> None:
        receipt = outbox.put(message())
        answer = shell("outbox", action, receipt.id)
        assert (answer.code, answer.err) == (0, "")
        assert state in answer.out
        assert outbox.status(receipt).state == state

    def test_lanes_are_paused_and_limited(self, shell: Shell, outbox: Outbox) -> None:
        for arguments in (
            ("pause", "news"),
            ("resume", "news"),
            ("rate", "news", "30/minute"),
            ("rate", "news", "none"),
        ):
            assert shell("outbox", *arguments).code == 0
        assert shell("outbox", "rate", "news", "fast").code == 78
        assert shell("outbox", "pause").code == 0
        assert outbox.counts().paused

    def test_purge_and_migrate(self, shell: Shell, outbox: Outbox) -> None:
        outbox.put(message())
        assert "0 letters" in shell("outbox", "purge", "--rows-after", "0").out
        assert "version 3" in shell("outbox", "migrate").out
        assert "create table sendkit_letter" in shell("outbox", "migrate", "--sql").out


def test_a_password_in_the_arguments_is_refused_and_not_repeated(shell: Shell) -> None:
    answer = shell("outbox", "list", "--database", "postgresql://ana:verysecret@db/mail")
    assert answer.code == 78
    assert "verysecret" not in answer.out + answer.err
    assert "PGPASSFILE" in answer.err


def test_an_action_is_needed(shell: Shell) -> None:
    assert shell("outbox").code == 64


def test_the_demo_tells_the_story_to_its_end(shell: Shell) -> None:
    answer = shell("demo", "--outbox")
    assert (answer.code, answer.err) == (0, "")
    assert all(word in answer.out for word in ("later", "accepted  luis@", "expired   mia@", "What was tried:"))
    assert shell("demo", "--outbox", "--keep", "x").code == 64
