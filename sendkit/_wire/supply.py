"""The blocks of a content as the wire takes them; what lies in files is read in a thread, one block ahead.

A disk may be slow, or behind a network that is gone: neither may hold the event loop up, or a cancellation.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator

from sendkit._smtp.content import Content
from sendkit._smtp.verdict import Break, Failure
from sendkit._wire.failure import Broken
from sendkit.errors import MessageError


async def supply(content: Content) -> AsyncGenerator[bytes]:
    """The blocks in order. Raises Broken where a file is not what it was."""
    blocks = content.blocks()
    if not content.stored:
        for octets in blocks:
            yield octets
        return
    loop, reader = asyncio.get_running_loop(), _Reader(blocks)
    ahead = loop.run_in_executor(None, reader.read)
    try:
        while (block := await ahead) is not None:
            ahead = loop.run_in_executor(None, reader.read)
            yield block
    except MessageError as error:
        raise Broken(Failure(Break.WITHDRAWN, error.message)) from error
    finally:
        # A thread cannot be stopped; the file is closed behind the block that one may still be reading.
        if not ahead.cancel() and not ahead.cancelled():
            ahead.exception()
        loop.run_in_executor(None, reader.close)


class _Reader:
    """Takes the blocks from wherever they come, one thread at a time."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._turn = threading.Lock()

    def read(self) -> bytes | None:
        """The next block; None when there is none, or it is closed."""
        with self._turn:
            return next(self._blocks, None)

    def close(self) -> None:
        """Let go of the files; nobody else may, since a traceback can keep what reads them for a long time."""
        with self._turn:
            close: Callable[[], None] | None = getattr(self._blocks, "close", None)
            if close is not None:  # an iterator that is no generator has no file
                close()
