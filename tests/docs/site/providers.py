"""A page for each provider in the table: its server, its password, its limits, and how to send through it."""

from __future__ import annotations

from collections.abc import Iterator

from sendkit._providers.provider import Provider
from sendkit._providers.table import ALIASES, BY_NAME, BY_REGION
from tests.docs.site.errors import provider_pages_of
from tests.docs.site.markdown import code, linked, table

_PROGRAM = """from sendkit import Mailer, Message

with Mailer.for_provider("{name}", username="{username}") as mailer:
    mailer.send(Message(to="luis@example.com", subject="Hola", text="…"))
"""


def pages() -> dict[str, str]:
    """Path and text of each page."""
    every = sorted((BY_NAME | BY_REGION).items())
    return {"providers/index.md": _index(every), **{f"providers/{name}.md": _page(one) for name, one in every}}


def _index(every: list[tuple[str, Provider]]) -> str:
    rows = (
        (f"[{name}]({name}.md)", f"`{one.host}:{one.port}`", one.security.value, one.password) for name, one in every
    )
    return (
        "# Providers\n\nThe servers that sendkit knows by name, from one table that `Mailer.for_provider`, "
        "`sendkit explain` and the doctor ask. Any other server goes by its host.\n\n"
        + table(("name", "server", "security", "the password"), rows)
    )


def _page(one: Provider) -> str:
    regional = "REGION" in one.host
    name = f"{one.name}-eu-west-1" if regional else one.name
    host = one.host.replace("REGION", "eu-west-1")
    username = one.username or (f"ana@{one.domains[0]}" if one.domains else "ana@example.com")
    lines = [f"# {one.name}\n"]
    lines.append(table(("", ""), _facts(one)))
    lines.append("Store the password once, and send:\n")
    lines.append(code(f"sendkit login {host} {username}", "sh"))
    lines.append(code(_PROGRAM.format(name=name, username=username), "python"))
    return "\n".join(line for line in [*lines, *_errors(one), f"Source: {linked(one.source)}."] if line) + "\n"


def _facts(one: Provider) -> Iterator[tuple[str, str]]:
    yield "server", f"`{one.host}`, port {one.port}, {one.security.value}"
    yield "password", one.password
    yield "username", f"`{one.username}`" if one.username else "the whole mail address"
    for label, value in (("limits", one.limits), ("good to know", one.quirks)):
        if value:
            yield label, value
    if one.domains:
        yield "addresses", ", ".join(one.domains)
    names = [alias for alias, name in ALIASES.items() if name == one.name]
    if names:
        yield "other names", ", ".join(f"`{alias}`" for alias in names)
    if one.spf:
        yield "SPF of your own domain", f"`include:{one.spf}`"
    if one.selectors:
        yield "DKIM selectors", ", ".join(f"`{selector}`" for selector in one.selectors)


def _errors(one: Provider) -> Iterator[str]:
    if found := provider_pages_of(one.operator):
        yield "## What it refuses, and what to do\n"
        yield "\n".join(f"- [{title}](../{path})" for title, path in found) + "\n"
