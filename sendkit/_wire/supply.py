"""The blocks of a content as the wire takes them; what lies in files is read in a thread, one block ahead.

A disk may be slow, or behind a network that is gone: neither may hold the event loop up, or a cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

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
    loop = asyncio.get_running_loop()
    ahead = loop.run_in_executor(None, next, blocks, None)
    try:
        while (block := await ahead) is not None:
            ahead = loop.run_in_executor(None, next, blocks, None)
            yield block
    except MessageError as error:
        raise Broken(Failure(Break.WITHDRAWN, error.message)) from error
    finally:
        # A thread cannot be stopped; it ends with its block, and the file is closed with the last reference to it.
        if not ahead.cancel() and not ahead.cancelled():
            ahead.exception()
