"""The double reads files as the wire does: it keeps them whole, refuses what changed, and says how far it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sendkit import Mailer, MemoryTransport, Message, Outcome, RetryPolicy
from sendkit.errors import MessageError
from tests.accounts import ANA, LUIS, OPS, outcomes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A large file."""
    (tmp_path / "large.bin").write_bytes(bytes(300_000))
    return tmp_path / "large.bin"


def report(path: Path) -> Message:
    return Message(sender=ANA, to=[LUIS, OPS], text="See the file.", attachments=[path])


def test_a_test_gets_all_octets_of_a_file(path: Path) -> None:
    calls: list[tuple[int, int]] = []
    with Mailer(transport=(mailbox := MemoryTransport())) as mailer:
        mailer.send(report(path), on_progress=lambda sent, total: calls.append((sent, total)))
    (part,) = mailbox.sent[0].message.iter_attachments()
    assert part.get_content() == path.read_bytes()
    size = len(mailbox.sent[0].content)
    assert calls == [(0, size), (size, size)]


def test_a_file_that_changes_while_it_is_sent_leaves_everybody_deferred(path: Path) -> None:
    with Mailer(transport=(mailbox := MemoryTransport())) as mailer:
        result = mailer.send(report(path), check=False, on_progress=lambda *_: os.truncate(path, 200_000))
    assert outcomes(result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.DEFERRED}
    assert not any(one.retryable for one in result.deferred)
    assert (len(result.attempts), mailbox.sent) == (1, [])


def test_a_file_that_changed_before_another_try_is_not_begun_again(path: Path) -> None:
    def wait(_: object) -> float:
        os.truncate(path, 400_000)
        return 0

    mailbox = MemoryTransport()
    mailbox.on_rcpt(LUIS).reply("450 4.2.0 greylisted", times=1)
    with Mailer(transport=mailbox, retry=RetryPolicy(wait=wait)) as mailer:
        result = mailer.send(report(path), check=False)
    assert outcomes(result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.ACCEPTED}
    assert "large.bin" in (result.recipients[LUIS].reason or "")
    assert not result.recipients[LUIS].retryable
    assert "create the message again" in (result.recipients[LUIS].hint or "")


def test_a_file_that_is_gone_at_the_first_try_is_a_message_error(path: Path) -> None:
    message = report(path)
    path.unlink()
    with Mailer(transport=MemoryTransport()) as mailer, pytest.raises(MessageError, match=r"large\.bin"):
        mailer.send(message, check=False)


def test_what_on_progress_raises_ends_the_call_with_the_result_so_far(path: Path) -> None:
    def stop(*_: int) -> None:
        raise TimeoutError("enough")

    mailbox = MemoryTransport()
    mailbox.on_rcpt(OPS).reply("550 5.1.1 no such user")
    with Mailer(transport=mailbox) as mailer:
        with pytest.raises(TimeoutError, match="enough") as caught:
            mailer.send(report(path), on_progress=stop)
        assert outcomes(caught.value.result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.REJECTED}  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType]
        assert mailer.send(report(path), check=False).accepted
    assert len(mailbox.sent) == 1
