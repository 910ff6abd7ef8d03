"""Two readers that are not Python's, and Python's `email`, agree on all that was written, whatever was written."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendkit._message.attachment import Attachment
from sendkit._message.mailbox import tidy_name
from sendkit._message.message import Message
from sendkit.errors import MessageError
from tests.message.readers import PNG, WILD, Read, digest, lines, octets_of, of_python

# Readers show these in their own ways: they cut or replace what has no shape, and each a little differently.
PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp"]), max_size=120)
TEXTS = st.lists(PRINTABLE, max_size=6).map("\n".join)
NAMES = st.text(st.sampled_from("ñ日🎉 aZ(),;:<>@[]=?_.'*%-"), max_size=60).map(str.strip)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(PRINTABLE, NAMES, TEXTS, TEXTS, st.lists(st.tuples(NAMES, st.binary(max_size=300)), max_size=3))
def test_all_readers_agree_on_any_message(
    outside: Read, subject: str, name: str, text: str, html: str, files: list[tuple[str, bytes]]
) -> None:
    name = tidy_name(name)
    try:
        message = Message(
            sender=(name, "ana@example.com"),
            to=[(name, "luis@example.com"), "ops@example.net"],
            subject=subject,
            text=text,
            html=html or None,
            attachments=[Attachment.from_bytes(data, filename=f"{one}.bin") for one, data in files],
        )
    except MessageError:
        return
    octets = octets_of(message)
    found = {"python": of_python(octets), **outside(octets)}
    for reader, said in found.items():
        assert (reader, said["subject"].strip()) == (reader, subject.strip())
        assert (reader, said["from"]) == (reader, [[name, "ana@example.com"]])
        assert (reader, said["to"]) == (reader, [[name, "luis@example.com"], ["", "ops@example.net"]])
        assert (reader, lines(said["text"])) == (reader, lines(text))
        assert (reader, lines(said["html"])) == (reader, lines(html))
        assert (reader, said["files"]) == (reader, [[f"{one}.bin", digest(data)] for one, data in files])


def test_all_readers_find_pictures_files_and_forwarded_messages(outside: Read) -> None:
    inner = Message(
        sender="a@b.c", to="d@e.f", html="<p>inner", attachments=[Attachment.from_bytes(PNG, filename="i.png")]
    )
    message = Message(
        sender="ana@example.com",
        to="luis@example.com",
        html='<img src="cid:c">',
        inline={"c": PNG},
        attachments=[
            Attachment.from_bytes(inner.as_bytes(), filename="inner.eml"),
            Attachment.from_bytes(PNG * 999, filename="日本" * 40 + ".png"),
        ],
        message_id=inner.message_id,
        boundary=inner.boundary,
    )
    octets = octets_of(message)
    for reader, said in {"python": None, **outside(octets)}.items():
        if said is not None:
            files = [name for name, _ in said["files"]]
            assert (reader, files) == (reader, ["c.png", "inner.eml", "日本" * 40 + ".png"])
            assert (reader, said["files"][-1][1]) == (reader, digest(PNG * 999))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(WILD)
def test_a_forged_boundary_in_a_text_adds_no_part(outside: Read, text: str) -> None:
    boundary = "0" * 32
    forged = f'x\n--=_{boundary}-m\nContent-Disposition: attachment; filename="forged"\n\nx\n--=_{boundary}-m--\n{text}'
    try:
        message = Message(
            sender="a@b.c",
            to="d@e.f",
            text=forged,
            html=forged,
            attachments=[Attachment.from_bytes(f"Subject: x\n\n{forged}".encode("ascii", "replace"), filename="a.eml")],
            boundary=boundary,
        )
    except MessageError:
        return
    for said in outside(octets_of(message)).values():
        assert [name for name, _ in said["files"]] == ["a.eml"]
