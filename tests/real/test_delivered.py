"""What Postfix really delivers: read back from the Maildir, it is what the author wrote, and nothing that he kept back.

RFC 2045 to 2047, 2231 and 2392 (MIME), 3030 (BDAT), 5321 section 4.5.2 (dots), 6531 (SMTPUTF8), 5890 (IDN).
"""

from __future__ import annotations

import hashlib
import random
from email.headerregistry import Address
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from sendkit import Attachment, Mailer, MemoryTransport, Message, Outcome
from tests.servers.scripted import ScriptedServer

from .post import ANA, LUIS, OPS, at_once, auth_commands, contents, letter, outcomes, run, starttls, starttls_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.authority import Authority
    from tests.servers.postfix import Postfix
    from tests.servers.secretservice import SecretService

SUBJECT = "Informe de señales: 日本 🚀 «ñandú» y un asunto que es demasiado largo para una sola línea de la cabecera"
NAME = "Ana Núñez 日本 🚀"
FILE = "señal-日本-🚀.csv"
TEXT = "Hola, ñandú:\n\n.\n..\n.una línea con un punto\n日本 🚀\nFrom aquí\n" + "larga " * 400 + "\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
DATA = "a;b\r\nñ;日本\n.\n\n\r".encode() + bytes(range(256))


@pytest.fixture
def mailer(postfix: Postfix, in_keyring: SecretService) -> Iterator[Mailer]:
    with Mailer(starttls(postfix), username=ANA, retry=at_once(), transcript=True) as mailer:
        yield mailer


@pytest.fixture
def rich() -> Message:
    """All that a message can have."""
    return Message(
        sender=Address(NAME, addr_spec=ANA),
        to=[Address("Luis «el ñandú» 日本", addr_spec=LUIS)],
        bcc=[Address("Operación secreta", addr_spec=OPS), "box-secret@example.test"],
        reply_to="Bücher 📚 <info@bücher.example>",
        subject=SUBJECT,
        text=TEXT,
        html='<p>¡Hola! 日本 🚀</p>\n<img src="cid:gráfico.png">\n.\n'.replace("gráfico", "chart"),
        inline={"chart.png": PNG},
        attachments=[Attachment.from_bytes(DATA, filename=FILE)],
        headers={"X-Report": "ñ 日本 🚀"},
    )


def _parts(message: EmailMessage, kind: str) -> list[EmailMessage]:
    return [part for part in message.walk() if part.get_content_type() == kind]  # type: ignore[misc]


def test_names_and_subjects_in_every_script_arrive_as_they_were_written(
    postfix: Postfix, mailer: Mailer, rich: Message
) -> None:
    mailer.send(rich)
    (arrived,) = postfix.mailbox(LUIS)
    assert arrived["Subject"] == SUBJECT
    assert [(one.display_name, one.addr_spec) for one in arrived["From"].addresses] == [(NAME, ANA)]
    assert [(one.display_name, one.addr_spec) for one in arrived["To"].addresses] == [("Luis «el ñandú» 日本", LUIS)]
    assert [(one.display_name, one.addr_spec) for one in arrived["Reply-To"].addresses] == [
        ("Bücher 📚", "info@xn--bcher-kva.example")
    ]
    assert arrived["X-Report"] == "ñ 日本 🚀"
    assert arrived["Message-ID"] == rich.message_id
    assert arrived["Date"].datetime == rich.date.replace(microsecond=0)
    assert [part.defects for part in arrived.walk() if part.defects] == []
    assert all(header.isascii() for header in contents(postfix, LUIS)[0].partition(b"\n\n")[0].split(b"\n"))


def test_an_attachment_and_an_inline_image_arrive_byte_for_byte(
    postfix: Postfix, mailer: Mailer, rich: Message
) -> None:
    mailer.send(rich)
    (arrived,) = postfix.mailbox(LUIS)
    (csv,) = arrived.iter_attachments()
    assert (csv.get_filename(), csv.get_content_disposition()) == (FILE, "attachment")
    assert csv.get_payload(decode=True) == DATA
    (png,) = _parts(arrived, "image/png")
    assert png.get_payload(decode=True) == PNG
    assert (png["Content-ID"], png.get_content_disposition()) == ("<chart.png>", "inline")
    (html,) = _parts(arrived, "text/html")
    assert 'src="cid:chart.png"' in html.get_content()


def test_a_text_with_dots_long_lines_and_from_is_unharmed(postfix: Postfix, mailer: Mailer, rich: Message) -> None:
    mailer.send(rich)
    (arrived,) = postfix.mailbox(LUIS)
    (text,) = _parts(arrived, "text/plain")
    (html,) = _parts(arrived, "text/html")
    assert text.get_content() == TEXT
    assert html.get_content().splitlines() == (rich.html or "").splitlines()  # base64 keeps CRLF (RFC 2045, 6.8)
    assert max(map(len, contents(postfix, LUIS)[0].split(b"\n"))) <= 998


def test_of_bcc_nothing_is_in_any_mailbox(postfix: Postfix, mailer: Mailer, rich: Message) -> None:
    result = mailer.send(rich)
    assert list(outcomes(result)) == [LUIS, OPS, "box-secret@example.test"]
    boxes = [contents(postfix, name) for name in (LUIS, OPS, "box-secret@example.test")]
    assert boxes[0] == boxes[1] == boxes[2]
    (content,) = boxes[0]
    assert not [word for word in (b"bcc:", b"ops@", b"box-secret", b"secreta") if word in content.lower()]
    assert {one["Bcc"] for name in (LUIS, OPS) for one in postfix.mailbox(name)} == {None}


def test_the_double_shows_the_octets_that_postfix_delivers(postfix: Postfix, mailer: Mailer, rich: Message) -> None:
    double = MemoryTransport()
    with Mailer(transport=double) as other:
        other.send(rich)
    mailer.send(rich)
    assert contents(postfix, LUIS) == [double.sent[0].content.replace(b"\r\n", b"\n")]


@pytest.mark.parametrize(
    "text", [".", ".\n", "..\n.\n", "\n.\n", ".\n" * 3000, "a" * 997 + "\n.\n", "x\n.\nQUIT\nRSET\n"]
)
def test_a_line_with_a_lone_dot_is_a_line(postfix: Postfix, mailer: Mailer, text: str) -> None:
    mailer.send(letter(LUIS, text=text))
    mailer.send(letter(LUIS, subject="Y otro", text="Hola.\n"))
    arrived = {message["Subject"]: message.get_content().rstrip("\n") for message in postfix.mailbox(LUIS)}
    assert arrived == {"Informe": text.rstrip("\n"), "Y otro": "Hola."}


@pytest.mark.parametrize("chunking", [True, False], ids=["BDAT", "DATA"])
def test_dots_mean_nothing_to_the_content_with_and_without_chunking(authority: Authority, chunking: bool) -> None:
    raw = b"From: ana@example.com\r\nTo: a@example.net\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\n"
    with ScriptedServer(tls=authority.server_context()) as server:
        server.capabilities_in_tls = [one for one in server.capabilities_in_tls if chunking or one != "CHUNKING"]
        account = starttls_to(server, authority)
        with Mailer(account, username="ana@example.com", password="correct horse") as mailer:
            mailer.send(Message.from_bytes(raw))
        assert ("BDAT" in server.connections[0].commands) is chunking
        (taken,) = server.accepted
        assert taken.content.endswith(raw.partition(b"\r\n\r\n")[2])


def _said(mailer: Mailer, message: Message) -> list[str]:
    (attempt,) = mailer.send(message).attempts
    return [line.text for line in attempt.transcript or () if line.who == "C"]


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_a_large_attachment_goes_in_a_chunk_and_a_last_one_and_arrives_whole(
    postfix: Postfix, mailer: Mailer, tmp_path: Path, kind: str
) -> None:
    """740 kB are just under Postfix's limit of 1 MiB once they are in base64."""
    octets = random.Random(740).randbytes(740_000)
    path = tmp_path / "informe.pdf"
    path.write_bytes(octets)
    with path.open("rb") as file:
        attached = {"path": path, "bytes": Attachment.from_bytes(octets, filename=path.name), "file": file}[kind]
        message = Message(sender=ANA, to=LUIS, subject="Grande", text="Va dentro.", attachments=[attached])  # type: ignore[list-item]
    chunks = [text for text in _said(mailer, message) if text.startswith("BDAT")]
    assert [text.partition(" (")[0].split()[2:] for text in chunks] == [[], ["LAST"]]
    (arrived,) = postfix.mailbox(LUIS)
    (pdf,) = arrived.iter_attachments()
    assert pdf.get_filename() == path.name
    assert hashlib.sha256(pdf.get_payload(decode=True)).digest() == hashlib.sha256(octets).digest()  # type: ignore[arg-type]


def test_a_message_over_the_announced_size_is_rejected_without_a_mail_command(postfix: Postfix, mailer: Mailer) -> None:
    large = Attachment.from_bytes(bytes(900_000), filename="informe.pdf")
    result = mailer.send(Message(sender=ANA, to=LUIS, subject="Grande", attachments=[large]), check=False)
    assert outcomes(result) == {LUIS: Outcome.REJECTED}
    assert result.recipients[LUIS].reply is None
    assert f"{postfix.message_size_limit / 1e6:.1f} MB" in (result.recipients[LUIS].reason or "")
    mailer.close()
    assert sum(session.tried.get("mail", 0) for session in postfix.sessions()) == 0
    assert auth_commands(postfix) == 1


def test_a_message_of_the_standard_library_arrives_and_is_not_changed(postfix: Postfix, mailer: Mailer) -> None:
    message = EmailMessage()
    message["From"] = Address(NAME, addr_spec=ANA)
    message["To"] = LUIS
    message["Bcc"] = OPS
    message["Subject"] = SUBJECT
    message.set_content(TEXT)
    message.add_attachment(DATA, maintype="text", subtype="csv", filename=FILE)
    before = message.as_bytes()
    result = mailer.send(message)
    assert message.as_bytes() == before
    (arrived,) = postfix.mailbox(LUIS)
    assert (arrived["Subject"], arrived["Bcc"], arrived["Message-ID"]) == (SUBJECT, None, result.message_id)
    assert [one.display_name for one in arrived["From"].addresses] == [NAME]
    (csv,) = arrived.iter_attachments()
    assert (csv.get_filename(), csv.get_payload(decode=True)) == (FILE, DATA)
    (text,) = _parts(arrived, "text/plain")
    assert text.get_content() == TEXT
    assert contents(postfix, LUIS) == contents(postfix, OPS)


def test_a_ready_message_arrives_untouched_but_for_line_ends_and_bcc(postfix: Postfix, mailer: Mailer) -> None:
    head = f"X-Odd:   kept  as\n\tit is \nFrom: {ANA}\nTo: {LUIS}\nSubject: =?utf-8?q?=C3=B1?=\n"
    kept = "Date: Mon, 2 Nov 2026 10:00:00 +0100\nMessage-ID: <ready@example.test>\nMIME-Version: 1.0\n"
    body = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n.\nñ 日本\n\n  \nend\n"
    mailer.send(Message.from_bytes(f"{head}Bcc: {OPS},\n {ANA}\n{kept}{body}".encode()))
    assert (
        contents(postfix, LUIS) == contents(postfix, OPS) == contents(postfix, ANA) == [(head + kept + body).encode()]
    )


def test_a_ready_message_of_the_command_line_arrives_untouched(
    postfix: Postfix, in_keyring: SecretService, tmp_path: Path
) -> None:
    file = tmp_path / "listo.eml"
    raw = f"From: {ANA}\nTo: {LUIS}\nDate: Mon, 2 Nov 2026 10:00:00 +0100\nMessage-ID: <eml@example.test>\n\n.\nHola\n"
    file.write_text(raw)
    account = ("--host", starttls(postfix).address, "--user", ANA, "--ca-file", str(postfix.ca_file))
    done = run("send", *account, "--message", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(postfix, LUIS) == [raw.encode()]


def test_a_report_of_the_command_line_arrives_with_its_attachment(
    postfix: Postfix, in_keyring: SecretService, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(DATA)
    account = ("--host", starttls(postfix).address, "--user", ANA, "--ca-file", str(postfix.ca_file))
    message = ("--from", f"{NAME} <{ANA}>", "--to", LUIS, "--bcc", OPS, "--subject", SUBJECT, "--text", TEXT)
    done = run("send", *account, *message, "--attach", str(tmp_path / FILE))
    assert done.returncode == 0, done.stderr
    (arrived,) = postfix.mailbox(LUIS)
    assert arrived["Subject"] == SUBJECT
    (csv,) = arrived.iter_attachments()
    assert (csv.get_filename(), csv.get_payload(decode=True)) == (FILE, DATA)
    assert contents(postfix, LUIS) == contents(postfix, OPS)


def test_a_local_part_beyond_ascii_goes_with_smtputf8(postfix: Postfix, mailer: Mailer) -> None:
    jose = "josé@example.test"
    said = _said(mailer, letter(jose, LUIS))
    assert [text for text in said if text.startswith("MAIL") and text.endswith("SMTPUTF8")]
    assert contents(postfix, jose) == contents(postfix, LUIS)
    (content,) = contents(postfix, jose)
    assert f"\nTo: {jose}, {LUIS}\n".encode() in content


def test_a_message_that_needs_no_smtputf8_does_not_ask_for_it(mailer: Mailer, rich: Message) -> None:
    assert not [text for text in _said(mailer, rich) if "SMTPUTF8" in text and text.startswith("MAIL")]


def test_the_null_reverse_path_is_delivered(postfix: Postfix, mailer: Mailer) -> None:
    mailer.send(letter(LUIS), envelope_from="")
    assert postfix.mailbox(LUIS)[0]["Return-Path"] == "<>"
    assert [envelope.sender for envelope in postfix.envelopes()] == [""]


def test_recipients_that_are_given_replace_those_of_the_headers(postfix: Postfix, mailer: Mailer) -> None:
    mailer.send(letter(LUIS), recipients=[OPS])
    assert (len(postfix.mailbox(OPS)), postfix.mailbox(LUIS)) == (1, [])
    assert postfix.mailbox(OPS)[0]["To"] == LUIS
