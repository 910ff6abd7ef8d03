"""The transports that SENDKIT_TRANSPORT names: `memory`, `console`, `file:DIR`. Each is imported when it is used."""

from __future__ import annotations

from sendkit._seam.transport import Transport
from sendkit.errors import ConfigurationError


def named_transport(text: str) -> Transport:
    """The transport of that name. Raises ConfigurationError."""
    name, _, folder = text.strip().partition(":")
    match name.lower(), folder:
        case "memory", "":
            from sendkit._transport.memory import MemoryTransport  # noqa: PLC0415 - see the law of this file

            return MemoryTransport()
        case "console", "":
            from sendkit._transport.console import ConsoleTransport  # noqa: PLC0415 - as above

            return ConsoleTransport()
        case "file", folder if folder:
            from sendkit._transport.file import FileTransport  # noqa: PLC0415 - as above

            return FileTransport(folder)
        case _:
            hint = "write memory, console, or file:DIR with the folder that the messages go to"
            raise ConfigurationError(f"SENDKIT_TRANSPORT: unknown transport {text!r}", hint=hint)
