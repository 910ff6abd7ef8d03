"""The questions: what people write, what an answer must hold, and how to get sendkit to give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import sending, setting_up, writing
from .stage import Stage


@dataclass(frozen=True)
class Question:
    """One question: as people write it, what both answers must hold (regular expressions), and how it is provoked.

    `python` and `shell` must stand in that one alone.
    """

    number: int
    asked: str
    provoke: Callable[[Stage], None]
    must: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        1,
        "Gmail: 535 5.7.8 Username and Password not accepted",
        setting_up.gmail,
        ("app password", "2-Step Verification", "blanks do not matter", r"--oauth google --client-id", "7 days"),
    ),
    Question(
        2,
        "Microsoft 365: 535 5.7.139, 535 5.7.3, 550 5.7.30, 5.7.57",
        setting_up.microsoft,
        (
            r"SmtpClientAuthenticationDisabled \$false",
            "Passwords end",
            "--oauth microsoft --client-id",
            "asked to send|username",
        ),
    ),
    Question(
        3,
        "OAuth2: who gets and refreshes the token?",
        setting_up.oauth,
        (r"sendkit login localhost ana@example\.com --oauth", "refreshes", "7 days"),
    ),
    Question(
        4,
        "WRONG_VERSION_NUMBER, or a time-out: 465 and 587 swapped",
        setting_up.swapped,
        python=(
            r'Server\("localhost", port=\d+, security="implicit_tls"\)',
            r'Server\("localhost", port=\d+, security="starttls"\)',
        ),
        shell=(r"--host localhost:\d+ --security implicit_tls", r"--host localhost:\d+ --security starttls"),
    ),
    Question(
        5,
        "CERTIFICATE_VERIFY_FAILED: self-signed, a company's CA, no CA store",
        setting_up.certificates,
        (r"issued by \w+", "self-signed", "SSL_CERT_FILE", "ca-certificates"),
        (r'ca_file="company-ca\.pem"',),
        (r"--ca-file company-ca\.pem",),
    ),
    Question(
        6,
        "Connection unexpectedly closed",
        sending.closed,
        ("mail", "2 tries", "before the message was accepted"),
    ),
    Question(
        7,
        "454 4.7.0 Too many login attempts, 421, rate limits",
        sending.too_many,
        ("wait some minutes|nothing to change",),
    ),
    Question(
        8,
        "No recommended backend was available",
        setting_up.no_keyring,
        ("SENDKIT_PASSWORD", "SENDKIT_PASSWORD_FILE", "keyring service sendkit:localhost", "install a keyring"),
    ),
    Question(
        9,
        "a locked keyring hangs cron, SSH, CI",
        setting_up.locked_keyring,
        ("locked", "unlock it", "SENDKIT_PASSWORD"),
    ),
    Question(
        10,
        "sent twice",
        sending.in_doubt,
        ("may have accepted", "in.doubt", "look for"),
        ("retry_in_doubt",),
        ("look for <",),
    ),
    Question(
        11,
        "which recipients failed?",
        sending.some_failed,
        (r"luis@example\.com.*550 5\.1\.1 no such user", r"1 of 2 recipients not accepted"),
    ),
    Question(12, "how do I test without sending?", writing.tested, python=("mailbox", "1 accepted"), shell=("Hola",)),
    Question(
        13,
        "FastAPI: it blocks, or does nothing",
        writing.in_a_loop,
        python=("blocks the event loop", "await AsyncMailer"),
    ),
    Question(
        14,
        "send in the background, from a queue",
        writing.queued,
        python=('"kind": "message"', r"Receipt\(id="),
        shell=(r"\brun\b", r"\bstatus\b"),
    ),
    Question(15, "retries that never end", sending.bounded, python=("4 tries", "451"), shell=("2 tries", "451")),
    Question(16, "non-ASCII file names are garbled", writing.file_names, ("informe año\\.pdf|informe%20a%C3%B1o",)),
    Question(17, "inline images: data: URIs are ignored by Gmail", writing.pictures, ("Content-ID", "cid:")),
    Question(18, "DataFrames look bad", writing.tables, ("<table", "north")),
    Question(19, "the text alternative is missing", writing.alternative, ("text/plain", "Hola, Luis")),
    Question(
        20,
        "552 5.3.4 message too big",
        sending.too_big,
        (
            r"the message has \d\.\d MB as it is sent",
            "the largest file is 'plan.bin' with 1.0 MB",
            r"at most 0\.5 MB",
            "552 5.3.4",
        ),
    ),
    Question(
        21,
        "501 5.5.4 Invalid domain name: the EHLO name",
        sending.ehlo,
        ("SENDKIT_LOCAL_HOSTNAME",),
        ("local_hostname=",),
        ("--local-hostname",),
    ),
    Question(
        22, "553 5.7.1 not owned by user", sending.not_owned, (r"account \(ana@example\.com\)", "ops@example.net")
    ),
    Question(23, "a string or a list, Cc and Bcc?", writing.recipients, ("use a comma",)),
    Question(24, "header injection", writing.injection, ("subject: ", "line")),
    Question(
        25,
        "errors that hide the cause",
        sending.refused,
        (r"localhost:\d+, end_of_data", "554 5.7.1 content rejected", "hint: "),
    ),
    Question(26, "it hangs", sending.hangs, ("greeting", "time limit|deadline")),
    Question(
        27,
        "what do I type for provider X?",
        setting_up.providers,
        (r"known are outlook",),
        ("smtp.office365.com:587", "did you mean 'username'"),
    ),
    Question(28, "DKIM signing", writing.signing, ("signs", "dkim=", "unless the server signs")),
    Question(
        29,
        "keyring: The stub received bad data (1783), -25308, -25244",
        setting_up.keyring_numbers,
        ("too long for the Windows Credential Manager", "security unlock-keychain", "Keychain Access"),
    ),
    Question(
        30,
        "a relay without a login",
        sending.relay,
        ("1 accepted|accepted", "530 5.7.0"),
        ("give a username and a password",),
        ("--user USERNAME",),
    ),
)
