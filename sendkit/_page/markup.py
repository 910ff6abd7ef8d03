"""Somebody else's html, made a document that can do no harm: no script, no form, no frame, nothing from a network.

What keeps it so is the browser: a Content-Security-Policy without any source but the message's own pictures, in a
sandbox (Content Security Policy Level 3; HTML section 7.1.5). Filters are evaded, so nothing is filtered here but what
no policy covers: a `<link>` and a frame open a connection in Chromium before the policy forbids what goes over it.
`cid:` addresses (RFC 2392) are replaced. Must not know messages, or who serves the document.
"""

from __future__ import annotations

import contextlib
import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# A link may be followed by hand, in a tab of its own; nothing else is allowed (no allow-scripts, no allow-same-origin).
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"

_CID = re.compile(r"""(["'(=]\s*)cid:([^"'\s)>]+)""", re.IGNORECASE)
# A tokenizer makes such an element from these very characters and no others (HTML section 13.2.5.8).
_UNCOVERED = re.compile(r"(?<=<)(?=(?:link|i?frame|object|embed)[\s/>])", re.IGNORECASE)
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
# Media Queries Level 5 section 12.5; CSS Color Adjustment Level 1 section 2.2.
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark|color-scheme[^;>]{0,40}\bdark\b", re.IGNORECASE)
_READ = 512 * 1024  # characters; the rest is shown with the same care, but not counted
_LOADING = {"src", "srcset", "background", "poster", "data"}
_INERT = {
    "script": "script",
    "form": "form",
    "iframe": "frame",
    "frame": "frame",
    "object": "object",
    "embed": "object",
}
_STYLE = (
    "body{margin:1rem clamp(1rem,3.6vw,2rem);font-family:system-ui,sans-serif;overflow-wrap:break-word}"
    "audio,video{display:none!important}"
    "img[src^='http:'],img[src^='https:'],img[src^='//']{outline:1px dashed #b9b0a3}"
)


def policy(pictures: str = "") -> str:
    """The Content-Security-Policy of such a document; `pictures` is a further source for images, beside `data:`."""
    images = f"data: {pictures}".strip()
    return f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(html: str, pictures: Mapping[str, str], source: str = "") -> str:
    """The html as a document; `pictures` has the address for each Content-ID, and `source` allows these addresses."""

    def address(found: re.Match[str]) -> str:
        source = pictures.get(unquote(found[2])) or pictures.get(found[2])
        return found[0] if source is None else f"{found[1]}{escape(source)}"

    # What was made for light alone stays on white: a reader that inverts colours shows no more than a guess.
    scheme = "light dark" if has_dark_mode(html) else "light"
    return (
        "<!doctype html><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(source))}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='referrer' content='no-referrer'>"
        f"<meta http-equiv='x-dns-prefetch-control' content='off'><meta name='color-scheme' content='{scheme}'>"
        f"<base target='_blank'><style>{_STYLE}</style>"
    ) + _CID.sub(address, _UNCOVERED.sub("not-", html))


def has_dark_mode(html: str) -> bool:
    """Whether the html has colours of its own for a dark screen, or says that it looks right on one."""
    return _DARK.search(html[:_READ]) is not None


def withheld(html: str) -> tuple[str, ...]:
    """What the document is kept from doing, in words: the hosts it would load from, and what it would run."""
    finder = _Finder()
    # It gives up on some broken declarations; what it found so far counts. No `close()`: at its end it reads what
    # was never finished again, in quadratic time (CVE-2025-6069).
    with contextlib.suppress(AssertionError, ValueError):
        finder.feed(html[:_READ])
    hosts = [f"content from {host}" for host in finder.hosts]
    return (*hosts, *(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in finder.inert.items()))


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hosts: dict[str, None] = {}
        self.inert: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if kind := _INERT.get(tag):
            self.inert[kind] = self.inert.get(kind, 0) + 1
        for name, value in attrs:
            if name.startswith("on"):
                self.inert["script"] = self.inert.get("script", 0) + 1
            elif name in _LOADING or (tag == "link" and name == "href"):
                self._note(value or "")
            elif name == "style":
                self.handle_data(value or "")

    def handle_data(self, data: str) -> None:
        for found in _IN_STYLE.finditer(data):
            self._note(found[1])

    def _note(self, address: str) -> None:
        try:
            host = urlsplit(address.strip()).hostname
        except ValueError:  # no address at all
            return
        if host:
            self.hosts[host] = None
