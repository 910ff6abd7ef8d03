"""One file for each client under test, written as its own documentation shows it, and as fast as it allows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.clients.base import Client

_HOMES = {
    "sendkit": ("sendkit_", "Sendkit"),
    "sendkit send_many": ("sendkit_", "SendMany"),
    "sendkit in_flight=32": ("sendkit_", "InFlight"),
    "sendkit by HTTP proxy": ("sendkit_", "ThroughHTTP"),
    "sendkit by SOCKS proxy": ("sendkit_", "ThroughSOCKS"),
    "sendkit merge": ("sendkit_", "Merge"),
    "sendkit in_flight=512": ("sendkit_", "FarAhead"),
    "sendkit sync": ("sendkit_", "SyncSendkit"),
    "sendkit sync send_many": ("sendkit_", "SyncSendMany"),
    "sendkit sync in_flight=32": ("sendkit_", "SyncInFlight"),
    "outbox put": ("outbox_", "Put"),
    "outbox put_many": ("outbox_", "PutMany"),
    "outbox delivered": ("outbox_", "Delivered"),
    "postgresql put": ("postgresql_", "Put"),
    "postgresql put_many": ("postgresql_", "PutMany"),
    "postgresql delivered": ("postgresql_", "Delivered"),
    "postgresql, two workers": ("postgresql_", "TwoWorkers"),
    "procrastinate": ("postgresql_", "Procrastinate"),
    "aiosmtplib": ("aiosmtplib_", "Aiosmtplib"),
    "smtplib": ("smtplib_", "Smtplib"),
    "red-mail": ("redmail_", "RedMail"),
    "yagmail": ("yagmail_", "Yagmail"),
    "python-emails": ("emails_", "PythonEmails"),
    "ceiling": ("replay", "Replay"),
    "ceiling, 32 ahead": ("replay", "ReplayAhead"),
}
NODE = {"nodemailer": "nodemailer.mjs"}


def make(name: str) -> Client:
    """The client of that name; only its own library is imported."""
    module, kind = _HOMES[name]
    client: Client = getattr(import_module(f"benchmarks.clients.{module}"), kind)()
    return client
