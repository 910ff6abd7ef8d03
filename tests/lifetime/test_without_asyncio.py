"""Where asyncio's loop is not (trio, no loop at all), or its executor is full, nothing fails with a foreign error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import sendkit
from sendkit import AsyncMailer, MemoryTransport, Server, errors
from tests.accounts import message
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer


async def _many(mailer: AsyncMailer) -> None:
    async for _ in mailer.send_many([message()]):
        pass


async def _in_a_block(mailer: AsyncMailer) -> None:
    async with mailer:
        pass


CALLS: dict[str, Callable[[AsyncMailer], Coroutine[Any, Any, object]]] = {
    "send": lambda mailer: mailer.send(message()),
    "send_many": _many,
    "async with": _in_a_block,
    "aclose": lambda mailer: mailer.aclose(),
    "diagnose": lambda mailer: mailer.diagnose(),
    "preflight": lambda mailer: mailer.preflight(message()),
    "discover": lambda _: AsyncMailer.discover("ana@example.com"),
    "send_async": lambda _: sendkit.send_async(message()),
}


@pytest.mark.parametrize("to", ["the double", "a server"])
@pytest.mark.parametrize("call", CALLS)
def test_without_a_loop_of_asyncio_each_call_says_what_to_do(
    call: str, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What trio does with a coroutine: it runs it, and no loop of asyncio is there."""
    monkeypatch.setenv("SENDKIT_HOST", "smtp.example.com")
    mailer = AsyncMailer(transport=MemoryTransport()) if to == "the double" else AsyncMailer("smtp.example.com")
    running = CALLS[call](mailer)
    with pytest.raises(errors.ConfigurationError, match="asyncio event loop") as failure:
        running.send(None)
    assert "trio.to_thread.run_sync" in (failure.value.hint or "")


async def test_jobs_that_fill_the_executor_of_the_loop_hold_up_no_message(authority: Authority) -> None:
    let_go, loop = threading.Event(), asyncio.get_running_loop()
    jobs = [loop.run_in_executor(None, let_go.wait) for _ in range(64)]
    try:
        with ScriptedServer(tls=authority.server_context()) as server:
            place = Server("localhost", server.port, ca_file=authority.ca_file)
            async with AsyncMailer(place, username="ana@example.com", password="correct horse") as mailer:
                async with asyncio.timeout(300):
                    assert (await mailer.send(message())).ok
    finally:
        let_go.set()
        await asyncio.gather(*jobs)
