"""`python -m tests.docs.site.check FOLDER`: every link within the built site leads somewhere, and its search answers.

The search is the site's own, in a headless Chromium: an error text is typed as a person would paste it, and the page
that answers it must be among the first five that are found.
"""

from __future__ import annotations

import contextlib
import functools
import html.parser
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from sendkit._smtp.symptoms import explain_text
from tests.docs.site.errors import path_of
from tests.servers.browser import Browser

SEARCHES = (
    "535 5.7.8 Username and Password not accepted - gsmtp",
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant",
    "554 5.7.1 Relay access denied",
    "451 4.7.1 Greylisted, please try again later",
    "552 5.3.4 Message size exceeds fixed limit",
    "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
    "certificate verify failed: unable to get local issuer certificate",
    "keyring.errors.NoKeyringError: No recommended backend was available",
    "invalid_grant: Token has been expired or revoked",
    "socket.gaierror: [Errno -2] Name or service not known",
    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
)
_FIRST = 5
_NOWHERE = "xqzvkwj"  # stands on no page


class _Links(html.parser.HTMLParser):
    """Where a page leads, and what in it can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.links.add(value)
            elif value and name in ("id", "name"):
                self.names.add(value)


def broken(site: Path) -> Iterator[str]:
    """Each link within the site that leads nowhere."""
    pages = {
        path.relative_to(site).as_posix(): _Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    for name, page in pages.items():
        if name == "404.html":
            continue  # its links begin at the root of an address that the site does not have yet
        for link in sorted(page.links):
            target, fragment = urldefrag(urljoin(f"http://site/{name}", link))
            if not target.startswith("http://site/"):
                continue
            path = unquote(target.removeprefix("http://site/"))
            path = f"{path}index.html" if path.endswith("/") or not path else path
            if not (site / path).exists():
                yield f"{name}: {link}"
            elif fragment and path in pages and unquote(fragment) not in pages[path].names:
                yield f"{name}: {link} (no such heading)"


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """The site, on a port of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


_ROOT = (
    "[...document.querySelectorAll('*')].map(one => one.shadowRoot).find(root => root && root.querySelector('input'))"
)
_FOUND = f"[...{_ROOT}.querySelectorAll('a[href]')].map(one => one.getAttribute('href'))"


class Search:
    """The search of the site, as somebody uses it."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url

    def _type(self, text: str) -> None:
        """Put this text in the place of what was searched for."""
        self._browser.value(f"{_ROOT}.querySelector('input').select()")
        self._browser.call("Input.insertText", text=text)

    def find(self, text: str) -> list[str]:
        """The pages that are found for a text, in the order in which they are shown."""
        self._browser.open(self._url)
        self._browser.until("document.readyState === 'complete' && !!document.querySelector('.md-search__button')")
        self._browser.until(f"!!({_ROOT})")
        self._browser.value("document.querySelector('.md-search__button').click()")
        self._browser.value(f"{_ROOT}.querySelector('input').focus()")
        self._type("mail")
        self._browser.until(f"{_FOUND}.length")  # the index is there
        self._type(_NOWHERE)
        self._browser.until(f"!{_FOUND}.length")  # what is found from here on was found for the text
        self._type(text)
        asked = f"{_FOUND}.filter(link => new URL(link).searchParams.get('h') === {json.dumps(text)})"
        links = self._browser.until(f"(links => links.length && links)({asked})")  # one look: they may be drawn again
        found = (urlsplit(urljoin(self._url, link)).path for link in links)
        return list(dict.fromkeys(path.removeprefix("/") for path in found))


def _answer(text: str) -> str:
    """The page of what this text means."""
    found = explain_text(text)
    assert found is not None
    return path_of(found.explanation.title).removesuffix(".md") + "/"


def unanswered(site: Path) -> Iterator[str]:
    """Each pasted text that does not lead to its page."""
    browser = Browser()
    try:
        with served(site) as url:
            search = Search(browser, url)
            for text in SEARCHES:
                wanted = _answer(text)
                found = search.find(text)[:_FIRST]
                if wanted not in found:
                    yield f"{text!r} leads to {', '.join(found)}, and not to {wanted}"
    finally:
        browser.close()


def main(site: Path) -> int:
    """Print what is wrong, and how much was looked at."""
    wrong = [*broken(site), *unanswered(site)]
    sys.stdout.writelines(f"{one}\n" for one in wrong)
    sys.stdout.write(f"{sum(1 for _ in site.rglob('*.html'))} pages, {len(SEARCHES)} searches, {len(wrong)} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
