"""From a reply to what it means: the provider's own words first, then the enhanced code, then the code.

The tables are in `explanations`, and are loaded with the first question. Who spoke is known from the host, or from the
marks that some providers leave in every reply.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit._smtp.reply import Reply

if TYPE_CHECKING:
    from sendkit._providers.explanations.entry import Entry

_ADDRESSES = re.compile(r"<[^<>]*>|[^\s<>@]+@[^\s<>@]+")
_ENOUGH = 1_000


@dataclass(slots=True, frozen=True)
class Explanation:
    """The meaning of an error text: a title, the cause, what to do, and the source.

    `provider` is set if the explanation is specific to a provider, `elsewhere` if programs that do not use sendkit
    need another remedy.
    """

    title: str
    cause: str
    remedy: str
    source: str
    provider: str | None = None
    elsewhere: str | None = None


def explain(reply: Reply, host: str | None = None) -> Explanation:
    """What this reply means; `host`, if it is known, is the server that gave it."""
    return known(reply, host) or _registered(reply, exact=True) or _basic(reply)


def known(reply: Reply, host: str | None = None) -> Explanation | None:
    """What a provider, or the usual wording, says of it; None where neither is known."""
    found = entry_for(reply, host)
    return None if found is None else Explanation(found.title, found.cause, found.remedy, found.source, found.provider)


def entry_for(reply: Reply, host: str | None = None) -> Entry | None:
    """The line of the tables that is about this reply."""
    if reply.positive:
        return None
    # Whose addresses a server speaks of says nothing of who it is, and a hostile one must not make us search for long.
    bare = Reply(reply.code, reply.enhanced, _ADDRESSES.sub("<>", reply.text[:_ENOUGH]))
    return _fitting(bare, provider_of(bare, host))


def by_words(text: str) -> Explanation | None:
    """What the tables say of the words of a reply whose code was not copied; None where they are not known."""
    bare = _ADDRESSES.sub("<>", text[-_ENOUGH:])
    found = next((entry for entry in _entries() if entry.says(bare)), None)
    return None if found is None else Explanation(found.title, found.cause, found.remedy, found.source, found.provider)


@functools.lru_cache(maxsize=256)
def _fitting(reply: Reply, provider: str | None) -> Entry | None:
    """A server says the same to many recipients, except for their addresses."""
    return next((entry for entry in _entries() if entry.fits(reply, provider)), None)


def registered(reply: Reply) -> Explanation | None:
    """What the registry says of its enhanced code; None where that says nothing in particular."""
    return _registered(reply, exact=True)


def provider_of(reply: Reply | None, host: str | None) -> str | None:
    """Whose reply it is, by the server's host or by the marks in the text."""
    from sendkit._providers.table import operator_of  # noqa: PLC0415 - long, and seldom needed

    found = operator_of(host, reply.text if reply else "")
    return found.name if found else "microsoft365" if _of_exchange(reply) else None


def _of_exchange(reply: Reply | None) -> bool:
    # The registry ends at x.7.30, Gmail's own codes at x.7.40; what is beyond is Exchange's, as are these words.
    if reply is None or reply.enhanced is None:
        return False
    _, subject, detail = reply.enhanced.split(".")
    return subject == "7" and (
        int(detail) > 40 or (detail == "3" and "authentication unsuccessful" in reply.text.lower())
    )


def _entries() -> tuple[Entry, ...]:
    from sendkit._providers.explanations import (  # noqa: PLC0415 - seldom needed, and long
        anybody,
        gmail,
        mailboxes,
        microsoft,
        relays,
    )

    return gmail.ENTRIES + microsoft.ENTRIES + mailboxes.ENTRIES + relays.ENTRIES + anybody.ENTRIES


def _registered(reply: Reply, *, exact: bool) -> Explanation | None:
    from sendkit._providers.explanations import enhanced  # noqa: PLC0415 - the same

    if reply.enhanced is None:
        return None
    _, subject, detail = reply.enhanced.split(".")
    found = enhanced.CODES.get(f"{subject}.{detail}")
    if found is None and not exact:
        found = enhanced.SUBJECTS.get(subject)
    return found and Explanation(*found)


def _basic(reply: Reply) -> Explanation:
    from sendkit._providers.explanations import basic  # noqa: PLC0415 - the same

    found = basic.CODES.get(reply.code)
    return (
        (Explanation(*found) if found else None)
        or _registered(reply, exact=False)
        or Explanation(*basic.CLASSES[reply.code // 100])
    )
