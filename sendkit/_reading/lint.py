"""The problems that readers or servers would have with a message, found in its octets alone.

Knows what large mailbox providers clip, block or mistrust. Must not know servers: what one allows is told to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import getaddresses
from typing import TYPE_CHECKING

from sendkit._reading.html import Closed, Element, Event, events_of
from sendkit._reading.parts import Headers, Parts, parsed
from sendkit._reading.transfer import decoded

if TYPE_CHECKING:
    from email.message import EmailMessage

_CLIPPED = 102_400  # octets of html, of which Gmail shows no more
_LARGE = 20_000_000  # octets of a message, which every large provider takes
_BLOCKED = frozenset({  # by Gmail, Outlook or both
    "ade", "adp", "apk", "appx", "appxbundle", "bat", "cab", "chm", "cmd", "com", "cpl", "diagcab", "dll", "dmg", "exe",
    "hta", "img", "ins", "iso", "isp", "jar", "jnlp", "js", "jse", "lib", "lnk", "mde", "msc", "msi", "msix", "msp",
    "mst", "nsh", "pif", "ps1", "reg", "scr", "sct", "shb", "sys", "vb", "vbe", "vbs", "vhd", "vxd", "wsc", "wsf",
    "wsh", "xll",
})  # fmt: skip
_CID = re.compile(r"cid:([^\s\"'()<>]+)", re.IGNORECASE)
_UNREADABLE = "This message can only be read as HTML."


@dataclass(slots=True, frozen=True)
class Advice:
    """One thing that would go wrong: a `code` for programs, what it is in words, and what to do."""

    code: str
    text: str
    hint: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}\n  hint: {self.hint}"


def lint(octets: bytes) -> tuple[Advice, ...]:
    """All that is to be said of this message. Never raises."""
    message = parsed(octets)
    headers, parts = Headers(message), Parts.of(message)
    everything = events_of(parts.html[: 1024 * 1024])
    events = [event for event in everything if isinstance(event, Element)]
    return (
        *_of_the_head(headers),
        *_of_the_texts(parts),
        *_of_the_pictures(parts, events),
        *_of_the_links(events, everything),
        *_of_the_files(parts, message),
        *_of_the_size(len(octets)),
    )


def _of_the_head(headers: Headers) -> Iterator[Advice]:
    for name in ("From", "Date", "Message-ID"):
        if not headers.first(name):
            yield Advice(f"no-{name.lower()}", f"there is no {name}", "add it: a message without one looks like spam")
    if not headers.first("Subject").strip():
        yield Advice("no-subject", "the subject is empty", "give one: lists of messages show little else")
    answers = {address.lower() for _, address in getaddresses([headers.first("Reply-To")]) if address}
    readers = {address.lower() for _, address in getaddresses([headers.first("To"), headers.first("Cc")])}
    if loops := answers & readers:
        text = f"a reply goes to {min(loops)}, which also gets this message"
        yield Advice("reply-loop", text, "name another mailbox in reply_to")
    bulk = headers.first("List-ID") or headers.first("Precedence").strip().lower() in {"bulk", "list"}
    if bulk and not headers.first("List-Unsubscribe"):
        text = "it is bulk mail without List-Unsubscribe, which large providers require"
        yield Advice("no-unsubscribe", text, 'give unsubscribe=Unsubscribe("https://…")')


def _of_the_texts(parts: Parts) -> Iterator[Advice]:
    size = len(parts.html.encode("utf-8", "replace"))
    if size > _CLIPPED:
        text = f"the html has {size:,} octets, and Gmail shows {_CLIPPED:,}"
        yield Advice("clipped", text, "make it shorter, or link to the rest")
    text = parts.text.strip()
    if parts.html and (not text or text == _UNREADABLE):
        yield Advice("no-text", "the html has no text beside it", "give text=")
    if not parts.html and not text:
        yield Advice("empty", "there is neither text nor html", "give text= or html=")


def _of_the_pictures(parts: Parts, events: list[Element]) -> Iterator[Advice]:
    wanted = {name for event in events if "cid:" in event.written.lower() for name in _CID.findall(event.written)}
    wanted |= set(_CID.findall(parts.html)) if "url(" in parts.html else set()
    there = set(parts.inline) | {part.content_id for part in parts.attachments if part.content_id}
    for name in sorted(wanted - there):
        yield Advice("cid-missing", f"the html shows cid:{name}, which is not there", f"give inline={{{name!r}: …}}")
    for name in sorted(set(parts.inline) - wanted):
        text = f"the inline part {name!r} is shown nowhere"
        yield Advice("cid-unused", text, f'write <img src="cid:{name}"> into the html, or attach it')
    if any("data:" in (event.attributes().get("src") or "")[:5].lower() for event in events if event.name == "img"):
        text = "the html contains a picture as a data: URI, which Gmail and Outlook do not show"
        yield Advice("data-uri", text, "give it by inline=")
    sources = (event.attributes().get("src", "").strip() for event in events if event.name == "img")
    if remote := [source for source in sources if source.lower().startswith(("http://", "https://", "//"))]:
        many = _counted(len(remote), "picture")
        text = f"{many} loaded from elsewhere, such as {remote[0][:80]}; many readers block that"
        yield Advice("remote-picture", text, "give them by inline=, or say the same in alt= and in the text")


def _of_the_links(events: list[Element], everything: list[Event]) -> Iterator[Advice]:
    links = [event.attributes().get("href", "").strip() for event in events if event.name in {"a", "area"}]
    bare = [link for link in links if link.lower().startswith("http://")]
    if bare:
        text = f"{_counted(len(bare), 'link')} not https, such as {bare[0][:80]}"
        yield Advice("insecure-link", text, "write https://, or filters and readers warn about it")
    if wordless := list(_without_words(everything)):
        text = f"{_counted(len(wordless), 'link')} without a text, such as {wordless[0][:80]}"
        yield Advice("link-without-text", text, "write a text into the link, or alt= for the picture in it")


def _counted(number: int, what: str) -> str:
    return f"1 {what} is" if number == 1 else f"{number} {what}s are"


def _without_words(everything: list[Event]) -> Iterator[str]:
    """The targets of links in which there is neither a text nor a picture with one."""
    target, words = "", True
    for event in everything:
        if isinstance(event, str):
            words = words or bool(event.strip())
        elif isinstance(event, Closed):
            if event.element.name == "a" and not words:
                yield target
            words = words or event.element.name == "a"
        elif event.name == "a":
            attributes = event.attributes()
            target, words = attributes.get("href", ""), bool(attributes.get("aria-label")) or "href" not in attributes
        elif event.name == "img":
            words = words or bool(event.attributes().get("alt", "").strip())


def _of_the_files(parts: Parts, message: EmailMessage) -> Iterator[Advice]:
    for file in parts.attachments:
        ending = file.filename.rstrip(". ").rpartition(".")[2].lower()  # as Windows stores it
        if ending in _BLOCKED:
            text = f"{file.filename!r} is of a kind that large providers block"
            yield Advice("blocked-attachment", text, "send a link to it; a zip file does not help")
    for part in message.walk():
        charset = str(part.get_param("charset") or "").lower()
        if charset not in {"utf-8", "us-ascii"} or part.is_multipart():
            continue
        if not _fits(decoded(part), charset):
            name = part.get_filename() or part.get_content_type()
            yield Advice("charset", f"{name!r} is not in the charset {charset} that it says", "name the right one")


def _fits(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _of_the_size(size: int) -> Iterator[Advice]:
    if size > _LARGE:
        text = f"the message has {size:,} octets, more than some providers take ({_LARGE:,})"
        yield Advice("large", text, "send a link to the file")
