"""What takes time before a letter can leave: to read its files and to sign it (RFC 6376), once for all its attempts.

A disk may be slow, or behind a network that is gone: files are read on a thread. Must not know where keys come from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sendkit._lifetime import threads
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit._message.dkim import Signer
    from sendkit._message.letter import Letter
    from sendkit._smtp.content import Content

T = TypeVar("T")


async def read_and_signed(letter: Letter, signers: tuple[Signer, ...]) -> Letter:
    """The letter with its content, and with a signature of each signer. Raises MessageError."""
    if letter.unread is not None:
        letter = replace(letter, content=await threads.run_anyhow(letter.unread), unread=None)
    if not signers:
        return letter
    from sendkit._message.dkim import signed  # noqa: PLC0415 - few mailers sign

    sign = partial(signed, letter.content, signers)
    return replace(letter, content=await threads.run_anyhow(sign) if letter.content.stored else sign())


async def octets_of(content: Content) -> bytes:
    """All of it at once."""
    if content.stored:
        return await threads.run_anyhow(lambda: b"".join(content.blocks()))
    return b"".join(content.blocks())


async def within(limit: float, reading: Awaitable[T]) -> T:
    """What is read in at most so many seconds. Raises MessageError."""
    try:
        async with asyncio.timeout(limit):
            return await reading
    except TimeoutError:
        hint = "copy its files to a disk of this machine, or give more time"
        raise MessageError(f"the files of the message were not read within {limit:g} s", hint=hint) from None


async def check(content: Content) -> None:
    """Raise MessageError when a file is not what it was."""
    if content.stored:
        await threads.run_anyhow(content.check)
    else:
        content.check()
