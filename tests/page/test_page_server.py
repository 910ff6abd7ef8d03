"""The page of `sendkit catch` over HTTP: who may see it, and what a browser is told to keep a message from doing."""

from __future__ import annotations

import http.client
import json
from contextlib import ExitStack
from email import message_from_bytes
from typing import TYPE_CHECKING, Any

import pytest

from sendkit import Attachment, Mailer, Message
from sendkit._page.server import PageServer
from sendkit.errors import ConfigurationError
from sendkit.testing import LocalServer

from .pages import PLAIN, REPORT, post

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
ODD = Message(
    sender="ana@example.com",
    to="luis@example.com",
    subject="odd",
    html="<img src='cid:logo'><img src='cid:other'>",
    inline={"logo": SVG},
    attachments=[Attachment.from_bytes(b"<script>alert(1)</script>", filename='a"\u202e b.html')],
)


@pytest.fixture(scope="module")
def page() -> Iterator[PageServer]:
    """A page with three messages: a report, a plain one, and one with files to be careful with."""
    with LocalServer() as server, PageServer(server) as page:
        server.on_rcpt("nobody@example.org").reply("550 5.1.1 no such user here")
        with Mailer(server.server, username=server.username, password=server.password) as mailer:
            for message in (REPORT, PLAIN, ODD):
                mailer.send(message, check=False)
        yield page


def ask(
    page: PageServer,
    path: str,
    *,
    method: str = "GET",
    host: str | None = None,
    key: str | None = None,
    **more: str,
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The status, the headers and the body of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=300)
    address = f"/{page.key if key is None else key}/{path}"
    try:
        connection.request(method, address, headers={"Host": host or f"127.0.0.1:{page.port}", **more})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def listed(page: PageServer) -> list[dict[str, Any]]:
    """What stands in the list."""
    lines: list[dict[str, Any]] = json.loads(ask(page, "messages.json")[2])["added"]
    return lines


def hear(events: http.client.HTTPResponse) -> dict[str, Any]:
    """What the next event says."""
    while not (line := events.readline()).startswith(b"data: "):
        assert line, "the stream has ended"
    news: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return news


EVERYTHING = ("", "page.css", "page.js", "messages.json", "1.json", "1/html", "1/source", "1/file/0", "1/picture/1")


@pytest.mark.parametrize("path", EVERYTHING)
def test_every_answer_forbids_what_it_does_not_need(page: PageServer, path: str) -> None:
    status, headers, _ = ask(page, path)
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", EVERYTHING)
def test_who_does_not_know_the_key_sees_nothing(page: PageServer, path: str) -> None:
    assert ask(page, path, key="x" * len(page.key))[0] == 404
    assert ask(page, path, key="")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_a_name_that_was_bound_to_this_address_is_refused(page: PageServer, host: str) -> None:
    assert ask(page, "messages.json", host=host.format(port=page.port))[0] == 421


def test_localhost_is_a_name_of_it(page: PageServer) -> None:
    assert ask(page, "", host=f"localhost:{page.port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "OPTIONS"])
def test_a_request_can_only_look_or_delete(page: PageServer, method: str) -> None:
    assert ask(page, "messages.json", method=method)[0] == 501


@pytest.mark.parametrize(
    "more",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["origin", "opaque origin", "fetch site"],
)
@pytest.mark.parametrize("place", ["messages", "1"])
def test_another_site_cannot_delete(page: PageServer, place: str, more: dict[str, str]) -> None:
    assert ask(page, place, method="DELETE", **more)[0] == 403
    assert ask(page, "1.json")[0] == 200


@pytest.mark.parametrize("place", ["messages", "1"])
def test_who_does_not_know_the_key_deletes_nothing(page: PageServer, place: str) -> None:
    assert ask(page, place, method="DELETE", key="x" * len(page.key))[0] == 404
    assert ask(page, place, method="DELETE", host="evil.example")[0] == 421
    assert ask(page, "1.json")[0] == 200


@pytest.mark.parametrize("place", ["", "0", "4", "messages.json", "1.json", "1/source"])
def test_only_messages_can_be_deleted(page: PageServer, place: str) -> None:
    assert ask(page, place, method="DELETE")[0] == 404


def test_a_deleted_message_is_gone_and_its_number_is_not_used_again() -> None:
    with LocalServer() as server, PageServer(server) as page:
        post(server, PLAIN, REPORT)
        assert ask(page, "1.json")[0] == 200
        assert ask(page, "1", method="DELETE")[0] == 204
        assert ask(page, "1.json")[0] == ask(page, "1/source")[0] == ask(page, "1", method="DELETE")[0] == 404
        post(server, PLAIN)
        assert [one["number"] for one in listed(page)] == [2, 3]
        assert ask(page, "messages", method="DELETE")[0] == 204
        assert listed(page) == []


@pytest.mark.parametrize("path", ["0.json", "4.json", "1/file/9", "1/picture/0", "../1.json", "page.html", "1/else"])
def test_what_is_not_there_is_404(page: PageServer, path: str) -> None:
    status, headers, _ = ask(page, path)
    assert status == 404
    assert headers["Content-Type"].startswith("text/plain")


def test_the_html_of_a_message_is_sandboxed_by_its_own_answer(page: PageServer) -> None:
    _, headers, body = ask(page, "1/html")
    policy = headers["Content-Security-Policy"]
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert f"img-src data: http://127.0.0.1:{page.port}/{page.key}/1/picture/;" in policy
    assert b'src="picture/1"' in body


def test_an_attachment_is_only_ever_a_download(page: PageServer) -> None:
    for path in ("3/file/0", "3/file/1", "3/source"):
        _, headers, _ = ask(page, path)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"].startswith("attachment")
    _, headers, body = ask(page, "3/file/0")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''a_%EF%BF%BD%20b.html"
    assert body == b"<script>alert(1)</script>"


def test_a_picture_that_holds_a_script_is_sandboxed(page: PageServer) -> None:
    _, headers, body = ask(page, "3/picture/1")
    assert (headers["Content-Type"], body) == ("image/svg+xml", SVG)
    assert headers["Content-Security-Policy"].endswith("; sandbox")


def test_a_content_id_that_nobody_has_leads_nowhere(page: PageServer) -> None:
    assert ask(page, "3/html")[2].rstrip().endswith(b"<img src='picture/1'><img src='cid:other'>")


def test_the_list_and_a_message_say_who_got_it(page: PageServer) -> None:
    lines = listed(page)
    assert [one["subject"] for one in lines] == [REPORT.subject, "Backup done", "odd"]
    assert lines[1]["recipients"] == ["ana@example.com", "audit@example.com"]
    shown = json.loads(ask(page, "1.json")[2])
    assert ["nobody@example.org", "Cc", "550 5.1.1 no such user here"] in shown["recipients"]
    table, picture = (file["name"] for file in shown["files"])
    assert (table, picture[:7], picture[-4:]) == ("ventas-España.csv", "figure-", ".png")
    assert dict(shown["facts"])["TLS"].startswith("TLSv1.")
    assert json.loads(ask(page, "2.json")[2])["recipients"][1] == ["audit@example.com", "", "250 2.1.5 recipient ok"]


def test_the_source_is_what_arrived(page: PageServer) -> None:
    source = ask(page, "2/source")[2]
    assert source == page.source.collection.messages[1].content
    assert message_from_bytes(source)["Subject"] == "Backup done"


def test_a_page_that_is_open_hears_of_what_is_new_and_of_nothing_else() -> None:
    with LocalServer() as server, ExitStack() as until_the_end:
        page = until_the_end.enter_context(PageServer(server))
        post(server, REPORT)
        version = json.loads(ask(page, "messages.json")[2])["version"]
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=300)
        connection.request("GET", f"/{page.key}/events?since={version}")
        events = connection.getresponse()
        post(server, PLAIN)
        news = hear(events)
        assert [one["subject"] for one in news["added"]] == ["Backup done"]
        assert (news["removed"], news["reset"]) == ([], False)
        ask(page, "1", method="DELETE")
        assert hear(events)["removed"] == [1]
        until_the_end.close()
        events.read()
        connection.close()


def test_a_page_that_lost_the_connection_hears_what_it_missed() -> None:
    with LocalServer() as server, ExitStack() as until_the_end:
        page = until_the_end.enter_context(PageServer(server))
        post(server, REPORT, PLAIN)
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=300)
        connection.request("GET", f"/{page.key}/events?since=9", headers={"Last-Event-ID": "1"})
        events = connection.getresponse()
        assert [one["number"] for one in hear(events)["added"]] == [2]
        until_the_end.close()
        events.read()
        connection.close()


def test_a_port_that_is_taken_is_an_error_with_a_way_out() -> None:
    with LocalServer() as server, PageServer(server) as page:
        with pytest.raises(ConfigurationError, match="cannot have port") as refused, PageServer(server, port=page.port):
            pass
        assert refused.value.hint
        with pytest.raises(ConfigurationError, match="cannot have port"), LocalServer(port=page.port):
            pass
