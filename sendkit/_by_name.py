"""Two ways to make a mailer without its server's host: by the name of a provider, and by that of an account.

The same for both mailers. What it needs is loaded when it is called.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from sendkit._mailer import MailerSettings
    from sendkit._plan import Place


class ByName:
    """What both mailers have in common."""

    if TYPE_CHECKING:  # each mailer has its own

        def __init__(
            self,
            host_or_server: Place | Sequence[Place] | None = None,
            *,
            username: str | None = None,
            **settings: Unpack[MailerSettings],
        ) -> None: ...

    @classmethod
    def for_provider(cls, name: str, *, username: str, **settings: Unpack[MailerSettings]) -> Self:
        """Make a mailer for an account at a provider that is known by name, such as "gmail" or "ses-eu-west-1".

        Raises ConfigurationError, which names the nearest providers.
        """
        from sendkit._providers.table import Provider  # noqa: PLC0415 - a long table

        return cls._at(Provider.named(name).server, username, settings)

    @classmethod
    def from_config(cls, name: str, **settings: Unpack[MailerSettings]) -> Self:
        """Make a mailer for an account of `sendkit/config.toml`; what is given here stands above what is there.

        Raises ConfigurationError that names the file, the table and the key.
        """
        from sendkit._accounts.config import account_named  # noqa: PLC0415 - seldom needed
        from sendkit._delivery import diversion  # noqa: PLC0415 - nor this

        if settings.get("transport") is None and diversion.current() is not None:
            return cls._at((), None, settings)  # a test has no such file, and needs none
        account = account_named(name)
        given = cast("MailerSettings", account.mailer_settings() | settings)
        return cls._at(account.places(), None, given)

    @classmethod
    def _at(cls, places: Place | Sequence[Place], username: str | None, settings: MailerSettings) -> Self:
        from sendkit._delivery import diversion  # noqa: PLC0415 - as above
        from sendkit._delivery.audience import settings_of  # noqa: PLC0415 - not for those who name a server

        redirect_all_to, allow_only = settings_of(os.environ)
        settings.setdefault("redirect_all_to", redirect_all_to)
        settings.setdefault("allow_only", allow_only)
        if settings.get("transport") is not None:
            return cls(places, username=username, **settings)
        with diversion.by_name() as stand_in:
            settings["transport"] = stand_in
            return cls(places, username=username, **settings)
