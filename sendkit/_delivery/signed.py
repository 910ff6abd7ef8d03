"""A letter with its signatures, made once for all its tries (RFC 6376). Must not know where keys come from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sendkit._lifetime import threads

if TYPE_CHECKING:
    from sendkit._lifetime.progress import Work
    from sendkit._message.dkim import Signer
    from sendkit._message.letter import Letter


async def signed(letter: Letter, signers: tuple[Signer, ...], work: Work | None = None) -> Letter:
    """The letter with signatures, once for all its tries. Files are read on a thread: a disk may be slow."""
    from sendkit._message.dkim import signed as sign_with  # noqa: PLC0415 - few mailers sign

    sign = partial(sign_with, letter.content, signers)
    if not letter.content.stored:
        return replace(letter, content=sign())
    if work is None:
        return replace(letter, content=await threads.run(sign))
    work.begin()
    try:
        return replace(letter, content=await threads.run(sign))
    except BaseException:
        work.end()
        raise
