"""No recipient is left without advice: whatever kept a message from being accepted, `hint_for` says what to do.

It is looked up from the reason, in the words of who reads it, and never from the words of a reason.
"""

from __future__ import annotations

import re
from itertools import product

import pytest

from sendkit._smtp.advice import BY_CAUSE, BY_REASON
from sendkit._smtp.hints import Caller, Facts, Trouble, UsedSecret, advise, hint_for, tell
from sendkit._smtp.phase import Phase
from sendkit._smtp.reason import Again, Cause, Outcome, Reason
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Break, Failure, Verdict, accepted, judge_failure, judge_refusal, not_accepted
from tests.each import each

REFUSAL = Reply(550, None, "no")
FACTS = Facts("smtp.example.org", 2525, "ana@example.com", "other@example.com", "luis@example.com", "<1@example.com>")
# Calls, keyword arguments and attributes of ours.
PYTHON = re.compile(r"\w\(|[a-z_]+=(?!starttls|implicit_tls)|result\.|retry_in_doubt|retry policy")


@each([*product(Cause, Phase, [None, REFUSAL])])
def test_there_is_a_hint_for_every_cause_in_every_phase(cause: Cause, phase: Phase, reply: Reply | None) -> None:
    assert hint_for(Verdict(Outcome.DEFERRED, phase, cause, reply=reply))


@each([*product(Reason, Caller)])
def test_every_reason_has_a_hint_and_nothing_in_it_is_left_to_be_filled_in(why: Reason, caller: Caller) -> None:
    hint = advise(Trouble(why.cause, why), FACTS, caller)
    assert hint
    assert not re.search(r"[{}]|None|HOST\b|PORT\b|USER\b", hint)


@each(Reason)
def test_what_is_not_known_is_a_word_in_capitals_and_never_none(why: Reason) -> None:
    assert "None" not in advise(Trouble(why.cause, why))


@each(Reason)
def test_a_shell_is_told_no_python(why: Reason) -> None:
    assert not PYTHON.search(advise(Trouble(why.cause, why), FACTS, Caller.SHELL))


def test_a_program_is_told_python_and_a_shell_its_flags() -> None:
    trouble = Trouble(Cause.TLS, Reason.UNKNOWN_CA)
    assert 'Server("smtp.example.org", port=2525, ca_file=' in advise(trouble, FACTS)
    assert "--ca-file" in advise(trouble, FACTS, Caller.SHELL)


@pytest.mark.parametrize(
    ("host", "python", "shell"),
    [
        ("office365", 'Mailer.for_provider("microsoft365", username=…)', "--provider microsoft365"),
        ("gmail", 'Mailer.for_provider("gmail", username=…)', "--provider gmail"),
        ("smtp.gmial.com", "(smtp.gmail.com?)", None),
        ("smtp.gmail.com", "check the network and the resolver", None),
        ("mail.example.org", "check the spelling of mail.example.org;", None),
    ],
)
def test_a_host_that_there_is_not_may_be_a_provider_s_name_or_near_its_host(
    host: str, python: str, shell: str | None
) -> None:
    trouble = Trouble(Cause.CONNECTION, Reason.NO_SUCH_HOST)
    assert python in advise(trouble, Facts(host, 587))
    assert (shell or python) in advise(trouble, Facts(host, 587), Caller.SHELL)


def test_an_accepted_recipient_needs_none() -> None:
    assert hint_for(accepted(Reply(250, None, "ok"))) is None


@pytest.mark.parametrize(
    ("why", "word"),
    [
        (Reason.NO_FINAL_REPLY, "retry_in_doubt"),
        (Reason.STARTTLS_NOT_OFFERED, "465"),
        (Reason.CERTIFICATE_EXPIRED, "renew"),
        (Reason.NO_GREETING, "implicit_tls"),
        (Reason.UNREACHABLE, "firewall"),
        (Reason.LOGIN_REFUSED, "sendkit login smtp.example.org ana@example.com"),
        (Reason.NO_MECHANISM, "mechanism="),
        (Reason.LOGIN_WANTED, "username"),
        (Reason.LOGIN_DELAYED, "nothing to change"),
        (Reason.REFUSED_FOR_NOW, "unsettled"),
        (Reason.EHLO_REFUSED, "local_hostname"),
        (Reason.CONTENT_CHANGED, "file"),
    ],
)
def test_a_hint_names_the_thing_to_do(why: Reason, word: str) -> None:
    assert word in (hint_for(not_accepted(Phase.RCPT, why), FACTS) or "")


@pytest.mark.parametrize("words", ["account is suspended", "the server offers less than it did before: x", "pins="])
def test_the_words_of_a_reason_change_no_hint(words: str) -> None:
    """A transport of somebody else's may give any reason; a hint of ours for another kind of trouble misleads."""
    for cause, again in product(Cause, Again):
        own = Verdict(cause.outcome, Phase.MAIL, cause, again, reason=words)
        assert hint_for(own) == hint_for(own._replace(reason="other words"))
        assert "the reply says" not in (hint_for(own) or ""), "there is none"


def test_a_reason_that_a_person_must_do_away_with_is_not_said_to_be_about_a_file() -> None:
    hint = hint_for(Verdict(Outcome.DEFERRED, Phase.MAIL, Cause.DEFERRED, Again.NO, reason="account is suspended"))
    assert "first fix what the reason names" in (hint or "")
    assert "file" not in (hint or "")


GMAIL = Reply(535, "5.7.8", "Username and Password not accepted. - gsmtp")


@pytest.mark.parametrize(
    ("phase", "reply", "host", "word"),
    [
        (Phase.AUTH, GMAIL, None, "apppasswords"),
        (Phase.AUTH, Reply(535, None, "no"), "smtp.aol.com", "aol"),
        (Phase.MAIL, Reply(530, "5.7.57", ""), None, "office365"),
        (Phase.RCPT, Reply(550, "5.1.1", "no"), None, "spelling"),
        (Phase.RCPT, Reply(452, "4.2.2", "full"), None, "some days"),
        (Phase.RCPT, Reply(452, "4.2.2", "full"), None, "unsettled"),
    ],
)
def test_a_hint_says_what_the_reply_is_known_to_mean(phase: Phase, reply: Reply, host: str | None, word: str) -> None:
    assert word in (hint_for(judge_refusal(phase, reply), Facts(host)) or "")


@pytest.mark.parametrize(
    "reply", ["535 5.7.8 bad credentials", "535 no", "535 5.7.8 Username and Password not accepted. - gsmtp"]
)
def test_a_refused_login_names_the_account_in_the_command_that_ends_it(reply: str) -> None:
    hint = hint_for(judge_refusal(Phase.AUTH, Reply.parse(reply)), FACTS) or ""
    assert "sendkit login smtp." in hint
    assert " ana@example.com`" in hint


def test_a_sender_that_is_not_the_account_s_is_named_beside_the_account() -> None:
    reply = Reply.parse("553 5.7.1 <x@example.com>: Sender address rejected: not owned by user")
    verdict = judge_refusal(Phase.RCPT, reply)
    hint = hint_for(verdict, FACTS) or ""
    assert "ana@example.com" in hint
    assert "other@example.com" in hint
    assert (verdict.why, tell(verdict)[0]) == (Reason.REFUSED, Reason.SENDER_NOT_OWNED)


@pytest.mark.parametrize(
    ("phase", "reply", "why"),
    [
        (Phase.MAIL, "552 5.3.4 message size exceeds fixed limit", Reason.TOO_LARGE),
        (Phase.END_OF_DATA, "552 too much", Reason.TOO_LARGE),
        (Phase.RCPT, "552 mailbox full", Reason.REFUSED),
        (Phase.MAIL, "530 5.7.0 authenticate first", Reason.LOGIN_WANTED),
        (Phase.AUTH, "530 5.7.0 no", Reason.LOGIN_NOT_TAKEN),
        (Phase.AUTH, "534 5.7.9 too weak", Reason.STRONGER_LOGIN_WANTED),
        (Phase.MAIL, "421 4.3.2 bye", Reason.BUSY),
    ],
)
def test_a_reply_is_judged_to_its_reason(phase: Phase, reply: str, why: Reason) -> None:
    assert judge_refusal(phase, Reply.parse(reply)).why is why


def test_what_is_in_doubt_stays_so_whatever_the_reply_says() -> None:
    verdict = judge_failure(Phase.END_OF_DATA, Failure(Break.LOST, "…", GMAIL), ended=True)
    assert "Message-ID" in (hint_for(verdict) or "")


def test_every_cause_has_advice_and_every_reason_has_its_own_or_that_of_its_cause() -> None:
    assert set(BY_CAUSE) == set(Cause)
    assert {why for why in BY_REASON if why not in Reason} == set()


_REFUSED = not_accepted(Phase.AUTH, Reason.LOGIN_REFUSED, reply=Reply(535, "5.7.8", "no"))
_SOURCES = (
    "the program (password=)",
    "the program (credentials=ask)",
    "the program pass (credentials=PasswordCommand)",
    "SENDKIT_PASSWORD",
    "SENDKIT_PASSWORD_FILE (/run/secrets/mail)",
    "SENDKIT_PASSWORD_COMMAND (pass)",
    "systemd credential sendkit.password",
    "OAuth 2 (refresh token, google)",
)
_HOSTS = ("smtp.example.org", "smtp.gmail.com", "smtp.office365.com", "smtp.mail.yahoo.com", "smtp.sendgrid.net")
_WORDS = (
    "no",
    "Username and Password not accepted",
    "Authentication unsuccessful",
    "application-specific password required",
)


@each([*product(_SOURCES, _HOSTS, _WORDS, Caller)])
def test_the_hint_of_a_refused_password_names_its_source(source: str, host: str, words: str, caller: Caller) -> None:
    refused = _REFUSED._replace(reply=Reply(535, "5.7.8", words))
    hint = hint_for(refused, FACTS._replace(host=host, used=UsedSecret(source)), caller) or ""
    assert f"came from {source}: correct it there" in hint
    stored = hint_for(refused, FACTS._replace(host=host, used=UsedSecret("keyring x", stored=True)), caller) or ""
    assert "came from" not in stored


@each([*product(_SOURCES, _HOSTS, _WORDS, Caller)])
def test_the_hint_of_a_refused_token_is_about_tokens(source: str, host: str, words: str, caller: Caller) -> None:
    refused = _REFUSED._replace(reply=Reply(535, "5.7.8", words))
    hint = hint_for(refused, FACTS._replace(host=host, used=UsedSecret(source, "token")), caller) or ""
    assert "access token" in hint
    assert f"where it comes from: {source}" in hint
    assert "app password" not in hint
    stored = hint_for(refused, FACTS._replace(host=host, used=UsedSecret("x", "token", stored=True)), caller) or ""
    assert f"`sendkit login {host} ana@example.com --oauth google --client-id ID`" in stored


def test_what_an_administrator_must_switch_on_is_said_to_who_has_a_token_too_and_no_password_is_blamed() -> None:
    words = "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant"
    refused = _REFUSED._replace(reply=Reply(535, "5.7.139", words))
    assert "correct it" not in (hint_for(refused, FACTS._replace(used=UsedSecret("SENDKIT_PASSWORD"))) or "")
    assert "an administrator switches it on" in (hint_for(refused, FACTS._replace(used=UsedSecret("x", "token"))) or "")
