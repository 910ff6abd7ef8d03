"""Fuzzes the address parser and the mailbox lists (RFC 5321 section 4.1.2, RFC 5322 section 3.4): any text at all.

The oracle is a scanner that walks over characters and knows quotes, backslashes, comments and brackets, and nothing of
sendkit's expressions. The law: a text is refused with an AddressError, or it is exactly the mailbox that stands there:
what goes over the wire reads as the same local part and domain, printed back it parses to the same, and never is it
another mailbox.
"""

# ruff: noqa: S101, PT017 - an oracle asserts

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from fuzz.engine import Campaign, instrumented, main

_MODULES = [
    "sendkit._smtp.address",
    "sendkit._smtp.command",
    "sendkit._message.mailbox",
    "sendkit._message.header_list",
    "sendkit._message.fields",
]
address, command, mailbox, header_list, fields = instrumented(_MODULES)

_SHORT_NAME = 60  # longer ones may outgrow the limit of a mailbox when they are quoted or encoded
# UTS 46 takes these out of a domain; nobody sees them.
_VANISH = {0x34F, 0x1806, 0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_DOTS = {0x3002: ".", 0xFF0E: ".", 0xFF61: "."}


def check(data: bytes) -> None:
    """Hold the parsers against the oracle. Raises AssertionError."""
    text = data.decode("utf-8", "surrogateescape")
    check_address(text)
    check_list(text)
    check_header(text)


def check_address(text: str) -> None:
    """One address."""
    try:
        found = address.parse_address(text)
    except address.AddressError as refused:
        assert refused.problem, "a refusal says what is wrong"
        assert refused.hint, "a refusal says what to do"
        return
    check_found(found, text)


def check_found(found: object, text: str) -> None:
    """`found` is the mailbox that `text` is, on the wire too."""
    local, domain = split_by_hand(text)
    assert found.written == text  # type: ignore[attr-defined]
    assert found.local == local, (found, local)  # type: ignore[attr-defined]
    assert _same_domain(found.domain, domain), (found, domain)  # type: ignore[attr-defined]
    wire: str = found.wire  # type: ignore[attr-defined]
    line = command.command_line("RCPT", f"TO:<{wire}>", utf8=True)
    assert line == f"RCPT TO:<{wire}>\r\n".encode()
    assert path_by_hand(line[8:-2].decode()) == (local, found.domain)  # type: ignore[attr-defined]
    again = address.parse_address(wire)
    assert (again.wire, again.key) == (wire, found.key), (found, again)  # type: ignore[attr-defined]


def check_list(text: str) -> None:
    """A comma list, as the public API takes it."""
    try:
        boxes = mailbox.mailboxes_of(text)
    except address.AddressError:
        return
    assert [box.address.written for box in boxes] == list(list_by_hand(text, header=False)), text
    for box in boxes:
        check_found(box.address, box.address.written)
        if len(box.name) <= _SHORT_NAME:
            assert mailbox.mailbox_of(str(box)) == box, (str(box), box)
    _check_printed([box for box in boxes if len(box.name) <= _SHORT_NAME])


def check_header(text: str) -> None:
    """The same as the value of a header in a ready message, where comments and groups may stand."""
    try:
        boxes = header_list.mailboxes_in(text)
    except address.AddressError:
        return
    assert [box.address.written for box in boxes] == list(list_by_hand(text, header=True)), text
    for box in boxes:
        check_found(box.address, box.address.written)


def _check_printed(boxes: object) -> None:
    """The header field that we write reads as the same mailboxes."""
    listed = list(boxes)  # type: ignore[call-overload]
    if not listed or len(listed) > 50:
        return
    printed = fields.mailbox_field("To", listed, utf8=True)
    assert printed.endswith("\r\n"), printed
    assert not any(line[:1].strip(" ") for line in printed.split("\r\n")[1:]), printed
    value = printed[3:].replace("\r\n", "")
    assert "\r" not in value, printed
    assert "\n" not in value, printed
    assert [box.address.wire for box in header_list.mailboxes_in(value)] == [box.address.wire for box in listed], (
        printed
    )


def split_by_hand(text: str) -> tuple[str, str]:
    """Local part and domain of one address: the @ is the only one outside quotes."""
    places = [place for place, char in outside(text) if char == "@"]
    assert len(places) == 1, f"{len(places)} places for the domain: {text!r}"
    return text[: places[0]], text[places[0] + 1 :]


def path_by_hand(path: str) -> tuple[str, str]:
    """What a server reads between angle brackets: they end at the first > outside quotes."""
    plain = list(outside(path))
    closing = [place for place, char in plain if char == ">"]
    assert plain[0] == (0, "<"), path
    assert closing == [len(path) - 1], path
    assert not any(char in " \t,;()\\" or unicodedata.category(char) in ("Cc", "Zl", "Zp") for _, char in plain), path
    return split_by_hand(path[1:-1])


def outside(text: str) -> Iterator[tuple[int, str]]:
    """Every character outside double quotes, and where."""
    quoted = escaped = False
    for place, char in enumerate(text):
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            quoted = True
        else:
            yield place, char


def list_by_hand(text: str, *, header: bool) -> Iterator[str]:
    """The addresses that stand in a list."""
    bare = _uncommented(text) if header else text
    start = 0
    angle = literal = False
    for place, char in [*outside(bare), (len(bare), ",")]:
        literal = char == "[" or (literal and char != "]")  # a colon in an address literal begins no group
        angle = char == "<" or (angle and char != ">")
        if header and char == ":" and not (angle or literal):
            start = place + 1
        elif char in (",;" if header else ",") and (not angle or not header or place == len(bare)):
            item = bare[start:place]
            start = place + 1
            if item.strip(" \t"):
                yield _address_in(item).strip(" \t") if header else _address_in(item)


def _address_in(item: str) -> str:
    plain = list(outside(item))
    opening = [place for place, char in plain if char == "<"]
    closing = [place for place, char in plain if char == ">"]
    return item[opening[0] + 1 : closing[-1]] if opening and closing else item.strip(" \t")


def _uncommented(text: str) -> str:
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
            kept.append("" if depth else char)
        elif char == "\\" and (depth or quoted):
            escaped = True
            kept.append("" if depth else char)
        elif char == '"' and not depth:
            quoted = not quoted
            kept.append(char)
        elif char in "()" and not quoted:
            kept.append(" " if char == "(" and not depth else "")
            depth += 1 if char == "(" else -1
        else:
            kept.append("" if depth else char)
    return "".join(kept)


def _same_domain(wire: str, written: str) -> bool:
    if written.isascii():
        return wire == written
    assert wire.isascii(), wire
    shown = _unicode_domain(wire)
    plain = "".join(char for char in written.translate(_DOTS) if ord(char) not in _VANISH)
    if any(unicodedata.category(char) == "Cn" for char in plain):
        return True  # idna may know a newer Unicode than Python does, and this oracle knows Python's
    if plain == unicodedata.normalize("NFKC", plain).lower():
        return shown == _unicode_domain(plain)
    return _folded(shown) == _folded(_unicode_domain(_folded(plain)))


def _folded(text: str) -> str:
    # Twice, as some capitals decompose only when they are small.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return text


def _unicode_domain(domain: str) -> str:
    return ".".join(
        label[4:].encode().decode("punycode") if label.startswith("xn--") and label.isascii() else label
        for label in domain.split(".")
    )


_EXAMPLES = r"""
ana@example.com
"a b"@example.com
"a@evil x"@good.example
"a\"b"@example.com
a@[192.0.2.1]
a@[IPv6:2001:db8::1]
josé@example.com
ana@bücher.example
ana@straße.de
a@good.example@evil.example
@a,@b:c@d.example
a(c)@example.com
Ana Núñez <ana@example.com>, ops@example.net, "Doe, J" <j@x.org>
undisclosed-recipients:;
g: a@b.c, d@e.f;
=?utf-8?q?a=40b?= <c@d.e>
a@b.c (d (e) f), g@h.i
"x" <a@b.c>
"x <a@b.c>
"a\" <b@c.d>, e@f.g
ana@ＥＸＡＭＰＬＥ。com
<a@b.c>
a@xn--bcher-kva.example
"""
_PIECES = r"""
" \\ \" @ < > ( ) , ; : . .. [ ] IPv6: xn-- =?utf-8?b? ?= ß ς İ é а 日本 ＡＢ % ! 。 @good.example @evil.example
"""
_INVISIBLE = ("\r\n", "\0", " ", "\t", "\u00a0", "\u00ad", "\u200d", "\u202e", "\u2028", "\ufe0f", "e\u0301")
SEEDS = [text.encode() for text in (*_EXAMPLES.strip().split("\n"), "a\0@b.c", "a@b.c\r\nRCPT TO:<x@y.z>")]
TOKENS = [text.encode() for text in (*_PIECES.split(), *_INVISIBLE)]

if __name__ == "__main__":
    main(Campaign(_MODULES, check, SEEDS, TOKENS))
