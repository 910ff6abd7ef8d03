"""Denial of service: a megabyte from a stranger costs no more than reading it, and an endless reply little memory.

Address parsers: nodemailer (CVE-2025-14874, CVE-2026-90776, GHSA-9h6g-pr28-7cqp, GHSA-v53p-9fqp-m79j), Go's net/mail
(CVE-2025-61725, CVE-2026-42499, CVE-2026-39820), IDNA (CVE-2024-3651). Html: html.parser (CVE-2025-6069). Replies: Go's
net/textproto (CVE-2025-61724), aiosmtplib before 5.1.2. What is quadratic takes hours here, and pytest-timeout ends it.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest

from sendkit import Attachment, Envelope, Mailer, Message, Outcome, RetryPolicy, Security, Server, Timeouts, errors
from sendkit._message.header_list import mailboxes_in
from sendkit._smtp.address import AddressError
from sendkit._smtp.reply import MAX_REPLY, MalformedReply, ReplyReader
from tests.accounts import ANA, LUIS, message, outcomes
from tests.sampling import one_in
from tests.servers.scripted import ScriptedServer
from tests.wire.conftest import Account, Start

from .eyes import compose

MEGABYTE = 1_000_000
PIECES = [
    *(
        "(", ")", '"', "<", ">", ",", "@", ".", "\\", '\\"', '"\\', "[", ":", ";", " ", "\t", "a", "é", "a@", "a.",
        "()", "(\\", '""',
    ),
    *(
        "=?", "=?utf-8?q?a?= ", "=?utf-8?b?YQ==?=", "g:", "g:;", "xn--", "。", "ａ", "\u0301", ' "', "a(b)", "@a,",
        '\\",', "[a",
    ),
]  # fmt: skip
HEADS = ["", '"', "(", '"a" <']


def _long(piece: str, size: int = MEGABYTE) -> str:
    return piece * (size // len(piece))


def _tried(use: Callable[[], object]) -> None:
    """Taken or refused, it does not matter; only no other exception, and no time."""
    try:
        use()
    except (errors.SendkitError, AddressError):
        return


@pytest.mark.parametrize(("head", "piece"), one_in(3, HEADS, PIECES))
def test_address_parser_denial_of_service_by_a_megabyte_is_impossible(head: str, piece: str) -> None:
    """CVE-2025-14874, CVE-2026-90776, CVE-2025-61725, CVE-2026-42499, CVE-2026-39820, GHSA-9h6g-pr28-7cqp."""
    text = head + _long(piece, MEGABYTE if piece in '("<,' else MEGABYTE // 5)
    _tried(lambda: Message(sender=ANA, to=text, text="x"))
    _tried(lambda: Envelope(ANA, [text]))


@pytest.mark.parametrize(("head", "piece"), one_in(3, HEADS, PIECES))
def test_address_parser_denial_of_service_by_the_header_of_a_ready_message_is_impossible(head: str, piece: str) -> None:
    """The same where comments and groups are taken too."""
    text = head + _long(piece, MEGABYTE if piece in '("<,' else MEGABYTE // 10)
    for tail in ("", "("):
        _tried(lambda: mailboxes_in(text + tail))  # noqa: B023 - called at once


@pytest.mark.parametrize("head", HEADS)
def test_denial_of_service_by_the_comments_of_a_ready_message_is_impossible(head: str) -> None:
    raw = f"From: {ANA}\r\nTo: {head}{_long('(x) ', 100_000)}\r\n\r\nx".encode()
    _tried(lambda: compose(Message.from_bytes(raw)))


FIELDS: dict[str, Callable[[str], object]] = {
    "sender": lambda text: Message(sender=text, to=LUIS, text="x"),
    "a name": lambda text: compose(Message(sender=(text, ANA), to=LUIS, text="x")),
    "reply_to": lambda text: Message(sender=ANA, to=LUIS, text="x", reply_to=text),
    "subject": lambda text: compose(Message(sender=ANA, to=LUIS, text="x", subject=text)),
    "text": lambda text: compose(Message(sender=ANA, to=LUIS, text=text)),
    "html": lambda text: compose(Message(sender=ANA, to=LUIS, html=text)),
    "a header": lambda text: compose(Message(sender=ANA, to=LUIS, text="x", headers={"X-Report": text})),
    "References": lambda text: compose(Message(sender=ANA, to=LUIS, text="x", headers={"References": f"<a@b>{text}"})),
    "Sender": lambda text: compose(Message(sender=ANA, to=LUIS, text="x", headers={"Sender": text})),
    "a header's name": lambda text: Message(sender=ANA, to=LUIS, text="x", headers={text: "x"}),
    "message_id": lambda text: Message(sender=ANA, to=LUIS, text="x", message_id=f"<{text}@b>"),
    "date": lambda text: Message(sender=ANA, to=LUIS, text="x", date=text),  # type: ignore[arg-type]
    "filename": lambda text: Attachment.from_bytes(b"", filename=text),
    "content_type": lambda text: Attachment.from_bytes(b"", filename="a", content_type=f"text/plain;{text}"),
    "content_id": lambda text: Attachment.from_bytes(b"", filename="a", content_id=text),
    "inline": lambda text: Message(sender=ANA, to=LUIS, html="x", inline={text: b"\x89PNG\r\n\x1a\n"}),
    "host": Server,
    "host and port": Server.parse,
    "local_hostname": lambda text: Server("smtp.example.com", local_hostname=text),
    "a URL": lambda text: Mailer.from_url(f"smtp://{text}"),
    "a ready message": lambda text: compose(Message.from_bytes(text.encode(), envelope_from=ANA, recipients=[LUIS])),
    "its Subject": lambda text: compose(
        Message.from_bytes(f"Subject:{text}\n\nx".encode(), envelope_from=ANA, recipients=[LUIS])
    ),
    "its body": lambda text: compose(Message.from_bytes(f"\n{text}".encode(), envelope_from=ANA, recipients=[LUIS])),
}
STUFF = [" ", "a ", "é", "<", "<!--", "&", "=?", "\t", ";a=", ';a="', "a.", "\r\n", "\n.", "[", "/"]


@pytest.mark.parametrize(("field", "piece"), one_in(4, FIELDS, STUFF))
def test_denial_of_service_by_any_other_string_is_impossible(field: str, piece: str) -> None:
    """CVE-2024-3651 (IDNA) among them."""
    _tried(lambda: FIELDS[field](_long(piece, MEGABYTE // 12) + "x"))
    _tried(lambda: FIELDS[field]("x" + _long(piece, MEGABYTE // 12)))


HTML = [
    *(
        "<a ", '<a x="', "<!--", "<![CDATA[", "</", "<div>", "<ul>", "<ul><li>x", "<ol><li>", "<a href=x>t",
        "<pre>\t", "<script>",
    ),
    *("<td>", "&#", "<br>", "\t", "<p>", "<svg>", "<?", "<!"),
]  # fmt: skip


AROUND = {"": ("", ""), "pre": ("<pre>", "x"), "a": ("", "</a>" * 12_000), "ul": ("<ul>" * 2_000, "<li>x" * 2_000)}


@pytest.mark.parametrize(("piece", "around"), one_in(3, HTML, AROUND))
def test_denial_of_service_by_html_is_impossible(piece: str, around: str) -> None:
    """CVE-2025-6069: the text that is made from html costs what html costs, on every patch release of Python."""
    head, tail = AROUND[around]
    _tried(lambda: Message(sender=ANA, to=LUIS, html=head + piece * 12_000 + tail))


def test_the_steps_of_the_address_parser_grow_no_faster_than_its_input() -> None:
    """Counted, not timed: lists of a thousand and of ten thousand addresses cost ten times as many calls."""
    few, many = ("Ana <a@b.c>, " * size + "x@y.z" for size in (300, 3_000))
    counts = [_calls(partial(Message, sender=ANA, to=text, text="x")) for text in (few, many)]
    assert counts[1] < 11 * counts[0]


def _calls(use: Callable[[], object]) -> int:
    import sys  # noqa: PLC0415 - for this count alone

    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        use()
    finally:
        sys.setprofile(before)
    return count


PLACES = [
    "on_connect", "on_ehlo", "on_starttls", "on_ehlo_in_tls", "on_auth", "on_mail", "on_rcpt", "on_data",
    "after_data",
]  # fmt: skip


@pytest.mark.parametrize("fault", ["endless_line", "endless_reply"])
@pytest.mark.parametrize("place", PLACES)
async def test_an_endless_reply_is_bounded_in_memory(start: Start, account: Account, place: str, fault: str) -> None:
    """CVE-2025-61724, aiosmtplib before 5.1.2: it ends the connection soon, whatever the phase."""
    server = start(capabilities_in_tls=["AUTH PLAIN"])
    getattr(getattr(server, place)(), fault)()
    async with account(server, timeouts=Timeouts(greeting=20, command=20, data=20, end_of_data=20, quit=1)) as mailer:
        tracemalloc.start()
        try:
            result = await mailer.send(message(), check=False)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert outcomes(result) == {LUIS: Outcome.IN_DOUBT if place == "after_data" else Outcome.DEFERRED}
    assert peak < 8 * MEGABYTE
    assert len(result.model_dump_json()) < MEGABYTE


async def test_a_reply_of_the_longest_kind_is_still_read(server: ScriptedServer, account: Account) -> None:
    """The counterpart: the bound stands where RFC 5321 has long been left behind, and no nearer."""
    server.on_rcpt(LUIS).long_reply(MAX_REPLY - 2_000, code=250)
    async with account(server) as mailer:
        assert (await mailer.send(message())).ok


def test_lines_that_never_become_a_reply_are_bounded() -> None:
    """Many short lines cost no more than one long one, however they are cut."""
    reader = ReplyReader()
    lines = MAX_REPLY // len(b"250-x\r\n")
    for _ in range(lines):
        reader.feed(b"250-x\r\n")
        assert reader.next_reply() is None
    reader.feed(b"250-x\r\n")
    with pytest.raises(MalformedReply):
        reader.next_reply()


def test_security_none_is_bounded_too(start: Start) -> None:
    server = start(security=Security.NONE)
    server.on_connect().endless_line()
    place = Server(server.host, server.port, Security.NONE, timeouts=Timeouts(greeting=20))
    with Mailer(place, retry=RetryPolicy(max_attempts=1)) as mailer:
        assert outcomes(mailer.send(message(), check=False)) == {LUIS: Outcome.DEFERRED}
