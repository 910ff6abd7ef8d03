"""What other libraries got wrong, and we did: each with the value that readers must find."""

from __future__ import annotations

import email
import gzip
import io
import mimetypes
import os
from datetime import datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage
from email.message import Message as StdlibMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import pytest

from sendkit._message.attachment import Attachment
from sendkit._message.compose import compose
from sendkit._message.mailbox import Mailbox
from sendkit._message.message import Message
from sendkit._smtp.address import Address, AddressError, parse_address
from sendkit.errors import MessageError
from tests.message.readers import octets_of, read
from tests.own_process import as_nobody

PICTURE = b"\x89PNG\r\n\x1a\n\0\n\r\xff\n" * 9
HEAD = b"From: ana@example.com\r\nTo: luis@example.com\r\nMIME-Version: 1.0\r\n"


def addressed(message: Any, **fields: str) -> Any:
    for name, value in {"From": "ana@example.com", "To": "luis@example.com", **fields}.items():
        message[name.replace("_", "-")] = value
    return message


def multipart(kind: bytes, *parts: bytes) -> bytes:
    inside = b"".join(b"--b\r\n%b\r\n" % part for part in parts)
    return HEAD + b'Content-Type: multipart/%b; boundary="b"\r\n\r\n%b--b--\r\n' % (kind, inside)


# 3: signatures


@pytest.mark.parametrize("name", ["DKIM-Signature", "ARC-Message-Signature", "ARC-Seal"])
@pytest.mark.parametrize("kind", [EmailMessage, StdlibMessage])
def test_a_signed_stdlib_message_keeps_the_octets_that_were_signed(kind: type[StdlibMessage], name: str) -> None:
    message = addressed(kind(), Subject="Año  nuevo " * 12, From_X="x")
    message.set_payload("ñandú\n", "utf-8")
    message[name] = "v=1; a=rsa-sha256; bh=x; b=x"
    signed = message.as_bytes().replace(b"\n", b"\r\n")
    assert octets_of(message) == signed


def test_a_signed_message_that_would_have_to_change_is_refused() -> None:
    head = HEAD + b"DKIM-Signature: v=1; b=x\r\n"
    for body in (b"x" * 999, b"a\0b", b"a\rb\n"):
        with pytest.raises(MessageError):
            Message.from_bytes(head + b"\r\n" + body)
    content = Message.from_bytes(head + "Subject: ñ\r\n\r\nñ".encode()).content
    assert content.seven_bit() is None
    assert content.without_utf8() is None


# 4: enclosed messages that are encoded


@pytest.mark.parametrize("encoding", [b"base64", b"quoted-printable"])
@pytest.mark.parametrize("kind", [b"message/rfc822", b"message/global", b"message/x-other"])
def test_an_encoded_enclosed_message_stays_encoded_when_another_part_is_re_encoded(
    encoding: bytes, kind: bytes
) -> None:
    body = b"U3ViamVjdDogeA0KDQp4DQo=" if encoding == b"base64" else b"Subject: =C3=B1\r\n\r\nx=3D"
    enclosed = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (kind, encoding, body)
    raw = multipart(b"mixed", b"\r\n" + b"x" * 1000, enclosed)
    parts = email.message_from_bytes(octets_of(Message.from_bytes(raw))).get_payload()
    assert isinstance(parts, list)
    text = parts[1].as_bytes().replace(b"\r\n", b"\n")
    assert text.lower().count(b"content-transfer-encoding: " + encoding) == 1
    assert body.replace(b"\r\n", b"\n") in text


def test_an_enclosed_message_in_utf8_is_encoded_as_a_whole() -> None:
    inner = "Subject: ñ\r\n\r\nx".encode()
    raw = multipart(
        b"mixed", b"\r\nx", b"Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner
    )
    content = Message.from_bytes(raw).content.seven_bit()
    assert content is not None
    assert b"base64\r\n\r\n" in b"".join(content.blocks())


# 5: long last lines


@pytest.mark.parametrize("size", [*range(996, 1004), 2000])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_last_line_of_any_length_goes_out(size: int, end: bytes) -> None:
    for raw in (HEAD + b"\r\n" + b"x" * size + end, multipart(b"mixed", b"\r\n" + b"x" * size + end)):
        (text,) = [part for part in read(octets_of(Message.from_bytes(raw))).walk() if not part.is_multipart()]
        assert text.get_content().strip() == "x" * size


# 10: fields without a value


def test_a_field_without_a_value_does_not_go_out() -> None:
    message = addressed(EmailMessage(), Cc="", Reply_To="", Date="", Message_ID="", In_Reply_To="", Subject="")
    found = read(octets_of(message))
    assert {"Cc", "Reply-To", "In-Reply-To"}.isdisjoint(found.keys())
    assert found["Date"]
    assert found["Message-ID"]
    assert found.keys().count("Date") == 1
    headers = {"In-Reply-To": "", "References": " ", "Sender": "", "X-Empty": ""}
    found = read(octets_of(Message(sender="a@b.c", to="d@e.f", headers=headers)))
    assert [name for name in headers if name in found] == ["X-Empty"]


def test_an_empty_group_stays_a_group() -> None:
    message = StdlibMessage()
    message["From"], message["To"] = "ana@example.com", "Größen:;"
    octets = octets_of_to(message, "luis@example.com")
    assert email.message_from_bytes(octets)["To"] == "=?utf-8?b?R3LDtsOfZW4=?=:;"


def octets_of_to(message: StdlibMessage, recipient: str) -> bytes:
    return b"".join(compose(message, recipients=recipient).content.blocks())


# 11: file names


@pytest.mark.parametrize("name", ["Año.pdf", "日本" * 40 + ".pdf", 'a"ñ;b.pdf'])
@pytest.mark.parametrize("field", ["Content-Disposition", "Content-Type"])
def test_a_raw_file_name_of_a_part_is_written_by_rfc_2231(name: str, field: str) -> None:
    part = MIMEApplication(b"x")
    quoted = name.replace('"', '\\"')
    value = (
        f'attachment; filename="{quoted}"' if field == "Content-Disposition" else f'application/pdf; name="{quoted}"'
    )
    del part[field]
    part[field] = value
    message = addressed(MIMEMultipart())
    message.attach(part)
    (found,) = read(octets_of(message)).iter_parts()
    assert found.get_filename() == name


def test_a_raw_file_name_that_is_no_utf8_is_refused() -> None:
    part = b'Content-Type: a/b\r\nContent-Disposition: attachment; filename="\xf1"\r\n\r\nx'
    message = email.message_from_bytes(multipart(b"mixed", part))
    with pytest.raises(MessageError, match="UTF-8"):
        octets_of(message)


# 12: binary parts


@pytest.mark.parametrize("kind", [policy.compat32, policy.default])
def test_a_binary_part_keeps_its_octets(kind: Any) -> None:
    part = b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + PICTURE
    raw = multipart(b"mixed", b"\r\nx", part)
    for message in (Message.from_bytes(raw), email.message_from_bytes(raw, policy=kind)):
        found = [one.get_content() for one in read(octets_of(message)).walk() if one.get_content_type() == "image/png"]
        assert found == [PICTURE]


def test_a_binary_part_that_is_signed_is_sent_as_it_is_or_refused() -> None:
    def signed(content: bytes) -> bytes:
        part = b"Content-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content
        return multipart(b"signed", part, b"Content-Type: application/pkcs7-signature\r\n\r\nx")

    for raw in (signed(PICTURE), signed(b"a\nb")):
        for message in (Message.from_bytes, email.message_from_bytes):
            with pytest.raises(MessageError, match="signed"):
                octets_of(message(raw))
    raw = signed(b"a\r\nb")
    for content in (octets_of(Message.from_bytes(raw)), octets_of(email.message_from_bytes(raw))):
        assert raw.partition(b"\r\n\r\n")[2] in content


# 13: odd time zones


@pytest.mark.parametrize(
    ("offset", "written"),
    [(timedelta(microseconds=-10), "-0001"), (timedelta(hours=-4, minutes=-56, seconds=-2), "-0457"),
     (timedelta(), "+0000"), (timedelta(minutes=34, seconds=8), "+0034"),
     (timedelta(hours=23, minutes=59, seconds=59), "+2359")],
)  # fmt: skip
def test_a_zone_has_four_digits_and_the_moment_stays(offset: timedelta, written: str) -> None:
    moment = datetime(2026, 11, 24, 8, tzinfo=timezone(offset))
    found = read(octets_of(Message(sender="a@b.c", to="d@e.f", date=moment)))["Date"]
    assert found.endswith(written)
    assert abs(found.datetime - moment) < timedelta(seconds=1)


# 14: address literals


@pytest.mark.parametrize("address", ["ana@[IPv6:2001:db8::1]", "ana@[192.0.2.1]", '"a b"@[IPv6:::1]'])
def test_an_address_literal_is_taken_wherever_an_address_is(address: str) -> None:
    for given in (address, [address], f"Ana <{address}>, b@c.d", [("Ana", address)], [f'"A:na" <{address}>']):
        message = Message(sender=address, to=given, cc=given, headers={"Sender": address})
        letter = compose(message, recipients=[address], envelope_from=address)
        assert letter.recipients[0].written == letter.envelope.reverse_path == address
        again = compose(Message.from_bytes(message.as_bytes()))
        assert again.recipients[0].written == address
    for group in ("a:b@c.d;", "<@a:b@c.d>", "ana@[IPv6:::1", "[a:b]@c.d"):
        with pytest.raises(MessageError):
            Message(sender="a@b.c", to=group)


# 18: blanks in a row


@pytest.mark.parametrize("subject", ["a" + " " * 1000 + "b", "x" * 60 + " " * 30 + "y" * 60, " " * 2000 + "z"])
def test_many_blanks_in_a_row_come_back(subject: str) -> None:
    stdlib = addressed(StdlibMessage(), Subject=subject)
    for message in (Message(sender="a@b.c", to="d@e.f", subject=subject, headers={"X-A": subject}), stdlib):
        found = read(octets_of(message))
        assert found["Subject"] == subject or (message is stdlib and found["Subject"] == subject.strip())


def test_text_parts_of_the_standard_library_still_go_out() -> None:
    message = addressed(MIMEText("ñ"))
    assert read(octets_of(message)).get_content() == "ñ"


# 16: media types


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Data: Q1, Q2.pdf", "application/pdf"), ("http://x/a.CSV", "text/csv"), ("a.ics", "text/calendar"),
     ("a.md", "text/markdown"), ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
     ("a.parquet", "application/vnd.apache.parquet"), ("a.webp", "image/webp"), ("a.avif", "image/avif"),
     ("a.heic", "image/heic"), ("a.woff2", "font/woff2"), ("a.eml", "message/rfc822"), ("a.tar.gz", "application/gzip"),
     ("a.svgz", "image/svg+xml"), ("a", "application/octet-stream"), (".pdf", "application/octet-stream"),
     ("a.xyz", "application/octet-stream"), ("a.pdf?x=1", "application/octet-stream")],
)  # fmt: skip
def test_the_type_of_a_file_follows_from_its_name_alone(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mimetypes.init()
    monkeypatch.setitem(mimetypes.types_map, ".pdf", "text/plain")
    assert Attachment.from_bytes(b"x", filename=name).content_type == kind


# 17: errors of others


class Broken(io.BytesIO):
    name = "a.pdf"

    def read(self, size: int | None = -1) -> bytes:
        raise OSError("the disk is gone")


class Torn(io.BytesIO):
    name = "a.gz"

    def read(self, size: int | None = -1) -> bytes:
        raise EOFError("Compressed file ended before the end-of-stream marker was reached")


class Awaited:
    name = "a.pdf"

    async def read(self) -> bytes:
        return b""


@pytest.mark.parametrize(
    "attachment",
    [
        Path("x" * 5000),
        Path("a/" * 3000),
        Path("a\0b"),
        Path("/proc/self/mem/x"),
        Broken(),
        Torn(),
        Awaited(),
        io.StringIO("x"),
    ],
    ids=range(8),
)  # fmt: skip
def test_what_cannot_be_attached_is_a_message_error(attachment: Any) -> None:
    for given in (lambda: Message(sender="a@b.c", attachments=[attachment]),
                  lambda: Message(sender="a@b.c", html="x", inline={"x": attachment})):  # fmt: skip
        with pytest.raises(MessageError) as caught:
            given()
        assert caught.value.field in {"attachments", "inline"}
        assert caught.value.hint


def test_a_folder_and_a_pipe_are_named_as_what_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path, "a folder"), (tmp_path / "pipe", "a pipe or a device")):
        with pytest.raises(MessageError, match=f"it is {what}"):
            Attachment.from_path(path)


def test_a_closed_file_and_one_for_writing_are_message_errors(tmp_path: Path) -> None:
    with (tmp_path / "a.bin").open("wb") as file, pytest.raises(MessageError):
        Attachment.from_file(file)  # type: ignore[arg-type]
    with pytest.raises(MessageError):
        Attachment.from_file(file)  # type: ignore[arg-type]


@pytest.mark.skipif(os.name == "nt", reason="folders are shut by POSIX permissions")
@pytest.mark.own_process
def test_a_folder_that_may_not_be_read_is_a_message_error(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    with as_nobody(), pytest.raises(MessageError):  # root may read every folder
        Attachment.from_path(tmp_path / "shut" / "a.pdf")


def test_a_mailbox_with_bad_parts_is_a_message_error() -> None:
    for made in (
        lambda: Mailbox("x", Address("a@b.c", "a\r\nBcc: x", "b.c")),
        lambda: Mailbox("x", "a@b.c"),  # type: ignore[arg-type]
        lambda: Mailbox(5, parse_address("a@b.c")),  # type: ignore[arg-type]
        lambda: Mailbox("a\nb", parse_address("a@b.c")),
        lambda: {"ana@example.com": "Ana"},
        lambda: 5,
    ):
        for field in ("sender", "to"):
            with pytest.raises(MessageError) as caught:
                Message(**{"sender": "a@b.c", field: made()})
            assert isinstance(caught.value, AddressError) or caught.value.field == field


def test_a_file_that_is_decompressed_as_it_is_read_loses_the_ending(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "data.csv.gz", "wb") as file:
        file.write(b"a,b\n")
    with gzip.open(tmp_path / "data.csv.gz") as file:
        found = Attachment.from_file(file)  # type: ignore[arg-type]
    assert (found.filename, found.content_type, found.read()) == ("data.csv", "text/csv", b"a,b\n")
    with (tmp_path / "data.csv.gz").open("rb") as raw:
        assert Attachment.from_file(raw).filename == "data.csv.gz"
