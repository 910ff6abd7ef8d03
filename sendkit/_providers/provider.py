"""One provider: its server, what the password there must be, how it is recognised, and what its customers publish.

Must not know the table, except to look a provider up by its name.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from sendkit._server.security import Security
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server

_REGION = re.compile(r"[a-z]{2}(?:-gov)?-[a-z]+-\d")


@dataclass(slots=True, frozen=True, kw_only=True)
class Provider:
    """A provider's submission server, and what one has to know to use it.

    `host`, `port` and `security` are its server, `source` says where that stands. `password` says what the password is,
    `quirks` and `limits` what surprises people; `rate` is one of messages that is documented, as a mailer takes it;
    `domains` are those whose addresses are always its own. `username` is set where it is not the mail address. Several
    servers may have one `operator`, the name of the row that tells how its replies are recognised: by the domains of
    its servers (`hosts`) or by `marks`, words that stand in its replies alone. `spf` is what customers include in the
    record of their domain, `selectors` are the usual ones of its DKIM keys.
    """

    name: str
    host: str
    port: int = 465
    security: Security = Security.IMPLICIT_TLS
    password: str = "that of the mailbox"  # noqa: S105 - says what it must be
    username: str | None = None
    limits: str | None = None
    rate: str | None = None
    quirks: str | None = None
    domains: tuple[str, ...] = ()
    operator: str = ""
    hosts: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    spf: str | None = None
    selectors: tuple[str, ...] = ()
    source: str

    def __post_init__(self) -> None:
        if not self.operator:
            object.__setattr__(self, "operator", self.name)

    @property
    def server(self) -> Server:
        """The server, as a mailer takes it."""
        from sendkit._server.server import Server  # noqa: PLC0415 - pydantic, 100 ms, and few ask for it

        return Server(self.host, self.port, self.security)

    @classmethod
    def named(cls, name: str) -> Provider:
        """The provider with this name, in any case, or of this domain, address or server.

        Raises ConfigurationError, which names the nearest ones.
        """
        from sendkit._providers import table  # noqa: PLC0415 - long, and seldom needed

        if not isinstance(cast("object", name), str):
            hint = "`sendkit providers` lists them"
            raise ConfigurationError(f"this is not a name: {type(name).__name__}", hint=hint)
        key = name.strip().lower().rpartition("@")[2].replace("_", "-").replace(" ", "")
        key = table.ALIASES.get(key, key)
        if found := table.BY_NAME.get(key) or table.BY_DOMAIN.get(key) or table.BY_HOST.get(key):
            return found
        for one in table.BY_REGION.values():
            region = key.removeprefix(f"{one.name}-")
            if key != region and _REGION.fullmatch(region):
                return replace(one, name=key, host=one.host.replace("REGION", region))
        if key in table.BY_REGION:
            hint = f"name the region too, as in {key}-eu-west-1"
            raise ConfigurationError(f"{name!r} has a server for each region", hint=hint)
        near = difflib.get_close_matches(key, table.BY_NAME, n=3) or sorted(table.BY_NAME)
        hint = f"known are {', '.join(near)}" + (" …" if len(near) == 3 else "") + "; any other server goes by its host"
        raise ConfigurationError(f"unknown provider: {name!r}", hint=hint)

    @classmethod
    def of_domain(cls, domain: str) -> Provider | None:
        """The provider whose addresses end in this domain."""
        from sendkit._providers import table  # noqa: PLC0415 - as above

        return table.BY_DOMAIN.get(domain.lower())

    @staticmethod
    def all() -> tuple[Provider, ...]:
        """All that are known, by name; but those that have a server for each region."""
        from sendkit._providers import table  # noqa: PLC0415 - as above

        return tuple(table.BY_NAME[name] for name in sorted(table.BY_NAME))
