"""After a login: offers to remember what the server offers, for the account of the configuration file that it is.

A library writes no file unasked, and neither does a command: it asks a person, and changes nothing else in the file.
Must not know: what is remembered, or how.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._accounts.config import config_file
from sendkit._cli.console import say
from sendkit._plan.named import account_named, account_names
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server

_QUESTION = (
    "Remember what {host} offers, so that an attacker cannot remove it later? It becomes\n"
    "known_hosts = true of the account {name} in {path}. [y/N] "
)


def offer_known_hosts(server: Server, username: str) -> None:
    """Ask for each account that is this one and has no such memory, where a person can answer."""
    try:
        path = config_file()
    except ConfigurationError:  # no home, so no accounts
        return
    if sys.stdin is None or not sys.stdin.isatty() or not path.exists():
        return
    for name in _without_memory(path, server, username):
        say(_QUESTION.format(host=server.host, name=name, path=path).rstrip())
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            say(_turned_on(path, name))


def _without_memory(path: Path, server: Server, username: str) -> list[str]:
    try:
        accounts = [account_named(name, path) for name in account_names(path)]
    except ConfigurationError:
        return []  # the login itself is done, and whoever uses the file is told what is wrong with it
    return [
        account.name
        for account in accounts
        if account.server.host == server.host and account.username == username and account.server.known_hosts is None
    ]


def _turned_on(path: Path, name: str) -> str:
    text = path.read_text(encoding="utf-8")
    header = re.compile(rf"""^\[accounts\.(?:{re.escape(name)}|"{re.escape(name)}")\][ \t]*(?:#.*)?$""", re.MULTILINE)
    found = header.findall(text)
    if len(found) != 1:
        return f"Its table was not found in {path}: write known_hosts = true below [accounts.{name}]."
    _replace(path, header.sub(lambda match: f"{match.group()}\nknown_hosts = true", text))
    return f"known_hosts = true is now in {path}."


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, with the modes that it had."""
    target = path.resolve()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, prefix=".", delete=False) as new:
        new.write(text)
    Path(new.name).chmod(target.stat().st_mode & 0o777)
    Path(new.name).replace(target)
