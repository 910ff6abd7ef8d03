"""The only way to the DNS beyond addresses: SRV (RFC 2782) and TXT (RFC 1035) records, by dnspython, which is an extra.

Knows how dnspython is asked, and how it says no. Must not know what a record is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sendkit._distribution import installing
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns.asyncresolver import Resolver
    from dns.rrset import RRset


async def services(name: str, resolver: Resolver | None = None, *, otherwise: str) -> list[tuple[str, int]]:
    """The targets of an SRV name, in the order of their priority and weight; none where there is no such service.

    Raises ConfigurationError: without dnspython, and `transient` where the DNS did not answer. `otherwise` says in its
    hint what else to do.
    """
    records = await _ask(name, "SRV", resolver, otherwise)
    from dns.rdtypes.IN.SRV import SRV  # noqa: PLC0415 - an extra

    ordered = records.processing_order() if records else []
    found = [(one.target.to_text(omit_final_dot=True).lower(), one.port) for one in ordered if isinstance(one, SRV)]
    # RFC 2782: a lone dot says that there is no such service.
    return [(host, port) for host, port in found if host.strip(".")]


async def texts(name: str, resolver: Resolver | None = None, *, otherwise: str) -> list[str]:
    """The TXT records of a name, each with its strings joined (RFC 7208 section 3.3); raises as `services` does."""
    records = await _ask(name, "TXT", resolver, otherwise)
    from dns.rdtypes.ANY.TXT import TXT  # noqa: PLC0415 - an extra

    found = [one for one in cast("Iterable[object]", records or ()) if isinstance(one, TXT)]
    return [b"".join(one.strings).decode("utf-8", "replace") for one in found]


async def _ask(name: str, kind: str, resolver: Resolver | None, otherwise: str) -> RRset | None:
    try:
        from dns.asyncresolver import get_default_resolver  # noqa: PLC0415 - an extra
        from dns.exception import DNSException  # noqa: PLC0415 - an extra
        from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415 - an extra
    except ImportError:
        hint = f"{installing(extra='dns')}, or {otherwise}"
        raise ConfigurationError("looking this up needs dnspython, which is not installed", hint=hint) from None
    try:
        answer = await (resolver or get_default_resolver()).resolve(name, kind, search=False)
    except (NXDOMAIN, NoAnswer):
        return None
    except DNSException as error:
        what = f"the DNS did not answer for {name} ({type(error).__name__})"
        failed = ConfigurationError(what, hint=f"try again, or {otherwise}")
        failed.transient = True
        raise failed from error
    return answer.rrset
