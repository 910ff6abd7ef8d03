"""What `[sendmail]` of the files of accounts says: an account, an outbox, and who gets mail for local names.

Mail for names without a domain (`root` of cron) goes to whom `[sendmail.aliases]` says. Must not know argv or messages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from sendkit._accounts.config import AccountSettings
from sendkit._frames import frameless
from sendkit._plan.named import account_named, account_names, table_named
from sendkit.errors import ConfigurationError

OTHERS = "*"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    account: str | None = None
    outbox: str | bool = False
    aliases: dict[str, str] = {}


@dataclass(slots=True, frozen=True)
class SendmailSettings:
    """The table; `aliases` say who gets the mail of names without a domain, `*` that of all others."""

    account: str | None = None
    outbox: str | bool = False
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])

    def alias(self, name: str) -> str | None:
        """Who gets the mail of a local name."""
        return self.aliases.get(name) or self.aliases.get(OTHERS)


@frameless
def sendmail_settings() -> SendmailSettings:
    """Read the table of the first file that has one. Raises ConfigurationError that names the file and the key."""
    try:
        found = table_named("sendmail")
    except ConfigurationError:
        if _by_environment(os.environ):
            return SendmailSettings()  # no file is needed
        raise
    if found is None:
        return SendmailSettings()
    path, table = found
    try:
        read = _Table.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        hint = 'it takes account = "NAME", outbox = true (or a URL), and [sendmail.aliases] with root = "ADDRESS"'
        raise ConfigurationError(f"{path}: [sendmail]: {where}: {first['msg']}", hint=hint) from None
    return SendmailSettings(read.account, read.outbox, read.aliases)


@frameless
def account_for(name: str | None, settings: SendmailSettings) -> AccountSettings | None:
    """The account of this name; else None for that of the environment, that of the table, or the only one there is.

    Raises ConfigurationError.
    """
    if name is None and _by_environment(os.environ):
        return None
    if name or settings.account:
        return account_named(name or settings.account or "")
    names = account_names()
    if len(names) == 1 or "default" in names:
        return account_named("default" if "default" in names else names[0])
    hint = f'write account = "{names[0]}" below [sendmail], or give --account' if names else "write [accounts.NAME]"
    raise ConfigurationError(f"which account? there are {', '.join(names) or 'none'}", hint=hint)


def _by_environment(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in ("SENDKIT_URL", "SENDKIT_HOST", "SENDKIT_TRANSPORT"))
