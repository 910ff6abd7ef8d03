"""Command injection: no string of the public API becomes a command, or a parameter, of its own.

Had by aiosmtplib (CVE-2026-53533, GHSA-v3q9-hj7j-63hq; 5.1.3 for ESMTP parameters and the EHLO name), smtplib
(bpo-43124), nodemailer (CVE-2026-82853, GHSA-vvjj-xcjg-gr5g: the EHLO name; CVE-2026-82854, GHSA-c7w3-x93f-qmm8),
MimeKit (CVE-2026-30227, GHSA-g7hc-96xr-gvvx: quoted local parts), go-mail (CVE-2025-59937, GHSA-wpwj-69cm-q9c5),
PHPMailer (CVE-2015-8476), Ruby's Net::SMTP and Mail (CVE-2015-9096, CVE-2015-9097). RFC 5321 section 2.3.8.
"""

from __future__ import annotations

from collections.abc import Callable
from email.headerregistry import Address as StdlibAddress
from email.message import Message as StdlibMessage

import pytest

from sendkit import Envelope, Mailer, MemoryTransport, Message, Security, Server, errors
from sendkit._smtp.command import UnsafeCommand, command_line
from tests.accounts import ANA, LUIS, message
from tests.servers.scripted import ScriptedServer
from tests.wire.conftest import Account, Start

from .eyes import compose, heard

EVIL = "evil@evil.example"
LINE_ENDS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x7f"]
ADDRESSES = [
    "ana@example.com{}RCPT TO:<evil@evil.example>",
    "ana{}@example.com",
    "ana@exam{}ple.com",
    "{}ana@example.com",
    "ana@example.com{}",
    '"ana{}RCPT TO:<evil@evil.example>"@example.com',
    '"ana\\{}RCPT TO:<evil@evil.example>"@example.com',
    "ana@[127.0.0.1{}]",
    "ana@[IPv6:::1{}]",
]
PARAMETERS = [
    "ana@example.com> AUTH=<evil@evil.example",
    "ana@example.com> SIZE=0",
    "ana@example.com>, <evil@evil.example",
    "ana@example.com BODY=8BITMIME",
    "ana@example.com>",
    "<ana@example.com> SMTPUTF8",
    '"ana"> AUTH=<x"@example.com',
    "ana@example.com>\tNOTIFY=NEVER",
    "ana@example.com ORCPT=rfc822;evil@evil.example",
    "@relay.example:ana@example.com> X=<y@z.example",
]
Use = Callable[[str], object]


def _send(**options: object) -> object:
    with Mailer(transport=MemoryTransport()) as mailer:
        return mailer.send(message(), **options)  # type: ignore[arg-type]


def _stdlib(field: str, text: str) -> object:
    made = StdlibMessage()
    made["From"] = ANA
    made[field] = text
    with Mailer(transport=MemoryTransport()) as mailer:
        return mailer.send(made)


ADDRESS_USES: dict[str, Use] = {
    "sender": lambda text: Message(sender=text, to=LUIS, text="x"),
    "sender as a pair": lambda text: Message(sender=("Ana", text), to=LUIS, text="x"),
    "sender of the stdlib": lambda text: Message(sender=_stdlib_address(text), to=LUIS, text="x"),
    "to": lambda text: Message(sender=ANA, to=[text], text="x"),
    "to as a list": lambda text: Message(sender=ANA, to=f"{LUIS}, {text}", text="x"),
    "to in brackets": lambda text: Message(sender=ANA, to=f"Luis <{text}>", text="x"),
    "cc": lambda text: Message(sender=ANA, to=LUIS, cc=[text], text="x"),
    "bcc": lambda text: Message(sender=ANA, to=LUIS, bcc=[text], text="x"),
    "reply_to": lambda text: Message(sender=ANA, to=LUIS, reply_to=text, text="x"),
    "envelope_from": lambda text: _send(envelope_from=text),
    "recipients": lambda text: _send(recipients=[text]),
    "recipients as text": lambda text: _send(recipients=text),
    "Envelope, reverse path": lambda text: Envelope(text, [LUIS]),
    "Envelope, recipient": lambda text: Envelope(ANA, [text]),
    "from_bytes, envelope_from": lambda text: Message.from_bytes(b"\r\nx", envelope_from=text, recipients=[LUIS]),
    "from_bytes, recipients": lambda text: Message.from_bytes(b"\r\nx", envelope_from=ANA, recipients=[text]),
    "a header of ours": lambda text: Message(sender=ANA, to=LUIS, text="x", headers={"Sender": text}),
}
LAWFUL = {"sender of the stdlib", "to in brackets"}
SETTING_USES: dict[str, Use] = {
    "Server, host": lambda text: Server(f"smtp.example.com{text}"),
    "Server, local_hostname": lambda text: Server("smtp.example.com", local_hostname=f"me.example.com{text}"),
    "local_hostname, literal": lambda text: Server("smtp.example.com", local_hostname=f"[127.0.0.1{text}]"),
    "Server.parse": lambda text: Server.parse(f"smtp.example.com{text}x"),
    "Mailer": lambda text: Mailer(f"smtp.example.com{text}x:587"),
    "a URL's host": lambda text: Mailer.from_url(f"smtp://smtp.example.com{text}x"),
    "username": lambda text: Mailer("smtp.example.com", username=f"ana{text}", password="x"),
}


def _stdlib_address(text: str) -> StdlibAddress:
    made = StdlibAddress(username="ana", domain="example.com")
    vars(made).update(_username=text.rpartition("@")[0], _domain=text.rpartition("@")[2])
    return made


@pytest.mark.parametrize("use", ADDRESS_USES.values(), ids=ADDRESS_USES)
def test_command_injection_by_an_address_is_refused_before_any_byte(use: Use) -> None:
    """CVE-2026-53533, CVE-2026-30227, CVE-2015-8476, CVE-2015-9096, CVE-2015-9097, bpo-43124."""
    for pattern in ADDRESSES:
        for end in LINE_ENDS:
            with pytest.raises(errors.MessageError):
                use(pattern.format(end))


# The standard library quotes what it holds: one address, and a lawful one. In brackets a comma list is lawful too.
@pytest.mark.parametrize("use", [ADDRESS_USES[name] for name in ADDRESS_USES if name not in LAWFUL])
def test_esmtp_parameter_smuggling_by_an_address_is_refused(use: Use) -> None:
    """aiosmtplib before 5.1.3, CVE-2025-59937 (go-mail)."""
    for text in PARAMETERS:
        with pytest.raises(errors.MessageError):
            use(text)


@pytest.mark.parametrize("use", SETTING_USES.values(), ids=SETTING_USES)
def test_command_injection_by_a_setting_is_refused_when_it_is_made(use: Use) -> None:
    """CVE-2026-82853 (nodemailer's EHLO name), aiosmtplib before 5.1.3."""
    for end in LINE_ENDS:
        with pytest.raises(errors.ConfigurationError):
            use(f"{end}MAIL FROM:<{EVIL}>")


@pytest.mark.parametrize(
    "name", ["me.example.com XCLIENT ADDR=1.2.3.4", "me example", "me>", "", " ", "[x]", "mé.example"]
)
def test_the_name_in_ehlo_is_a_name_or_a_literal_and_nothing_more(name: str) -> None:
    """aiosmtplib before 5.1.3: `XCLIENT` behind the EHLO name."""
    with pytest.raises(errors.ConfigurationError):
        Server("smtp.example.com", local_hostname=name)


@pytest.mark.parametrize(
    "variable", ["SENDKIT_HOST", "SENDKIT_URL", "SENDKIT_PORT", "SENDKIT_SECURITY", "SENDKIT_USERNAME"]
)
def test_command_injection_by_the_environment_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_HOST", "smtp.example.com")
    if variable == "SENDKIT_URL":
        monkeypatch.delenv("SENDKIT_HOST")
    monkeypatch.setenv(variable, f"smtp://smtp.example.com\r\nMAIL FROM:<{EVIL}>")
    with pytest.raises(errors.ConfigurationError):
        Mailer.from_env()


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0"])
@pytest.mark.parametrize("field", ["To", "Cc", "Bcc", "Sender"])
def test_command_injection_by_a_message_of_the_stdlib_adds_no_recipient(field: str, end: str) -> None:
    with pytest.raises(errors.MessageError):
        _stdlib(field, f'"a{end}RCPT TO:<{EVIL}>"@example.com')


async def test_a_password_with_line_ends_is_one_line_of_base64(start: Start, account: Account) -> None:
    """A password may hold anything but NUL (RFC 4616); it never becomes a second line."""
    password = f"x\r\nMAIL FROM:<{EVIL}>\r\n"
    for mechanism in ("PLAIN", "LOGIN"):
        server: ScriptedServer = start(capabilities_in_tls=[f"AUTH {mechanism}"], users={ANA: password})
        async with account(server, password=password) as mailer:
            result = await mailer.send(message())
        assert result.ok
        assert server.accepted[0].reverse_path == ANA
        assert not any("evil" in line for line in server.lines())


@pytest.mark.parametrize("end", LINE_ENDS)
def test_the_one_function_that_writes_a_command_refuses_what_came_so_far(end: str) -> None:
    """The last line of defence: whoever lets a control character come this far, it does not go out."""
    for utf8 in (False, True):
        with pytest.raises(UnsafeCommand):
            command_line("RCPT", f"TO:<a@example.com>{end}DATA", utf8=utf8)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('"a> SIZE=0"@example.com', b'"a> SIZE=0"@example.com'),
        ('"RCPT TO:<x@y.example>"@example.com', b'"RCPT TO:<x@y.example>"@example.com'),
        ("a'b`c|d@example.com", b"a'b`c|d@example.com"),
        ("-oQ/tmp@example.com", b"-oQ/tmp@example.com"),
    ],
)
def test_what_looks_like_a_command_in_a_lawful_address_stays_inside_its_path(text: str, path: bytes) -> None:
    said = heard(compose(Message(sender=ANA, to=text, text="x")))
    assert said.verbs == [b"RSET", b"MAIL", b"RCPT", b"DATA"]
    assert said.recipients == [path]


def test_security_none_still_takes_no_control_characters() -> None:
    with pytest.raises(errors.ConfigurationError):
        Server("localhost\r\nx", 2525, Security.NONE)
