"""What we write is read the same by mail software that is not ours and not Python's."""

from __future__ import annotations

import email
from email.message import Message as StdlibMessage

import pytest

from sendkit._message.attachment import Attachment
from sendkit._message.fields import text_field
from sendkit._message.message import Message
from tests.message.readers import dovecot, octets_of, perl

PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = [
    "Año nuevo",
    "日本語の件名です " * 12,
    "🎉👨‍👩‍👧 ¡fiesta!",
    "=?utf-8?q?literal?=",
    "x" * 200,
    "a  b ",
    "ñ" * 100,
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_perl_decodes_our_subjects(text: str) -> None:
    field = text_field("Subject", text)
    assert perl(field.removeprefix("Subject: ").removesuffix("\r\n").replace("\r\n", "")) == text


@pytest.mark.parametrize("text", [text.strip() for text in TEXTS], ids=lambda text: ascii(text[:12]))
def test_dovecot_decodes_our_subjects_and_names(text: str) -> None:
    name = " ".join(text.split())
    message = Message(sender=(name, "ana@straße.de"), to="luis@example.com", subject=text)
    told = dovecot(octets_of(message), "hdr.subject.utf8", "hdr.from.utf8")
    assert f"hdr.subject.utf8={text} hdr.from.utf8=" in told
    assert "<ana@xn--strae-oqa.de>" in told
    assert name in told.replace('"', "")


def test_dovecot_sees_the_tree_and_the_file_names() -> None:
    message = Message(
        sender="ana@example.com",
        to="luis@example.com",
        text="Hola",
        html='<img src="cid:chart">',
        inline={"chart": PNG},
        attachments=[Attachment.from_bytes(b"x", filename="日本" * 40 + "🎉.pdf")],
    )
    told = dovecot(octets_of(message), "imap.bodystructure", "imap.envelope")
    structure = told.partition(" imap.envelope=")[0]
    kinds = ['"text" "plain"', '"text" "html"', '"image" "png" NIL "<chart>"', '"related"', '"alternative"', '"mixed"']
    assert sorted(kinds, key=structure.index) == kinds
    assert "%E6%97%A5%E6%9C%AC" * 40 + "%F0%9F%8E%89.pdf" in structure
    assert message.message_id in told


def test_dovecot_reads_what_was_resealed_from_a_stdlib_message() -> None:
    message = StdlibMessage()
    message["From"] = "Ana Núñez <ana@example.com>"
    message["To"] = "luis@example.com"
    message["Subject"] = "Año"
    message.set_payload("ñandú " * 300, "utf-8")
    told = dovecot(octets_of(message), "hdr.subject.utf8", "hdr.from.utf8", "body.preview")
    assert "hdr.subject.utf8=Año hdr.from.utf8=Ana Núñez <ana@example.com> body.preview=ñandú ñandú" in told


def test_python_of_any_age_reads_a_long_reference_as_it_was() -> None:
    references = " ".join(f"<{'x' * 90}{number}@example.com>" for number in range(5))
    message = Message(sender="ana@example.com", to="b@c.d", headers={"References": references})
    assert email.message_from_bytes(octets_of(message))["References"].replace("\r\n", "") == references
