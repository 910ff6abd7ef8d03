"""The console as a transport: what a person wants to see of a message, and nothing that could steer the terminal."""

from __future__ import annotations

import io

import pytest

from sendkit import Attachment, ConsoleTransport, DeliveryResult, Mailer, Message
from tests.accounts import ANA, EVA, LUIS, ONCE, message


def shown(letter: Message | object, *, text: bool = True, encoding: str = "utf-8") -> str:
    """What stands on the console for one message."""
    octets = io.BytesIO()
    with Mailer(transport=ConsoleTransport(io.TextIOWrapper(octets, encoding), text=text), retry=ONCE) as mailer:
        assert mailer.send(letter).ok  # type: ignore[arg-type]
        return octets.getvalue().decode(encoding)


def test_it_shows_who_and_what_and_the_link_to_follow() -> None:
    letter = Message(
        sender=ANA,
        to=LUIS,
        bcc=EVA,
        subject="Contraseña nueva",
        text="Follow https://example.com/reset/42",
        attachments=[Attachment.from_bytes(b"x", filename="datos.csv")],
    )
    first, second, *rest = shown(letter).splitlines()
    assert first == f"----- from <{ANA}> to <{LUIS}>, <{EVA}>"
    assert second.startswith(f"Message-ID: {letter.message_id}, ")
    assert rest == ["Subject: Contraseña nueva", "Attached: datos.csv", "", "Follow https://example.com/reset/42"]


def test_the_text_can_be_left_out() -> None:
    assert "Qué tal" not in shown(message(), text=False)


def test_it_goes_to_standard_error_so_that_the_output_of_a_program_stays_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "console")
    with Mailer.from_env() as mailer:
        mailer.send(message())
    output = capsys.readouterr()
    assert (output.out, "Subject: Hola" in output.err) == ("", True)


def test_nothing_in_a_message_steers_the_terminal() -> None:
    text = "\x1b[2J\x1b]0;title\x07 \x9b31m \u202eright to left\tand a tab"
    page = shown(Message(sender=ANA, to=LUIS, text=text))
    assert not any(
        character < " " or "\x7f" <= character < "\xa0" for character in page.replace("\n", "").replace("\t", "")
    )
    assert "\u202e" not in page
    assert "�[2J" in page


def test_a_long_text_is_cut() -> None:
    page = shown(Message(sender=ANA, to=LUIS, text="one line\n" * 30 + "x" * 900)).splitlines()
    assert page.count("one line") == 20
    assert page[-1] == "(11 more lines)"
    assert max(map(len, page)) < 600


def test_a_message_that_cannot_be_parsed_is_taken_all_the_same() -> None:
    odd = (
        b"From: ana@example.com\r\nTo: luis@example.com\r\nContent-Type: text/plain; charset=klingon\r\n\r\nnuqneH\r\n"
    )
    assert "(the rest cannot be shown: LookupError)" in shown(Message.from_bytes(odd))


def test_a_terminal_that_knows_ascii_alone_gets_no_error() -> None:
    assert "\\xbfQu\\xe9 tal?" in shown(message(), encoding="ascii")


def test_a_closed_console_is_a_deferral() -> None:
    stream = io.StringIO()
    stream.close()
    with Mailer(transport=ConsoleTransport(stream), retry=ONCE) as mailer:
        result: DeliveryResult = mailer.send(message(), check=False)
    assert "closed file" in (result.recipients[LUIS].reason or "")
    assert result.recipients[LUIS].retryable


def test_without_a_text_it_says_so_and_without_a_name_it_shows_the_type() -> None:
    odd = (
        b"From: ana@example.com\r\nTo: luis@example.com\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
    )
    assert shown(Message.from_bytes(odd)).splitlines()[3:] == ["Attached: application/pdf", "", "(no text)"]
