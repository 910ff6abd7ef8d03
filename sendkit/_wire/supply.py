"""The blocks of a content as the wire takes them; what lies in files is read in a thread, one block ahead.

A disk may be slow, or behind a network that is gone: neither may hold the event loop up, or a cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator

from sendkit._lifetime import threads
from sendkit._lifetime.forks import Lock
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
    reader = _Reader(blocks)
    try:
        ahead = threads.start(reader.read)
        while (block := await asyncio.wrap_future(ahead)) is not None:
            ahead = threads.start(reader.read)
            yield block
    except MessageError as error:
        raise Broken(Failure(Break.WITHDRAWN, error.message)) from error
    except threads.NoThread as error:
        raise Broken(Failure(Break.WITHDRAWN, str(error.strerror))) from error
    finally:
        # A thread cannot be stopped; the file is closed behind the block that one may still be reading.
        threads.spare(reader.close)


class _Reader:
    """Takes the blocks from wherever they come, one thread at a time."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._turn = Lock()

    def read(self) -> bytes | None:
        """The next block; None when there is none, or it is closed."""
        with self._turn:
            return next(self._blocks, None)

    def close(self) -> None:
        """Close the files; no other code may, since a traceback can keep what reads them for a long time."""
        with self._turn:
            close: Callable[[], None] | None = getattr(self._blocks, "close", None)
            if close is not None:  # an iterator that is not a generator has no file
                close()
