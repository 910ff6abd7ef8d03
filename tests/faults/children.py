"""Programs that the tests start as processes of their own, since they are interrupted, or fork.

`python -m tests.faults.children NAME PORT CA_FILE` prints one line of JSON. Must not know: the server but by its port.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING

from sendkit import AsyncMailer, DeliveryResult, Mailer, Message, Security, Server

if TYPE_CHECKING:
    from collections.abc import Callable

USER, PASSWORD = "ana@example.com", "correct horse"


def _server(port: int, ca_file: str) -> Server:
    return Server("127.0.0.1", port, Security.STARTTLS, ca_file=ca_file)


def _mailer(port: int, ca_file: str) -> Mailer:
    return Mailer(_server(port, ca_file), username=USER, password=PASSWORD)


def _message(subject: str) -> Message:
    return Message(sender=USER, to="a@example.net", subject=subject, text="Hola")


def _outcome(result: DeliveryResult | None) -> str | None:
    return None if result is None else result.recipients["a@example.net"].outcome.value


def interrupted(port: int, ca_file: str) -> object:
    """Ctrl-C in a send, and then another message."""
    with _mailer(port, ca_file) as mailer:
        try:
            mailer.send(_message("interrupted"))
        except KeyboardInterrupt as interrupt:
            first = _outcome(vars(interrupt).get("result"))
        return [first, _outcome(mailer.send(_message("after it"), check=False))]


def interrupted_async(port: int, ca_file: str) -> object:
    """Ctrl-C under asyncio.run()."""
    seen: list[str | None] = []

    async def main() -> None:
        async with AsyncMailer(_server(port, ca_file), username=USER, password=PASSWORD) as mailer:
            try:
                await mailer.send(_message("interrupted"))
            except asyncio.CancelledError as cancelled:
                seen.append(_outcome(vars(cancelled).get("result")))
                raise

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        seen.append("interrupted")
    return seen


def forked(port: int, ca_file: str) -> object:
    """One mailer, already connected; parent and child go on with it."""
    mailer = _mailer(port, ca_file)
    outcomes = [_outcome(mailer.send(_message("before")))]
    # From Python 3.12 on: our thread takes no lock that the child would need.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    if (child := os.fork()) == 0:
        # Ends as a program does, so that everything which runs at its exit may disturb the parent.
        mailer.send(_message("child"))
        sys.exit(7)
    _, status = os.waitpid(child, 0)
    outcomes += [_outcome(mailer.send(_message("parent"))), str(os.waitstatus_to_exitcode(status))]
    mailer.close()
    return outcomes


def inside_a_loop(port: int, ca_file: str) -> object:
    """The synchronous mailer, twice, where an event loop runs."""
    mailer = _mailer(port, ca_file)

    async def main() -> list[str | None]:
        return [_outcome(mailer.send(_message(str(number)))) for number in range(2)]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcomes = asyncio.run(main())
    mailer.close()
    return [*outcomes, *(f"{warning.category.__name__}: {warning.message}" for warning in caught)]


_CHILDREN: dict[str, Callable[[int, str], object]] = {
    child.__name__: child for child in (interrupted, interrupted_async, forked, inside_a_loop)
}

if __name__ == "__main__":
    # A program that is started in the background may have been told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(json.dumps(_CHILDREN[sys.argv[1]](int(sys.argv[2]), sys.argv[3])))  # noqa: T201 - a command line prints
