"""The synchronous mailer is the asynchronous one behind a portal: from any thread, in any loop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sendkit import Mailer, MemoryTransport, Message, Outcome, _sync, errors
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from tests.accounts import LUIS, OPS, message, outcomes
from tests.waiting import wait_until


@pytest.fixture
def not_warned_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sync, "_warned", type(_sync._warned)())


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


def threads() -> list[str]:
    """The threads of mailers that run; a mailer has one for the time between its calls."""
    return [thread.name for thread in threading.enumerate() if thread.name == "sendkit"]


def test_a_message_is_sent_and_its_result_returned(transport: MemoryTransport) -> None:
    with Mailer(transport=transport) as mailer:
        assert mailer.send(message()).ok
    assert len(transport.sent) == 1


def test_an_error_comes_out_as_it_was_raised(transport: MemoryTransport) -> None:
    transport.on_rcpt(LUIS).reply("550 5.1.1 no such user")
    with Mailer(transport=transport) as mailer:
        with pytest.raises(errors.RejectedError):
            mailer.send(message())
        with pytest.raises(errors.MessageError):
            mailer.send(Message(sender=LUIS))


def test_a_mailer_has_one_thread_and_closing_ends_it(transport: MemoryTransport) -> None:
    mailer = Mailer(transport=transport)
    assert threads() == []
    mailer.send(message())
    mailer.send(message())
    assert threads() == ["sendkit"]
    mailer.close()
    assert threads() == []


def test_closing_twice_or_unused_is_no_trouble(transport: MemoryTransport) -> None:
    mailer = Mailer(transport=transport)
    mailer.close()
    mailer.close()


@pytest.mark.parametrize("used", [False, True])
def test_a_closed_mailer_sends_nothing_and_says_so(transport: MemoryTransport, used: bool) -> None:
    with Mailer(transport=transport) as mailer:
        if used:
            mailer.send(message())
    with pytest.raises(errors.ConfigurationError, match="closed") as failure:
        mailer.send(message())
    assert failure.value.hint
    assert len(transport.sent) == used
    assert threads() == []


def test_a_mailer_that_nobody_closes_ends_its_thread_when_it_goes(transport: MemoryTransport) -> None:
    mailer = Mailer(transport=transport)
    mailer.send(message())
    gone = weakref.ref(mailer)
    keepers = [thread for thread in threading.enumerate() if thread.name == "sendkit"]
    del mailer
    gc.collect()
    assert gone() is None
    for keeper in keepers:
        keeper.join(300)  # a finalizer waits for nothing, so the thread ends a little later
    assert threads() == []


def test_many_threads_may_share_a_mailer(transport: MemoryTransport) -> None:
    with Mailer(transport=transport) as mailer, ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda number: mailer.send(message(subject=str(number))), range(200)))
    assert all(result.ok for result in results)
    assert {one.message["Subject"] for one in transport.sent} == set(map(str, range(200)))
    assert len({result.message_id for result in results}) == 200


@pytest.mark.usefixtures("not_warned_yet")
async def test_inside_a_running_loop_it_works_and_warns_once(transport: MemoryTransport) -> None:
    with Mailer(transport=transport) as mailer:
        with pytest.warns(RuntimeWarning, match="AsyncMailer") as warned:
            assert mailer.send(message()).ok
        assert warned[0].filename == __file__
        assert mailer.send(message()).ok
        assert [result.ok for result in mailer.send_many([message()])] == [True]


class Portalled(Transport):
    """Calls the synchronous mailer back from the loop that it runs on."""

    mailer: Mailer

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Send from within a send."""
        self.mailer.send(message())


@pytest.mark.usefixtures("not_warned_yet")
def test_a_call_from_its_own_loop_raises_instead_of_waiting_for_itself() -> None:
    transport = Portalled()
    with Mailer(transport=transport) as mailer:
        transport.mailer = mailer
        with (
            pytest.warns(RuntimeWarning),
            pytest.raises(errors.ConfigurationError, match="its own event loop") as failure,
        ):
            mailer.send(message(), check=False)
    assert failure.value.hint


# Many messages.


class Source:
    """Messages, how many of them were taken, and on which threads."""

    def __init__(self, count: int) -> None:
        self.count, self.taken, self.readers = count, 0, set[int]()

    def __iter__(self) -> Iterator[Message]:
        for number in range(self.count):
            self.taken += 1
            self.readers.add(threading.get_ident())
            yield message(subject=str(number))


def test_a_source_is_read_on_the_thread_of_the_caller(transport: MemoryTransport) -> None:
    source = Source(20)
    with Mailer(transport=transport) as mailer:
        results = list(mailer.send_many(source))
    assert sorted(result.index or 0 for result in results) == list(range(20))
    assert source.readers == {threading.get_ident()}


def test_an_async_source_is_read_on_the_loop(transport: MemoryTransport) -> None:
    readers: set[asyncio.AbstractEventLoop] = set()

    async def source() -> AsyncIterator[Message]:
        for number in range(5):
            readers.add(asyncio.get_running_loop())
            await asyncio.sleep(0)
            yield message(subject=str(number))

    with Mailer(transport=transport) as mailer:
        assert len(list(mailer.send_many(source()))) == 5
    assert len(readers) == 1


def test_a_source_is_read_no_faster_than_results_are_taken(transport: MemoryTransport) -> None:
    source = Source(1_000)
    with Mailer(transport=transport, max_connections=2) as mailer:
        for taken, _ in enumerate(mailer.send_many(source), 1):
            assert source.taken <= taken + 2
            if taken == 10:
                break
    assert len(transport.sent) == source.taken


def test_a_failure_of_one_message_is_a_result(transport: MemoryTransport) -> None:
    with Mailer(transport=transport) as mailer:
        results = {result.index: result for result in mailer.send_many([message(), Message(sender=LUIS)])}
    assert results[0].ok
    assert isinstance(results[1].error, errors.MessageError)


def test_a_source_that_fails_ends_the_stream_after_what_is_in_flight(transport: MemoryTransport) -> None:
    def source() -> Iterator[Message]:
        yield from Source(3)
        raise LookupError("no more")

    seen = []
    with Mailer(transport=transport) as mailer, pytest.raises(LookupError, match="no more"):
        seen.extend(result.index for result in mailer.send_many(source()))
    assert len(transport.sent) == 3


def test_a_source_may_send_with_the_same_mailer(transport: MemoryTransport) -> None:
    def source() -> Iterator[Message]:
        mailer.send(message(OPS))
        yield message(LUIS)

    with Mailer(transport=transport) as mailer:
        assert [result.ok for result in mailer.send_many(source())] == [True]
    assert len(transport.sent) == 2


def test_a_stream_that_is_never_begun_sends_nothing(transport: MemoryTransport) -> None:
    source = Source(3)
    with Mailer(transport=transport) as mailer:
        mailer.send_many(source)
    assert (source.taken, transport.sent) == (0, [])


# Ctrl-C.


class Interrupting(Transport):
    """Presses Ctrl-C as soon as it is asked, so many times, and takes nothing."""

    def __init__(self, times: int = 1) -> None:
        self.times = times
        self.cancelled = False

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Interrupt, and wait to be cancelled."""
        log.host = "slow.example.com"
        before = (signal.getsignal(signal.SIGINT), signal.default_int_handler)

        def heard() -> bool:  # the main thread waits for what is in progress
            return self.times == 1 or signal.getsignal(signal.SIGINT) not in before

        try:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.to_thread(wait_until, heard)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def test_ctrl_c_cancels_what_is_in_flight_and_has_the_result_on_it() -> None:
    transport = Interrupting()
    with Mailer(transport=transport) as mailer:
        with pytest.raises(KeyboardInterrupt) as interrupt:
            mailer.send(message())
        assert transport.cancelled
    result = interrupt.value.result  # type: ignore[attr-defined]
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}
    assert result.attempts[0].host == "slow.example.com"


def test_a_second_ctrl_c_in_a_stream_cancels_what_is_in_flight() -> None:
    transport = Interrupting(times=2)
    with Mailer(transport=transport) as mailer:
        with pytest.raises(KeyboardInterrupt) as interrupt:
            list(mailer.send_many([message()]))
        assert transport.cancelled
    (result,) = interrupt.value.results  # type: ignore[attr-defined]
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}
    assert threads() == []


class Stuck(Transport):
    """Never comes to an end by itself."""

    def __init__(self) -> None:
        self.reached = threading.Event()

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Wait forever."""
        self.reached.set()
        await asyncio.Event().wait()


def test_closing_leaves_no_other_thread_waiting() -> None:
    transport = Stuck()
    with ThreadPoolExecutor(1) as pool:
        mailer = Mailer(transport=transport)
        sending = pool.submit(mailer.send, message(), check=False)
        transport.reached.wait()
        mailer.close(timeout=0.1)
        error = sending.exception(timeout=300)
    result = sending.result() if error is None else error.result  # type: ignore[attr-defined]
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}
    assert "the mailer was closed" in (result.recipients[LUIS].reason or "")
    assert threads() == []
