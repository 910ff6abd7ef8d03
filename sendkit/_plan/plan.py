"""The plan of a mailer: what it is made of, from where it sends, its options, and the environment of the process.

One rule for every constructor. SENDKIT_TRANSPORT takes the place of the wire, unless `transport=` does; the limits
SENDKIT_REDIRECT_ALL_TO and SENDKIT_ALLOW_ONLY hold behind those of the program. A test's mailbox stands above all.
"""

# `checked` has put every option into the settings.
# pyright: reportTypedDictNotRequiredAccess=false

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit._delivery import diversion
from sendkit._delivery.audience import ALLOW, REDIRECT, Audience, audience_in
from sendkit._delivery.pace import UNLIMITED, Pace, parse_rate
from sendkit._delivery.retries import Retries
from sendkit._delivery.watch import Watch, watch_of
from sendkit._lifetime import logs
from sendkit._plan.logins import transport_to
from sendkit._plan.options import MailerSettings, checked
from sendkit._plan.targets import Found, Target, through_proxy
from sendkit._seam.clock import SystemClock
from sendkit._seam.terms import Terms
from sendkit._smtp.address import AddressError, parse_address
from sendkit._transport.named import named_transport
from sendkit._variables import told
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._accounts.account import Account
    from sendkit._delivery.policy import RetryPolicy
    from sendkit._message.dkim import Signer
    from sendkit._seam.transport import Transport
    from sendkit.signing import DKIM

TRANSPORT = "SENDKIT_TRANSPORT"

# Nobody looks at the account where something stands in for it, and nothing leaves.
_STAND_IN_SENDER = "account@example.invalid"

_logger = logging.getLogger("sendkit")
_warned: list[str] = []
_misspelt: list[str] = []


@dataclass(slots=True, frozen=True)
class Plan:
    """What a mailer is made of.

    `by_name` and `hosts` say what a test's mailbox may stand in for; `hosts` are those of the servers that the program
    names, where SENDKIT_TRANSPORT took their place (`diverted`). The audiences hold one behind the other. The account
    names are those of the first account, which an outbox knows it by; none where the servers were never asked for.
    `usual_sender` is whom a message is from that does not say it.
    """

    transport: Transport
    pace: Pace
    retry: RetryPolicy | Retries
    terms: Terms
    audiences: tuple[Audience, ...]
    deadline: float | None
    max_connections: int
    by_name: bool = False
    hosts: tuple[str, ...] = ()
    diverted: bool = False
    accounts: tuple[Account, ...] = ()
    signers: tuple[Signer, ...] = ()
    usual_sender: str | None = None
    watch: Watch | None = None

    def __str__(self) -> str:
        """Where the mail goes, in short: `ana@smtp.example.com:587 starttls`, or the name of the transport."""
        if self.diverted or not self.accounts:
            return type(self.transport).__name__
        return ", then ".join(map(str, self.accounts))

    @property
    def account_names(self) -> tuple[str, ...]:
        """The names by which a letter of the outbox may call the first account."""
        return self.accounts[0].names if self.accounts else ()

    def transport_now(self) -> Transport:
        """The transport, or what stands in for it while a test has a mailbox. Raises ConfigurationError."""
        return diversion.instead_of(self.transport, self.hosts, by_name=self.by_name)


def stands_in(settings: MailerSettings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether mail of a mailer that is told its server by name goes elsewhere, so that nobody asks for the server."""
    return bool(settings.get("transport") or environ.get(TRANSPORT) or diversion.current())


def plan(target: Target, settings: MailerSettings, environ: Mapping[str, str] = os.environ) -> Plan:
    """The plan of a mailer for this target. Raises ConfigurationError, before anything is opened."""
    _check_names(environ)
    own = settings.get("transport")
    unasked = own is not None or (target.by_name and stands_in(settings, environ))
    found = Found() if unasked else target.find()
    accounts = through_proxy(found.accounts, environ)
    options = checked({**found.settings, **settings})
    audiences = Audience.of(options["redirect_all_to"], options["allow_only"]), audience_in(environ)
    named = environ.get(TRANSPORT) if own is None and _may_be_diverted(target, accounts) else None
    transport = own or (named_transport(named) if named else _usual_transport(target, accounts, options))
    limit, width = UNLIMITED if options["rate"] is None else parse_rate(options["rate"]), options["max_connections"]
    _warn_once({TRANSPORT: named, REDIRECT: environ.get(REDIRECT)})
    return Plan(
        transport=transport,
        pace=Pace(limit, None if own or named else width),
        retry=options["retry"] or Retries(),
        terms=Terms(keep_transcript=options["transcript"]),
        audiences=tuple(one for one in audiences if one.limited),
        deadline=options["deadline"],
        max_connections=width,
        by_name=target.by_name and own is None,
        hosts=tuple(account.server.host for account in accounts),
        diverted=bool(named),
        accounts=tuple(accounts),
        signers=_signers(options["dkim"]),
        usual_sender=_STAND_IN_SENDER if target.by_name and unasked else _sender_of(accounts),
        watch=watch_of(options["observers"] or (), waits=_is_test(transport, accounts)),
    )


def _is_test(transport: Transport, accounts: Sequence[Account]) -> bool:
    """Whether the time of a test passes here, or its own server is asked."""
    servers = [account.server for account in accounts]
    own_time = not isinstance(transport.clock, SystemClock)
    return own_time or diversion.current() is not None or (bool(servers) and all(map(diversion.is_local, servers)))


def _sender_of(accounts: Sequence[Account]) -> str | None:
    """The username of the first account, where it is a mail address."""
    username = accounts[0].username if accounts else None
    try:
        return parse_address(username).written if username else None
    except AddressError:
        return None


def _signers(keys: DKIM | Sequence[DKIM] | None) -> tuple[Signer, ...]:
    if keys is None:
        return ()
    from sendkit.signing import signers_of  # noqa: PLC0415 - few mailers sign

    return signers_of(keys)


def _may_be_diverted(target: Target, accounts: Sequence[Account]) -> bool:
    """Whether SENDKIT_TRANSPORT counts: not in a test that has a mailbox, nor for a test's own local server."""
    if diversion.current() is not None:
        if target.by_name:
            return False
        for account in accounts:
            diversion.check(account.server.host)
    return not accounts or not all(diversion.is_local(account.server) for account in accounts)


def _usual_transport(target: Target, accounts: Sequence[Account], options: MailerSettings) -> Transport:
    if target.by_name and diversion.current() is not None:
        return diversion.StandIn()
    return transport_to(accounts, options)


def _check_names(environ: Mapping[str, str]) -> None:
    """Say which variables are misspelt. Raises ConfigurationError where one was to keep mail from its recipients."""
    if (kept := told(environ, TRANSPORT, REDIRECT, ALLOW)) is not None:
        hint = "correct its name, or unset it; until then mail would go to all its recipients"
        raise ConfigurationError(kept, hint=hint)
    text = told(environ)
    if text is not None and text not in _misspelt:
        _misspelt.append(text)
        logs.log(_logger, logging.WARNING, "in the environment, %s", text)


def _warn_once(variables: Mapping[str, str | None]) -> None:
    """Say which variables send mail elsewhere: one that was forgotten must not swallow it in silence."""
    told = ", ".join(f"{name}={value}" for name, value in variables.items() if value)
    if told and not _warned:
        _warned.append(told)
        logs.log(_logger, logging.WARNING, "%s: mail of this process does not go where it is addressed", told)
