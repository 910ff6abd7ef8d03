"""Each example runs as its reader would run it, against a real server, and does what it says.

The account is in the environment; SSL_CERT_FILE, which OpenSSL reads, makes the server's own authority a trusted one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit.testing import LocalServer
from tests.preloaded import FILE, STRICT, started
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
LUIS, MIA, EVA = "luis@example.com", "mia@example.net", "eva@example.org"


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def environment(server: LocalServer, **more: str) -> dict[str, str]:
    """The account of this server, as an example finds it."""
    account = {
        "SENDKIT_HOST": server.host,
        "SENDKIT_PORT": str(server.port),
        "SENDKIT_USERNAME": server.username,
        "SENDKIT_PASSWORD": server.password,
        "SENDKIT_FROM": "Ana <ana@example.com>",
        "SSL_CERT_FILE": str(server.ca_file),
    }
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **account, **more}


def run(name: str, *arguments: object, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run an example in a process of its own, in which every warning is an error."""
    words = [str(EXAMPLES / name), *map(str, arguments)]
    with started(STRICT, FILE, *words, environment=environ) as child:
        output, errors = child.communicate(timeout=300)
    return subprocess.CompletedProcess(words, child.returncode or 0, output, errors)


def received_by(server: LocalServer) -> list[str]:
    """Whom the server took messages for, one entry for each copy."""
    return sorted(recipient for sent in server.messages for recipient in sent.envelope.recipients)


class TestCronReport:
    """A report from cron is silent when all is well, and otherwise says what to do."""

    def run(self, server: LocalServer, *folders: object, **more: str) -> subprocess.CompletedProcess[str]:
        environ = environment(server, **{"REPORT_TO": f"Luis <{LUIS}>, {MIA}", **more})
        return run("cron_report.py", *folders, environ=environ)

    def test_the_report_arrives_whole_and_nothing_is_printed(self, server: LocalServer, tmp_path: Path) -> None:
        ran = self.run(server, tmp_path)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        (sent,) = server.messages
        html, text = sent.message.get_body(("html",)), sent.message.get_body(("plain",))
        assert html is not None
        assert text is not None
        assert f"<td>{tmp_path}</td>" in html.get_content()
        assert str(tmp_path) in text.get_content()
        (attachment,) = sent.message.iter_attachments()
        assert attachment.get_filename() == "disks.csv"
        assert attachment.get_content().lstrip("\ufeff").splitlines()[0] == "folder,size (GB),free (GB),used"

    def test_the_exit_code_says_refused_and_the_output_by_whom(self, server: LocalServer) -> None:
        server.on_rcpt(MIA).reply("550 5.1.1 no such user")
        ran = self.run(server)
        assert ran.returncode == 69
        assert f"{MIA}: rejected (550 5.1.1 no such user)" in ran.stderr
        assert "REPORT_TO=" not in ran.stderr

    def test_in_doubt_has_a_code_of_its_own(self, server: LocalServer) -> None:
        server.after_data().drop()
        ran = self.run(server)
        assert (ran.returncode, len(server.messages)) == (76, 1)
        assert "look for its Message-ID" in ran.stderr

    def test_who_is_deferred_is_named_for_the_next_run(self, server: LocalServer) -> None:
        server.on_starttls().reply("502 5.5.1 not today")
        ran = self.run(server)
        assert ran.returncode == 75
        assert f"REPORT_TO={LUIS},{MIA}" in ran.stderr
        assert "hint: " in ran.stderr

    @pytest.mark.parametrize(
        ("setting", "code"),
        [({"REPORT_TO": "luis@"}, 65), ({"SENDKIT_PORT": "x"}, 78), ({"SENDKIT_PASSWORD": "no"}, 77)],
    )
    def test_what_a_person_must_mend_has_its_code(
        self, server: LocalServer, setting: dict[str, str], code: int
    ) -> None:
        ran = self.run(server, **setting)
        assert (ran.returncode, server.messages) == (code, [])
        assert "hint: " in ran.stderr


class TestAsyncApp:
    """Several tasks confirm orders through one mailer, and each outcome has its consequence."""

    def test_every_order_is_confirmed_once(self, server: LocalServer) -> None:
        customers = [f"customer{number}@example.com" for number in range(8)]
        ran = run("async_app.py", *customers, environ=environment(server))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert received_by(server) == customers
        assert {sent.message["Subject"] for sent in server.messages} == {f"Order {number}" for number in range(1, 9)}

    def test_a_refused_customer_stops_none_of_the_others(self, server: LocalServer) -> None:
        server.on_rcpt(MIA).reply("550 5.1.1 no such user")
        ran = run("async_app.py", LUIS, MIA, EVA, "nobody", environ=environment(server))
        assert ran.returncode == 1
        assert set(ran.stdout.splitlines()) == {
            f"order 1 ({LUIS}): confirmed",
            f"order 2 ({MIA}): a person must look at it",
            f"order 3 ({EVA}): confirmed",
            "order 4 (nobody): a person must look at it",
        }
        assert received_by(server) == [EVA, LUIS]

    def test_what_is_in_doubt_is_not_sent_again(self, server: LocalServer) -> None:
        server.after_data().drop()
        ran = run("async_app.py", LUIS, environ=environment(server))
        assert ran.stdout == f"order 1 ({LUIS}): ask the customer before sending again\n"
        assert received_by(server) == [LUIS]

    def test_the_deadline_ends_the_retries(self, server: LocalServer) -> None:
        server.on_rcpt(LUIS).reply("450 4.2.0 greylisted")
        ran = run("async_app.py", LUIS, environ=environment(server, SHOP_PATIENCE="0.5"))
        assert ran.stdout == f"order 1 ({LUIS}): send again later\n"
        assert server.messages == []


class TestSignUp:
    """The application with its test suite: the suite passes, and the application works."""

    def test_the_suite_passes_with_the_plugin_alone(self, tmp_path: Path) -> None:
        (tmp_path / "test_signup.py").write_bytes((EXAMPLES / "test_signup.py").read_bytes())
        plugin = ["-p", "sendkit.testing.plugin", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(tmp_path)]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-m", "pytest", "-q", *plugin]
        ran = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, encoding="utf-8", check=False, timeout=300
        )
        assert "5 passed" in ran.stdout, ran.stdout + ran.stderr

    def test_the_application_signs_up_a_real_user(self, server: LocalServer) -> None:
        server.on_rcpt(MIA).reply("550 5.1.1 no such user")
        ran = run("test_signup.py", LUIS, MIA, environ=environment(server))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.splitlines() == [
            f"{LUIS}: look into your mailbox",
            f"{MIA}: this address does not take mail: is it right?",
        ]
        assert received_by(server) == [LUIS]


def asked_for(server: LocalServer, recipient: str) -> bool:
    """Whether the server has been asked to take a message for this recipient."""
    return any(f"RCPT TO:<{recipient}>" in line.text for lines in server.conversations for line in lines)


class TestBulkSend:
    """A bulk send may be run again, whatever ended it, and nobody gets two."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[Path, Path]:
        letter, readers = tmp_path / "letter.txt", tmp_path / "readers.txt"
        letter.write_text("News – 日本\n\nWhat is new.\n", encoding="utf-8")
        readers.write_text(f"Luis <{LUIS}>\n{MIA}\n\n{EVA}\n", encoding="utf-8")
        return letter, readers

    def test_every_reader_is_served_once_however_often_it_is_run(
        self, server: LocalServer, files: tuple[Path, Path]
    ) -> None:
        for _ in range(2):
            ran = run("bulk_send.py", *files, environ=environment(server))
            assert (ran.returncode, ran.stdout) == (0, "")
            assert "3 accepted" in ran.stderr
        assert received_by(server) == [EVA, LUIS, MIA]
        assert {sent.message["Subject"] for sent in server.messages} == {"News – 日本"}

    def test_what_was_ended_half_way_is_taken_up_again(self, server: LocalServer, files: tuple[Path, Path]) -> None:
        """Killed while the server has taken some of twenty letters."""
        letter, readers = files
        readers.write_text("".join(f"reader{number}@example.com\n" for number in range(20)))
        server.on_rcpt("reader5@example.com").silence(times=1)
        words = [str(EXAMPLES / "bulk_send.py"), str(letter), str(readers)]
        with started(STRICT, FILE, *words, environment=environment(server)) as sending:
            wait_until(lambda: len(server.messages) >= 3 and asked_for(server, "reader5@example.com"))
            sending.kill()
        ran = run("bulk_send.py", letter, readers, environ=environment(server))
        taken = received_by(server)
        assert len(taken) == len(set(taken))
        assert int(re.findall(r"(\d+) accepted", ran.stderr)[0]) >= 16  # the others are in doubt, one a connection

    def test_a_login_that_is_refused_holds_all_letters(self, server: LocalServer, files: tuple[Path, Path]) -> None:
        ran = run("bulk_send.py", *files, environ=environment(server, SENDKIT_PASSWORD="wrong"))
        assert (ran.returncode, server.messages) == (1, [])
        assert "535 5.7.8" in ran.stderr
        assert sum("AUTH PLAIN" in line.text for lines in server.conversations for line in lines) == 1

    def test_refused_and_in_doubt_are_not_sent_again(self, server: LocalServer, files: tuple[Path, Path]) -> None:
        server.on_rcpt(MIA).reply("550 5.1.1 no such user")
        server.after_data().drop(times=1)
        for _ in range(2):
            ran = run("bulk_send.py", *files, environ=environment(server))
            assert ran.returncode == 1
            assert all(text in ran.stderr for text in ("1 accepted", "1 rejected", "1 in doubt"))
        assert len(server.messages) == 2  # one of them is that of which nobody knows

    def test_a_reader_who_is_no_mailbox_stops_all_before_the_first(
        self, server: LocalServer, files: tuple[Path, Path]
    ) -> None:
        files[1].write_text(f"{LUIS}\nnobody\n")
        ran = run("bulk_send.py", *files, environ=environment(server))
        assert ran.stderr.startswith("nothing was sent: to: ")
        assert (ran.returncode, server.messages) == (1, [])


def test_every_example_is_run_here_or_among_the_recipes() -> None:
    folder = Path(__file__).parent
    others = ("test_recipes.py", "test_recipe_http.py", "test_airflow.py", "report/test_docs.py")
    tests = [Path(__file__), *(folder / name for name in others)]
    here = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert all(re.search(rf'["(.]{example.stem}[.")]', here) for example in EXAMPLES.glob("*.py"))
    assert len(list(EXAMPLES.glob("*.py"))) == 12


def test_the_mail_merge_writes_to_each_row_what_is_its_own(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Invoice for $name\nDear $name,\nyou owe us $$$amount.\n", encoding="utf-8")
    (tmp_path / "readers.csv").write_text(f"address,name,amount\n{LUIS},Luis,7\n{MIA},Mia,9\n", encoding="utf-8")
    (tmp_path / "terms.pdf").write_bytes(b"%PDF" + bytes(100_000))
    files = [tmp_path / name for name in ("letter.txt", "readers.csv", "terms.pdf")]
    done = run("mail_merge.py", *files, environ=environment(server))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [f"{LUIS}: accepted", f"{MIA}: accepted"]
    bodies = {sent.message["Subject"]: sent.message.get_body() for sent in server.messages}
    assert {subject: body.get_content() for subject, body in bodies.items() if body is not None} == {
        "Invoice for Luis": "Dear Luis,\nyou owe us $7.\n",
        "Invoice for Mia": "Dear Mia,\nyou owe us $9.\n",
    }


def test_the_mail_merge_sends_nothing_when_a_column_is_missing(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Invoice\nDear $name\n", encoding="utf-8")
    (tmp_path / "readers.csv").write_text(f"address\n{LUIS}\n", encoding="utf-8")
    done = run("mail_merge.py", tmp_path / "letter.txt", tmp_path / "readers.csv", environ=environment(server))
    assert done.returncode == 1
    assert "$name" in done.stderr
    assert server.messages == []
