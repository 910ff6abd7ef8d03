"""Ready messages go out as they are: CRLF line ends, no Bcc, nothing else touched; and what cannot go is refused."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._message.compose import compose
from sendkit._message.letter import Letter
from sendkit._message.message import Message
from sendkit._message.ready import ReadyContent
from sendkit._smtp.envelope import Envelope
from sendkit.errors import MessageError
from tests.message.readers import assert_wire_form, read

HEAD = b"From: ana@example.com\r\nTo: luis@example.com\r\n"


def letter(raw: bytes, **envelope: str) -> Letter:
    return compose(Message.from_bytes(raw), **envelope)


def octets_of(letter: Letter) -> bytes:
    octets = b"".join(letter.content.blocks())
    assert len(octets) == letter.content.size
    assert_wire_form(octets)
    return octets


def test_what_is_in_order_is_not_touched() -> None:
    raw = HEAD + b"X-Odd :  spaces  \r\n\tfolded\r\n \r\nSubject: =?x?q?y?=\r\n\r\n.\r\n..dots\r\n\x0c\t \r\n"
    assert octets_of(letter(raw)) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\n\n", b"\r\n\r\n"),
        (b"a\rb\nc\r\nd", b"a\r\nb\r\nc\r\nd\r\n"),
        (b"\n.\n\r.\r\n.\r", b"\r\n.\r\n\r\n.\r\n.\r\n"),
        (b"\r\r\n\n\r", b"\r\n\r\n\r\n\r\n"),
    ],
)
def test_every_line_end_becomes_crlf(raw: bytes, expected: bytes) -> None:
    assert octets_of(letter(HEAD + b"\r\n" + raw)) == HEAD + b"\r\n" + expected


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"Bcc: x@y.z", b"\t", b"\xf1"]), max_size=30))
def test_no_lone_cr_or_lf_is_ever_left(pieces: list[bytes]) -> None:
    """So that no `\\n.\\r\\n` or `\\r.\\r\\n` is left to smuggle a second message (CVE-2023-51764 and its kin)."""
    octets = octets_of(letter(HEAD + b"\n" + b"".join(pieces)))
    assert re.sub(rb"\r\n", b"", octets).strip(b"\r\n") == re.sub(rb"\r\n", b"", octets)


BLIND = st.sampled_from(["Bcc", "BCC", "bcc", "bCc", "Resent-Bcc", "RESENT-BCC", "resent-bcc"])
GAPS = st.sampled_from(["", " ", "\t", " \t "])
FOLDS = st.sampled_from(["", "\r\n ", "\n\t", "\r ", "\r\n \r\n\t"])


@given(BLIND, GAPS, FOLDS, FOLDS, st.integers(0, 2))
def test_blind_copies_never_leave_however_they_are_spelled(
    name: str, gap: str, fold: str, other: str, place: int
) -> None:
    blind = f"{name}{gap}:{fold} one@secret.example,{other} two@secret.example\n".encode()
    fields = [b"From: ana@example.com\n", b"To: luis@example.com\n"]
    fields.insert(place, blind)
    sent = letter(b"".join(fields) + b"\nBcc: shown\n")
    assert b"secret" not in octets_of(sent)
    assert octets_of(sent) == HEAD + b"\r\nBcc: shown\r\n"
    if name.lower() == "bcc":
        assert len(sent.recipients) == 3


@pytest.mark.parametrize(
    ("head", "reverse_path", "recipients"),
    [
        ("From: a@b.c\nTo: d@e.f", "a@b.c", ["d@e.f"]),
        ("From: a@b.c, x@y.z\nSender: Boss <s@b.c>\nTo: d@e.f", "s@b.c", ["d@e.f"]),
        ("From: A (c) <a@b.c>\nTo: d@e.f,\n g@h.i\nCc: Team: j@k.l;\nbcc: m@n.o\nTO: d@E.F", "a@b.c",
         ["d@e.f", "g@h.i", "j@k.l", "m@n.o"]),
        ("From: a@b.c\nTo: d@e.f\nResent-From: r@s.t\nResent-To: u@v.w\nResent-Bcc: x@y.z\nBcc: q@q.q", "r@s.t",
         ["u@v.w", "x@y.z"]),
        ("Resent-Sender: s@s.s\nResent-From: r@s.t\nResent-Cc: u@v.w\nFrom: a@b.c\nTo: d@e.f", "s@s.s", ["u@v.w"]),
        ("From: a@b.c\nTo: d@e.f\nResent-To: u@v.w", "a@b.c", ["u@v.w"]),
        ('From: "a@evil.example, " <a@b.c>\nTo: "d@evil.example x"@good.example', "a@b.c",
         ['"d@evil.example x"@good.example']),
        ("From: =?utf-8?q?=3Cevil=40x=2Ey=3E=2C?= <a@b.c>\nTo: ñ@ñ.es", "a@b.c", ["ñ@ñ.es"]),
    ],
)  # fmt: skip
def test_the_envelope_is_read_from_the_head(head: str, reverse_path: str, recipients: list[str]) -> None:
    envelope = letter(f"{head}\n\nx".encode()).envelope
    assert envelope == Envelope(reverse_path, recipients)


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ("To: d@e.f", "From"),
        ("From: a@b.c, x@y.z\nTo: d@e.f", "From"),
        ("From: a@b.c\nFrom: x@y.z\nTo: d@e.f", "From"),
        ("From: a@b.c\nSender:\nTo: d@e.f", "Sender"),
        ("From: a@b.c x@y.z\nTo: d@e.f", "From"),
        ("From: a@b.c\nTo: d@e.f <x@y.z", "To"),
        ("From: a@b.c\nCc: <@x:d@e.f>", "Cc"),
        ("From: a@b.c\nTo: d@e.f\x0b", "To"),
        ("From: a@b.c\nTo: undisclosed-recipients:;", "to"),
        ("From: a@b.c", "to"),
        ("From: a@b.c\nResent-To: a@b.c\nResent-To: d@e.f", "message"),
        ("From: a@b.c\nTo: d@e.f\nnonsense\nBcc: x@y.z", "message"),
        (" From: a@b.c\nTo: d@e.f", "message"),
        ("From a@b.c Tue Nov 24\nFrom: a@b.c\nTo: d@e.f", "message"),
        ("From: a@b.c\nTo: d@e.f\nX: \0", "message"),
        ("From: a@b.c\nTo: d@e.f\nX: " + "x" * 1000, "message"),
        (": a@b.c", "message"),
    ],
)
def test_a_head_that_says_nothing_certain_is_refused(head: str, field: str) -> None:
    with pytest.raises(MessageError) as caught:
        letter(f"{head}\n\nx".encode())
    assert caught.value.field == field
    assert caught.value.hint


def test_octets_without_any_head_need_their_envelope_given() -> None:
    sent = compose(Message.from_bytes(b"\nx"), envelope_from="", recipients="a@b.c")
    assert (sent.reverse_path, octets_of(sent), sent.message_id) == (None, b"\r\nx\r\n", None)
    assert octets_of(compose(Message.from_bytes(b"X: y"), envelope_from="", recipients="a@b.c")) == b"X: y\r\n"
    with pytest.raises(MessageError, match="empty"):
        letter(b"")


def test_what_is_given_replaces_the_head_and_send_has_the_last_word() -> None:
    ready = Message.from_bytes(b"To: x@y.z\n\nx", envelope_from="", recipients="Ana <a@b.c>, d@e.f")
    assert compose(ready).envelope == Envelope("", ["a@b.c", "d@e.f"])
    assert compose(ready, recipients=["g@h.i"]).envelope == Envelope("", ["g@h.i"])
    assert compose(ready, envelope_from="j@k.l").envelope == Envelope("j@k.l", ["a@b.c", "d@e.f"])


def test_no_message_id_is_invented_and_one_that_is_there_is_known() -> None:
    assert letter(HEAD + b"\r\nx").message_id is None
    assert letter(HEAD + b"Message-ID:\r\n <a@b>\r\n\r\nx").message_id == "<a@b>"
    assert letter(HEAD + "Message-ID: <ñ@b>\r\n\r\nx".encode()).message_id is None


def test_a_long_header_line_is_folded_at_its_spaces() -> None:
    value = ", ".join(f"user{number}@example.com" for number in range(100))
    sent = letter(f"From: ana@example.com\nTo: {value}\nX: {'y' * 990}  {'z' * 990}\n\nx".encode())
    assert len(sent.recipients) == 100
    octets = octets_of(sent)
    assert read(octets)["X"] == "y" * 990 + "  " + "z" * 990
    assert octets.replace(b"\r\n", b"").count(value.encode()) == 1


def test_a_long_field_that_is_folded_already_is_not_touched() -> None:
    raw = HEAD + b"Cc:" + b" a@b.c,\r\n" * 200 + b" d@e.f\r\n\r\nx\r\n"
    assert octets_of(letter(raw)) == raw


def test_eight_bit_bodies_are_kept_and_can_be_had_in_seven_bits() -> None:
    raw = HEAD + "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nñandú\n".encode()
    content = letter(raw).content
    assert content.eight_bit
    assert not content.utf8
    plain = content.seven_bit()
    assert plain is not None
    octets = b"".join(plain.blocks())
    assert_wire_form(octets)
    assert octets.isascii()
    assert not plain.eight_bit
    assert plain.seven_bit() is plain
    assert read(octets).get_content() == "ñandú\r\n"
    assert read(octets)["MIME-Version"] == "1.0"


@pytest.mark.parametrize(
    ("body", "charset"), [("ñ".encode(), "utf-8"), (b"\xf1", "unknown-8bit")], ids=["utf-8", "latin-1"]
)
def test_a_body_without_type_is_labelled_when_it_is_encoded(body: bytes, charset: str) -> None:
    plain = letter(HEAD + b"\n" + body).content.seven_bit()
    assert plain is not None
    message = read(b"".join(plain.blocks()))
    assert (message.get_content_type(), message.get_param("charset")) == ("text/plain", charset)
    assert message.get_payload(decode=True) == body + b"\r\n"


MULTIPART = HEAD + (
    b'Subject: x\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\nContent-Type: %b; boundary="b"\n\n'
    b"preamble\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n%b\n"
    b"--b\nContent-Type: image/png\nContent-Transfer-Encoding: binary\n\n\x89PNG\xff\n"
    b"--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nSubject: in\n\n\xc3\xb1\n--b--\nend\n"
)


def test_every_part_of_a_tree_is_re_encoded_and_every_label_mended() -> None:
    content = letter(MULTIPART % (b"multipart/mixed", "ñ".encode())).content
    plain = content.seven_bit()
    assert plain is not None
    octets = b"".join(plain.blocks())
    assert_wire_form(octets)
    assert octets.isascii()
    assert b"8bit" not in octets
    assert b"binary" not in octets
    text, picture, inner = read(octets).iter_parts()
    assert text.get_content() == "ñ"
    assert picture.get_content() == b"\x89PNG\xff"
    assert inner.get_content().get_content() == "ñ"


@pytest.mark.parametrize("kind", [b"multipart/signed", b"multipart/encrypted"])
def test_what_is_signed_is_never_re_encoded(kind: bytes) -> None:
    assert letter(MULTIPART % (kind, b"\xf1")).content.seven_bit() is None
    with pytest.raises(MessageError, match="998"):
        letter(MULTIPART % (kind, b"x" * 1000))


@pytest.mark.parametrize("body", [b"x" * 2000, b"a\0b", b"x" * 999, "ñ".encode() * 600])
def test_lines_that_no_server_need_take_are_encoded_at_once(body: bytes) -> None:
    message = read(octets_of(letter(HEAD + b"Content-Type: text/plain; charset=utf-8\n\n" + body)))
    assert message.get_payload(decode=True) == body + b"\r\n"


def test_a_line_of_998_octets_is_not_touched() -> None:
    raw = HEAD + b"\r\n" + b"x" * 998 + b"\r\n"
    assert octets_of(letter(raw)) == raw


def test_base64_on_one_long_line_is_put_on_lines() -> None:
    raw = HEAD + b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + b"AAAA" * 500
    assert read(octets_of(letter(raw))).get_content() == bytes(1500)


def test_blocks_never_part_cr_from_lf() -> None:
    rest = (b"x" * 62 + b"\r\n") * 4096
    for shift in range(64):
        blocks = list(ReadyContent(HEAD, rest[shift:]).blocks())
        assert b"".join(blocks) == HEAD + rest[shift:]
        assert not [block for block in blocks if block.endswith(b"\r")]


def test_a_multipart_without_parts_is_not_re_encoded() -> None:
    with pytest.raises(MessageError, match="998"):
        letter(HEAD + b"Content-Type: multipart/mixed\n\n" + b"x" * 1000)
    assert letter(HEAD + b"Content-Type: multipart/mixed\n\n\xf1").content.seven_bit() is None
    with pytest.raises(MessageError, match="998"):
        letter(MULTIPART.replace(b"image/png", b"multipart/mixed") % (b"multipart/mixed", b"x" * 1000))


def test_parts_nested_without_end_are_refused() -> None:
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (depth, depth) for depth in range(2000)
    )
    with pytest.raises(MessageError, match="nested"):
        letter(HEAD + nested + b"\n" + b"x" * 1000)


def test_a_long_line_outside_every_part_is_refused() -> None:
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"x" * 1000 + b"\n--b\n\nx\n--b--\n"
    with pytest.raises(MessageError, match="998"):
        letter(raw)


def test_raw_utf8_in_a_head_can_be_had_in_ascii() -> None:
    raw = "From: Ana Núñez <ana@example.com>\r\nTo: ñ@example.com, luis@example.com\r\nSubject: año\r\n\r\nx\r\n"
    content = letter(raw.encode()).content
    assert content.utf8
    assert b"".join(content.blocks()) == raw.encode()
    plain = content.without_utf8()
    assert plain is not None
    message = read(b"".join(plain.blocks()))
    assert not plain.utf8
    assert (message["From"], message["Subject"]) == ("Ana Núñez <ana@example.com>", "año")
    assert [address.addr_spec for address in message["To"].addresses] == ["luis@example.com"]
    assert not message["Bcc"]


@pytest.mark.parametrize(
    "field", ["References: <ñ@b>".encode(), b"X: \xf1", "Reply-To: ñ ñ@b.c".encode(), "X: ñ\x0b".encode()]
)
def test_what_has_no_ascii_form_has_no_downgrade(field: bytes) -> None:
    assert letter(HEAD + field + b"\r\n\r\nx").content.without_utf8() is None


def test_ready_messages_can_be_pickled_and_print_no_content() -> None:
    ready = Message.from_bytes(HEAD + b"Bcc: secret@example.com\n\nSECRET")
    assert pickle.loads(pickle.dumps(ready)) == ready
    assert "secret" not in repr(ready).lower()


def test_an_encoded_word_in_a_charset_without_a_name_changes_no_address() -> None:
    sent = compose(Message.from_bytes("From: ana@example.com\nTo: =?ñ?q?a?= <c@d.e>\n\nx".encode()))
    assert [recipient.wire for recipient in sent.recipients] == ["c@d.e"]


def test_only_octets_are_taken() -> None:
    assert isinstance(Message.from_bytes(memoryview(HEAD)).content, ReadyContent)
    with pytest.raises(MessageError, match="bytes"):
        Message.from_bytes("From: a@b.c")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@given(st.binary(max_size=200))
def test_any_octets_are_taken_in_wire_form_or_refused(raw: bytes) -> None:
    try:
        sent = compose(Message.from_bytes(raw), envelope_from="", recipients="a@b.c")
    except MessageError:
        return
    octets_of(sent)


def test_a_content_type_with_octets_beyond_ascii_is_no_error_of_the_standard_library() -> None:
    """Found by `python -m fuzz.messages`: a NUL in the body asks for an encoding, and `email` adds no charset there."""
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nContent-Type: message\x88rfc822\r\n\r\n\x00 \x85\r\n"
    assert Message.from_bytes(raw) is not None


def test_a_field_that_the_standard_library_takes_for_two_is_a_message_error() -> None:
    """Found by `python -m fuzz.messages`: it raises HeaderParseError when it writes such a part back."""
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nContent-Type: message/rfc822\r\n\r\nX: a\x1cb: c\r\n\x00d\r\n"
    field = b"Content-Type: message/rfc822\n\nContzent-Type: multipacharset=/alterContent-Type: mestCont\x1cent-Type:"
    for octets in (raw, field + b' message/rfc822\n\x00Cone; boundarCoy="yContent-Type: message\n\n--y\n\n--y--'):
        try:
            Message.from_bytes(octets)
        except MessageError:
            continue
