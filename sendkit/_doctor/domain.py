"""What the DNS says of the sender's domain: who may send for it (SPF), which key signs (DKIM), what follows (DMARC).

RFC 7208, RFC 6376 section 3.6, RFC 7489 sections 3.1 and 6.6.3. None of it keeps a message from being sent, and much of
it does from arriving: so these are warnings. Whether the servers that pass the mail on are allowed to is known for
providers of a small table alone, since nobody can see from here which addresses they will use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sendkit._dns import texts
from sendkit._doctor.diagnosis import Check, Finding, Status
from sendkit._providers.provider import Provider
from sendkit._providers.table import operator_of
from sendkit._smtp.reply import plain
from sendkit._transport.smtp import SMTPTransport
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.asyncresolver import Resolver

    from sendkit._message.dkim import Signer

_BY_HAND = "look at the records of the domain by hand"
_USUAL = ("default", "dkim", "mail", "s1", "selector1", "google", "k1")
_ENFORCED = ("quarantine", "reject")

_Texts = Callable[[str], Awaitable[list[str]]]
_Report = tuple[Status, str, str | None]


async def examine_domain(
    domain: str,
    account: SMTPTransport,
    selector: str | None,
    resolver: Resolver | None,
    limit: float,
    *,
    signers: Sequence[Signer] = (),
) -> list[Finding]:
    """What is to be said of this domain, for mail that goes out through this account, in at most `limit` seconds."""

    async def ask(name: str) -> list[str]:
        return [plain(text) for text in await texts(name, resolver, otherwise=_BY_HAND)]

    operator = operator_of(account.server.host)
    checks = {
        Check.SPF: _spf(domain, operator, ask),
        Check.DKIM: _own_keys(domain, signers, ask) if signers else _dkim(domain, operator, selector, ask),
        Check.DMARC: _dmarc(domain, ask),
    }
    reports = await asyncio.gather(*(_within(limit, report) for report in checks.values()))
    told = dict(zip((*checks, Check.ALIGNMENT), (*reports, _alignment(domain, account, operator)), strict=True))
    return [Finding(check=check, status=s, text=text, remedy=remedy) for check, (s, text, remedy) in told.items()]


async def _within(limit: float, report: Awaitable[_Report]) -> _Report:
    try:
        async with asyncio.timeout(limit):
            return await report
    except ConfigurationError as error:
        return Status.WARNING, error.message, error.hint
    except TimeoutError:
        return Status.WARNING, f"the DNS did not answer within {limit:g} s", f"try again, or {_BY_HAND}"


async def _spf(domain: str, operator: Provider | None, ask: _Texts) -> _Report:
    found = [text for text in await ask(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if not found:
        remedy = f'publish TXT {domain} "v=spf1 … -all" with what your provider says; else much mail is taken for spam'
        return Status.WARNING, f"{domain} says nothing of who may send for it", remedy
    if len(found) > 1:
        return Status.WARNING, f"{domain} has {len(found)} SPF records, so that none counts", "make one of them"
    record, terms = found[0], found[0].lower().split()
    if "+all" in terms or "all" in terms:
        return Status.WARNING, f"{record}: allows everybody", "end it with -all or ~all"
    include = operator.spf if operator else None
    if include is None:
        return Status.OK, f"{record} (whether it covers this server's way out cannot be seen from here)", None
    if not any(term.endswith((f"include:{include}", f"redirect={include}")) for term in terms):
        return (
            Status.WARNING,
            f"{record}: does not name {include}, which sends for this account",
            f"add include:{include}",
        )
    return Status.OK, record, None


async def _dkim(domain: str, operator: Provider | None, selector: str | None, ask: _Texts) -> _Report:
    selectors = (selector,) if selector else (*(operator.selectors if operator else ()), *_USUAL)
    names = [f"{one}._domainkey.{domain}" for one in dict.fromkeys(selectors)]
    for name, records in zip(names, await asyncio.gather(*map(ask, names)), strict=True):
        tags = _tags(next((text for text in records if "p=" in text), ""))
        if tags.get("p"):
            return Status.OK, f"{name} has a key ({tags.get('k', 'rsa')})", None
        if "p" in tags:
            return Status.WARNING, f"{name}: the key is revoked", "publish the one that your provider signs with"
    if selector:
        return Status.WARNING, f"{names[0]} has no key", "publish the one that your provider shows for this selector"
    remedy = "name the selector (s= of DKIM-Signature in a message that arrived): --dkim-selector, dkim_selector="
    return Status.WARNING, f"{domain} has no key under the usual selectors", remedy


async def _own_keys(domain: str, signers: Sequence[Signer], ask: _Texts) -> _Report:
    """Whether the DNS has the keys that this mailer signs with, and whether they count for this domain."""
    for signer in signers:
        name = f"{signer.selector}._domainkey.{signer.domain}"
        published = [_tags(text).get("p", "") for text in await ask(name) if "p=" in text]
        remedy = f'publish TXT {name} "{signer.record}"'
        if not published:
            return Status.WARNING, f"{name} has no key, so that what this mailer signs is not believed", remedy
        if _tags(signer.record)["p"] not in (key.replace(" ", "") for key in published):
            return Status.WARNING, f"{name} has another key than the one that this mailer signs with", remedy
        if signer.domain != domain and not domain.endswith(f".{signer.domain}"):
            text = f"this mailer signs for {signer.domain}, which DMARC does not count for mail from {domain}"
            return Status.WARNING, text, f"sign with DKIM(domain={domain!r}, …)"
    names = ", ".join(f"{signer.selector}._domainkey.{signer.domain}" for signer in signers)
    return Status.OK, f"{names}: the key that this mailer signs with", None


async def _dmarc(domain: str, ask: _Texts) -> _Report:
    labels = domain.split(".")
    # The policy of a domain above holds for those below that have none; where it ends is a registry's business.
    for start in range(max(len(labels) - 1, 1)):
        name = "_dmarc." + ".".join(labels[start:])
        found = [text for text in await ask(name) if text.replace(" ", "").startswith("v=DMARC1")]
        if len(found) > 1:
            return Status.WARNING, f"{name} has {len(found)} records, so that none counts", "make one of them"
        if found:
            return _policy(name, found[0])
    remedy = f'publish TXT _dmarc.{domain} "v=DMARC1; p=none; rua=mailto:…"; large providers ask for one'
    return Status.WARNING, f"{domain} has no policy", remedy


def _policy(name: str, record: str) -> _Report:
    policy = _tags(record).get("p", "").lower()
    if policy in _ENFORCED:
        return Status.OK, f"{name}: {record}", None
    if policy == "none":
        return Status.OK, f"{name}: {record} (nothing follows from a failure yet)", None
    return Status.WARNING, f"{name}: {record}: p= is not a policy", "write p=none, p=quarantine or p=reject"


def _alignment(domain: str, account: SMTPTransport, operator: Provider | None) -> _Report:
    owner = Provider.of_domain(domain)
    host = account.server.host
    if owner is not None and owner.host != host and not (operator and owner.operator == operator.name):
        text = f"mail from {domain} fails DMARC when it does not go out through {owner.host}"
        return Status.WARNING, text, f"send through {owner.host}, or from an address of your own domain"
    _, at, theirs = (account.username or "").rpartition("@")
    theirs = theirs.lower()
    if at and theirs != domain and not f".{domain}".endswith(f".{theirs}") and not f".{theirs}".endswith(f".{domain}"):
        text = f"the account is one of {theirs}, and the sender one of {domain}"
        return Status.WARNING, text, "see that the provider signs with DKIM for the sender's domain (d=)"
    return Status.OK, f"the reverse path and From are both of {domain}, so SPF counts for DMARC", None


def _tags(record: str) -> dict[str, str]:
    """RFC 6376 section 3.2."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs if name.strip()}
