"""Mailbox lists: as authors write them, and as headers of ready messages hold them (RFC 5322 section 3.4)."""

from __future__ import annotations

from email.headerregistry import Address as StdlibAddress
from email.utils import formataddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._message.header_list import mailboxes_in
from sendkit._message.mailbox import Mailbox, mailbox_of, mailboxes_of, parse_address_list, tidy_name
from sendkit._smtp.address import AddressError, parse_address
from tests.each import each

SPECIALS = st.text(st.sampled_from('ab.@"\\<>(),:; \tñ'), max_size=40)


def pairs(mailboxes: list[Mailbox] | tuple[Mailbox, ...]) -> list[tuple[str, str]]:
    return [(mailbox.name, mailbox.address.wire) for mailbox in mailboxes]


def test_a_comma_list_is_split_where_no_quotes_stand() -> None:
    assert pairs(parse_address_list('Ana Núñez <ana@example.com>, ops@example.net, "Doe, J" <j@x.org>')) == [
        ("Ana Núñez", "ana@example.com"),
        ("", "ops@example.net"),
        ("Doe, J", "j@x.org"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("J. Doe <j@x.org>", ("J. Doe", "j@x.org")),
        ('"Doe \\"JD\\" \\\\ J"<j@x.org>', ('Doe "JD" \\ J', "j@x.org")),
        ("  Ana   Luisa\tNúñez <a@b.c> ", ("Ana Luisa Núñez", "a@b.c")),
        ('J "the boss" Doe <j@x.org>', ("J the boss Doe", "j@x.org")),
        ("<a@b.c>", ("", "a@b.c")),
        ('"a@evil x"@good.example', ("", '"a@evil x"@good.example')),
        ('Odd <"a,>b"@x.org>', ("Odd", '"a,>b"@x.org')),
        ('"ana@other.example" <ana@example.com>', ("ana@other.example", "ana@example.com")),
        ("Ana@Example.com <ana@example.com>", ("Ana@Example.com", "ana@example.com")),
        (formataddr(("Núñez, Ana", "ana@example.com")), ("Núñez, Ana", "ana@example.com")),
    ],
)
def test_one_mailbox_is_a_name_and_an_address(text: str, expected: tuple[str, str]) -> None:
    assert pairs(parse_address_list(text)) == [expected]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("a@b.c,,d@e.f", "extra comma"),
        ("a@b.c,", "extra comma"),
        (", a@b.c", "extra comma"),
        ("Team: a@b.c;", "group"),
        ("<@x,@y:a@b.c>", "source route|mailbox"),
        ("Ana (Sales) <a@b.c>", "round brackets"),
        ('"Ana <a@b.c>', "not closed"),
        ("Ana <a@b.c", "Ana Núñez"),
        ("Ana a@b.c>", "Ana Núñez"),
        ("<a@b.c> Ana", "Ana Núñez"),
        ("<a@b.c><d@e.f>", "Ana Núñez"),
        ("Ana <<a@b.c>>", "Ana Núñez"),
        ("Ana <>", "ana@example.com"),
        ("Ana\r\nBcc: x@y <a@b.c>", "group|holds"),
        ("Ana\nLuisa <a@b.c>", "U\\+000A"),
        ("=?utf-8?q?=0D=0A?= <a@b.c>", "U\\+000D"),
        ("=?nonsense?q?=FF?= <a@b.c>", "plain text"),
        ("=?ñ?q?a?= <a@b.c>", "plain text"),
        ("=?utf-8?b?a?= <a@b.c>", "plain text"),
        ("x" * 1001 + " <a@b.c>", "1000 characters"),
    ],
)
def test_everything_else_is_refused_with_what_to_do(text: str, advice: str) -> None:
    with pytest.raises(AddressError, match=advice):
        parse_address_list(text)


@pytest.mark.parametrize("char", ["(", '"', "<", ",", ";", "\\", ">", ":"])
def test_hostile_megabytes_end_at_the_first_fault(char: str) -> None:
    for text in (char * 1_000_000, '"' + char * 1_000_000, "a@b.c, " + char * 1_000_000):
        with pytest.raises(AddressError):
            parse_address_list(text)
        with pytest.raises(AddressError):
            mailboxes_in(f"a {text} x")


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 500_000 + "(", '"' + ",".join(['\\" <a@b.c>'] * 100_000), '(c) "' + '\\" "' * 333_333]
)
def test_a_quote_without_its_end_is_looked_for_once(text: str) -> None:
    with pytest.raises(AddressError):
        mailboxes_in(text)


@pytest.mark.parametrize(
    "text",
    ['"x <a@b.c>', '"a\\" <x@evil.example>, b@c.d', '(c) "x <a@b.c>', '"x (c) <a@b.c>', 'a@b.c, "', 'Team": a@b.c;'],
)
def test_a_quote_without_its_end_is_refused_in_a_header_as_in_a_list(text: str) -> None:
    with pytest.raises(AddressError, match="not closed"):
        mailboxes_in(text)
    with pytest.raises(AddressError):
        parse_address_list(text)


def test_a_quote_inside_a_comment_begins_nothing() -> None:
    assert [mailbox.address.wire for mailbox in mailboxes_in('a@b.c (5" disk), d@e.f (")')] == ["a@b.c", "d@e.f"]


@pytest.mark.parametrize(
    "value",
    [
        "Ana <a@b.c>",
        Mailbox("Ana", parse_address("a@b.c")),
        ("Ana", "a@b.c"),
        StdlibAddress("Ana", "a", "b.c"),
    ],
)
def test_every_form_of_a_mailbox_means_the_same(value: object) -> None:
    assert pairs([mailbox_of(value)]) == [("Ana", "a@b.c")]
    assert pairs(mailboxes_of([value])) == [("Ana", "a@b.c")]


def test_lists_may_hold_comma_lists_and_pairs() -> None:
    assert pairs(mailboxes_of(["a@b.c, D <d@e.f>", ("G, H", "g@h.i")])) == [
        ("", "a@b.c"),
        ("D", "d@e.f"),
        ("G, H", "g@h.i"),
    ]
    assert mailboxes_of(None) == mailboxes_of("") == mailboxes_of([]) == ()


@pytest.mark.parametrize("value", [5, b"a@b.c", ["a@b.c", 5], {"a@b.c": "d@e.f"}.items, ("Ana", "a@b.c", "x"), None])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(AddressError):
        mailbox_of(value)
    with pytest.raises(AddressError):
        mailboxes_of([value])


def test_one_mailbox_is_not_two() -> None:
    with pytest.raises(AddressError, match="exactly one"):
        mailbox_of("a@b.c, d@e.f")


def test_a_mailbox_prints_as_it_is_read() -> None:
    mailbox = Mailbox('Doe, "J" \\', parse_address("j@x.org"))
    assert mailbox_of(str(mailbox)) == mailbox
    assert str(Mailbox("", parse_address("j@x.org"))) == "j@x.org"


@given(st.text(max_size=40))
def test_any_name_comes_back_from_its_printed_form_or_is_refused(name: str) -> None:
    try:
        mailbox = Mailbox(tidy_name(name), parse_address("a@b.c"))
    except AddressError:
        return
    assert mailbox_of(str(mailbox)) == mailbox


@given(st.text(st.sampled_from('"\\x'), min_size=300, max_size=1100))
def test_a_long_name_comes_back_from_its_printed_form_or_is_refused(name: str) -> None:
    try:
        mailbox = Mailbox(name, parse_address("a@b.c"))
    except AddressError:
        return
    assert mailbox_of(str(mailbox)) == mailbox


@pytest.mark.parametrize("quote", ['"', "\\"])
def test_the_length_of_a_name_is_judged_as_it_is_printed(quote: str) -> None:
    fits = Mailbox(quote * 495, parse_address("a@b.c"))  # 990, two quotes, a space and <a@b.c>
    assert len(str(fits)) == 1000
    assert mailbox_of(str(fits)) == fits
    with pytest.raises(AddressError, match="shorten the name"):
        Mailbox(quote * 496, parse_address("a@b.c"))


@given(SPECIALS, SPECIALS)
def test_no_text_around_an_address_turns_it_into_another(before: str, after: str) -> None:
    """What comes out is spelled in the text, between what divides mailboxes."""
    for reader in (parse_address_list, mailboxes_in):
        try:
            found = reader(f"{before}ana@good.example{after}")
        except AddressError:
            continue
        for mailbox in found:
            assert mailbox.address.written in f"{before}ana@good.example{after}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("undisclosed-recipients:;", []),
        ("", []),
        ('a@b.c (Ana (the boss) \\) "), d@e.f', ["a@b.c", "d@e.f"]),
        ("(first) a@b.c", ["a@b.c"]),
        ("Team: a@b.c, D <d@e.f>; g@h.i", ["a@b.c", "d@e.f", "g@h.i"]),
        ('"My: Team": a@b.c;, d@e.f', ["a@b.c", "d@e.f"]),
        ("a@b.c,, ,d@e.f,", ["a@b.c", "d@e.f"]),
        ("Ana < a@b.c >", ["a@b.c"]),
        ("=?utf-8?q?=3Cevil=40x=2Ey=3E=2C?= <a@b.c>", ["a@b.c"]),
        ("=?nonsense?q?=FF?= <a@b.c>", ["a@b.c"]),
        ("=?ñ?q?a?= <a@b.c>", ["a@b.c"]),
        ('"(" <a@b.c>, ")" <d@e.f>', ["a@b.c", "d@e.f"]),
    ],
)
def test_headers_may_hold_comments_groups_and_gaps(text: str, expected: list[str]) -> None:
    assert [mailbox.address.wire for mailbox in mailboxes_in(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "a(x)@b.c",
        "a@b.c (open",
        "a@b.c) x (",
        "<@x,@y:a@b.c>",
        "@x:a@b.c;",
        "Team: Other: a@b.c;;",
        "Team: a@b.c",
        "a[b: c@d.e;",
        "a@[IPv6:b@c.d;",
        "a@b.c; d@e.f",
        "a@b.c d@e.f",
        "good@x.y <evil@x.y",
        "a@good.example\0, b@evil.example",
    ],
)
def test_a_hostile_header_is_refused_and_never_cut(text: str) -> None:
    with pytest.raises(AddressError):
        mailboxes_in(text)


@pytest.mark.parametrize(
    ("value", "problem", "hint"),
    [
        (b"ana@example.com", "bytes", "give a str"),
        (("Ana", "ana@example.com"), "'Ana' is not an address", '[("Ana", "ana@example.com")]'),
        ("Doe, John <john@example.com>", "'Doe' is not an address", '"Doe, John"'),
        (["ops@example.net", "Doe, John <john@example.com>"], "'Doe' is not an address", '"Doe, John"'),
        ("mailto:ana@example.com", "is a URL", "without mailto:"),
        ("ana\r\nBcc: eve@example.com", "U+000D", "line ends"),
        ("Ana\nTo: eve@example.com <ana@example.com>", "U+000A", "line ends"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_mailbox_is_named_and_not_what_a_reader_stumbled_over(
    value: object, problem: str, hint: str
) -> None:
    with pytest.raises(AddressError) as failure:
        mailboxes_of(value)
    assert problem in failure.value.problem
    assert hint in failure.value.hint


@each(["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_line_break_in_an_address_is_named_wherever_it_stands(end: str) -> None:
    for wrong in (
        f"ana@example.com{end}",
        f"{end}ana@example.com",
        f"ana{end}@example.com",
        f"a@example.com{end}RCPT TO:<b@c.de>",
    ):
        with pytest.raises(AddressError) as failure:
            mailboxes_of(wrong)
        assert "a line break" in failure.value.problem
        assert f"U+{ord(end[0]):04X}" in failure.value.problem
