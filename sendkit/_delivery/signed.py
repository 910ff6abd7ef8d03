"""What takes time before a letter can leave: to read its files and to sign it (RFC 6376), once for all its attempts.

A disk may be slow, or behind a network that is gone: files are read on a thread. Must not know where keys come from.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sendkit._lifetime import threads

if TYPE_CHECKING:
    from sendkit._message.dkim import Signer
    from sendkit._message.letter import Letter
    from sendkit._smtp.content import Content


async def read_and_signed(letter: Letter, signers: tuple[Signer, ...]) -> Letter:
    """The letter with its content, and with a signature of each signer. Raises MessageError."""
    if letter.unread is not None:
        letter = replace(letter, content=await threads.run_anyhow(letter.unread), unread=None)
    if not signers:
        return letter
    from sendkit._message.dkim import signed  # noqa: PLC0415 - few mailers sign

    sign = partial(signed, letter.content, signers)
    return replace(letter, content=await threads.run_anyhow(sign) if letter.content.stored else sign())


async def check(content: Content) -> None:
    """Raise MessageError when a file is not what it was."""
    if content.stored:
        await threads.run_anyhow(content.check)
    else:
        content.check()
