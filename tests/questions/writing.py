"""What a message is made of, and where it goes to be looked at: questions 12 to 14, 16 to 19, 23, 24 and 28."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from sendkit import Attachment, Mailer, Message, Outbox, Unsubscribe
from sendkit import _sync as face
from sendkit.testing import LocalServer, MemoryMailbox

from .stage import ANA, LETTER, LUIS, Stage

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)


def tested(stage: Stage) -> None:
    """A program under test that names a real server, and one that does not; a command line that sends nowhere."""
    with MemoryMailbox() as mailbox:
        stage.program(lambda: Mailer("smtp.example.com").send(stage.message()))
        mailbox.stands_for("smtp.example.com")
        stage.program(lambda: Mailer("smtp.example.com").send(stage.message()))
    stage.command("send", *LETTER, "--dry-run")


def in_a_loop(stage: Stage) -> None:
    """The synchronous mailer inside an event loop."""

    async def program(server: LocalServer) -> object:
        with Mailer(server.server, username=server.username, password=server.password) as mailer:
            return mailer.send(stage.message())

    face._warned.clear()  # pyright: ignore[reportPrivateUsage] - it warns once in a process
    with LocalServer() as server:
        stage.program(lambda: asyncio.run(program(server)))


def queued(stage: Stage) -> None:
    """A message as text for a queue of your own, and the outbox."""
    stage.program(lambda: stage.message().to_json())
    with Outbox(stage.folder / "outbox.db", account="ana@example.com@smtp.example.com:587") as outbox:
        stage.program(lambda: outbox.put(stage.message()))
    stage.command("outbox", "--help")


def file_names(stage: Stage) -> None:
    """A name with a letter that ASCII lacks, as it arrives."""
    path = stage.folder / "informe año.pdf"
    path.write_bytes(b"%PDF-")
    with LocalServer() as server:
        with Mailer(server.server, username=server.username, password=server.password) as mailer:
            mailer.send(stage.message(attachments=[Attachment.from_path(path)]))
        stage.program(lambda: server.wait_for()[0].attachments[0].filename)
    stage.command("send", *LETTER, "-a", path, "--dry-run")


def pictures(stage: Stage) -> None:
    """A picture inside the html."""
    html = f'<p>Hola</p><img alt="" src="data:image/png;base64,{base64.b64encode(_PIXEL).decode()}">'
    path = stage.folder / "hola.html"
    path.write_text(html)
    stage.program(lambda: stage.message(html=html).as_bytes().decode())
    stage.command("send", "-f", ANA, "-t", LUIS, "-s", "Hola", "--html", path, "--dry-run")


def tables(stage: Stage) -> None:
    """A table as data, without a word of html."""
    from sendkit.report import Report, Table  # noqa: PLC0415 - an extra

    rows = [{"region": "north", "sold": 12}, {"region": "south", "sold": 7}]
    stage.program(lambda: Report("Sales", [Table(rows)]).message(sender=ANA, to=LUIS).html)
    stage.command(
        "report", "--title", "Sales", "-f", ANA, "-t", LUIS, "--dry-run", stdin="region,sold\nnorth,12\nsouth,7\n"
    )


def alternative(stage: Stage) -> None:
    """Html alone."""
    html = "<p>Hola, <b>Luis</b></p>"
    path = stage.folder / "hola.html"
    path.write_text(html)
    stage.program(lambda: Message(sender=ANA, to=LUIS, subject="Hola", html=html).as_bytes().decode())
    stage.command("send", "-f", ANA, "-t", LUIS, "-s", "Hola", "--html", path, "--dry-run")


def recipients(stage: Stage) -> None:
    """A list as Outlook writes it."""
    stage.program(lambda: stage.message(f"{LUIS}; {ANA}"))
    stage.command("send", "-f", ANA, "-t", f"{LUIS}; {ANA}", "-s", "Hola", "--text", "Hola")


def injection(stage: Stage) -> None:
    """A subject with a line end in it."""
    stage.program(lambda: stage.message(subject="Hola\r\nBcc: eva@example.org"))
    stage.command("send", "-f", ANA, "-t", LUIS, "-s", "Hola\r\nBcc: eva@example.org", "--text", "Hola")


def signing(stage: Stage) -> None:
    """Bulk mail without a signature of the sender's domain."""
    bulk: dict[str, Any] = {"unsubscribe": Unsubscribe("https://example.com/u/1")}
    with stage.server() as server, Mailer(stage.place(server)) as mailer:
        stage.program(lambda: "\n".join(map(str, mailer.preflight(stage.message(**bulk)))))
