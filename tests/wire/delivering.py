"""A letter under terms that no caller can ask for."""

# pyright: reportPrivateUsage=false
# That is why it is done here.

from __future__ import annotations

from sendkit import AsyncMailer, DeliveryResult
from sendkit._message.letter import Letter
from sendkit._seam.terms import Terms
from sendkit._sending import Alone


async def deliver(mailer: AsyncMailer, letter: Letter, terms: Terms, deadline: float | None = None) -> DeliveryResult:
    """Send it, as `send` does."""
    return await Alone(lambda: mailer._delivery(letter, terms, mailer._work(deadline), None), check=False)
