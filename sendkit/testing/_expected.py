"""What a test expects of a message, held against one that was taken: which field fits, and what stands there instead.

Knows the fields of `ReceivedMessage`, and that addresses are compared as servers do: the local part exactly, the domain
in any case (RFC 5321 section 2.4). Must not know where the messages come from, or how a failure is told.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypedDict, cast

from sendkit._smtp.address import AddressError, parse_address

if TYPE_CHECKING:
    from sendkit._reading.received import ReceivedMessage

Text: TypeAlias = "str | re.Pattern[str]"
Texts: TypeAlias = "Text | Iterable[Text]"


class Expected(TypedDict, total=False):
    """What may be expected of a message.

    A string must be there as it is, a compiled pattern is searched for. `to` are recipients of the envelope, those who
    really got it, and `bcc` those of them who stand in no header; of several, each must be there.
    """

    to: Texts
    cc: Texts
    bcc: Texts
    sender: Text
    subject: Text
    text_contains: Texts
    html_contains: Texts
    link: Texts
    attachment: Texts
    headers: Mapping[str, Text]


class ComparedField(NamedTuple):
    """One expected field beside what the message has there; `near`, from 0 to 1, is how alike they are."""

    name: str
    expected: str
    found: str
    fits: bool
    near: float


@dataclass(slots=True, frozen=True)
class Expectation:
    """Everything that one assertion expects of a message."""

    wanted: Expected

    def __post_init__(self) -> None:
        if unknown := self.wanted.keys() - Expected.__annotations__.keys():
            known = ", ".join(Expected.__annotations__)
            raise TypeError(f"nothing can be expected of {', '.join(sorted(unknown))}; there are {known}, and times")

    def fits(self, message: ReceivedMessage) -> bool:
        """Whether the message is as expected in every field."""
        return all(field.fits for field in self.fields(message))

    def fields(self, message: ReceivedMessage) -> list[ComparedField]:
        """Every expected field, held against the message."""
        found: list[ComparedField] = []
        for name, value in cast("Mapping[str, object]", self.wanted).items():
            if isinstance(value, Mapping):
                headers = cast("Mapping[str, Text]", value)
                found += [_field(key, [one], [message.header(key)], _is) for key, one in headers.items()]
            else:
                look, compare = _LOOKS[name]
                found.append(_field(name, _listed(cast("Texts", value)), look(message), compare))
        return found

    def described(self) -> list[str]:
        """The expected fields in words, a line each."""
        lines: list[str] = []
        for name, value in cast("Mapping[str, object]", self.wanted).items():
            pairs = cast("Mapping[str, Text]", value) if isinstance(value, Mapping) else {name: cast("Texts", value)}
            lines += [f"{key}: {_words(_listed(one))}" for key, one in pairs.items()]
        return lines


Compare: TypeAlias = Callable[[Text, str], bool]


def _field(name: str, expected: list[Text], found: list[str], compare: Compare) -> ComparedField:
    missing = [one for one in expected if not any(compare(one, there) for there in found)]
    near = max((_likeness(one, there) for one in missing for there in found), default=0.0)
    shown = ", ".join(map(_quoted, found)) if found else "nothing"
    return ComparedField(name, _words(missing or expected), shown, not missing, near)


def _listed(value: Texts) -> list[Text]:
    return [value] if isinstance(value, str | re.Pattern) else list(value)


def _words(expected: Iterable[Text]) -> str:
    return ", ".join(f"matching /{one.pattern}/" if isinstance(one, re.Pattern) else _quoted(one) for one in expected)


_LONGEST = 400


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _likeness(expected: Text, found: str) -> float:
    text = expected.pattern if isinstance(expected, re.Pattern) else expected
    return difflib.SequenceMatcher(None, text[:_LONGEST], found[:_LONGEST], autojunk=False).ratio()


def _is(expected: Text, found: str) -> bool:
    return expected.search(found) is not None if isinstance(expected, re.Pattern) else expected == found


def _contains(expected: Text, found: str) -> bool:
    return expected.search(found) is not None if isinstance(expected, re.Pattern) else expected in found


def _is_mailbox(expected: Text, found: str) -> bool:
    if isinstance(expected, re.Pattern):
        return expected.search(found) is not None
    return expected == found or same_address(expected, found)


def same_address(one: str, other: str) -> bool:
    """Whether two mailboxes, with or without a display name, have the same address."""
    return _key(one) == _key(other)


def _key(mailbox: str) -> str:
    bare = mailbox.rpartition("<")[2].removesuffix(">").strip()
    try:
        return parse_address(bare).key
    except AddressError:
        return bare  # a header may hold anything; it equals itself


def _hidden(message: ReceivedMessage) -> list[str]:
    shown = {_key(mailbox) for mailbox in (*message.to, *message.cc)}
    return [one for one in message.envelope.recipients if _key(one) not in shown]


_LOOKS: dict[str, tuple[Callable[[ReceivedMessage], list[str]], Compare]] = {
    "to": (lambda message: list(message.envelope.recipients), _is_mailbox),
    "cc": (lambda message: list(message.cc), _is_mailbox),
    "bcc": (_hidden, _is_mailbox),
    "sender": (lambda message: [message.sender], _is_mailbox),
    "subject": (lambda message: [message.subject], _is),
    "text_contains": (lambda message: [message.text], _contains),
    "html_contains": (lambda message: [message.html], _contains),
    "link": (lambda message: list(message.links), _is),
    "attachment": (lambda message: [part.filename for part in message.attachments], _is),
}
