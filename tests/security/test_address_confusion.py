"""Address confusion: a text goes to the mailbox that RFC 5321 reads in it, or nowhere; never to somebody else's.

Had by Python's email (CVE-2023-27043), nodemailer (CVE-2025-13033, GHSA-mm7p-fcc7-pg87: quoted local parts;
CVE-2026-125755: a comment before a dot; CVE-2026-121424: nested comments; GHSA-g57g-f23g-4646), go-mail
(CVE-2025-59937) and aiosmtplib's `parse_address`. RFC 5321 section 4.1.2, RFC 5322 section 3.4, RFC 5891, UTS 46.
"""

from __future__ import annotations

import pytest

from sendkit import Envelope, MemoryTransport, Message, errors
from tests.accounts import ANA, mailer, message

from .eyes import compose, heard

OPAQUE = [
    ('"a@evil x"@good.example', '"a@evil x"@good.example'),
    ('"xclow3n@evil.example x"@good.example', '"xclow3n@evil.example x"@good.example'),
    ('"a@evil.example> , <b"@good.example', '"a@evil.example> , <b"@good.example'),
    ('"a\\"@evil.example"@good.example', '"a\\"@evil.example"@good.example'),
    ('"<a@evil.example>"@good.example', '"<a@evil.example>"@good.example'),
    ('"(a@evil.example)"@good.example', '"(a@evil.example)"@good.example'),
    ("a%evil.example@good.example", "a%evil.example@good.example"),
    ("evil.example!a@good.example", "evil.example!a@good.example"),
    ("=?utf-8?q?a=40evil.example=3E?=@good.example", "=?utf-8?q?a=40evil.example=3E?=@good.example"),
    ("=?utf-8?b?YUBldmlsLmV4YW1wbGU+?=x@good.example", "=?utf-8?b?YUBldmlsLmV4YW1wbGU+?=x@good.example"),
    ("&AGEAQABl-@good.example", "&AGEAQABl-@good.example"),
]
REFUSED = [
    "a@good.example@evil.example",
    "a@evil.example@good.example",
    '"a"@good.example@evil.example',
    '"a"b@good.example',
    'a"b@evil.example"@good.example',
    "a@good.example,b@evil.example@x.example",
    "a@good.example(b@evil.example)",
    "a(b@evil.example)@good.example",
    "a@evil.example(x).good.example",
    "a@evil.example (x).good.example",
    "a@evil.example .good.example",
    "a@good.example (x (y) b@evil.example)",
    "@evil.example:a@good.example",
    "<@evil.example,@x.example:a@good.example>",
    "a@good.example>b@evil.example",
    "<a@good.example> b@evil.example",
    "<a@good.example><b@evil.example>",
    "<<a@good.example>>",
    "a@good.example\0@evil.example",
    "a@good.example\0.evil.example",
    "a@good.example%00.evil.example",
    "a@good.example;b@evil.example",
    "group:a@good.example;",
    "a@[good.example]",
    "a@[127.0.0.1]evil.example",
    "a@[IPv6:::ffff:evil.example]",
    "a@good.example.",
    "a@.evil.example",
    "a@good..example",
    "a@good_evil.example",
    "a@good.example/evil",
    "a@good.example\\@evil.example",
    "a\\@evil.example@good.example",
    "a@good.example?b@evil.example",
    "a@xn--.example\u200d",
    "a@good\u200b.example",
    "a@good\u00ad.example",
    "a@go\u202eod.example",
    "a\uff20evil.example",
    "a@good.example\uff1ex",
    "a@good.example\u3000b",
]
# CVE-2023-27043: what the standard library read as alice@ or bob@, each with one of these signs in between.
SIGNS = [*'()<>@,:;.".[]', " ", "\t"]
HOMOGRAPHS = [
    ("a@аpple.example", "a@xn--pple-43d.example"),  # a Cyrillic а is no Latin one
    ("a@straße.example", "a@xn--strae-oqa.example"),  # IDNA 2003 finds strasse.example, a stranger's
    ("a@βόλος.example", "a@xn--nxasmm1c.example"),  # IDNA 2003 finds another domain for the final sigma
    ("a@EXAMPLE.example", "a@EXAMPLE.example"),
    ("a@ｇｏｏｄ。example", "a@good.example"),  # full width: the same name in another dress (UTS 46)
    ("a@ñandú.example", "a@xn--and-6ma2c.example"),
    ("a@n\u0303andu\u0301.example", "a@xn--and-6ma2c.example"),  # decomposed
]


def _wires(text: str) -> list[list[bytes]]:
    """The RCPT paths for this text by each way in that takes it; a way that refuses it says nothing."""
    ways = (
        lambda: compose(Message(sender=ANA, to=[text], text="x")),
        lambda: compose(Message(sender=ANA, to=[("Name", text)], text="x")),
        lambda: compose(message(), recipients=[text]),
        lambda: compose(message(), recipients=Envelope(ANA, [text])),
        lambda: compose(Message.from_bytes(f"From: {ANA}\nTo: {text}\n\nx".encode())),
        lambda: compose(Message.from_bytes(f"From: {ANA}\nTo: Name <{text}>\n\nx".encode())),
    )
    found: list[list[bytes]] = []
    for way in ways:
        try:
            found.append(heard(way()).recipients)
        except errors.MessageError:
            continue
    return found


@pytest.mark.parametrize(("text", "wire"), OPAQUE)
def test_address_confusion_by_an_odd_local_part_goes_to_its_own_domain(text: str, wire: str) -> None:
    """CVE-2025-13033, CVE-2025-59937: quoted or encoded, a local part is its domain's business alone."""
    found = _wires(text)
    assert len(found) == 6
    assert all(paths == [wire.encode()] for paths in found)


@pytest.mark.parametrize("text", REFUSED)
def test_address_confusion_by_a_text_that_is_no_address_goes_nowhere(text: str) -> None:
    """CVE-2023-27043, CVE-2026-125755, CVE-2026-121424; by every way in."""
    for refused in (
        lambda: Message(sender=ANA, to=[("Name", text)], text="x"),
        lambda: Message(sender=text, to=ANA, text="x"),
        lambda: Envelope(ANA, [text]),
        lambda: compose(message(), envelope_from=text),
    ):
        with pytest.raises(errors.MessageError):
            refused()


# What a header may hold and the API may not: a comment, or two addresses. Only the lawful readings are allowed.
HEADERS = {
    "a@good.example (b@evil.example)": [b"a@good.example"],
    "a@good.example (x (y) b@evil.example)": [b"a@good.example"],
    "a@good.example (x (y) <b@evil.example>, (z))": [b"a@good.example"],
    "(b@evil.example,) a@good.example": [b"a@good.example"],
    "(\\) b@evil.example) a@good.example": [b"a@good.example"],
    '"b@evil.example" <a@good.example>': [b"a@good.example"],
    "b@evil.example <a@good.example>": [b"a@good.example"],
    '"b@evil.example, <c@evil.example>" <a@good.example>': [b"a@good.example"],
    "=?utf-8?q?b=40evil=2Eexample=2C?= <a@good.example>": [b"a@good.example"],
    "=?utf-8?q?=3Cb=40evil=2Eexample=3E?= <a@good.example>": [b"a@good.example"],
    "friends: a@good.example;": [b"a@good.example"],
    "friends: a@good.example, (b@evil.example) ;": [b"a@good.example"],
}


@pytest.mark.parametrize("text", HEADERS)
def test_address_confusion_by_comments_and_names_in_a_header_changes_nothing(text: str) -> None:
    """CVE-2026-121424: a nested comment ends where its own bracket is, not at the first one."""
    letter = compose(Message.from_bytes(f"From: {ANA}\nTo: {text}\n\nx".encode()))
    assert heard(letter).recipients == HEADERS[text]


ALICE, BOB = b"alice@good.example", b"bob@evil.example"
# With {} for the sign, and the readings that are lawful beside none: by which sign (None: by any), and what they are.
BETWEEN: dict[str, dict[str | None, list[bytes]]] = {
    "alice@good.example{}bob@evil.example": {",": [ALICE, BOB]},
    "<alice@good.example>{}bob@evil.example": {",": [ALICE, BOB]},
    "alice@good.example{}<bob@evil.example>": {",": [ALICE, BOB], None: [BOB]},
    "alice{}@good.example": {},
    "alice@good.example{}": {",": [ALICE], " ": [ALICE], "\t": [ALICE]},
    '"alice{}@good.example': {'"': [b'"alice"@good.example']},
    '"alice\\"{} <bob@evil.example>': {'"': [BOB]},
}


@pytest.mark.parametrize("sign", sorted(set(SIGNS)))
def test_address_confusion_by_a_sign_between_two_addresses_adds_no_third(sign: str) -> None:
    """CVE-2023-27043: `alice@example.org)bob@evil.example` and its kin."""
    for pattern, lawful in BETWEEN.items():
        for paths in _wires(pattern.format(sign)):
            assert paths in (lawful.get(sign), lawful.get(None)), pattern


@pytest.mark.parametrize(
    "text", ['"x <a@good.example>', 'x" <a@good.example>', '"a\\" <b@evil.example>, c@good.example']
)
def test_address_confusion_by_a_quote_that_is_not_closed_goes_nowhere(text: str) -> None:
    """Readers disagree where such a name ends, and so to whom the mail goes."""
    assert _wires(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "a@good.example <b@evil.example>",
        "a@good.example<b@evil.example>",
        "Ana a@good.example <b@evil.example>",
        'a@good.example "Ana" <b@evil.example>',
        '"Ana" a@good.example <b@evil.example>',
        "Ana @ Work <b@evil.example>",
        "@good.example <b@evil.example>",
        "=?utf-8?q?a@good.example?= <b@evil.example>",
        "b@good.example <b@evil.example>",
        "c@good.example, a@good.example <b@evil.example>",
    ],
)
def test_address_confusion_by_a_name_that_looks_like_an_address_is_refused_with_the_cure(text: str) -> None:
    """RFC 5322 section 3.2.5: such a name wants quotes; without them one reader sends to it, another behind it."""
    for way in (
        lambda: Message(sender=ANA, to=text, text="x"),
        lambda: Message(sender=ANA, to=ANA, cc=[text], text="x"),
        lambda: Message(sender=text, to=ANA, text="x"),
        lambda: compose(message(), recipients=text),
        lambda: compose(message(), recipients=[text]),
        lambda: compose(message(), envelope_from=text),
    ):
        with pytest.raises(errors.MessageError) as refused:
            way()
        assert "double quotes" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        '"a@evil.example" <a@good.example>',
        '"Ana @ Work" <a@good.example>',
        '"a@evil.example" Ana <a@good.example>',
        "=?utf-8?q?a=40evil=2Eexample?= <a@good.example>",
        "a@good.example <a@good.example>",
        " A@Good.Example  <a@good.example>",
    ],
)
def test_address_confusion_by_a_quoted_name_or_the_address_itself_goes_where_it_says(text: str) -> None:
    letter = compose(Message(sender=ANA, to=text, text="x"))
    assert heard(letter).recipients == heard(compose(message(), recipients=text)).recipients == [b"a@good.example"]


@pytest.mark.parametrize(("text", "wire"), HOMOGRAPHS)
def test_address_confusion_by_a_homograph_finds_its_own_domain(text: str, wire: str) -> None:
    """IDNA 2008 with UTS 46: no letter is taken for another one that looks like it."""
    found = _wires(text)
    assert found
    assert all(paths == [wire.encode()] for paths in found)


def test_two_mailboxes_that_look_alike_stay_two() -> None:
    addresses = ["a@good.example", "A@good.example", '"a"@good.example', "а@good.example", "a@gооd.example"]
    letter = compose(Message(sender=ANA, to=addresses, text="x"))
    assert len(heard(letter).recipients) == len(addresses)


async def test_a_result_is_keyed_by_the_address_that_was_written_and_by_no_other() -> None:
    text = '"a@evil x"@good.example'
    async with mailer(MemoryTransport()) as postman:
        result = await postman.send(Message(sender=ANA, to=[text], text="x"))
    assert list(result.recipients) == [text]
