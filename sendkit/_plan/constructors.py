"""The ways to make a mailer that both mailers share; they differ in where the servers come from, and in nothing else.

What they need is loaded when they are called: a program should not wait for it before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from sendkit._plan.options import takes_settings
from sendkit._plan.signatures import Signatures

if TYPE_CHECKING:
    from typing import Unpack

    from sendkit._plan.options import MailerSettings
    from sendkit._plan.targets import Target


class Constructors(Signatures):
    """What both mailers have in common."""

    if not TYPE_CHECKING:  # checkers and editors see the whole signatures

        @classmethod
        @takes_settings
        def from_url(cls, url: str | Sequence[str], **settings: Unpack[MailerSettings]) -> Self:
            """Make a mailer from `smtp+starttls://USER@HOST:PORT` or `smtps://…`; a password in it is refused.

            In a list, the backup servers stand behind the first, each with its own username. Raises ConfigurationError.
            """
            from sendkit._plan import targets  # noqa: PLC0415 - see the law of this file

            return cls._at(targets.urls(url), settings)

        @classmethod
        @takes_settings
        def from_env(cls, **settings: Unpack[MailerSettings]) -> Self:
            """Make a mailer from SENDKIT_URL, or SENDKIT_HOST, SENDKIT_PORT, SENDKIT_SECURITY and SENDKIT_USERNAME.

            SENDKIT_LOCAL_HOSTNAME is the name given in EHLO. SENDKIT_TRANSPORT stands above them all: `memory`,
            `console` and `file:DIR` send nowhere. Raises ConfigurationError.
            """
            from sendkit._plan import targets  # noqa: PLC0415 - see the law of this file

            return cls._at(targets.environment(), settings)

        @classmethod
        @takes_settings
        def for_provider(cls, name: str, *, username: str, **settings: Unpack[MailerSettings]) -> Self:
            """Make a mailer for an account at a provider that is known by name, such as "gmail" or "ses-eu-west-1".

            Raises ConfigurationError, which names the nearest providers.
            """
            from sendkit._plan import targets  # noqa: PLC0415 - see the law of this file

            return cls._at(targets.provider(name, username), settings)

        @classmethod
        @takes_settings
        def from_config(cls, name: str, **settings: Unpack[MailerSettings]) -> Self:
            """Make a mailer for an account of `sendkit/config.toml`; what is given here stands above what is there.

            Raises ConfigurationError that names the file, the table and the key.
            """
            from sendkit._plan import targets  # noqa: PLC0415 - see the law of this file

            return cls._at(targets.configured(name), settings)

    @classmethod
    def _at(cls, target: Target, settings: MailerSettings) -> Self:
        return cls(target, **settings)  # type: ignore[arg-type]  # no signature shows a Target
