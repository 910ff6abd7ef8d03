"""The boundary of a message cannot be known beforehand, stands in none of its parts, and stays with it."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import warnings
from email.message import EmailMessage
from pathlib import Path

import pytest

from sendkit._message.accept import new_boundary
from sendkit._message.attachment import Attachment
from sendkit._message.message import Message
from tests.message.readers import octets_of, read

FORGED = (
    b'Subject: x\r\n\r\n--=_%b-m\r\nContent-Disposition: attachment; filename="forged.exe"\r\n\r\nx\r\n--=_%b-m--\r\n'
)


def message(*attachments: Attachment, **fields: str) -> Message:
    given = {"sender": "ana@example.com", "to": "luis@example.com", "html": "<p>x", **fields}
    return Message(**given, attachments=attachments)  # type: ignore[arg-type]


def files(octets: bytes) -> list[str | None]:
    return [part.get_filename() for part in read(octets).iter_attachments()]


def test_two_messages_of_one_message_id_have_two_boundaries() -> None:
    one, two = (message(message_id="<1@example.com>") for _ in range(2))
    assert read(octets_of(one)).get_boundary() != read(octets_of(two)).get_boundary()


@pytest.mark.parametrize("stored", [False, True])
def test_a_boundary_that_stands_in_a_forwarded_message_is_not_used(tmp_path: Path, stored: bool) -> None:
    boundary = new_boundary()
    octets = FORGED % (boundary.encode(), boundary.encode())
    (tmp_path / "forwarded.eml").write_bytes(octets)
    forwarded = Attachment.from_bytes(octets, filename="forwarded.eml")
    if stored:
        forwarded = Attachment.from_path(tmp_path / "forwarded.eml")
    wrapper = message(forwarded, Attachment.from_bytes(b"x", filename="real.pdf"), boundary=boundary)
    assert files(octets_of(wrapper)) == ["forwarded.eml", "real.pdf"]
    assert octets_of(wrapper) == octets_of(wrapper)


def test_a_wrapper_with_all_that_the_wrapped_one_had_of_its_own_is_read_as_a_wrapper() -> None:
    inner = message(Attachment.from_bytes(b"x", filename="inner.pdf"))
    fixed = {"message_id": inner.message_id, "boundary": inner.boundary}
    outer = message(
        Attachment.from_bytes(inner.as_bytes(), filename="inner.eml"),
        Attachment.from_bytes(b"y", filename="outer.pdf"),
        **fixed,
    )
    assert files(octets_of(outer)) == ["inner.eml", "outer.pdf"]


def test_a_stdlib_message_with_the_boundary_of_what_it_wraps_is_read_as_a_wrapper() -> None:
    def made(*attached: EmailMessage) -> EmailMessage:
        found = EmailMessage()
        found["From"], found["To"] = "ana@example.com", "luis@example.com"
        found.set_content("x")
        found.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
        for one in attached:
            found.add_attachment(one)
        found.set_boundary("the-same")
        return found

    octets = octets_of(made(made()))
    outer = read(octets)
    assert [part.get_content_type() for part in outer.iter_attachments()] == ["application/pdf", "message/rfc822"]


def test_a_line_that_only_its_re_encoding_would_break_off_forges_no_part() -> None:
    line = b"x" * 75 + b"--b" + b"\r\n" + b"y" * 1100
    raw = (
        b'From: ana@example.com\r\nTo: b@c\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\n\r\n%b\r\n--b\r\nContent-Disposition: attachment; filename=real.pdf\r\n\r\nz\r\n--b--\r\n" % line
    )
    parts = list(read(octets_of(Message.from_bytes(raw))).iter_parts())
    assert [part.get_filename() for part in parts] == [None, "real.pdf"]
    assert parts[0].get_content().split() == line.decode().split()


def test_it_travels_with_the_message() -> None:
    first = message()
    for again in (copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first)), first.model_copy()):
        assert octets_of(again) == octets_of(first)
    assert first.model_copy(update={"subject": "y"}).boundary != first.boundary


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_draws_its_own() -> None:
    new_boundary()
    there, here = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which this child does not need
        child = os.fork()
    if not child:  # pragma: no cover - no coverage is kept of it
        os.write(here, new_boundary().encode())
        os._exit(0)
    os.waitpid(child, 0)
    drawn = {new_boundary() for _ in range(200)}
    assert os.read(there, 32).decode() not in drawn
    os.close(there)
    os.close(here)
