"""From a mail address to its submission server, by what its domain says in the DNS (RFC 6186, RFC 8314 section 5.1).

`_submissions._tcp` (implicit TLS) goes before `_submission._tcp` (STARTTLS); targets are taken by priority and weight
(RFC 2782). Whoever can forge an answer could name a server of his own, with a certificate that is good for it. So a
target is trusted only if it lies within the domain of the address, is the server of a provider in our table, or was
named by the caller (RFC 6186 section 6); any other is an error that names it. The domains of well-known providers are
not asked for at all. Must not know: how a connection is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sendkit._accounts.account import Account
from sendkit._dns import services
from sendkit._providers.provider import Provider
from sendkit._providers.table import is_known_host
from sendkit._server.security import Security
from sendkit._server.server import Server
from sendkit._smtp.address import AddressError, parse_address
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

_SERVICES = {"_submissions._tcp": Security.IMPLICIT_TLS, "_submission._tcp": Security.STARTTLS}
_BY_HAND = 'name the server: Mailer("smtp.example.com", username=…); your provider\'s help pages say which'


async def discover(address: str, *, trust: Sequence[str] = (), resolver: Resolver | None = None) -> list[Account]:
    """The account of this address: its server and the backup servers, and the address as the username.

    `trust` names hosts outside the address's domain that may be used; `resolver` is a dnspython resolver in place of
    the system's. Raises ConfigurationError; it is `transient` where the DNS did not answer.
    """
    domain = _domain(address)
    if (provider := Provider.of_domain(domain)) is not None:
        return [Account(provider.server, address)]
    for service, security in _SERVICES.items():
        if targets := await services(f"{service}.{domain}", resolver, otherwise=_BY_HAND):
            for host, _ in targets:
                _check_trust(host, domain, trust)
            return [Account(Server(host, port, security), address) for host, port in targets]
    raise ConfigurationError(f"{domain} does not say in the DNS where its mail is submitted", hint=_BY_HAND)


def _domain(address: str) -> str:
    try:
        return parse_address(address).domain.lower()
    except AddressError:
        raise ConfigurationError(f"not a mail address: {address!r}", hint="write ana@example.com") from None


def _check_trust(host: str, domain: str, trust: Sequence[str]) -> None:
    trusted = (domain, *(one.lower().rstrip(".") for one in trust))
    if is_known_host(host) or any(f".{host}".endswith(f".{one}") for one in trusted):
        return
    raise ConfigurationError(
        f"the DNS sends mail of {domain} to {host}, which is another domain's",
        hint=f'if that is your provider\'s server, say so: trust=["{host}"], or Mailer("{host}", username=…)',
    )
