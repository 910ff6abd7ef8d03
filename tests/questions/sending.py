"""What happens while a message is sent: questions 6, 7, 10, 11, 15, 20, 21, 22, 25, 26 and 30."""

from __future__ import annotations

from sendkit import Attachment, Mailer, MemoryTransport, RetryPolicy, Server, Timeouts
from tests.servers.scripted import ScriptedServer

from .stage import ANA, LUIS, OPS, Stage


def closed(stage: Stage) -> None:
    """The connection ends in the middle of MAIL, twice, where one command goes out at a time."""
    with stage.server(capabilities_in_tls=("8BITMIME", "AUTH PLAIN")) as server:
        server.on_mail().drop()
        stage.sends(server, retry=RetryPolicy(max_attempts=2))
        stage.types(server, "--retries", "1")


def too_many(stage: Stage) -> None:
    """Gmail puts the login off."""
    with stage.server() as server:
        server.on_auth().reply("454 4.7.0 Too many login attempts, please try again later. x1-20020a5d gsmtp")
        stage.sends(server)
        stage.types(server)


def in_doubt(stage: Stage) -> None:
    """The connection ends behind the end of data."""
    with stage.server() as server:
        server.after_data().drop()
        stage.sends(server)
        stage.types(server)


def some_failed(stage: Stage) -> None:
    """One of two is refused."""
    with stage.server() as server:
        server.on_rcpt(LUIS).reply("550 5.1.1 no such user")
        stage.sends(server, stage.message(LUIS, OPS))
        stage.types(server, "-t", OPS)


def bounded(stage: Stage) -> None:
    """A server that never takes it: the library gives up after four tries, here without the waits between them."""
    double = MemoryTransport()
    double.on_rcpt().reply("451 4.7.1 try again later")
    with Mailer(transport=double) as mailer:
        stage.program(lambda: mailer.send(stage.message()))
    with stage.server() as server:
        server.on_rcpt().reply("451 4.7.1 try again later")
        stage.types(server, "--retries", "1")


def too_big(stage: Stage) -> None:
    """Over the limit that the server announces, and over one that it does not."""
    path = stage.folder / "plan.bin"
    path.write_bytes(b"x" * 1_000_000)
    message = stage.message(attachments=[Attachment.from_path(path)])
    limited = ("PIPELINING", "SIZE 500000", "AUTH PLAIN")
    with stage.server(capabilities_in_tls=limited) as server:
        stage.sends(server, message)
        stage.types(server, "-a", path)
    with stage.server(capabilities_in_tls=("PIPELINING", "AUTH PLAIN")) as server:
        server.after_data().reply("552 5.3.4 Message size exceeds fixed limit")
        stage.sends(server, message)
        stage.types(server, "-a", path)


def ehlo(stage: Stage) -> None:
    """The server wants a name."""
    with stage.server() as server:
        server.on_ehlo().reply("501 5.5.4 Invalid domain name")
        stage.sends(server)
        stage.types(server)


def not_owned(stage: Stage) -> None:
    """The reverse path is somebody else's."""
    refusal = f"553 5.7.1 <{OPS}>: Sender address rejected: not owned by user {ANA}"
    with stage.server() as server:
        server.on_mail().reply(refusal)
        stage.sends(server, stage.message(sender=OPS))
        stage.types(server, "--envelope-from", OPS)


def refused(stage: Stage) -> None:
    """A refusal of which nobody knows more than its words."""
    with stage.server() as server:
        server.after_data().reply("554 5.7.1 content rejected")
        stage.sends(server)
        stage.types(server)


def hangs(stage: Stage) -> None:
    """A server that says nothing."""
    with ScriptedServer(host="localhost") as server:
        server.on_connect().silence()
        place = Server("localhost", server.port, timeouts=Timeouts(greeting=0.3))
        stage.sends(server, place=place)
        stage.types(server, "--deadline", "1")


def relay(stage: Stage) -> None:
    """One that wants no login, and one that does."""
    nobody = {"username": None, "password": None}
    with stage.server() as server:
        stage.sends(server, **nobody)
        stage.types(server, user=None)
        server.on_mail().reply("530 5.7.0 Authentication required")
        stage.sends(server, **nobody)
        stage.types(server, user=None)
