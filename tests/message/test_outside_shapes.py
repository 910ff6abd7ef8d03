"""Two readers that are not Python's, and Python's `email`, agree on every name, type and part in a part."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address as StdlibAddress
from email.utils import formataddr
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendkit._message.attachment import Attachment
from sendkit._message.invite import Invite
from sendkit._message.mailbox import mailbox_of, tidy_name
from sendkit._message.message import Message
from sendkit.errors import MessageError
from tests.message.readers import PNG, Read, digest, lines, octets_of, of_python

_WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp"]), max_size=40)
_NAME = st.one_of(
    st.just(""),
    st.sampled_from(
        (
            "Ana", "Ana Núñez", "Núñez, Ana", "Ana (ventas)", "O'Brien", 'the "boss"', "a\\b", "ana@example.com",
            "日本 太郎", "🎉", "=?utf-8?q?x?=", "Dr. A. Núñez", "group: x;", "<tag>", "x" * 90, "ñ" * 60, "a,b;c:d",
        )
    ),
    _WORDS,
)  # fmt: skip
_LOCAL = st.sampled_from(
    ("ana", "a.b", "a+tag", "o'brien", "x_y-z", "1", "a" * 64, '"a b"', '"a..b"', "!#$%&*/=?^`{|}~")
)
_DOMAIN = st.sampled_from(("example.com", "EXAMPLE.net", "a.b.c.example.org", "straße.de", "x-1.example"))
_PEOPLE = st.lists(st.tuples(_NAME, _LOCAL, _DOMAIN), max_size=12, unique_by=lambda one: (one[1], one[2].lower()))
_ENDINGS = ("txt", "csv", "html", "md", "json", "pdf", "png", "svg", "zip", "ics", "xlsx", "bin", "mp3", "xml", "gz")
_FILE_NAMES = ("año 2026", "日本", "a/b", "q1; q2", 'x"y', "a'b", "%41", "a" * 120, "b" * 70 + "ñ")
_CONTENTS = (b"", b"a\nb\n", b"x" * 2000, b"\r\n.\r\n", "ñ".encode("latin-1"))
_FILES = st.lists(
    st.tuples(
        st.one_of(_WORDS, st.sampled_from(_FILE_NAMES)),
        st.sampled_from(_ENDINGS),
        st.one_of(st.binary(max_size=300), st.sampled_from(_CONTENTS)),
    ),
    max_size=4,
)


def _sender(name: str, address: str, shape: int) -> object:
    """One sender as a program may give it: a pair, a Mailbox, the standard library's, or as text."""
    local, _, domain = address.rpartition("@")
    forms = (
        lambda: (name, address),
        lambda: mailbox_of((name, address)),
        lambda: StdlibAddress(name, local.strip('"'), domain),
        lambda: formataddr((name, address)) if (name + address).isascii() and "=?" not in name else (name, address),
        lambda: address,
    )
    return forms[shape]()


def _told(people: list[tuple[str, str, str]]) -> list[list[str]]:
    return _shown([[name, f"{local}@{domain}"] for name, local, domain in people])


def _shown(people: list[list[str]]) -> list[list[str]]:
    """As one reader or the other shows them: domains as people write them, no quotes, no address twice."""
    shown = [(name, address.replace("xn--strae-oqa.de", "straße.de").replace('"', "")) for name, address in people]
    return [["" if name == address else name, address] for name, address in shown]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=120)
@given(_PEOPLE.filter(bool), _PEOPLE, _PEOPLE, st.integers(0, 4), _WORDS)
def test_all_readers_agree_on_every_name_and_address(
    outside: Read, to: Any, cc: Any, replies: Any, shape: int, subject: str
) -> None:
    (to, cc, replies) = ([(tidy_name(name), local, domain) for name, local, domain in one] for one in (to, cc, replies))
    pairs = [[(name, f"{local}@{domain}") for name, local, domain in one] for one in (to, cc, replies)]
    name, address = pairs[0][0]
    try:
        message = Message(
            sender=_sender(name, address, shape), to=pairs[0], cc=pairs[1], reply_to=pairs[2], subject=subject, text="x"
        )
    except MessageError:
        return
    octets = octets_of(message)
    for reader, said in {"python": of_python(octets), **outside(octets)}.items():
        assert (reader, _shown(said["from"])) == (reader, _told([("" if shape == 4 else name, *to[0][1:])]))
        assert (reader, _shown(said["to"])) == (reader, _told(to))
        assert (reader, _shown(said["cc"])) == (reader, _told(cc))
        assert (reader, _shown(said["replyTo"])) == (reader, _told(replies))


@functools.cache
def _inner() -> bytes:
    attached = [Attachment.from_bytes(PNG, filename="i.png")]
    return Message(sender="a@b.c", to="d@e.f", subject="ñ", html="<p>inner", attachments=attached).as_bytes()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=120)
@given(_FILES, st.integers(0, 3), st.booleans(), st.integers(0, 3))
def test_all_readers_agree_on_files_of_every_type_beside_pictures_events_and_forwarded_messages(
    outside: Read, files: list[tuple[str, str, bytes]], pictures: int, event: bool, depth: int
) -> None:
    named = [(f"{name}.{ending}", data) for name, ending, data in files]
    forwarded = _inner()
    for _ in range(depth):
        attached = [Attachment.from_bytes(forwarded, filename="forwarded.eml")]
        forwarded = Message(sender="a@b.c", to="d@e.f", text="see below", attachments=attached).as_bytes()
    start = datetime(2027, 1, 2, 9, tzinfo=UTC)
    invite = Invite(summary="Revisión", start=start, end=start + timedelta(hours=1)) if event else None
    try:
        attached = [Attachment.from_bytes(data, filename=name) for name, data in named]
        message = Message(
            sender="ana@example.com",
            to="luis@example.com",
            text="Hola\n",
            html="".join(f'<img src="cid:c{number}">' for number in range(pictures)) + "<p>ñ",
            inline={f"c{number}": PNG + bytes([number]) for number in range(pictures)},
            calendar=invite,
            attachments=[*attached, Attachment.from_bytes(forwarded, filename="forwarded.eml")],
        )
    except MessageError:
        return
    octets = octets_of(message)
    assert forwarded in octets
    written = [(f"c{number}.png", PNG + bytes([number])) for number in range(pictures)]
    written += [(name, data) for name, data in named if not name.endswith(".ics")]
    for reader, said in {"python": of_python(octets), **outside(octets)}.items():
        found = {name: hashed for name, hashed in said["files"] if name in ("forwarded.eml", "invite.ics")}
        assert (reader, sorted(found)) == (reader, ["forwarded.eml", *(["invite.ics"] if event else [])])
        if reader != "python":  # it has no octets of an enclosed message, and serializes it again
            assert found["forwarded.eml"] in _forms(forwarded), reader
        plain = [[name, hashed] for name, hashed in said["files"] if name not in found and name[-4:] != ".ics" and name]
        assert (reader, plain) == (reader, [[name, digest(data)] for name, data in written])
        assert (reader, said["ids"][:pictures]) == (reader, [f"c{number}" for number in range(pictures)])
        assert (reader, lines(said["text"]), "<p>ñ" in said["html"]) == (reader, "Hola", True)


def _forms(octets: bytes) -> set[str]:
    """What readers hand out for an enclosed message: with either line end, and with or without the last of them."""
    forms = (octets, octets.replace(b"\r\n", b"\n"))
    return {
        digest(form) for octets in forms for form in (octets, octets.rstrip(b"\r\n"), octets + b"\n", octets + b"\r\n")
    }
