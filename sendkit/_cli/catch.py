"""`sendkit catch`: a server that takes every message and passes none on, and a page that shows them, until Ctrl-C.

Prints what a program must be told to send there, and a line for each message as it comes. What a stranger wrote reaches
the terminal as printable characters only.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say
from sendkit._cli.demo_view import fact, title
from sendkit._cli.exit_codes import ExitCode
from sendkit._page.browser import opened
from sendkit._page.server import PageServer
from sendkit._server.folders import state_folder
from sendkit.errors import ConfigurationError
from sendkit.testing import LocalServer

if TYPE_CHECKING:
    from sendkit._cli.options import CatchOptions
    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.collection import Refusal

_GLANCE = 0.5  # seconds; a wait without end would not hear Ctrl-C on every system


def _check_folder(folder: Path) -> None:
    """Raise ConfigurationError now where no message could be put there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        words = f"messages cannot be kept in {folder}: {error.strerror or type(error).__name__}"
        raise ConfigurationError(words, hint="name a folder that this user may write to") from None


def catch(options: CatchOptions) -> ExitCode:
    """Catch mail until Ctrl-C. Raises ConfigurationError when its extra is not installed, or a port is taken."""
    given = os.environ.get("SENDKIT_PASSWORD")
    if options.keep is not None:
        _check_folder(options.keep)
    server = LocalServer(
        username=options.user,
        password=given,
        directory=options.keep,
        port=options.port,
        plain=options.plain,
        lmtp=options.lmtp,
        certificate=state_folder() / "catch",
        limit=options.limit,
    )
    with server, PageServer(server, port=options.web_port) as page:
        _introduce(server, page, secret=bool(given))
        with opened(page.url) if options.open_browser else nullcontext():
            try:
                _follow(server)
            except KeyboardInterrupt:
                say()
    count = server.collection.total
    say(f"{count} message{'' if count == 1 else 's'} caught" + (f", kept in {options.keep}" if options.keep else ""))
    return ExitCode.ACCEPTED


def _introduce(server: LocalServer, page: PageServer, *, secret: bool) -> None:
    title("Mail is caught here, and goes no further", "Ctrl-C ends it")
    fact("page", painted(page.url, Style.CYAN))
    how = "STARTTLS and a login, or neither" if server.plain else "STARTTLS"
    fact("server", f"{server.host}:{server.port}, {'LMTP, without TLS or a login' if server.lmtp else how}")
    if not server.lmtp:
        fact("username", server.username)
        fact("password", "that of SENDKIT_PASSWORD" if secret else server.password)
        fact("CA file", str(server.ca_file))
    title("The same for the environment of a program")
    for name, value in server.environment.items():
        if not (secret and name == "SENDKIT_PASSWORD"):
            say(f"   export {name}={shlex.quote(value)}")
    title("What comes")


def _follow(server: LocalServer) -> None:
    collection, seen, told = server.collection, 0, 0
    while True:
        news = collection.news(seen)
        seen = news.version
        for number in news.added:
            if (message := collection.get(number)) is not None:
                _print(message)
        refusals, refused = [*collection.refusals], collection.refused
        for refusal in refusals[max(0, len(refusals) - (refused - told)) :]:
            _print_refusal(refusal)
        told = refused
        with collection.changed:
            collection.changed.wait_for(lambda: collection.version != seen, _GLANCE)  # noqa: B023 - called at once


def _print_refusal(refusal: Refusal) -> None:
    when = refusal.when.astimezone().strftime("%H:%M:%S")
    say(f"   {when}  {painted('refused', Style.RED)}: {refusal.why}; {refusal.hint}")


def _print(message: CaughtMessage) -> None:
    when = message.when.astimezone().strftime("%H:%M:%S") if message.when else ""
    to = ", ".join(message.envelope.recipients)
    subject = painted(_printable(message.subject) or "(no subject)", Style.BOLD)
    say(f"   {when}  {subject}  {painted(_printable(f'{message.sender} → {to}'), Style.FAINT)}")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)
