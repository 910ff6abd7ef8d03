"""The envelope as users see it: whom a message comes from and to whom it goes, whatever its headers say.

Knows RFC 5321 section 2.3.1 and the null reverse path of section 4.5.5. Must not know messages or results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit._smtp.address import AddressError, parse_address
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True, frozen=True, init=False)
class Envelope:
    """A reverse path and its recipients, as the caller wrote them: plain addresses without display names.

    `reverse_path` is "" for the null reverse path. Raises MessageError for an invalid address, and for no
    recipient at all.
    """

    reverse_path: str
    recipients: tuple[str, ...]

    def __init__(self, reverse_path: str, recipients: Iterable[str]) -> None:
        listed = (recipients,) if isinstance(recipients, str) else tuple(recipients)
        if reverse_path:
            _check("reverse_path", reverse_path)
        for recipient in listed:
            _check("recipients", recipient)
        if not listed:
            raise MessageError(
                "recipients: an envelope without recipients", field="recipients", hint="name at least one address"
            )
        object.__setattr__(self, "reverse_path", reverse_path)
        object.__setattr__(self, "recipients", listed)


def _check(field: str, text: object) -> None:
    if not isinstance(text, str):
        raise MessageError(
            f"{field}: {type(text).__name__} is not an address", field=field, hint="give addresses as plain strings"
        )
    try:
        parse_address(text)
    except AddressError as error:
        raise MessageError(f"{field}: {error.problem}", field=field, hint=error.hint) from error
