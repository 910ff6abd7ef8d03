"""One mailbox's address: from the text that somebody wrote to the octets of a MAIL or RCPT command.

Knows the grammar of RFC 5321 section 4.1.2 (Dot-string, Quoted-string, Domain, address literals) with UTF-8 (RFC 6531
section 3.3), the limits of RFC 5321 section 4.5.3.1, and A-labels (IDNA 2008, RFC 5891, with the mapping of UTS 46).
Must not know display names, header fields, or what an address is used for. It never repairs, cuts or guesses: a text
is one mailbox, or it is refused; and it costs linear time, because length is judged before grammar.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from sendkit.errors import MessageError

_MAX_LOCAL = 64
_MAX_DOMAIN = 255
_MAX_PATH = 254  # 256 with the angle brackets (RFC 5321 section 4.5.3.1.3, erratum 1690)
_MAX_TEXT = 400  # characters; no longer text fits a path in any encoding

# Written as what is excluded: `re` takes milliseconds to compile a set that names everything up to U+10FFFF.
_ATOM = r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+"""
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED_STRING = re.compile(r'"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_COMMON = re.compile(rf"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@({_LABEL}(?:\.{_LABEL})*)")
_ADVICE = (  # by what is seen in the text
    (r"[<>]", "write the address alone here, without display name and angle brackets"),
    (r"[()]", "comments are not allowed in an address; remove the round brackets and their content"),
    (r"^@", "no local part stands before the @, and source routes are not taken; write ana@example.com"),
    (r"[,;]", "write one address alone here"),
    (r"@.* .*@", "put a comma between the addresses, or give them as a list"),
    (r"^[^@]*$", "there is no @ in it; write local-part@domain"),
    (r"^\.|\.@|\.\.[^@]*@", 'single dots stand between other characters, or quote the local part: "a..b"@example.com'),
)
_TAKE_OUT = "take it out of the address"
_ONE_LINE = f"{_TAKE_OUT}: it is one line (a line that was read from a file ends with a break); give several as a list"
LINE_BREAKS = frozenset("\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")  # as `str.splitlines` takes them
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}


class AddressError(MessageError):
    """A text that is not a mailbox address; `problem` says what is wrong with it, `hint` what to do."""

    hint: str  # pyright: ignore[reportIncompatibleVariableOverride] - it always has one

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem, hint=hint)
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem}: {self.hint}"

    def __reduce__(self) -> tuple[type[AddressError], tuple[str, str]]:
        return type(self), (self.problem, self.hint)


@dataclass(slots=True, frozen=True, init=False)
class Address:
    """An address that was checked. Make one with `parse_address`.

    `written` is what the caller wrote, `local` and `domain` are what goes over the wire: a quoted local part stays
    quoted and opaque (RFC 5321 section 4.1.2), a domain is made of A-labels or is an address literal.
    """

    written: str
    local: str
    domain: str

    def __init__(self, written: str, local: str, domain: str) -> None:
        # By the slots: what a frozen dataclass does for itself takes twice as long, and each message makes some.
        _put_written(self, written)
        _put_local(self, local)
        _put_domain(self, domain)

    def __str__(self) -> str:
        return self.written

    def __hash__(self) -> int:
        # Of one field only: addresses are the keys under which verdicts are kept, and looked up often.
        return hash(self.written)

    @property
    def wire(self) -> str:
        """The address as it stands between the angle brackets of a command."""
        return f"{self.local}@{self.domain}"

    @property
    def utf8(self) -> bool:
        """Whether the local part needs SMTPUTF8 (RFC 6531)."""
        return not self.local.isascii()

    @property
    def key(self) -> str:
        """Equal for two spellings of one mailbox: only the domain ignores case (RFC 5321 section 2.4)."""
        return f"{self.local}@{self.domain.lower()}"


_put_written, _put_local, _put_domain = [vars(Address)[name].__set__ for name in ("written", "local", "domain")]


def common_address(text: str) -> Address | None:
    """The address, where it is of the kind that most are, and short enough for every limit."""
    common = _COMMON.fullmatch(text) if len(text) <= _MAX_LOCAL else None
    return None if common is None else Address(text, *common.groups())


def parse_address(text: str) -> Address:
    """Read one address without display name and angle brackets, such as `ana@example.com`.

    Raises AddressError with what is wrong and what to do. Grammar: RFC 5321 section 4.1.2, RFC 6531 section 3.3.
    """
    if (common := common_address(text)) is not None:
        return common
    if len(text) > _MAX_TEXT:
        raise AddressError(f"an address of {len(text)} characters", f"an address has at most {_MAX_PATH} octets")
    if not text:
        raise AddressError("an empty address", "write one such as ana@example.com")
    _refuse_invisible(text, quoted=text.startswith('"'))
    local, domain = _split(text)
    address = Address(text, local, _literal(text, domain) if domain.startswith("[") else _domain(text, domain))
    _measure(address)
    return address


def _refuse_invisible(text: str, *, quoted: bool) -> None:
    if text.isascii() and text.isprintable() and (quoted or " " not in text):
        return
    for char in text:
        if unicodedata.category(char) in _INVISIBLE and not (quoted and char == " "):
            name = "a line break" if char in LINE_BREAKS else unicodedata.name(char, "a control character")
            advice = _ONE_LINE if char in LINE_BREAKS else _advice(text, _TAKE_OUT) if char == " " else _TAKE_OUT
            raise AddressError(f"{_show(text)} holds U+{ord(char):04X} ({name})", advice)


def _split(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        match = _QUOTED_STRING.match(text)
        local, rest = (match.group(), text[match.end() :]) if match else ("", "")
        if not rest.startswith("@"):
            raise AddressError(f"{_show(text)} has a broken quoted local part", 'write "local part"@example.com')
        return local, rest[1:]
    local, at, domain = text.partition("@")
    if _DOT_STRING.fullmatch(local) is None or not at or not domain:
        advice = _advice(text, "write local-part@domain; a local part with special characters goes in double quotes")
        raise AddressError(f"{_show(text)} is not an address", advice)
    return local, domain


def _advice(text: str, otherwise: str) -> str:
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text)), otherwise)


def _domain(text: str, domain: str) -> str:
    ascii_domain = domain if domain.isascii() else _to_ascii(text, domain)
    if len(ascii_domain) > _MAX_DOMAIN:
        raise AddressError(f"{_show(text)} has a domain over {_MAX_DOMAIN} octets", "no domain is that long")
    if _DOMAIN.fullmatch(ascii_domain) is None:
        raise AddressError(
            f"{_show(text)} has no valid domain",
            _advice(text, "write labels of letters, digits and inner hyphens (63 at most each) between single dots"),
        )
    return ascii_domain


def _to_ascii(text: str, domain: str) -> str:
    import idna  # noqa: PLC0415 - most domains are ASCII, and its tables take time to load

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressError(f"{_show(text)} has a domain that IDNA 2008 does not allow", str(error)) from error


def _literal(text: str, domain: str) -> str:
    inner = domain[1:-1] if domain.endswith("]") else ""
    try:
        if inner[:5].lower() == "ipv6:":
            ipaddress.IPv6Address("" if "%" in inner else inner[5:])  # no zones on the wire
        else:
            ipaddress.IPv4Address(inner)
    except ValueError as error:
        raise AddressError(
            f"{_show(text)} has no valid address literal", "write [192.0.2.1] or [IPv6:2001:db8::1]"
        ) from error
    return domain


def _measure(address: Address) -> None:
    local = len(address.local.encode())
    if local > _MAX_LOCAL:
        raise AddressError(f"{_show(address.written)} has a local part of {local} octets", f"{_MAX_LOCAL} at most")
    if local + 1 + len(address.domain) > _MAX_PATH:
        raise AddressError(f"{_show(address.written)} is too long", f"{_MAX_PATH} octets at most")


def _show(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "…")
