"""The page in a real browser: it shows what there is, on a desk and on a phone, and a hostile message does nothing.

With SENDKIT_SCREENSHOTS=DIR every view is kept there as a picture, to be looked at.
"""

from __future__ import annotations

import json
import os
import smtplib
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit import Message
from sendkit._page.server import PageServer
from sendkit.testing import LocalServer

from .pages import PLAIN, REPORT, Canary, hostile, post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.browser import Browser

PHONE = (390, 844)
SHOWN = "!document.getElementById('message').hidden && document.getElementById('panel').childElementCount > 0"
HEADING = "document.querySelector('h1').innerText"
LOADED = "document.images[0].complete && document.images[0].naturalWidth"
PICTURES = os.environ.get("SENDKIT_SCREENSHOTS")


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let previews go with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def page(server: LocalServer) -> Iterator[PageServer]:
    with PageServer(server) as page:
        yield page


def shoot(browser: Browser, name: str) -> None:
    if PICTURES:
        browser.picture(Path(PICTURES) / f"{name}.png")


def text(browser: Browser, selector: str) -> str:
    """What stands in an element, as a reader sees it: it may be there before it is drawn."""
    shown = browser.until(f"document.querySelector({json.dumps(selector)})?.innerText")
    assert isinstance(shown, str)
    return shown


@pytest.mark.parametrize("screen", [(1280, 800), PHONE], ids=["desk", "phone"])
def test_a_report_is_shown_with_its_table_and_its_picture(
    browser: Browser, server: LocalServer, page: PageServer, screen: tuple[int, int]
) -> None:
    post(server, PLAIN, REPORT)
    browser.size(*screen, phone=screen == PHONE)
    browser.open(f"{page.url}#/2")
    browser.until(SHOWN)
    assert text(browser, "#subject") == REPORT.subject
    assert browser.inside(LOADED) == 320
    assert browser.inside("document.querySelectorAll('table.d tr').length") == 6
    assert browser.value("document.documentElement.scrollWidth") == screen[0], "nothing is wider than the screen"
    shoot(browser, f"report-{screen[0]}")


@pytest.mark.parametrize("screen", [(1280, 800), PHONE], ids=["desk", "phone"])
def test_a_plain_message_is_shown_as_it_was_written(
    browser: Browser, server: LocalServer, page: PageServer, screen: tuple[int, int]
) -> None:
    post(server, PLAIN)
    browser.size(*screen, phone=screen == PHONE, dark=screen == PHONE)
    browser.open(f"{page.url}#/1")
    browser.until(SHOWN)
    assert text(browser, "pre.text") == PLAIN.text
    assert "audit@example.com" in text(browser, "#people")
    shoot(browser, f"plain-{screen[0]}")


@pytest.mark.parametrize("screen", [(1280, 800), PHONE], ids=["desk", "phone"])
def test_a_hostile_message_runs_nothing_and_loads_nothing(
    browser: Browser, server: LocalServer, page: PageServer, screen: tuple[int, int]
) -> None:
    browser.size(*screen, phone=screen == PHONE)
    with Canary() as canary:
        post(server, hostile(canary.address))
        browser.open(f"{page.url}#/1")
        browser.until(SHOWN)
        _look_at_the_hostile(browser)
        shoot(browser, f"hostile-{screen[0]}")
        for tab in ("text", "headers", "envelope", "source"):
            browser.open(f"{page.url}#/1/{tab}")
            browser.until(SHOWN)
        browser.open(f"{page.url}1/html")
        assert browser.until(f"document.readyState === 'complete' && {HEADING}") == "Congratulations!"
    assert canary.visits == []


def _look_at_the_hostile(browser: Browser) -> None:
    assert browser.inside(HEADING) == "Congratulations!"
    assert browser.value("window.ran") is None
    assert browser.value("document.title").startswith("<script>")
    assert text(browser, "#withheld").startswith("Not loaded, not run: content from 127.0.0.1, ")
    assert "script" in text(browser, "#withheld")


def test_a_hostile_message_does_nothing_in_a_preview_either(browser: Browser, tmp_path: Path) -> None:
    with Canary() as canary:
        browser.open(hostile(canary.address).preview(open_browser=False).as_uri())
        browser.until(SHOWN)
        _look_at_the_hostile(browser)
    assert canary.visits == []


@pytest.mark.parametrize("served", [True, False], ids=["served", "file"])
def test_without_our_care_the_canary_sings(browser: Browser, tmp_path: Path, served: bool) -> None:
    """The proof that its silence means something: the same letter as a page of its own."""
    with Canary() as canary, ThreadingHTTPServer(("127.0.0.1", 0), _files(tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        (tmp_path / "letter.html").write_text(f"<img src='http://{canary.address}/pixel.png'>")
        url = f"http://127.0.0.1:{server.server_port}/letter.html" if served else (tmp_path / "letter.html").as_uri()
        browser.open(url)
        browser.until("document.images[0].complete")
        server.shutdown()
        thread.join()
    assert any(words.startswith(b"GET /pixel.png") for words in canary.visits)


def _files(folder: Path) -> Callable[..., SimpleHTTPRequestHandler]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    return partial(Quiet, directory=folder)


def test_a_preview_is_the_same_page_without_a_server(browser: Browser) -> None:
    file = REPORT.preview(open_browser=False)
    browser.open(file.as_uri())
    browser.until(SHOWN)
    assert text(browser, "#subject") == REPORT.subject
    assert browser.inside(LOADED) == 320
    browser.value("document.getElementById('tab-Attachments').click()")
    assert text(browser, ".files a") == "ventas-España.csv"
    assert browser.value("document.querySelector('.list-pane').offsetParent === null"), "there is no list of one"
    shoot(browser, "preview-1280")


def test_a_message_appears_when_it_arrives(browser: Browser, server: LocalServer, page: PageServer) -> None:
    browser.open(page.url)
    browser.until("document.getElementById('live').innerText === '0 messages'")
    assert text(browser, "#settings").splitlines()[1] == f"127.0.0.1:{server.port}"
    shoot(browser, "empty-1280")
    post(server, PLAIN)
    browser.until("document.querySelectorAll('#list a').length === 1")
    assert text(browser, "#live") == "1 message"
    assert text(browser, "#list .subject") == "Backup done"
    browser.until(SHOWN)


def test_the_page_says_when_the_server_has_ended(browser: Browser, server: LocalServer) -> None:
    with PageServer(server) as page:
        browser.open(page.url)
        browser.until("document.getElementById('live').innerText === '0 messages'")
    browser.until("document.getElementById('live').innerText === 'ended'")


def test_it_is_used_by_keyboard_alone(browser: Browser, server: LocalServer, page: PageServer) -> None:
    post(server, REPORT)
    browser.open(f"{page.url}#/1")
    browser.until(SHOWN)
    browser.value("document.getElementById('tab-HTML').focus()")
    browser.press("ArrowRight")
    assert browser.value("document.activeElement.id") == "tab-Text"
    assert browser.value("document.activeElement.getAttribute('aria-selected')") == "true"
    browser.press("End")
    assert browser.value("document.activeElement.id") == "tab-Source"
    browser.press("ArrowRight")
    assert browser.value("document.activeElement.id") == "tab-HTML"
    assert browser.value("document.querySelectorAll('[role=tab][tabindex=\"0\"]').length") == 1


def test_a_phone_goes_from_the_list_to_a_message_and_back(
    browser: Browser, server: LocalServer, page: PageServer
) -> None:
    post(server, PLAIN, REPORT)
    browser.size(*PHONE, phone=True)
    browser.open(page.url)
    browser.until("document.querySelectorAll('#list a').length === 2")
    assert browser.value("document.querySelector('main').offsetParent === null")
    shoot(browser, "list-390")
    browser.value("document.querySelector('#list a').click()")
    browser.until("document.body.dataset.view === 'letter'")
    browser.until(SHOWN)
    assert browser.value("document.querySelector('.list-pane').offsetParent === null")
    browser.value("document.querySelector('.back').click()")
    browser.until("document.body.dataset.view === 'list'")


def lines(browser: Browser) -> list[str]:
    """The subjects in the list that can be seen, from the top."""
    script = "[...document.querySelectorAll('#list li:not([hidden]) .subject')].map((one) => one.innerText)"
    shown: list[str] = browser.value(script)
    return shown


def test_the_list_is_searched_as_one_types(browser: Browser, server: LocalServer, page: PageServer) -> None:
    post(server, PLAIN, REPORT)
    browser.open(page.url)
    browser.until("document.querySelectorAll('#list li').length === 2")
    browser.press("/")
    assert browser.value("document.activeElement.id") == "search"
    browser.value("search.value = 'ops@ DONE'; search.dispatchEvent(new Event('input'))")
    assert lines(browser) == ["Backup done"]
    assert text(browser, "#live") == "1 of 2"
    post(server, PLAIN, REPORT)
    browser.until("document.querySelectorAll('#list li').length === 4")
    assert lines(browser) == ["Backup done"] * 2, "what arrives is searched too"
    browser.value("search.value = 'no-such-word'; search.dispatchEvent(new Event('input'))")
    assert lines(browser) == []
    assert browser.value("!none.hidden")


def test_keys_go_through_the_list_and_delete(browser: Browser, server: LocalServer, page: PageServer) -> None:
    for subject in ("one", "two", "three"):
        post(server, PLAIN.model_copy(update={"subject": subject}))
    browser.open(page.url)
    browser.until("document.getElementById('subject').innerText === 'three'")
    browser.press("j")
    browser.until("document.getElementById('subject').innerText === 'two'")
    browser.press("d")
    browser.until("document.getElementById('subject').innerText === 'one'")
    browser.until("document.querySelectorAll('#list li').length === 2")
    assert lines(browser) == ["three", "one"]
    browser.press("k")
    browser.until("document.getElementById('subject').innerText === 'three'")
    assert len(server.caught) == 2


def test_a_message_that_is_gone_before_the_next_one_is_there_does_not_change_which_one_that_is(
    browser: Browser, server: LocalServer, page: PageServer
) -> None:
    for subject in ("one", "two", "three"):
        post(server, PLAIN.model_copy(update={"subject": subject}))
    browser.open(page.url)
    browser.until("document.getElementById('subject').innerText === 'three'")
    browser.press("j")
    browser.until("document.getElementById('subject').innerText === 'two'")
    browser.value("""real = window.fetch;
        window.fetch = async (path, options) => {
            const answer = real(path, options);
            while (path === "1.json" && document.querySelectorAll("#list li").length > 2)
                await new Promise((done) => setTimeout(done, 10));
            return answer;
        }; 0""")
    browser.press("d")
    browser.until("document.getElementById('subject').innerText === 'one'")
    assert browser.value("location.hash") == "#/1"


def test_clear_leaves_nothing_on_the_page_nor_in_the_server(
    browser: Browser, server: LocalServer, page: PageServer
) -> None:
    post(server, PLAIN, REPORT)
    browser.open(page.url)
    browser.until(SHOWN)
    browser.value("document.getElementById('clear').click()")
    browser.until("document.getElementById('live').innerText === '0 messages'")
    assert browser.value("!empty.hidden && message.hidden")
    assert server.caught == []
    post(server, PLAIN)
    browser.until(SHOWN)


def test_a_client_that_was_refused_is_shown_with_the_cure(
    browser: Browser, server: LocalServer, page: PageServer
) -> None:
    browser.open(page.url)
    browser.until("document.getElementById('live').innerText === '0 messages'")
    with smtplib.SMTP(server.host, server.port) as client, pytest.raises(smtplib.SMTPSenderRefused):
        client.sendmail("ana@example.com", "luis@example.com", b"Subject: x\r\n\r\nx\r\n")
    browser.until("!document.getElementById('refused').hidden")
    browser.value("document.querySelector('#refused summary').click()")
    assert "did not start TLS" in text(browser, "#refused li")
    assert "--plain" in text(browser, "#refused li")
    shoot(browser, "refused-1280")


DARK = "<meta name='color-scheme' content='light dark'><p id=p>x"
_SCHEME = "getComputedStyle(document.querySelector('iframe')).colorScheme"


def test_dark_html_is_shown_dark_and_light_html_stays_on_white(
    browser: Browser, server: LocalServer, page: PageServer
) -> None:
    made_for_both = Message(sender="ana@example.com", to="luis@example.com", subject="both", html=DARK)
    made_for_light = made_for_both.model_copy(update={"subject": "light", "html": "<p style='color:#111'>x"})
    post(server, made_for_both, made_for_light)
    browser.size(1280, 800, dark=True)
    browser.open(f"{page.url}#/1")
    browser.until(SHOWN)
    assert browser.value(_SCHEME) == "dark"
    assert browser.inside("document.querySelector('meta[name=color-scheme]').content") == "light dark"
    browser.value("document.getElementById('dark').click()")
    assert browser.value(_SCHEME) == "light"
    browser.open(f"{page.url}#/2")
    browser.until("document.getElementById('subject').innerText === 'light'")
    assert browser.value(_SCHEME) == "light"
    assert browser.inside("document.querySelector('meta[name=color-scheme]').content") == "light"
    assert browser.value("document.getElementById('dark').hidden")
    browser.size(1280, 800)


def test_a_long_subject_leaves_room_for_the_message(browser: Browser, server: LocalServer, page: PageServer) -> None:
    post(server, PLAIN.model_copy(update={"subject": "a long subject " * 60}))
    browser.size(*PHONE, phone=True)
    browser.open(f"{page.url}#/1")
    browser.until(SHOWN)
    assert browser.value("document.getElementById('panel').clientHeight > innerHeight / 2")
    shoot(browser, "long-subject-390")
    browser.size(1280, 800)
