"""The one table of providers, and what is found in it: by name, by the domain of an address, by host, by the reply.

`for_provider`, `explain` and the doctor all ask here. Must not know: what a reply means.
"""

from __future__ import annotations

from sendkit._providers.mailboxes import MAILBOXES
from sendkit._providers.provider import Provider
from sendkit._providers.relays import REGIONAL, RELAYS

BY_NAME = {provider.name: provider for provider in (*MAILBOXES, *RELAYS)}
BY_REGION = {provider.name: provider for provider in REGIONAL}
BY_DOMAIN = {domain: provider for provider in MAILBOXES for domain in provider.domains}
BY_HOST = {provider.host: provider for provider in BY_NAME.values()}
ALIASES = {  # what people call them, and the name here
    "google": "gmail", "googlemail": "gmail", "gsuite": "gmail", "googleworkspace": "gmail",
    "google-workspace": "gmail", "office365": "microsoft365", "office-365": "microsoft365", "o365": "microsoft365",
    "m365": "microsoft365", "ms365": "microsoft365", "microsoft": "microsoft365", "microsoft-365": "microsoft365",
    "exchangeonline": "microsoft365", "exchange-online": "microsoft365", "hotmail": "outlook", "live": "outlook",
    "outlook365": "microsoft365", "apple": "icloud", "me": "icloud", "mac": "icloud", "protonmail": "proton",
    "1und1": "ionos", "1and1": "ionos", "aws-ses": "ses", "amazon-ses": "ses", "amazonses": "ses", "amazon": "ses",
}  # fmt: skip
OPERATORS = {one.name: one for one in (*BY_NAME.values(), *REGIONAL) if one.operator == one.name}
_OF_HOSTS = {host: one for one in OPERATORS.values() for host in (one.host, *one.hosts)} | {
    one.host: OPERATORS[one.operator] for one in BY_NAME.values()
}


def is_known_host(host: str) -> bool:
    """Whether this is the submission server of a provider in the table."""
    return host in BY_HOST


def operator_of(host: str | None, text: str = "") -> Provider | None:
    """The row of who runs the server on this host, or, where nobody known does, of who left marks in this reply."""
    labels = (host or "").lower().rstrip(".").split(".")
    for start in range(len(labels)):
        if found := _OF_HOSTS.get(".".join(labels[start:])):
            return found
    lowered = text.lower()
    return next((one for one in OPERATORS.values() if any(mark in lowered for mark in one.marks)), None)
