"""Header injection: no string of the public API becomes a header field, or a body, of its own.

Had by Python's email (CVE-2024-6923, CVE-2025-1795, CVE-2025-11468), nodemailer (List-* before 8.0.9) and PHPMailer
(CVE-2015-8476). RFC 5322 section 2.2, RFC 2047, RFC 2231.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.header import Header
from email.message import Message as StdlibMessage
from email.mime.text import MIMEText

import pytest

from sendkit import Attachment, Mailbox, Message, Unsubscribe, errors
from tests.accounts import ANA, LUIS

from .eyes import compose, fields_of, octets_of, rest_of

ENDS = [
    "\r\n", "\n", "\r", "\r\n ", "\n\n", "\r\n\r\n", "\0", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028",
    "\u2029",
]  # fmt: skip
BCC = "Bcc: evil@evil.example"
NOT_OURS = [
    "Bcc", "bcc", "BCC", "Resent-Bcc", "From", "To", "Content-Type", "Return-Path", "Date", "",
    "X Y", "X:", "Xé", "X\t",
]  # fmt: skip
OURS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]


def _message(**fields: object) -> Message:
    return Message(**{"sender": ANA, "to": LUIS, "text": "x", **fields})  # type: ignore[arg-type]


def _attached(**fields: object) -> Message:
    settings: dict[str, object] = {"filename": "a.txt", **fields}
    return _message(attachments=[Attachment.from_bytes(b"x", **settings)])  # type: ignore[arg-type]


USES: dict[str, Callable[[str], object]] = {
    "subject": lambda text: _message(subject=text),
    "the sender's name": lambda text: _message(sender=(text, ANA)),
    "a quoted name": lambda text: _message(to=[f'"{text}" <{LUIS}>']),
    "a bare name": lambda text: _message(to=[f"{text} <{LUIS}>"]),
    "a Mailbox": lambda text: Mailbox(text, _message().sender.address),
    "reply_to": lambda text: _message(reply_to=[(text, LUIS)]),
    "a header's name": lambda text: _message(headers={f"X-{text}": "x"}),
    "a header's value": lambda text: _message(headers={"X-Report": text}),
    "List-Unsubscribe": lambda text: _message(headers={"List-Unsubscribe": f"<https://x.example/>{text}"}),
    "References": lambda text: _message(headers={"References": f"<a@b>{text}"}),
    "Sender": lambda text: _message(headers={"Sender": f'"{text}" <{LUIS}>'}),
    "message_id": lambda text: _message(message_id=f"<a{text}@b.example>"),
    "filename": lambda text: _attached(filename=f"a{text}b"),
    "content_type": lambda text: _attached(content_type=f"text/plain{text}"),
    "a parameter of it": lambda text: _attached(content_type=f'text/plain; charset="x{text}"'),
    "content_id": lambda text: _attached(content_id=f"a{text}b"),
    "inline": lambda text: _message(html="<p>", inline={f"a{text}b": b"\x89PNG\r\n\x1a\n"}),
    "in_reply_to": lambda text: _message(in_reply_to=f"<a@b>{text}"),
    "unsubscribe": lambda text: _message(unsubscribe=Unsubscribe("https://x.example/" + text)),
    "a copy": lambda text: _message().model_copy(update={"message_id": f"<a{text}@b.example>"}),
    "pydantic's former copy": lambda text: _message().copy(update={"message_id": f"<a{text}@b.example>"}),
    "model_construct": lambda text: Message.model_construct(
        **{**dict(_message()), "message_id": f"<a{text}@b.example>"}
    ),
    "its boundary": lambda text: Message.model_construct(**{**dict(_message(html="<p>")), "boundary": f"x{text}"}),
    "its headers": lambda text: Message.model_construct(**{**dict(_message()), "headers": {"X-Report": text}}),
    "a merged header": lambda text: Message.template(headers={"X-Report": "$v"}).merge(v=text),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_header_injection_is_refused_by_every_field(use: Callable[[str], object]) -> None:
    """CVE-2024-6923, CVE-2015-8476: refused when the message is made, by the name of the field."""
    for end in ENDS:
        with pytest.raises((errors.MessageError, ValueError)) as refused:
            use(f"x{end}{BCC}")
        assert isinstance(refused.value, errors.MessageError) or "Mailbox" in repr(use("x"))


@pytest.mark.parametrize("name", NOT_OURS)
def test_a_header_that_is_not_the_authors_to_write_is_refused(name: str) -> None:
    with pytest.raises(errors.MessageError):
        _message(headers={name: "evil@evil.example"})


def test_an_encoded_word_that_hides_a_line_end_is_decoded_by_nobody_into_a_field() -> None:
    """`=?utf-8?q?=0D=0ABcc:...?=` as a subject is text, as a name it is refused."""
    hidden = "=?utf-8?q?x=0D=0ABcc=3A_evil=40evil.example?="
    fields = fields_of(octets_of(compose(_message(subject=hidden))))
    assert [name for name, _ in fields][: len(OURS)] == OURS
    with pytest.raises(errors.MessageError):
        _message(to=[f"{hidden} <{LUIS}>"])


STDLIB: dict[str, Callable[[StdlibMessage, str], None]] = {
    "a subject": lambda made, text: made.add_header("Subject", text),
    "a Header": lambda made, text: made.__setitem__("Subject", Header(text, "us-ascii")),
    "a name": lambda made, text: made.add_header("Reply-To", f'"{text}" <{LUIS}>'),
    "a file name": lambda made, text: made.add_header("Content-Disposition", "attachment", filename=text),
    "a header's name": lambda made, text: made.add_header(f"X-{text}", "x"),
}


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n", "\n\n"])
@pytest.mark.parametrize("put", STDLIB.values(), ids=STDLIB)
def test_header_injection_by_a_message_of_the_stdlib_adds_no_field(
    put: Callable[[StdlibMessage, str], None], end: str
) -> None:
    """CVE-2024-6923: compat32 serialises what it is given; sendkit refuses it, or keeps it in its field."""
    made = MIMEText("body")
    made["From"], made["To"] = ANA, LUIS
    put(made, f"x{end}{BCC}")
    try:
        letter = compose(made)
    except errors.MessageError:
        return
    octets = octets_of(letter)
    assert "bcc" not in {name.lower() for name, _ in fields_of(octets)}
    assert rest_of(octets).strip() == b"body"
    assert [address.wire for address in letter.recipients] == [LUIS]


def test_a_comma_between_mailboxes_is_never_encoded() -> None:
    """CVE-2025-1795: an encoded comma turns two recipients into one strange name."""
    names = [f"Ñandú Número {number}, de la Pampa" for number in range(40)]
    octets = octets_of(compose(_message(to=[(name, f"n{number}@example.com") for number, name in enumerate(names)])))
    to = dict(fields_of(octets))["To"]
    bare = re.sub(r"=\?utf-8\?[qb]\?[^? ]*\?=", "", to)
    assert bare.count(",") == len(names) - 1
    assert re.findall(r"<(n\d+@example\.com)>", bare) == [f"n{number}@example.com" for number in range(40)]


@pytest.mark.parametrize("text", ["(a" * 60, "a) " * 60, "((ñ) " * 60, "x" * 70 + " (y\\) z"])
def test_brackets_that_are_folded_stay_what_they_were(text: str) -> None:
    """CVE-2025-11468: a comment that loses its escapes when it is folded lets its rest out."""
    octets = octets_of(compose(_message(sender=(text, ANA), headers={"X-Report": text})))
    letter = compose(Message.from_bytes(octets))
    assert letter.reverse_path is not None
    assert (letter.reverse_path.wire, [r.wire for r in letter.recipients]) == (ANA, [LUIS])


def test_the_blind_copy_stands_in_no_header_that_goes_out() -> None:
    raw = b"From: ana@example.com\r\nBcc : luis@example.com\r\nTo: x@example.com\r\nBCC:\r\n eva@example.org\r\n\r\nx"
    for message in (_message(bcc=[LUIS], to="x@example.com"), Message.from_bytes(raw)):
        letter = compose(message)
        assert len(letter.recipients) > 1
        assert not {"bcc", "resent-bcc"} & {name.lower().strip() for name, _ in fields_of(octets_of(letter))}


def test_a_body_that_looks_like_a_head_stays_a_body() -> None:
    octets = octets_of(compose(_message(text=f"{BCC}\r\n\r\nx", html=f"{BCC}\n\n")))
    assert "bcc" not in {name.lower() for name, _ in fields_of(octets)}
