"""The hook, the mail backend and the recipe run inside Airflow itself, with a connection of its own.

Airflow pins most of its dependencies, so it has an environment of its own: AIRFLOW_PYTHON names its Python, and
otherwise one is made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit.testing import LocalServer
from tests.accounts import ANA, EVA, LUIS, OPS

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Airflow and this very code."""
    if (named := os.environ.get("AIRFLOW_PYTHON")) is not None:
        return Path(named)
    folder = tmp_path_factory.mktemp("airflow")
    python, pip = folder / "bin" / "python", ["-m", "pip", "install", "--quiet"]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, *pip, "apache-airflow>=3.1,<4"], check=True)
    subprocess.run([python, *pip, str(ROOT)], check=True)
    return python


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def run(python: Path, program: str, server: LocalServer, folder: Path, kind: str = "sendkit") -> str:
    """What a program says that finds this server as the connection `smtp_default`."""
    login = {"login": server.username, "password": server.password, "conn_type": kind}
    extra = {"ca_file": str(server.ca_file), "deadline": 60, **({"retry_limit": 5} if kind == "smtp" else {})}
    connection = {"host": server.host, "port": server.port, **login, "extra": extra}
    environ = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "examples"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__EMAIL__EMAIL_BACKEND": "sendkit.airflow.send_email",
        "AIRFLOW__EMAIL__FROM_EMAIL": "Airflow <app@example.com>",
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(connection),
    }
    ran = subprocess.run(
        [python, "-c", program], env=environ, cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout


@pytest.mark.parametrize("kind", ["sendkit", "smtp"])
def test_a_connection_of_either_type_is_an_account(
    kind: str, python: Path, server: LocalServer, tmp_path: Path
) -> None:
    server.on_rcpt(OPS).reply("550 5.1.1 no such user")
    program = f"""
from sendkit import Message
from sendkit.airflow import SendkitHook
hook = SendkitHook()
result = hook.send(Message(sender="app@example.com", to=[{LUIS!r}, {OPS!r}], text="x"), check=False)
print([one.address for one in result.rejected], hook.test_connection()[0], server := hook.get_conn())
"""
    said = run(python, program, server, tmp_path, kind)
    assert f"['{OPS}'] True <Mailer {server.username}@{server.host}:{server.port} starttls>" in said
    assert server.password not in said
    assert [sent.envelope.recipients for sent in server.messages] == [(LUIS,)]


def test_an_unknown_name_in_the_extra_is_an_error(python: Path, server: LocalServer, tmp_path: Path) -> None:
    program = """
from sendkit.airflow import SendkitHook
import json, os
connection = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
os.environ["AIRFLOW_CONN_OTHER"] = json.dumps({**connection, "extra": {"dedline": 1}})
try:
    SendkitHook("other").get_conn()
except Exception as error:
    print(type(error).__name__, error)
"""
    said = run(python, program, server, tmp_path)
    assert "dedline" in said
    assert "deadline" in said


def test_mail_of_airflow_takes_the_same_way(python: Path, server: LocalServer, tmp_path: Path) -> None:
    program = f"""
from airflow.utils.email import send_email
more = {{"files": ["report.csv"], "cc": "{EVA}", "custom_headers": {{"X-Job": "1"}}}}
send_email("{LUIS}, {ANA}", "Alert", "<p>It failed.</p>", **more)
"""
    (tmp_path / "report.csv").write_text("a,b\n", encoding="utf-8")
    run(python, program, server, tmp_path)
    (sent,) = server.messages
    assert sent.envelope.recipients == (LUIS, ANA, EVA)
    assert (sent.message["From"], sent.message["X-Job"]) == ("Airflow <app@example.com>", "1")
    assert [part.get_filename() for part in sent.message.iter_attachments()] == ["report.csv"]


def test_the_recipe_sends_from_a_task_of_a_dag(python: Path, server: LocalServer, tmp_path: Path) -> None:
    program = f"""
import importlib, subprocess, sys
sys.path.insert(0, {str(ROOT / "examples")!r})
subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
print("state:", importlib.import_module("airflow_dag").nightly_mail.test().state)
"""
    assert "state: success" in run(python, program, server, tmp_path)
    assert [sent.envelope.recipients for sent in server.messages] == [(OPS,)]


def test_airflow_lists_the_hook_among_its_providers(python: Path, server: LocalServer, tmp_path: Path) -> None:
    program = """
import subprocess, sys
listed = [sys.executable, "-m", "airflow", "providers", "hooks", "--output", "json"]
print(subprocess.run(listed, check=True, capture_output=True, text=True).stdout)
"""
    assert "sendkit.airflow.SendkitHook" in run(python, program, server, tmp_path)
