"""A reply is explained: by the provider that spoke, else by its enhanced code, else by its code; never by nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import Explanation, Reply
from sendkit._providers.explanations import anybody, basic, enhanced, gmail, mailboxes, microsoft, relays
from sendkit._providers.explanations.entry import Entry
from sendkit._providers.table import OPERATORS
from sendkit._smtp.explain import explain
from tests.each import each

ENTRIES = gmail.ENTRIES + microsoft.ENTRIES + mailboxes.ENTRIES + relays.ENTRIES + anybody.ENTRIES
ROWS = [*enhanced.CODES.values(), *enhanced.SUBJECTS.values(), *basic.CODES.values(), *basic.CLASSES.values()]

# As the servers wrote them; provider, and a word of the remedy.
SEEN = [
    (
        (
            "535 5.7.8 Username and Password not accepted. Learn more at "
            "https://support.google.com/mail/?p=BadCredentials a640c23a62f3a-x - gsmtp"
        ),
        "gmail",
        "apppasswords",
    ),
    (
        (
            "534 5.7.9 Application-specific password required. Learn more at https://support.google.com/mail/"
            "?p=InvalidSecondFactor z8-x - gsmtp"
        ),
        "gmail",
        "apppasswords",
    ),
    ("534 5.7.14 Please log in via your web browser and then try again. - gsmtp", "gmail", "browser"),
    ("454 4.7.0 Too many login attempts, please try again later. - gsmtp", "gmail", "max_connections="),
    ("550 5.4.5 Daily user sending limit exceeded. - gsmtp", "gmail", "24 hours"),
    ("550 5.7.26 This mail has been blocked because the sender is unauthenticated. - gsmtp", "gmail", "SPF and DKIM"),
    ("550 5.7.27 Your email has been blocked because SPF did not pass. - gsmtp", "gmail", "SPF"),
    ("421 4.7.28 Our system has detected an unusual rate of unsolicited mail. - gsmtp", "gmail", "more slowly"),
    ("421 4.7.0 Try again later, closing connection. - gsmtp", "gmail", "more slowly"),
    (
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit "
            "https://aka.ms/smtp_auth_disabled for more information. [BN0PR04CA0011.namprd04.prod.outlook.com]"
        ),
        "microsoft365",
        "admin center",
    ),
    (
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [X.prod.outlook.com]",
        "microsoft365",
        "OAuth2",
    ),
    (
        "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
        "microsoft365",
        "exempt",
    ),
    ("550 5.7.30 Basic authentication is not supported for Client Submission.", "microsoft365", "OAuth2"),
    (
        "530 5.7.57 Client not authenticated to send mail. [BN1P110CA0052.NAMP110.PROD.OUTLOOK.COM]",
        "microsoft365",
        "username=",
    ),
    (
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender [BY2PR1001MB1094.prod.outlook.com]",
        "microsoft365",
        "Send As",
    ),
    (
        "554 5.2.252 SendAsDenied; ana@example.com not allowed to send as luis@example.com; STOREDRV.Submission",
        "microsoft365",
        "Send As",
    ),
    ("432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending", "microsoft365", "=3"),
    (
        "554 Message rejected: Email address is not verified. The following identities failed the check in region",
        "ses",
        "verify",
    ),
    ("454 Throttling failure: Maximum sending rate exceeded.", "ses", "more slowly"),
    ("550 The from address does not match a verified Sender Identity. Mail cannot be sent", "sendgrid", "verify"),
    ("451 Authentication failed: Maximum credits exceeded", "sendgrid", "plan"),
    ("553 Relaying disallowed as ana@example.com", "zoho", "address that logs in"),
    (
        "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None.",
        "microsoft365",
        "administrator release it",
    ),
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "microsoft365", "spelling"),
    (
        "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked",
        "sendgrid",
        "apikey",
    ),
    (
        "535 5.7.8 Error: authentication failed: This user does not have access rights to this service",
        "yandex",
        "Email clients",
    ),
]

ANYBODY = [
    ("554 5.7.1 <luis@example.net>: Relay access denied", "username="),
    ("553 5.7.1 <ana@example.com>: Sender address rejected: not owned by user luis", "address of the account"),
    ("450 4.2.0 <luis@example.com>: Recipient address rejected: Greylisted, see http://postgrey", "minutes"),
    ("530 5.7.0 Must issue a STARTTLS command first", "security="),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "submission server"),
    ("550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in virtual mailbox table", "spelling"),
    ("452 4.5.3 Error: too many recipients", "next transaction"),
    ("552 5.3.4 Message size exceeds fixed limit", "smaller attachments"),
    ("550 5.1.8 <ana@no.example>: Sender address rejected: Domain not found", "both domains"),
    ("550 Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA resource record", "both domains"),
    ("550 5.1.0 <a@example.com>: Sender address rejected: User unknown in virtual mailbox table", "spelling of From"),
    ("450 4.1.7 <a@example.com>: Sender address rejected: unverified address: timed out", "spelling of From"),
    ("504 5.5.2 <ana>: Sender address rejected: need fully-qualified address", "spelling of From"),
    ("550 Sender verify failed", "spelling of From"),
    ("554 5.7.1 <ana@example.com>: Sender address rejected: Access denied", "address of the account"),
    ("551 5.7.1 Not authorised to send from this header address", "address of the account"),
    ("550 5.7.1 You are not allowed to send from this address", "address of the account"),
    ("550 5.7.1 Sender address is not valid for your login", "address of the account"),
    ("421 4.7.0 Too many connections, please try again later", "more slowly"),
    ("451 4.7.1 Rate limit exceeded, please try again later", "more slowly"),
    ("450 4.7.1 <x@example.com>: Recipient address rejected: Policy Rejection- Quota exceeded", "more slowly"),
    ("554 5.7.0 The limit on the number of allowed outgoing messages was exceeded. Try again later.", "more slowly"),
    ("550 5.4.5 Daily sending quota exceeded", "more slowly"),
    ("550 Domain example.com has exceeded the max emails per hour (100/100 (100%)) allowed.", "more slowly"),
    ("554 5.7.1 You have exceeded your sending limit", "more slowly"),
    ("535 5.7.0 (#AUTH005) Too many bad auth attempts.", "wait for some minutes"),
    ("535 5.7.8 Error: too many authentication failures", "wait for some minutes"),
    ("550 5.7.0 Your SMTP account is not yet activated. Please contact us", "web page"),
    ("535 5.7.8 Account is locked", "web page"),
    ("525 5.7.1 Unauthorized IP address", "allowed ones"),
    ("450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", "PTR record"),
    ("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied", "username="),
    ("550 SMTP AUTH is required for message submission on port 587", "username="),
    ("550 R1: HELO should be a FQDN or address literal (See RFC 2821 4.1.1.1)", "SENDKIT_LOCAL_HOSTNAME"),
    ("554 5.5.1 Error: no valid recipients", "replies to RCPT"),
    ("550 The account or domain may not exist, they may be blacklisted, or missing the proper dns entries", "spelling"),
    ("550 5.2.1 The email account that you tried to reach is disabled", "recipient"),
    ("552 5.3.4 Message size limit exceeded", "smaller attachments"),
    ("552 5.2.2 Mailbox quota exceeded", "some days"),
    ("450 4.2.0 Greylisted, please try again later", "some minutes"),
]

REGISTERED = [
    ("550 5.1.1 no", "RFC 3463 section 3.2"),
    ("556 5.1.10 no", "RFC 7505 section 4"),
    ("550 5.7.25 no", "RFC 7372 section 3"),
    ("450 4.7.15 no", "RFC 6710 section 9"),
    ("550 5.7.30 no", "RFC 8689"),
    ("535 5.7.8 no", "RFC 4954 section 6"),
]


@pytest.mark.parametrize(("text", "provider", "word"), SEEN)
def test_what_a_provider_says_is_known_by_its_words(text: str, provider: str, word: str) -> None:
    found = Reply.parse(text).explain()
    assert found.provider == provider
    assert word in found.remedy


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("smtp.mail.yahoo.com", "yahoo"),
        ("SMTP.AOL.COM.", "aol"),
        ("smtp.mail.me.com", "icloud"),
        ("smtp.fastmail.com", "fastmail"),
        ("smtp.zoho.eu", "zoho"),
        ("smtp.protonmail.ch", "proton"),
        ("smtp.yandex.com", "yandex"),
        ("email-smtp.eu-west-1.amazonaws.com", "ses"),
        ("smtp.eu.mailgun.org", "mailgun"),
        ("smtp.gmail.com", "gmail"),
    ],
)
def test_the_same_few_words_are_the_provider_s_whose_server_gave_them(host: str, provider: str) -> None:
    reply = Reply(535, "5.7.8", "authentication failed")
    assert reply.explain(host).provider == provider
    assert reply.explain().provider is None


@pytest.mark.parametrize("address", ["<luis@icloud.com>", "luis@icloud.com", "<nobody@proton.me>"])
def test_whose_address_a_server_speaks_of_does_not_say_who_it_is(address: str) -> None:
    assert Reply(535, "5.7.8", f"{address} is wrong").explain().provider is None


def test_a_hostile_reply_is_not_searched_for_long() -> None:
    for word in ("message ", "sender ", "<", "a@", "spam", "quota "):
        assert Reply(550, None, word * (65_536 // len(word))).explain().title


def test_a_refused_login_is_one_whatever_the_enhanced_code() -> None:
    for enhanced_code in (None, "5.7.0", "5.7.1", "5.7.3", "5.0.0"):
        assert "login" in Reply(535, enhanced_code, "Authentication unsuccessful").explain().title


def test_a_host_that_only_looks_like_a_provider_s_is_not_its() -> None:
    assert Reply(535, "5.7.8", "no").explain("smtp.notgmail.com").provider is None


def test_what_one_provider_means_is_not_said_of_another() -> None:
    """Gmail's 5.7.30 is about DKIM, Microsoft's about passwords, the registry's about REQUIRETLS."""
    reply = Reply(550, "5.7.30", "refused")
    sources = {host: reply.explain(host) for host in ("smtp.gmail.com", "smtp.office365.com", "mail.example.com")}
    assert "DKIM" in sources["smtp.gmail.com"].title
    assert sources["mail.example.com"].source == "RFC 8689"
    assert sources["smtp.office365.com"].source == "RFC 8689"


@pytest.mark.parametrize(("text", "word"), ANYBODY)
def test_what_many_servers_say_is_known_by_its_words(text: str, word: str) -> None:
    found = Reply.parse(text).explain()
    assert found.provider is None
    assert word in found.remedy


@pytest.mark.parametrize(("text", "source"), REGISTERED)
def test_an_enhanced_code_is_explained_by_the_registry(text: str, source: str) -> None:
    assert Reply.parse(text).explain().source == source


@each(basic.CODES)
def test_a_code_alone_is_explained_by_its_own_row(code: int) -> None:
    assert Reply(code, None, "").explain() == Explanation(*basic.CODES[code])


def test_an_unknown_detail_says_what_its_subject_says_where_the_code_says_nothing() -> None:
    assert "mailbox" in Reply(577, "5.2.99", "").explain().title


@given(code=st.integers(200, 599), subject=st.integers(0, 999), detail=st.integers(0, 999), text=st.text())
def test_every_reply_is_explained(code: int, subject: int, detail: int, text: str) -> None:
    enhanced_code = f"{code // 100}.{subject}.{detail}" if code // 100 != 3 else None
    found = explain(Reply(code, enhanced_code, text))
    assert found.title
    assert found.source


@each(ENTRIES, called=lambda entry: entry.title)
def test_every_entry_can_be_told_apart_and_says_all(entry: Entry) -> None:
    assert entry.provider is None or entry.provider in OPERATORS
    assert entry.codes or entry.enhanced or entry.words
    assert all((entry.title, entry.cause, entry.remedy, entry.source))
    assert entry.words is None or re.compile(entry.words)
    assert not entry.remedy.endswith(".")


@each(ENTRIES, called=lambda entry: entry.title)
def test_no_entry_stands_in_the_shadow_of_another_with_the_same_conditions(entry: Entry) -> None:
    same = [
        e
        for e in ENTRIES
        if (e.provider, e.codes, e.enhanced, e.words) == (entry.provider, entry.codes, entry.enhanced, entry.words)
    ]
    assert same == [entry]


def test_every_row_of_the_standards_says_all_and_where_it_stands() -> None:
    assert all(len(row) == 4 and all(row) for row in ROWS)
    assert all(re.search(r"RFC \d+|IANA", row[3]) for row in ROWS)


def test_the_registry_is_there_as_a_whole() -> None:
    """RFC 3463 and RFC 5248, and what RFC 4468, 4954, 6531, 6710, 7293, 7372, 7505, 8617 and 8689 added."""
    ends = {"1": 10, "2": 4, "3": 6, "4": 7, "5": 6, "6": 10, "7": 30}
    assert set(enhanced.CODES) == {
        f"{subject}.{detail}" for subject, end in ends.items() for detail in range(1, end + 1)
    }
