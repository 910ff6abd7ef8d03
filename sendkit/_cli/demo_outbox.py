"""`sendkit demo --outbox`: a server is down, the mail waits, it comes back, one recipient expires, a report arrives.

The outbox is in memory and its clock is moved, so that five days take a moment; the server and the mail are real.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sendkit import Mailer, Message
from sendkit._cli.console import complain, say
from sendkit._cli.demo_view import fact, title
from sendkit._cli.exit_codes import ExitCode
from sendkit._cli.outbox_view import show_letter
from sendkit.outbox import RecipientState
from sendkit.testing import LocalServer, MemoryOutbox

if TYPE_CHECKING:
    from sendkit._reading.received import ReceivedMessage
    from sendkit.outbox import Receipt

_ANA, _LUIS, _MIA = "ana@example.com", "luis@example.com", "mia@example.net"
_NEXT = """\
   from sendkit import Mailer, Message, Outbox
   outbox = Outbox()                                    # a file of yours
   with Mailer("smtp.example.com", username="you@example.com") as mailer, outbox.worker(mailer):
       outbox.put(Message(sender="you@example.com", to="luis@example.com", subject="Hola", text="¿Qué tal?"))"""


def demo_outbox() -> ExitCode:
    """Tell the story. Raises ConfigurationError when its extra is not installed."""
    with (
        LocalServer(username=f"demo-{secrets.token_hex(3)}") as server,
        Mailer(server.server, username=server.username, password=server.password) as mailer,
    ):
        return _story(server, mailer, MemoryOutbox(report="sender"))


def _story(server: LocalServer, mailer: Mailer, outbox: MemoryOutbox) -> ExitCode:
    title("A message is put, and the server is down")
    server.on_connect().drop(times=3)
    server.on_rcpt(_MIA).reply("452 4.2.2 mailbox full")
    receipt = outbox.put(Message(sender=_ANA, to=[_LUIS, _MIA], subject="Informe semanal", text="¿Qué tal?"))
    outbox.drain(mailer)
    show_letter(outbox.status(receipt))
    title("An hour later the server is back", "the clock of this outbox is moved; everything else is real")
    outbox.advance(timedelta(hours=1), mailer)
    show_letter(outbox.status(receipt))
    title("Five days later", "the unreachable recipient is given up, and the sender gets a report")
    outbox.advance(timedelta(days=5), mailer)
    for one in outbox.status(receipt).recipients:
        fact(one.state, f"{one.address}: {one.reply}")
    title("The report that came back to the sender")
    reports = [message for message in server.messages if message.envelope.recipients == (_ANA,)]
    for report in reports:
        for line in (report.text or "").splitlines():
            say(f"   | {line}".rstrip())
    title("The same with your own account")
    say(_NEXT)
    return _judge(outbox, receipt, reports)


def _judge(outbox: MemoryOutbox, receipt: Receipt, reports: list[ReceivedMessage]) -> ExitCode:
    states = {one.address: one.state for one in outbox.status(receipt).recipients}
    if states == {_LUIS: RecipientState.ACCEPTED, _MIA: RecipientState.EXPIRED} and len(reports) == 1:
        return ExitCode.ACCEPTED
    complain("sendkit: the demo failed")
    complain("  hint: please report it, with all that is printed above")
    return ExitCode.UNEXPECTED
