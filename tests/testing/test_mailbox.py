"""While a mailbox is open, all mail of the process goes there, and none to a network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import sendkit
from sendkit import AsyncMailer, Mailer, MemoryTransport, Message, RetryPolicy, Server, errors
from sendkit.testing import LocalServer, MemoryMailbox
from tests.accounts import LUIS, OPS, message

REAL = "smtp.example.com is a real server"


def test_what_the_environment_names_goes_to_the_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    for environ in (
        {},
        {"SENDKIT_HOST": "smtp.example.com", "SENDKIT_USERNAME": "ana"},
        {"SENDKIT_TRANSPORT": "memory"},
    ):
        with monkeypatch.context() as patch, MemoryMailbox() as mailbox:
            for name, value in environ.items():
                patch.setenv(name, value)
            with Mailer.from_env() as mailer:
                assert mailer.send(message()).ok
            assert sendkit.send(message()).ok
        assert len(mailbox.messages) == 2


def test_what_a_table_or_a_file_names_goes_to_the_mailbox_even_where_there_is_no_file() -> None:
    double = MemoryTransport()
    with MemoryMailbox() as mailbox:
        for mailer in (sendkit.open("work"), Mailer.for_provider("gmail", username="ana@gmail.com")):
            assert mailer.send(message()).ok
        Mailer.for_provider("gmail", username="ana@gmail.com", transport=double).send(message())
    assert (len(mailbox.messages), len(double.sent)) == (2, 1)


async def test_asynchronous_mailers_too() -> None:
    with MemoryMailbox() as mailbox:
        async with AsyncMailer.from_env() as mailer:
            await asyncio.gather(*(mailer.send(message()) for _ in range(20)))
            assert all([result.ok async for result in mailer.send_many(message() for _ in range(20))])
        await sendkit.send_async(message())
    assert len(mailbox.messages) == 41


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mailer("smtp.example.com", username="ana@example.com", password="secret"),
        lambda: Mailer(Server("smtp.example.com")),
        lambda: AsyncMailer("smtp.example.com:465"),
        lambda: Mailer.from_url("smtps://smtp.example.com"),
    ],
)
def test_a_mailer_for_a_real_server_is_an_error_that_says_so(make: Callable[[], object]) -> None:
    with MemoryMailbox(), pytest.raises(errors.ConfigurationError, match=REAL) as refused:
        make()
    assert "Mailer.from_env()" in refused.value.hint
    assert "stands_for" in refused.value.hint


def test_one_that_is_older_than_the_test_reaches_no_server_either() -> None:
    with LocalServer() as server, Mailer(server.server, username=server.username, password=server.password) as mailer:
        with MemoryMailbox() as mailbox, pytest.raises(errors.ConfigurationError, match="is a real server"):
            mailer.send(message())
        assert (server.messages, mailbox.messages) == ([], [])
        assert mailer.send(message()).ok
        assert len(server.messages) == 1


def test_a_named_one_that_is_older_than_the_test_sends_to_each_test_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_HOST", "smtp.example.com")
    mailer = Mailer.from_env()
    for _ in range(2):
        with MemoryMailbox() as mailbox:
            mailer.send(message())
        assert len(mailbox.messages) == 1


def test_one_that_was_made_in_a_test_does_not_outlive_the_mailbox() -> None:
    with MemoryMailbox():
        mailer = Mailer.from_env()
        mailer.send(message())
    with pytest.raises(errors.ConfigurationError, match="which is over"):
        mailer.send(message())


def test_a_server_that_the_application_names_may_be_stood_for() -> None:
    with MemoryMailbox() as mailbox:
        mailbox.stands_for("smtp.example.com", "SMTP.example.net")
        for place in ("smtp.example.com:465", Server("smtp.example.NET")):
            with Mailer(place, username="ana@example.com", password="secret") as mailer:
                assert mailer.send(message()).ok
        with pytest.raises(errors.ConfigurationError, match=r"smtp\.example\.org is a real server"):
            Mailer("smtp.example.org")
    assert len(mailbox.messages) == 2


def test_backup_servers_are_servers_too() -> None:
    both = ["smtp.example.com", "backup.example.com"]
    older = Mailer(both)
    with MemoryMailbox() as mailbox:
        for use in (lambda: Mailer(both), lambda: older.send(message())):
            with pytest.raises(errors.ConfigurationError, match="is a real server"):
                use()
        mailbox.stands_for("smtp.example.com")
        with pytest.raises(errors.ConfigurationError, match=r"^backup"):
            Mailer(both)
        mailbox.stands_for("backup.example.com")
        assert Mailer(both).send(message()).ok
        assert older.send(message()).ok
    assert len(mailbox.messages) == 2


def test_a_transport_of_somebody_else_is_kept_away_from_the_servers_that_it_names() -> None:
    class Web(MemoryTransport):
        hosts = ("api.example.com",)

    web = Web()
    with MemoryMailbox() as mailbox:
        mailer = Mailer(transport=web)
        with pytest.raises(errors.ConfigurationError, match=r"api\.example\.com is a real server"):
            mailer.send(message())
        mailbox.stands_for("api.example.com")
        assert mailer.send(message()).ok
    assert (len(web.sent), len(mailbox.messages)) == (0, 1)


def test_every_mailer_connects_anew_after_one_was_closed() -> None:
    with MemoryMailbox() as mailbox:
        sendkit.send(message())
        mailbox.on_connect().refuse()
        with pytest.raises(errors.ConnectError):
            sendkit.send(message())
    assert len(mailbox.messages) == 1


def test_a_double_that_the_application_was_given_is_its_own() -> None:
    double = MemoryTransport()
    with MemoryMailbox() as mailbox:
        Mailer(transport=double).send(message())
        Mailer.from_env(transport=double).send(message())
        Mailer(transport=mailbox).send(message())
    assert (len(double.sent), len(mailbox.messages)) == (2, 1)


def test_the_inner_of_two_mailboxes_counts() -> None:
    with MemoryMailbox() as outer:
        with MemoryMailbox() as inner:
            sendkit.send(message(subject="inner"))
        sendkit.send(message(subject="outer"))
    assert [outer.last.subject, inner.last.subject] == ["outer", "inner"]


def test_afterwards_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryMailbox():
        pass
    Mailer("smtp.example.com").close()
    with pytest.raises(errors.ConfigurationError, match="the environment names no server"):
        Mailer.from_env()


def test_threads_of_the_application_send_there_too() -> None:
    with MemoryMailbox() as mailbox:
        with ThreadPoolExecutor(8) as pool:
            assert all(result.ok for result in pool.map(lambda _: sendkit.send(message()), range(40)))
        late = threading.Thread(target=sendkit.send, args=(message(subject="late"),))
        late.start()
        late.join()
        assert mailbox.last.subject == "late"
    assert len(mailbox.messages) == 41


def test_an_hour_of_waiting_takes_no_time_and_stands_in_the_result() -> None:
    patient = RetryPolicy(max_attempts=3, max_elapsed=10_000, wait=lambda _: 3_600)
    with MemoryMailbox() as mailbox:
        mailbox.on_rcpt(LUIS).reply("450 4.2.0 greylisted", times=2)
        result = Mailer(transport=mailbox, retry=patient).send(message(LUIS, OPS))
    began = [attempt.started for attempt in result.attempts]
    assert [(later - began[0]).total_seconds() for later in began] == [0, 3_600, 7_200]
    assert [sent.envelope.recipients for sent in mailbox.messages] == [(OPS,), (LUIS,)]
    assert mailbox.last.when == began[2]
    assert mailbox.untaken() == [f"{LUIS}: deferred (450 4.2.0 greylisted)"] * 2


def test_faults_are_the_same_words_as_everywhere() -> None:
    once = RetryPolicy(max_attempts=1)
    with MemoryMailbox() as mailbox:
        mailbox.on_connect().refuse(times=1)
        mailbox.on_auth().reply("535 5.7.8 no", times=1)
        mailbox.after_data().drop(times=1)
        with Mailer.from_env(retry=once) as mailer:
            for error in (errors.ConnectError, errors.AuthenticationError, errors.InDoubtError):
                with pytest.raises(error):
                    mailer.send(message())
            assert mailer.send(message()).ok
    assert len(mailbox.messages) == 2  # the one in doubt was taken


def test_what_was_taken_is_there_when_the_sender_was_cancelled() -> None:
    async def send_and_cancel(mailbox: MemoryMailbox) -> None:
        async with AsyncMailer.from_env() as mailer:
            mailbox.on_rcpt(OPS).reply("450 4.2.0 later")
            task = asyncio.create_task(mailer.send(message(LUIS, OPS)))
            await asyncio.sleep(0)  # until the first wait, which is after the first try
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with MemoryMailbox() as mailbox:
        asyncio.run(send_and_cancel(mailbox))
    assert len(mailbox.messages) == 1


def test_a_message_of_any_kind_arrives_as_it_was_sent() -> None:
    with MemoryMailbox() as mailbox:
        sendkit.send(Message.from_bytes(b"From: a@example.com\r\nTo: b@example.com\r\nSubject: raw\r\n\r\nHello\r\n"))
    assert mailbox.last.raw.endswith(b"Subject: raw\r\n\r\nHello\r\n")


def leave(mailbox: MemoryMailbox, error: Exception | None = None) -> None:
    """A test whose only fault never happens; it ends so."""
    with mailbox:
        mailbox.on_rcpt("luis@example.com").reply("550 no")
        if error is not None:
            raise error


def test_a_fault_that_never_happened_fails_at_the_end() -> None:
    """What was to be tested was not: mostly the mail did not come that far, or an address is misspelt."""
    with pytest.raises(AssertionError, match=r"never happened:\n  on_rcpt\('luis@example\.com'\)\.reply\('550 no'\)"):
        leave(MemoryMailbox())


def test_a_fault_that_never_happened_hides_no_other_error() -> None:
    with pytest.raises(ZeroDivisionError):
        leave(MemoryMailbox(), ZeroDivisionError())


def test_a_test_may_say_that_its_faults_need_not_happen() -> None:
    mailbox = MemoryMailbox()
    mailbox.allow_unused_faults()
    leave(mailbox)
