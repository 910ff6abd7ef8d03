"""What the page is given of a message, as JSON: its script makes text of it, and nothing else.

Knows what stands in the list, what the lint says of a message, and which part may be shown as a picture. Must not know
where the addresses lead.
"""

from __future__ import annotations

from email.utils import getaddresses
from typing import TYPE_CHECKING, TypedDict

from sendkit._page.markup import has_dark_mode, withheld
from sendkit._page.names import shown_name
from sendkit._reading.lint import lint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.parts import ReceivedPart

# As <img> none of them runs a script, SVG neither (SVG Integration, "secure static mode").
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "image/avif", "image/bmp"})

_SHOWN_SOURCE = 400_000  # octets; all of it is a download


class Summary(TypedDict):
    """A line in the list."""

    number: int
    time: str
    subject: str
    sender: str
    recipients: list[str]
    size: int


class File(TypedDict):
    """A part that is neither the text nor the html; `picture` is where it can be shown from, if it can."""

    name: str
    type: str
    size: int
    inline: str
    href: str
    picture: str


class View(TypedDict):
    """All of a message but its html, which has a document of its own."""

    summary: Summary
    headers: list[tuple[str, str]]
    text: str
    html: bool
    dark: bool
    withheld: list[str]
    files: list[File]
    checks: list[tuple[str, str]]
    reverse_path: str
    recipients: list[tuple[str, str, str]]
    facts: list[tuple[str, str]]
    source: str
    rest: int


def summary(number: int, message: CaughtMessage) -> Summary:
    """What stands in the list."""
    return Summary(
        number=number,
        time=message.when.isoformat() if message.when else "",
        subject=message.subject,
        sender=message.sender or message.envelope.reverse_path,
        recipients=list(message.envelope.recipients),
        size=len(message.content),
    )


def files_of(message: CaughtMessage) -> list[ReceivedPart]:
    """The attachments and then the inline parts, in an order that stays the same."""
    return [*message.attachments, *message.inline.values()]


def view(number: int, message: CaughtMessage, href: Callable[[int, ReceivedPart], str]) -> View:
    """A message for the page; `href` is the address of the file with that index."""
    return View(
        summary=summary(number, message),
        headers=list(message.headers),
        text=message.text,
        html=bool(message.html),
        dark=has_dark_mode(message.html),
        withheld=list(withheld(message.html)),
        files=[_file(message, part, href(index, part)) for index, part in enumerate(files_of(message))],
        checks=[(advice.text, advice.hint) for advice in lint(message.content)],
        reverse_path=message.envelope.reverse_path,
        recipients=[(address, _place(message, address), reply) for address, reply in message.replies],
        facts=list(message.facts),
        source=message.content[:_SHOWN_SOURCE].decode("utf-8", "replace").replace("\r\n", "\n"),
        rest=max(0, len(message.content) - _SHOWN_SOURCE),
    )


def _file(message: CaughtMessage, part: ReceivedPart, href: str) -> File:
    return File(
        name=shown_name(part.filename) or "(without a name)",
        type=part.content_type,
        size=part.size,
        inline=(part.content_id or "") if part in message.inline.values() else "",
        href=href,
        picture=href if part.content_type in PICTURES else "",
    )


def _place(message: CaughtMessage, address: str) -> str:
    """In which header a recipient stands; in none, if it is a blind copy."""
    for name, listed in (("To", message.to), ("Cc", message.cc)):
        if address.lower() in {found.lower() for _, found in getaddresses(list(listed))}:
            return name
    return ""
