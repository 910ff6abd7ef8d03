"""A file goes out in blocks, and one that changes meanwhile never makes a false `accepted` or half a message."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from sendkit import DeliveryResult, Message, Outcome, Phase, RetryPolicy, Security, Timeouts
from sendkit._message.compose import compose
from sendkit._wire.supply import supply
from sendkit.errors import DeferredError, MessageError
from sendkit.testing import LocalServer
from tests.accounts import ANA, LUIS, OPS, outcomes
from tests.message.test_stored import CHANGES, LARGE
from tests.waiting import wait_until
from tests.wire.test_bodies import BEYOND_ALL_BUFFERS, MODES, every_mode

from .conftest import Account, Start

OF_THE_OCTETS = ["shrinks", "shrinks to nothing", "grows", "is written again"]
OF_THE_NAME = ["is another one of that name", "vanishes"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A large file, and another one like it beside it."""
    path, dice = tmp_path / "large.bin", Random(1)
    for name in (path, path.with_suffix(".new")):
        name.write_bytes(dice.randbytes(LARGE))
        os.utime(name, ns=(10**18, 10**18))
    return path


@pytest.fixture
def huge(path: Path) -> Path:
    """The same with so many octets that they cannot all lie in the kernel's buffers."""
    for name in (path, path.with_suffix(".new")):
        os.truncate(name, BEYOND_ALL_BUFFERS)
    return path


def report(path: Path) -> Message:
    return Message(sender=ANA, to=[LUIS, OPS], subject="Large", text="See the file.", attachments=[path])


def withdrawn(result: DeliveryResult) -> bool:
    """Whether everybody was deferred, for a person to fix, with the file named."""
    return all(
        (one.outcome, one.retryable, one.reply) == (Outcome.DEFERRED, False, None)
        and "large.bin" in (one.reason or "")
        and "create the message again" in (one.hint or "")
        for one in result.recipients.values()
    )


class Once:
    """An `on_progress` that does something after the first block of the content has left."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self.calls: list[tuple[int, int]] = []

    def __call__(self, sent: int, total: int) -> None:
        self.calls.append((sent, total))
        if len(self.calls) == 2:
            self._act()


@every_mode
@pytest.mark.parametrize("security", [Security.NONE, Security.STARTTLS])
async def test_a_file_arrives_as_it_is(
    start: Start, account: Account, security: Security, mode: str, path: Path
) -> None:
    server = start(
        security,
        capabilities_in_tls=[*MODES[mode], "AUTH PLAIN"],
        capabilities=[*MODES[mode], "STARTTLS" if security is Security.STARTTLS else "AUTH PLAIN"],
    )
    message = report(path)
    async with account(server) as mailer:
        await mailer.send(message)
    assert server.accepted[0].content == b"".join(compose(message).content.blocks())


@every_mode
@pytest.mark.parametrize("change", OF_THE_OCTETS)
async def test_a_file_that_changes_while_it_is_sent_is_never_accepted(
    start: Start, account: Account, mode: str, change: str, path: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    async with account(server, username=None, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        result = await mailer.send(report(path), check=False, on_progress=Once(lambda: CHANGES[change](path)))
    assert withdrawn(result)
    assert (len(result.attempts), result.attempts[0].phase) == (1, Phase.BODY)
    await asyncio.to_thread(server.wait_for, lambda: server.connections[0].ended)
    assert server.accepted == []
    assert b"BDAT 0 LAST" not in server.connections[0].octets()
    assert not server.connections[0].octets().endswith(b"\r\n.\r\n")


@every_mode
async def test_after_that_the_mailer_goes_on_with_the_next_message(
    start: Start, account: Account, mode: str, path: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    async with account(server, username=None) as mailer:
        await mailer.send(report(path), check=False, on_progress=Once(lambda: CHANGES["grows"](path)))
        result = await mailer.send(report(path))
    assert server.copies() == {(str(result.message_id), to): 1 for to in (LUIS, OPS)}


@every_mode
@pytest.mark.parametrize("change", OF_THE_NAME)
async def test_a_file_that_loses_its_name_while_it_is_sent_arrives_as_it_was(
    start: Start, account: Account, mode: str, change: str, path: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    message = report(path)
    expected = b"".join(compose(message).content.blocks())
    async with account(server, username=None) as mailer:
        await mailer.send(message, on_progress=Once(lambda: CHANGES[change](path)))
    assert server.accepted[0].content == expected


@every_mode
@pytest.mark.parametrize("change", CHANGES)
async def test_a_file_that_has_changed_before_another_try_is_not_begun_again(
    start: Start, account: Account, mode: str, change: str, huge: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_rcpt(OPS).reply("550 5.1.1 no such user")
    server.on_cut().cut(received=LARGE, rst=True, times=1)

    def wait(_: object) -> float:
        CHANGES[change](huge)
        return 0

    async with account(server, username=None, retry=RetryPolicy(wait=wait)) as mailer:
        with pytest.raises(DeferredError, match=r"large\.bin") as caught:
            await mailer.send(report(huge))
    result = caught.value.result
    assert outcomes(result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.REJECTED}
    assert not result.recipients[LUIS].retryable
    assert (len(result.attempts), len(server.connections), server.accepted) == (2, 1, [])


@every_mode
async def test_a_file_that_is_as_it_was_is_read_again_for_another_try(
    start: Start, account: Account, mode: str, huge: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_cut().cut(received=LARGE, rst=True, times=1)
    progress = Once(lambda: None)
    async with account(server, username=None, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        result = await mailer.send(report(huge), on_progress=progress)
    assert server.copies() == {(str(result.message_id), to): 1 for to in (LUIS, OPS)}
    assert [sent for sent, _ in progress.calls].count(0) == 2


@every_mode
@pytest.mark.parametrize("change", CHANGES)
async def test_a_file_that_changes_before_its_first_octet_leaves_is_not_started(
    start: Start, account: Account, mode: str, change: str, path: Path
) -> None:
    server = start(Security.NONE, capabilities=[*MODES[mode], "AUTH PLAIN"])

    def credentials(host: str, username: str) -> str:
        CHANGES[change](path)
        return "correct horse"

    async with account(server, credentials=credentials) as mailer:
        assert withdrawn(await mailer.send(report(path), check=False))
    await asyncio.to_thread(server.wait_for, lambda: server.connections[0].ended)
    assert server.accepted == []
    assert b"BDAT" not in server.connections[0].octets()


async def test_a_file_that_is_gone_when_send_is_called_is_a_message_error(
    start: Start, account: Account, path: Path
) -> None:
    server, message = start(Security.NONE), report(path)
    CHANGES["vanishes"](path)
    async with account(server, username=None) as mailer:
        with pytest.raises(MessageError, match=r"large\.bin"):
            await mailer.send(message, check=False)
    assert server.connections == []


@every_mode
async def test_who_is_cancelled_while_a_file_is_sent_leaves_no_half_message(
    start: Start, account: Account, mode: str, huge: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_body().hold()
    async with account(server, username=None) as mailer:
        begun = asyncio.Event()
        sending = asyncio.create_task(
            mailer.send(report(huge), on_progress=lambda sent, _: begun.set() if sent else None)
        )
        await begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await sending
        server.release()
    assert set(outcomes(cancelled.value.result).values()) == {Outcome.DEFERRED}  # type: ignore[attr-defined]
    await asyncio.to_thread(server.wait_for, lambda: server.connections[0].ended)
    assert server.accepted == []


def is_open(path: Path) -> bool:
    """Whether this process has the file open now."""
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if link.readlink() == path:
                return True
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says in /proc which files are open")
async def test_who_is_cancelled_while_a_block_is_read_leaves_no_file_open(huge: Path) -> None:
    blocks = supply(compose(report(huge)).content)
    await anext(blocks)
    assert is_open(huge)
    reading = asyncio.create_task(anext(blocks))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError) as kept:
        await reading
    await asyncio.to_thread(wait_until, lambda: not is_open(huge))  # a thread of its own closes it
    assert kept.tb is not None  # which holds the frames that read


@pytest.mark.parametrize("mode", ["one command at a time", "pipelining"])
async def test_the_wire_holds_a_few_blocks_of_a_file_at_a_time(
    start: Start, account: Account, mode: str, huge: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_body().hold()
    async with account(server, username=None, timeouts=Timeouts(body=0.2)) as mailer:
        tracemalloc.start()
        try:
            await mailer.send(report(huge), check=False)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    server.release()
    assert peak < 5_000_000


async def test_the_loop_is_free_while_a_file_is_read(path: Path) -> None:
    """Each block is made in a thread, so that others have their turn before it is there."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    blocks = [block async for block in supply(compose(report(path)).content)]
    task.cancel()
    assert turns > len(blocks)


@every_mode
@pytest.mark.parametrize("error", [ZeroDivisionError(), TimeoutError()], ids=repr)
async def test_what_on_progress_raises_ends_the_call_and_leaves_no_half_message(
    start: Start, account: Account, mode: str, error: Exception, path: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_rcpt(OPS).reply("550 5.1.1 no such user")

    def stop(sent: int, _: int) -> None:
        if sent:
            raise error

    async with account(server, username=None) as mailer:
        with pytest.raises(type(error)) as caught:
            await mailer.send(report(path), on_progress=stop)
        result = await mailer.send(report(path), check=False)
    assert outcomes(caught.value.result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.REJECTED}  # type: ignore[attr-defined]
    assert server.copies() == {(str(result.message_id), LUIS): 1}
    assert len(server.connections) == 2


@every_mode
async def test_progress_goes_from_nothing_to_the_size_and_never_back(
    start: Start, account: Account, mode: str, path: Path
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    for message in (report(path), Message(sender=ANA, to=LUIS, text=".")):
        calls: list[tuple[int, int]] = []
        async with account(server, username=None) as mailer:
            await mailer.send(message, on_progress=lambda sent, total, calls=calls: calls.append((sent, total)))
        size = len(server.accepted[-1].content)
        assert {total for _, total in calls} == {size}
        assert [calls[0][0], calls[-1][0]] == [0, size]
        assert calls == sorted(set(calls))


def test_a_file_goes_through_a_real_session_to_the_last_octet(path: Path) -> None:
    from sendkit import Mailer  # noqa: PLC0415 - the synchronous face, in this test alone

    progress = Once(lambda: None)
    with LocalServer() as server, Mailer(server.server, username=server.username, password=server.password) as mailer:
        mailer.send(report(path), on_progress=progress)
    (part,) = server.messages[0].message.iter_attachments()
    assert part.get_content() == path.read_bytes()
    assert progress.calls[0][0] == 0
    assert progress.calls[-1][0] == progress.calls[-1][1]
