"""Django's mail goes out through sendkit by its settings alone, and what became of it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import django
import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, transaction
from django.test import SimpleTestCase, override_settings
from django.test.utils import CaptureQueriesContext

from sendkit import DeliveryResult, Mailer, Outbox, Outcome, RetryPolicy, errors
from sendkit._doctor import Check, Finding, Status
from sendkit.django import EmailBackend
from sendkit.django._checks import _alike, _told
from sendkit.django._settings import EmailSettings
from sendkit.testing import LocalServer, MemoryMailbox, assert_no_secret_leaks
from tests.accounts import ANA, EVA, LUIS, OPS
from tests.django.conftest import settings_for
from tests.django.project import mail_settings
from tests.observers.watchers import Notes

NEW = django.VERSION >= (6, 1)
ALONE: dict[str, Any] = {"alias": "default"} if NEW else {}
ONCE = RetryPolicy(max_attempts=1)


def hola(*to: str, bcc: list[str] | None = None) -> mail.EmailMessage:
    """A message from Ana."""
    return mail.EmailMessage("Hola", "¿Qué tal?", ANA, to or [LUIS], bcc=bcc)


def backend(**options: object) -> mail.backends.base.BaseEmailBackend:
    """The backend of the settings."""
    return mail.mailers.default if NEW else mail.get_connection(**options)


class TestSending:
    """One setting, and all mail of Django goes out through sendkit."""

    def test_send_mail_arrives(self, server: LocalServer) -> None:
        assert mail.send_mail("Hola", "¿Qué tal?", f"Ana <{ANA}>", [LUIS], html_message="<p>¿Qué tal?</p>") == 1
        (sent,) = server.messages
        assert (sent.envelope.reverse_path, sent.envelope.recipients) == (ANA, (LUIS,))
        html = sent.message.get_body(("html",))
        assert html is not None
        assert html.get_content().strip() == "<p>¿Qué tal?</p>"

    def test_messages_of_many_requests_share_a_connection(self, server: LocalServer) -> None:
        for _ in range(3):
            hola(bcc=[EVA]).send()
        assert len(server.conversations) == 1
        assert {sent.envelope.recipients for sent in server.messages} == {(LUIS, EVA)}
        assert not any(EVA.encode() in sent.content for sent in server.messages)

    def test_what_became_of_each_recipient_can_be_read(self, server: LocalServer) -> None:
        server.on_rcpt(OPS).reply("550 5.1.1 no such user")
        message = hola(LUIS, OPS)
        with pytest.raises(errors.PartialDelivery, match="no such user"):
            message.send()
        delivery: DeliveryResult = message.delivery
        assert delivery.recipients[OPS].outcome is Outcome.REJECTED
        assert delivery.recipients[LUIS].outcome is Outcome.ACCEPTED

    def test_the_first_failure_ends_the_list_as_with_django(self, server: LocalServer) -> None:
        server.on_rcpt(OPS).reply("550 5.1.1 no such user")
        with pytest.raises(errors.RejectedError):
            backend().send_messages([hola(), hola(OPS), hola()])
        assert len(server.messages) == 1

    def test_fail_silently_swallows_what_a_server_said(self, server: LocalServer) -> None:
        server.on_rcpt(OPS).reply("550 5.1.1 no such user")
        if NEW:
            with override_settings(**settings_for(server, fail_silently=True)):
                assert backend().send_messages([hola(OPS), hola()]) == 1
        else:
            assert backend(fail_silently=True).send_messages([hola(OPS), hola()]) == 1

    async def test_what_blocks_an_event_loop_is_told_djangos_way(
        self, server: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sendkit._sync._warned", [])
        with pytest.warns(RuntimeWarning, match=r"await sync_to_async\(send_mail\)") as told:
            backend().send_messages([hola(), hola()])
        assert (len(told), len(server.messages)) == (1, 2)

    def test_a_refused_password_is_named_as_the_settings_name_it(self, server: LocalServer) -> None:
        setting = "OPTIONS of MAILERS['default']" if NEW else "EMAIL_HOST_PASSWORD"
        server.on_auth().reply("535 5.7.8 wrong")
        with pytest.raises(errors.AuthenticationError) as refused, assert_no_secret_leaks(server.password) as watch:
            hola().send()
        watch.look_at(str(refused.value), repr(backend().mailer))
        assert f"the secret came from {setting}" in str(refused.value)

    def test_one_address_is_one_mailbox(self, server: LocalServer) -> None:
        with pytest.raises(ValueError, match="Invalid address"):
            hola(bcc=[f"{LUIS}, {EVA}"]).send()
        assert server.messages == []

    def test_a_header_of_several_lines_is_refused(self, server: LocalServer) -> None:
        with pytest.raises(ValueError, match=r"[Hh]eader"):
            mail.EmailMessage("Hola\nBcc: eva@example.org", "…", ANA, [LUIS]).send()
        assert server.messages == []

    def test_options_of_a_mailer_are_settings(self, server: LocalServer) -> None:
        notes = Notes()
        server.on_rcpt().reply("450 4.2.0 not now", times=1)
        with (
            override_settings(**settings_for(server, observers=[notes], retry=ONCE)),
            pytest.raises(errors.DeferredError),
        ):
            hola().send()
        assert len(notes.attempts) == 1

    def test_a_wrong_password_is_in_no_error(self, server: LocalServer) -> None:
        account = {"username": server.username, "password": "not the right one"}
        wrong = mail_settings(server.host, server.port, **account, ca_file=str(server.ca_file))
        with (
            override_settings(**wrong),
            assert_no_secret_leaks("not the right one") as watch,
            pytest.raises(errors.AuthenticationError) as refused,
        ):
            hola().send()
        watch.look_at(refused.value.result)

    def test_the_environment_has_the_account_where_the_settings_have_none(
        self, server: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SENDKIT_HOST", server.host)
        monkeypatch.setenv("SENDKIT_PORT", str(server.port))
        monkeypatch.setenv("SENDKIT_USERNAME", server.username)
        monkeypatch.setenv("SENDKIT_PASSWORD", server.password)
        monkeypatch.setenv("SENDKIT_CA_FILE", str(server.ca_file))
        with _bare():
            hola().send()
        assert len(server.messages) == 1

    def test_a_mailbox_of_a_test_gets_it_whatever_the_settings_say(self, mailbox: MemoryMailbox) -> None:
        with override_settings(**mail_settings("smtp.example.com", 587, "ana", "secret")):
            hola().send()
        assert mailbox.last.envelope.recipients == (LUIS,)


def _bare() -> override_settings:
    kind = "sendkit.django.EmailBackend"
    if NEW:
        return override_settings(MAILERS={"default": {"BACKEND": kind, "OPTIONS": {"outbox": None}}})
    return override_settings(EMAIL_BACKEND=kind)


class TestServer:
    """Django's names make a server, and none that speaks in the clear to another machine."""

    @pytest.mark.parametrize(
        ("facts", "port", "security"),
        [
            ({"use_tls": True}, 587, "starttls"),
            ({"use_ssl": True}, 465, "implicit_tls"),
            ({}, 587, "starttls"),
            ({"port": 25}, 25, "starttls"),
            ({"host": "localhost"}, 25, "none"),
            ({"host": "127.0.0.1", "port": 1025}, 1025, "none"),
            ({"host": "localhost", "use_tls": True}, 587, "starttls"),
        ],
    )
    def test_port_and_security(self, facts: dict[str, Any], port: int, security: str) -> None:
        place = replace(EmailSettings("smtp.example.com", None, None, None), **facts)
        server = place.server({})
        assert (server.port, server.security) == (port, security)

    def test_the_time_limit_and_the_clear_by_name(self) -> None:
        server = EmailSettings("smtp.example.com", None, None, None, timeout=7).server({"security": "none"})
        assert (server.security, server.timeouts.connect, server.timeouts.end_of_data) == ("none", 7, 600)

    @pytest.mark.parametrize("name", ["retries", "outboxx"])
    def test_an_unknown_name_is_refused(self, name: str, server: LocalServer) -> None:
        with override_settings(SENDKIT={name: 1}), pytest.raises(ImproperlyConfigured, match="unknown name"):
            hola().send()


class TestOutbox:
    """A message is in the outbox if and only if the transaction commits."""

    @pytest.fixture
    def outbox(self, server: LocalServer, tmp_path: Path) -> Iterator[Outbox]:
        """The outbox in Django's own database."""
        with (
            override_settings(**settings_for(server, outbox="default")),
            Outbox(connection.settings_dict["NAME"]) as own,
        ):
            yield own
        connection.close()

    def test_a_roll_back_takes_it_back(self, outbox: Outbox) -> None:
        taken_back = hola()
        with transaction.atomic():
            taken_back.send()
            transaction.set_rollback(True)
        with transaction.atomic():
            kept = hola()
            kept.send()
        with pytest.raises(errors.LetterNotFound):
            outbox.status(taken_back.receipt)
        assert not outbox.status(kept.receipt).ok

    def test_outside_of_a_transaction_it_is_put_at_once(self, outbox: Outbox) -> None:
        message = hola()
        assert message.send() == 1
        assert message.receipt.id

    def test_the_command_sends_what_was_put(self, outbox: Outbox, server: LocalServer) -> None:
        message = hola(bcc=[EVA])
        message.send()
        call_command("sendkit_outbox", "--drain", verbosity=0)
        assert outbox.status(message.receipt).ok
        assert server.messages[-1].envelope.recipients == (LUIS, EVA)

    def test_an_outbox_elsewhere_gets_it_after_the_commit(self, server: LocalServer, tmp_path: Path) -> None:
        message = hola()
        with override_settings(**settings_for(server, outbox=str(tmp_path / "outbox.db"))):
            with transaction.atomic():
                message.send()
                assert not hasattr(message, "receipt")
            assert message.receipt.id
            lost = hola()
            with transaction.atomic():
                lost.send()
                transaction.set_rollback(True)
        assert not hasattr(lost, "receipt")

    def test_no_query_is_counted(self, outbox: Outbox) -> None:
        hola().send()
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            hola().send()
        assert len(queries) == 0


class TestChecks:
    """`manage.py check` knows wrong settings, and with --deploy what the doctor finds."""

    def test_good_settings_pass(self, server: LocalServer) -> None:
        call_command("check", "--tag", "sendkit")

    def test_an_unknown_name_is_an_error(self, server: LocalServer) -> None:
        with override_settings(SENDKIT={"retrys": 1}), pytest.raises(SystemCheckError, match=r"sendkit\.E001") as found:
            call_command("check", "--tag", "sendkit")
        assert "did you mean 'retry'" in str(found.value)

    def test_a_misspelt_option_gets_the_one_that_was_meant(self, server: LocalServer) -> None:
        with override_settings(**settings_for(server, dedline=1)), pytest.raises(SystemCheckError) as found:
            call_command("check", "--tag", "sendkit")
        assert "'dedline': did you mean 'deadline'?" in str(found.value)
        assert str(found.value).count("MAILERS['default']") <= 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"timeout": "soon"},
            {"timeout": ["x"]},
            {"port": "smtp"},
            {"port": 1e999},
            {"username": [1]},
            {"password": [1]},
        ],
        ids=str,
    )
    def test_what_a_setting_cannot_be_is_named_with_it(self, wrong: dict[str, Any], server: LocalServer) -> None:
        with pytest.raises(ImproperlyConfigured, match=next(iter(wrong))):
            EmailBackend(**{**ALONE, "host": "smtp.example.com", "port": 587, "password": "x", **wrong})

    def test_numbers_may_be_text_as_the_environment_gives_them(self, server: LocalServer) -> None:
        made = EmailBackend(host="smtp.example.com", port="465", timeout="2.5", use_ssl=True, use_tls=False, **ALONE)
        assert "smtp.example.com:465" in repr(made.mailer)

    @pytest.mark.parametrize("wrong", [None, "deadline", ["deadline"], 20])
    def test_settings_of_ours_are_a_dict(self, wrong: object, server: LocalServer) -> None:
        with override_settings(SENDKIT=wrong), pytest.raises(SystemCheckError, match="SENDKIT must be a dict"):
            call_command("check", "--tag", "sendkit")

    @pytest.mark.parametrize(
        ("name", "hint"), [("defaults", "did you mean 'default'?"), ("mailqueue", "write './mailqueue' for a file")]
    )
    def test_a_misspelt_database_is_no_file(self, name: str, hint: str, server: LocalServer) -> None:
        with override_settings(**settings_for(server, outbox=name)), pytest.raises(SystemCheckError) as found:
            call_command("check", "--tag", "sendkit")
        assert f"there is no {name!r} in DATABASES" in str(found.value)
        assert hint in str(found.value)

    def test_what_is_true_of_several_checks_is_said_once(self) -> None:
        alike = {"status": Status.WARNING, "text": "this needs dnspython", "remedy": "install it"}
        findings = [Finding(check=check, **alike) for check in (Check.DKIM, Check.DMARC, Check.SPF)]
        other = Finding(check=Check.SPF, status=Status.FAILURE, text="there is none")
        told = [_told("EMAIL_BACKEND", each) for each in _alike([*findings[:2], other, findings[2]])]
        assert [(one.id, one.msg) for one in told] == [
            ("sendkit.W001", "EMAIL_BACKEND: dkim, dmarc, spf: this needs dnspython"),
            ("sendkit.E002", "EMAIL_BACKEND: spf: there is none"),
        ]

    def test_the_doctor_is_asked_with_deploy(self, server: LocalServer) -> None:
        server.on_auth().reply("535 5.7.8 wrong")
        with pytest.raises(SystemCheckError, match=r"sendkit\.E002.*login"):
            call_command("check", "--tag", "sendkit", "--deploy")
        assert server.messages == []


class TestDjangosOwnTests(SimpleTestCase):
    """In a project's tests Django's own outbox is there, whatever the settings say."""

    def test_locmem_gets_the_mail(self) -> None:
        with self.settings(**_locmem()):
            mail.outbox = []
            hola().send()
            assert [sent.subject for sent in mail.outbox] == ["Hola"]
            del mail.outbox


def _locmem() -> dict[str, object]:
    kind = "django.core.mail.backends.locmem.EmailBackend"
    return {"MAILERS": {"default": {"BACKEND": kind}}} if NEW else {"EMAIL_BACKEND": kind}


def test_the_mailer_is_shared_and_made_again_for_other_settings(server: LocalServer) -> None:
    first, second = backend().mailer, backend().mailer
    assert isinstance(first, Mailer)
    assert first is second
    with override_settings(**settings_for(server, deadline=5)):
        assert backend().mailer is not first
