"""Properties of every string of the public API: what is set comes back, and an accepted message is one transaction.

For each message that is accepted, the head reads as exactly the fields that were set, and the wire hears one MAIL, one
RCPT for each recipient, and nothing more. Whatever is refused is refused by an error of ours, before any byte goes out.
"""

from __future__ import annotations

from contextlib import suppress
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import (
    AsyncMailer,
    Attachment,
    Envelope,
    Mailer,
    MemoryTransport,
    Message,
    Reply,
    RetryPolicy,
    Security,
    Server,
    errors,
)
from sendkit._delivery.audience import Audience
from sendkit._smtp.address import AddressError, parse_address
from sendkit._smtp.steps import Mode
from sendkit._transport.smtp import SMTPTransport
from tests.accounts import ANA, LUIS

from .eyes import compose, ends_of_data, fields_of, heard, lone_line_ends, octets_of, on_the_wire

if TYPE_CHECKING:
    from sendkit._message.letter import Letter

_SIGNS = "\r\n\0\x85\u2028\ud800\u202e\u200d\t\"\\<>(),;:@.'*[] é"
_WORDS = [
    "\r\n",
    "  ",
    "=?utf-8?q?a?=",
    "=?",
    "?=",
    "%0d%0a",
    "..",
    "ñandú",
    "日本",
    "e\u0301",
    "''",
    "utf-8''",
    "xn--",
    "a" * 80,
]
_HOSTILE = st.sampled_from([*_SIGNS, *_WORDS])
WILD = st.lists(st.one_of(_HOSTILE, st.text(max_size=6)), max_size=8).map("".join)
LOCAL = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\.[a-z0-9]{1,5}){0,2}", fullmatch=True)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
DOMAIN = st.sampled_from(
    ["good.example", "GOOD.example", "bücher.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "x-y.example"]
)
ADDRESS = st.builds("{}@{}".format, st.one_of(LOCAL, QUOTED), DOMAIN)
ANYTHING = st.one_of(ADDRESS, WILD, st.builds("{}{}{}".format, ADDRESS, _HOSTILE, ADDRESS))
MOSTLY = st.one_of(ADDRESS, ADDRESS, ADDRESS, ANYTHING)
NAME = st.from_regex(r"X-[A-Za-z0-9-]{1,20}", fullmatch=True)


def _check_wire(letter: Letter) -> None:
    for mode in Mode:
        said = heard(letter, mode)
        body = [b"BDAT"] if mode is Mode.CHUNKING else [b"DATA"]
        expected = [b"RSET", b"MAIL", *[b"RCPT"] * len(letter.recipients)]
        assert said.verbs in (expected + body, expected), said.lines
        assert said.recipients == [recipient.wire.encode() for recipient in letter.recipients]
        assert said.reverse_path == (letter.reverse_path.wire.encode() if letter.reverse_path else b"")
    wire = on_the_wire(letter)
    assert ends_of_data(wire) == [len(wire) + 2]
    assert lone_line_ends(wire) == 0


@given(sender=MOSTLY, to=st.lists(MOSTLY, max_size=3), cc=MOSTLY, bcc=MOSTLY, reply_to=MOSTLY)
def test_an_accepted_message_is_one_mail_and_its_recipients(
    sender: str, to: list[str], cc: str, bcc: str, reply_to: str
) -> None:
    """Written as lists, so that each text is one mailbox, or refused."""
    try:
        message = Message(
            sender=sender, to=[("", text) for text in to], cc=[("", cc)], bcc=[("", bcc)], reply_to=reply_to, text="x"
        )
        letter = compose(message)
    except errors.MessageError:
        return
    assert letter.reverse_path is not None
    assert {r.written for r in letter.recipients} <= {*to, cc, bcc}
    assert {r.key for r in letter.recipients} == {parse_address(text).key for text in (*to, cc, bcc)}
    _check_wire(letter)
    assert "bcc" not in {name.lower() for name, _ in fields_of(octets_of(letter))}


@given(envelope_from=st.one_of(st.none(), st.just(""), MOSTLY), recipients=st.lists(MOSTLY, max_size=4))
def test_an_accepted_envelope_is_one_mail_and_its_recipients(envelope_from: str | None, recipients: list[str]) -> None:
    """By `envelope_from=` and `recipients=` of send() and from_bytes(), and as an Envelope."""
    ways = (
        lambda: compose(Message(sender=ANA, to=LUIS, text="x"), envelope_from=envelope_from, recipients=recipients),
        lambda: compose(
            Message.from_bytes(b"From: ana@example.com\n\nx", envelope_from=envelope_from, recipients=recipients)
        ),
        lambda: compose(Message(sender=ANA, to=LUIS, text="x"), recipients=Envelope(envelope_from or "", recipients)),
    )
    for way in ways:
        with suppress(errors.MessageError):
            _check_wire(way())


@given(
    names=st.tuples(WILD, WILD),
    subject=WILD,
    extra=st.dictionaries(NAME, WILD, max_size=3),
    filename=WILD,
    content_id=st.one_of(st.none(), WILD),
    message_id=st.one_of(st.just("<a@b.example>"), WILD),
    content_type=st.one_of(st.sampled_from(["text/csv; charset=utf-8", "application/pdf", 'image/png; x="a b"']), WILD),
)
def test_the_head_reads_as_exactly_what_was_set(
    names: tuple[str, str],
    subject: str,
    extra: dict[str, str],
    filename: str,
    content_id: str | None,
    message_id: str,
    content_type: str,
) -> None:
    attachment: list[Attachment] = []
    with suppress(errors.MessageError):  # a message without it is as good
        attachment = [Attachment.from_bytes(b"x", filename=filename, content_type=content_type, content_id=content_id)]
    try:
        message = Message(
            sender=(names[0], ANA),
            to=[(names[1], LUIS)],
            subject=subject,
            text="the text",
            headers=extra,
            message_id=message_id,
            attachments=attachment,
        )
    except errors.MessageError:
        _check_each(names=names, subject=subject, extra=extra, message_id=message_id)
        return
    _check_head(message, extra)


def _check_each(*, names: tuple[str, str], subject: str, extra: dict[str, str], message_id: str) -> None:
    """What was refused together is tried alone, so that no faulty field hides another."""
    parts: list[dict[str, object]] = [
        {"sender": (names[0], ANA)},
        {"to": [(names[1], LUIS)]},
        {"subject": subject},
        {"message_id": message_id},
    ]
    for part in [*parts, *({"headers": {name: value}} for name, value in extra.items())]:
        with suppress(errors.MessageError):
            message = Message(**{"sender": ANA, "to": [LUIS], "text": "the text", **part})  # type: ignore[arg-type]
            _check_head(message, part.get("headers", {}))  # type: ignore[arg-type]


def _check_head(message: Message, extra: dict[str, str]) -> None:
    octets = octets_of(compose(message))
    fields = fields_of(octets)
    expected = ["From", "To", "Subject", "Date", "Message-ID", *extra, "MIME-Version"]
    assert sorted(name for name, _ in fields if not name.startswith("Content-")) == sorted(expected)
    found = dict(fields)
    assert found["Message-ID"] == message.message_id
    assert parsedate_to_datetime(found["Date"]) == message.date
    assert _decoded(found["Subject"]) == message.subject
    for name, value in extra.items():
        assert _decoded(found[name]) == value, octets
    parsed = message_from_bytes(octets, policy=policy.default)
    for field, mailbox in (("From", message.sender), ("To", message.to[0])):
        (address,) = parsed[field].addresses
        # What becomes of the name is a law of tests/message: this reader loses and invents spaces in long ones.
        assert address.addr_spec == mailbox.address.wire, octets
    for part, attachment in zip(parsed.iter_attachments(), message.attachments, strict=False):
        assert part.get_filename() == attachment.filename, octets
    _check_wire(compose(message))


def _decoded(value: str) -> str:
    return str(make_header(decode_header(value))) if "=?" in value else value


SERVERS = st.one_of(
    WILD, st.builds("{}{}".format, st.sampled_from(["smtp.example.com", "127.0.0.1", "::1", "[::1]"]), WILD)
)


@given(host=SERVERS, local_hostname=st.one_of(st.none(), SERVERS), username=st.one_of(st.none(), WILD))
def test_any_setting_is_taken_as_a_clean_one_or_refused_by_an_error_of_ours(
    host: str, local_hostname: str | None, username: str | None
) -> None:
    made: list[Server] = []
    for make in (
        lambda: Server(host),
        lambda: Server("smtp.example.com", local_hostname=local_hostname),
        lambda: Server.parse(host),
        lambda: _server_of(Mailer(host)),
        lambda: _server_of(Mailer("smtp.example.com", username=username, password="x")),
        lambda: _server_of(Mailer.from_url(f"smtp://{host}")),
        lambda: _server_of(Mailer.from_url(host)),
        lambda: Server("smtp.example.com", security=host),
    ):
        with suppress(errors.ConfigurationError):
            made.append(make())
    for server in made:
        for text in (server.host, server.local_hostname or "x"):
            assert text.isascii()
            assert text.isprintable()
            assert not set(text) & set(" <>@\\\"'()/")


def _server_of(mailer: Mailer) -> Server:
    mailer.close()
    transport = mailer._core._plan.transport
    assert isinstance(transport, SMTPTransport)
    return transport._server


@given(text=ANYTHING)
def test_who_may_be_written_to_is_read_from_any_text_or_refused_by_an_error_of_ours(text: str) -> None:
    for make in (lambda: Audience.of(text, None), lambda: Audience.of(None, text), lambda: Audience.of([text], [text])):
        with suppress(errors.ConfigurationError):
            audience = make()
            letter, withheld, _ = audience.admit(compose(Message(sender=ANA, to=LUIS, text="x")))
            assert bool(withheld) is not bool(letter.recipients)
            if letter.recipients:
                _check_wire(letter)


@given(WILD)
def test_any_text_that_is_no_reply_is_refused_by_a_value_error(text: str) -> None:
    try:
        reply = Reply.parse(text)
    except ValueError:
        return
    assert 200 <= reply.code <= 599
    assert not any(char in str(reply) for char in "\r\0\x85\u2028")


@given(text=ANYTHING)
def test_an_address_that_is_accepted_is_accepted_again_as_it_was_written(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert parse_address(str(address)) == address
    assert parse_address(address.wire).wire == address.wire


@pytest.mark.parametrize("security", list(Security))
async def test_what_is_refused_is_refused_before_any_connection(security: Security) -> None:
    """No scripted server is there at all: port 9 of nobody. A bad message never gets as far as to notice."""
    server = Server("127.0.0.1", 9, security)
    async with AsyncMailer(server, retry=RetryPolicy(max_attempts=1)) as mailer:
        with pytest.raises(errors.MessageError):
            await mailer.send(Message(sender=ANA, to=LUIS, text="x"), recipients=["a@b.c\r\nDATA"])
        with pytest.raises(errors.MessageError):
            await mailer.send(Message(sender=ANA, text="x"))


@given(recipients=st.lists(ADDRESS, min_size=1, max_size=5))
def test_the_result_names_each_recipient_as_it_was_written(recipients: list[str]) -> None:
    with Mailer(transport=MemoryTransport()) as mailer:
        result = mailer.send(Message(sender=ANA, to=[("", text) for text in recipients], text="x"))
    assert result.ok
    assert set(result.recipients) <= set(recipients)
    assert {parse_address(text).key for text in result.recipients} == {parse_address(text).key for text in recipients}
