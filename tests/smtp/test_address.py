"""Addresses: one text is one mailbox or an error, never another mailbox (RFC 5321 section 4.1.2, RFC 6531)."""

from __future__ import annotations

import pickle
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.address import Address, AddressError, parse_address

ATEXT = string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~"
atoms = st.text(st.sampled_from(ATEXT + "ñü日"), min_size=1, max_size=8)
dot_strings = st.lists(atoms, min_size=1, max_size=3).map(".".join)
quoted_pairs = st.sampled_from([chr(code) for code in range(32, 127)]).map(lambda char: f"\\{char}")
quoted_text = st.sampled_from([chr(code) for code in range(32, 127) if chr(code) not in '"\\'] + ["ñ", "日"])
quoted_strings = st.lists(quoted_text | quoted_pairs, max_size=12).map(lambda parts: f'"{"".join(parts)}"')
labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?", fullmatch=True)
domains = st.lists(labels, min_size=1, max_size=4).map(".".join)
hostile = st.text(st.sampled_from('ab.@"\\<>(),:;[] \t\r\n\0\u202e\u200bñ'), max_size=40)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("ana@example.com", "ana@example.com"),
        ("Ana@Example.COM", "Ana@Example.COM"),
        ("root@localhost", "root@localhost"),
        ("o'neil+tag=1@x-y.org", "o'neil+tag=1@x-y.org"),
        ("ana@straße.de", "ana@xn--strae-oqa.de"),
        ("ana@España.es", "ana@xn--espaa-rta.es"),
        ("ana@ｅxample。com", "ana@example.com"),
        ("ñoño@ñ.es", "ñoño@xn--ida.es"),
        ("ana@[127.0.0.1]", "ana@[127.0.0.1]"),
        ("ana@[IPv6:2001:db8::1]", "ana@[IPv6:2001:db8::1]"),
        ('"ana luisa"@example.com', '"ana luisa"@example.com'),
        ('""@example.com', '""@example.com'),
        (r'"a\"b\\"@example.com', r'"a\"b\\"@example.com'),
    ],
)
def test_the_wire_form_is_the_text_with_the_domain_in_a_labels(text: str, wire: str) -> None:
    address = parse_address(text)
    assert (address.wire, address.written, str(address)) == (wire, text, text)


def test_a_quoted_local_part_is_opaque_whatever_stands_in_it() -> None:
    address = parse_address('"a@evil x"@good.example')
    assert (address.local, address.domain) == ('"a@evil x"', "good.example")


def test_the_idna_of_2003_is_not_used_because_it_finds_a_strangers_domain() -> None:
    assert parse_address("ana@straße.de").domain != "strasse.de"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "ana@example.com"),
        ("ana", "no @"),
        ("@example.com", "source routes"),
        ("@a,@b:ana@example.com", "source routes"),
        ("ana@", "local-part@domain"),
        ("Ana <ana@example.com>", "alone"),
        ("<ana@example.com>", "angle brackets"),
        ("ana@example.com (Ana)", "comments"),
        ("(Ana)ana@example.com", "comments"),
        ("ana@example.com,luis@example.com", "one address"),
        ("a..b@example.com", "quote the local part"),
        (".a@example.com", "quote the local part"),
        ("a.@example.com", "quote the local part"),
        ("ana@b@example.com", "labels"),
        ("ana@example.com.", "labels"),
        ("ana@-example.com", "labels"),
        ("ana@under_score.example", "labels"),
        ("ana@exa mple.com", "take it out"),
        (" ana@example.com", "take it out"),
        ("ana@example.com\r\nBcc: x@y", "take it out"),
        ("ana\0@example.com", "take it out"),
        ("ana\u202e@example.com", "take it out"),
        ("ana@exam\u200bple.com", "take it out"),
        ("ana\ud800@example.com", "take it out"),
        ('"ana\n"@example.com', "take it out"),
        ('"ana@example.com', "local part"),
        ('"ana"luis@example.com', "local part"),
        ('"ana"@', "labels"),
        ("ana@[127.0.0.300]", "192.0.2.1"),
        ("ana@[127.0.0.1", "192.0.2.1"),
        ("ana@[IPv6:fe80::1%eth0]", "IPv6"),
        ("ana@xn--ñ.es", "IDNA 2008"),
        ("ana@ñ_b.es", "IDNA 2008"),
    ],
)
def test_a_refusal_says_what_to_do(text: str, advice: str) -> None:
    with pytest.raises(AddressError, match=advice):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x" * 64 + "@example.com", True),
        ("x" * 65 + "@example.com", False),
        ("ñ" * 33 + "@example.com", False),
        ("x@" + "a" * 63 + ".com", True),
        ("x@" + "a" * 64 + ".com", False),
        ("x@" + ".".join(["a" * 62] * 4), True),
        ("x@" + ".".join(["a" * 63] * 4), False),
        ("xxx@" + ".".join(["a" * 62] * 4), False),
        ("x@" + ".".join(["a" * 62] * 5), False),
    ],
)
def test_the_limits_are_those_of_rfc_5321(text: str, fits: bool) -> None:
    if fits:
        assert parse_address(text).wire == text
    else:
        with pytest.raises(AddressError):
            parse_address(text)


@pytest.mark.parametrize("char", ["(", '"', "<", ",", "\\", "@", "a.", "ñ", '"\\'])
def test_a_megabyte_is_refused_by_its_length_alone(char: str) -> None:
    """Length is judged before grammar, so no pattern ever sees a long text."""
    with pytest.raises(AddressError, match="characters"):
        parse_address(char * 1_000_000)


def test_the_key_ignores_the_case_of_the_domain_and_nothing_else() -> None:
    assert parse_address("ana@EXAMPLE.com").key == parse_address("ana@example.COM").key
    assert parse_address("Ana@example.com").key != parse_address("ana@example.com").key
    assert parse_address("ana@straße.de").key == parse_address("ana@xn--strae-oqa.de").key


def test_only_the_local_part_can_need_smtputf8() -> None:
    assert parse_address("ñ@example.com").utf8
    assert not parse_address("ana@ñ.es").utf8


def test_addresses_and_their_errors_survive_pickling() -> None:
    address = parse_address("ana@example.com")
    assert pickle.loads(pickle.dumps(address)) == address
    with pytest.raises(AddressError) as caught:
        parse_address("ana")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@given(dot_strings | quoted_strings, domains)
def test_what_the_grammar_allows_is_read_and_comes_back(local: str, domain: str) -> None:
    address = parse_address(f"{local}@{domain}")
    assert (address.local, address.domain) == (local, domain)
    assert parse_address(address.wire) == Address(address.wire, local, domain)


@given(hostile)
def test_a_hostile_text_is_refused_or_is_exactly_the_mailbox_that_it_spells(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert text.startswith(f"{address.local}@")
    assert not set(address.domain) & set('@"\\<>(),; \t\r\n\0')
    assert address.local.startswith('"') or not set(address.local) & set('"\\<>(),:;[]@ ')
    assert address.wire.isprintable()


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_either_becomes_a_clean_command_argument_or_is_refused(local: str, domain: str) -> None:
    try:
        wire = parse_address(f"{local}@{domain}").wire
    except AddressError:
        return
    assert not {unicodedata.category(char) for char in wire} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert wire.rpartition("@")[2].isascii()
    assert parse_address(wire).wire == wire
