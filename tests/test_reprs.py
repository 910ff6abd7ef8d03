"""What a person sees in a shell or a notebook: short, telling, and harmless."""

from __future__ import annotations

import re

import pytest

from sendkit import AsyncMailer, Mailer, MemoryTransport, Message, Server
from sendkit.errors import MessageError

MESSAGE = Message(sender="ana@example.com", to=["luis@example.com", "mia@example.net"], subject="Hola", text="x")


@pytest.mark.parametrize(
    ("mailer", "shown"),
    [
        (Mailer("smtp.example.com", username="ana", password="secret"), "<Mailer ana@smtp.example.com:587 starttls>"),
        (Mailer("smtp.example.com:465"), "<Mailer smtp.example.com:465 implicit_tls>"),
        (AsyncMailer(Server("::1", 2525)), "<AsyncMailer [::1]:2525 starttls>"),
        (Mailer(["a.example", "b.example"]), "<Mailer a.example:587 starttls, then b.example:587 starttls>"),
        (Mailer(transport=MemoryTransport()), "<Mailer MemoryTransport>"),
    ],
    ids=str,
)
def test_a_mailer_says_where_it_sends(mailer: Mailer, shown: str) -> None:
    assert repr(mailer) == shown


def test_a_message_says_who_writes_to_whom_and_none_of_its_content() -> None:
    assert repr(MESSAGE) == "<Message 'Hola' from ana@example.com to luis@example.com, mia@example.net>"
    long = MESSAGE.model_copy(update={"subject": "x" * 500, "to": [f"{n}@example.com" for n in range(500)]})
    assert len(repr(long)) < 200


def test_a_result_counts_its_outcomes() -> None:
    box = MemoryTransport()
    box.on_rcpt("mia@example.net").reply("550 5.1.1 no such user")
    result = Mailer(transport=box).send(MESSAGE, check=False)
    assert re.fullmatch(r"<DeliveryResult 1 accepted, 1 rejected <[^>]+>>", repr(result))
    assert str(result) == repr(result)


def test_a_notebook_shows_each_recipient_with_reply_and_hint() -> None:
    box = MemoryTransport()
    box.on_rcpt("mia@example.net").reply("550 5.1.1 <script>alert(1)</script>")
    html = Mailer(transport=box).send(MESSAGE, check=False)._repr_html_()
    assert "luis@example.com" in html
    assert ">accepted<" in html
    assert ">rejected<" in html
    assert "check the spelling" in html, "the hint"
    assert "<script>" not in html


def test_a_notebook_shows_an_error_that_stopped_a_message() -> None:
    with Mailer(transport=MemoryTransport()) as mailer:
        (result,) = mailer.send_many([MESSAGE.model_copy(update={"to": []})])
    html = result._repr_html_()
    assert isinstance(result.error, MessageError)
    assert "MessageError" in html
    assert result.error.message in html
    assert "MessageError" in repr(result)


def test_a_notebook_shows_a_message_that_can_do_no_harm() -> None:
    message = MESSAGE.model_copy(
        update={"html": "<script>top.ran = 1</script><p onclick='x'>Hola", "subject": "<script>alert(1)</script>"}
    )
    html = message._repr_html_()
    assert "<script" not in html
    sandbox = re.search(r"<iframe sandbox='([^']*)'", html)
    assert sandbox is not None
    assert "allow-scripts" not in sandbox[1]
    assert "allow-same-origin" not in sandbox[1]


def test_a_notebook_shows_the_text_where_there_is_no_html() -> None:
    html = MESSAGE.model_copy(update={"text": "1 < 2"})._repr_html_()
    assert "<pre>1 &lt; 2" in html
