"""`python -m tests.docs.pictures`: draw the pictures of docs/ again."""

from __future__ import annotations

import re
import sys
import tempfile

from sendkit.testing import LocalServer
from tests.docs.pages import ROOT
from tests.docs.pictures.drawings import floors, life, outbox
from tests.docs.pictures.terminal import picture, recorded

FOLDER = ROOT / "docs"
_SENDKIT = [sys.executable, "-m", "sendkit"]


def demo() -> str:
    """The demo, without what is of this run alone."""
    shown = "$ sendkit demo\n" + recorded([*_SENDKIT, "demo"])
    shown = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:2525", shown)
    shown = re.sub(r"\S*sendkit-demo-\w+/", "received/", shown)
    return picture("sendkit demo", shown.partition("The same with your own account")[0])


def doctor() -> str:
    """The doctor at a server with a wrong password."""
    with LocalServer(username="ana@example.com") as server, tempfile.TemporaryDirectory() as folder:
        environment = {"SENDKIT_PASSWORD": "wrong", "SENDKIT_CA_FILE": str(server.ca_file), "XDG_STATE_HOME": folder}
        place = f"{server.host}:{server.port}"
        shown = recorded([*_SENDKIT, "doctor", "--host", place, "--user", "ana@example.com"], **environment)
    shown = shown.replace(place, "smtp.example.com:587").replace(server.host, "smtp.example.com")
    return picture("sendkit doctor", f"$ sendkit doctor --host smtp.example.com --user ana@example.com\n{shown}")


DRAWN = {"life.svg": life, "outbox-states.svg": outbox, "floors.svg": floors}
RECORDED = {"demo.svg": demo, "doctor.svg": doctor}

if __name__ == "__main__":
    for name, draw in (DRAWN | RECORDED).items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
