"""What others wrote goes out part by part as it was: through `from_bytes`, as a stdlib message, and re-encoded.

The messages are those that come with packages, which are not copied here: 115 of flufl.bounce 4 (Apache-2.0), genuine
returned mail of many systems; and those of CPython's own tests (PSF-2.0), where the interpreter has them. Beside them
stand generated ones of every shape: each transfer encoding with each kind of part, line end and wrapping, reports,
calendars, signatures, names and charsets of all kinds.
"""

from __future__ import annotations

import email
import importlib.util
import itertools
import sysconfig
from email import policy
from email.message import Message as StdlibMessage
from pathlib import Path
from typing import Any

import pytest

from sendkit._message.compose import compose
from sendkit._message.message import Message
from sendkit.errors import MessageError
from tests.message.readers import assert_wire_form

ENVELOPE: dict[str, Any] = {"envelope_from": "ana@example.com", "recipients": "luis@example.com"}
CPYTHON = Path(sysconfig.get_path("stdlib")) / "test" / "test_email" / "data"
# What is refused, and why: documented, and said by the error.
REFUSED = {
    "msg_19.txt": "not a header field",  # a body where a head should be
    "msg_35.txt": "not a header field",
    "sina_01.txt": "UTF-8",  # raw octets in a Subject, as a stdlib message
}


def genuine() -> list[Path]:
    """The messages that are installed."""
    spec = importlib.util.find_spec("flufl.bounce") if importlib.util.find_spec("flufl") else None
    folders = [CPYTHON, *([Path(spec.origin).parent / "tests" / "data"] if spec and spec.origin else [])]
    return [path for folder in folders for path in sorted(folder.glob("*.txt"))]


FOUND = genuine()


Leaf = tuple[str, str | None, bytes, bool]


def leaves(octets: bytes) -> list[Leaf]:
    """Each part: its type, its file name, its content, and whether its line ends are octets like others."""
    message = email.message_from_bytes(octets, policy=policy.compat32)
    return [_leaf(part) for part in message.walk()]


def _leaf(part: StdlibMessage) -> Leaf:
    if part.is_multipart():
        return part.get_content_type(), None, b"", False
    data: Any = part.get_payload(decode=True) or b""
    encoded = str(part["Content-Transfer-Encoding"]).strip().lower() in {"base64", "binary"}
    exact = encoded and part.get_content_maintype() != "text"
    return part.get_content_type(), part.get_filename(), data, exact


def assert_same(after: list[Leaf], before: list[Leaf]) -> None:
    """Nothing differs but the line ends of what is text."""
    assert [leaf[:2] for leaf in after] == [leaf[:2] for leaf in before]
    for (_, _, one, _), (_, _, other, exact) in zip(after, before, strict=True):
        assert one == other or (not exact and _lines(one) == _lines(other))


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")


def written(message: Any, raw: bytes) -> bytes:
    """A stdlib message is what stdlib writes of it: of some malformed ones that is something else."""
    try:
        return message.as_bytes() if isinstance(message, StdlibMessage) else raw
    except UnicodeEncodeError:  # which it cannot write, and we can
        return raw


def sent(message: Any) -> list[bytes]:
    """The octets that go out, and those for a server without 8BITMIME."""
    content = compose(message, **ENVELOPE).content
    other = content.seven_bit()
    found = [b"".join(one.blocks()) for one in (content, other) if one is not None]
    for octets in found:
        assert_wire_form(octets)
    return found


def test_there_are_a_hundred_genuine_messages() -> None:
    if not [path for path in FOUND if path.parent != CPYTHON]:
        pytest.skip('needs the messages of flufl.bounce: pip install "flufl.bounce>=4,<5"')
    assert len(FOUND) >= 100


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_a_genuine_message_keeps_every_part(path: Path) -> None:
    raw = path.read_bytes()
    raw = raw.partition(b"\n")[2] if raw.startswith(b"From ") else raw  # a line of the mailbox, not of the message
    readers = [
        lambda: Message.from_bytes(raw),
        *(lambda p=p: email.message_from_bytes(raw, policy=p) for p in POLICIES),
    ]
    for make in readers:
        try:
            message: Any = make()
            found = sent(message)
        except MessageError as error:
            assert REFUSED.get(path.name, "?") in str(error)  # noqa: PT017 - most do not raise
            continue
        for octets in found:
            assert_same(leaves(octets), leaves(written(message, raw)))


POLICIES = (policy.compat32, policy.default)
PICTURE = bytes(range(256)) * 5
TEXT = "ñandú\r\n.\r\n".encode() + b"x" * 60 + b"\r\nlast"
BODIES = {
    ("text/plain; charset=utf-8", "8bit"): TEXT,
    ("text/plain; charset=utf-8", "binary"): TEXT,
    ("text/html; charset=latin-1", "8bit"): "<p>ñ".encode("latin-1"),
    ("text/plain", "7bit"): b"plain\r\n" + b"y" * 997,
    ("text/plain", "7bit "): b"z" * 1000,
    ("image/png", "binary"): PICTURE,
    ("image/png", "base64"): b"iVBORw0KGgo=",
    ("text/plain; charset=utf-8", "quoted-printable"): b"=C3=B1=\r\nx=20\r\n",
    ("message/rfc822", "8bit"): "Subject: x\r\n\r\nñ".encode(),
    ("message/rfc822", "base64"): b"U3ViamVjdDogeA0KDQp4",
    ('application/x; name="a.bin"', "binary"): b"a\nb\r\nc\rd",
    (
        "message/delivery-status",
        "7bit",
    ): b"Reporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.0.0\r\n",
    ("message/disposition-notification", "7bit"): b"Reporting-UA: x\r\nFinal-Recipient: rfc822; a@b.c\r\n",
    ("message/feedback-report", "7bit"): b"Feedback-Type: abuse\r\nVersion: 1\r\n",
    ("message/external-body; access-type=URL", "7bit"): b"Content-Type: image/png\r\n\r\n",
    ("text/rfc822-headers", "8bit"): "Subject: ñ\r\n".encode(),
    (
        "text/calendar; method=REQUEST; charset=utf-8",
        "8bit",
    ): "BEGIN:VCALENDAR\r\nSUMMARY:ñ\r\n".encode(),
    ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "base64"): b"MIIB",
    ("application/x-unknown", "x-uuencode"): b"begin 644 a\n#86)C\n`\nend",
    ('application/pdf; name="=?utf-8?q?A=C3=B1o=2Epdf?="', "base64"): b"JVBERg==",
    ("text/plain; charset=iso-2022-jp", "7bit"): "日本".encode("iso-2022-jp"),
    ("text/plain; charset=utf-16", "base64"): b"//5hAA==",
    ("text/plain; charset=unknown-8bit", "8bit"): b"\xff\xfe\xfd",
    ("text/plain; format=flowed; delsp=yes", "7bit"): b"flowed \r\ntext\r\n-- \r\nAna",
    ("text/plain", "quoted-printable  "): b"x" * 1200,
}


@pytest.mark.parametrize("kinds", list(itertools.product(BODIES, ["mixed", "alternative", "related"])), ids=str)
def test_a_generated_message_keeps_every_part(kinds: tuple[tuple[str, str], str]) -> None:
    (kind, encoding), wrapper = kinds
    body = BODIES[kind, encoding]
    part = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding.strip()}\r\n\r\n".encode() + body
    head = f'From: a@b.c\r\nTo: d@e.f\r\nMIME-Version: 1.0\r\nContent-Type: multipart/{wrapper}; boundary="=b"\r\n\r\n'
    raw = head.encode() + b"".join(b"--=b\r\n%b\r\n" % one for one in (part, b"\r\nfirst", part)) + b"--=b--\r\n"
    makes = [Message.from_bytes(raw), *(email.message_from_bytes(raw, policy=one) for one in POLICIES)]
    for message in makes:
        for octets in sent(message):
            assert_same(leaves(octets), leaves(raw))
