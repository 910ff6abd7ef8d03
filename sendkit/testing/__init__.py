"""For the tests of applications that send mail: a real local server that a test scripts, a check that no secret leaks,
and the contract of transports.

Everything here is public, and loaded when it is first used, so that it costs a test run nothing unless it is used.
Must not know: pytest (only `plugin` does), or any server but its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._lazy import attribute

if TYPE_CHECKING:
    from sendkit._message.preview import preview
    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.parts import ReceivedPart
    from sendkit._reading.received import ReceivedMessage
    from sendkit._reading.sent import Sent
    from sendkit._transport.rules import Action, ActionKind
    from sendkit._transport.script import ConnectRule, Fault, Rule
    from sendkit.testing._box import Box
    from sendkit.testing._expected import Expected
    from sendkit.testing._mailbox import MemoryMailbox
    from sendkit.testing._outbox import MemoryOutbox
    from sendkit.testing._replay import Replay
    from sendkit.testing._tape import record
    from sendkit.testing.contract import TransportContract
    from sendkit.testing.local_server import LocalServer
    from sendkit.testing.secrets import SecretWatch, assert_no_secret_leaks

__all__ = [
    "Action",
    "ActionKind",
    "Box",
    "CaughtMessage",
    "ConnectRule",
    "Expected",
    "Fault",
    "LocalServer",
    "MemoryMailbox",
    "MemoryOutbox",
    "ReceivedMessage",
    "ReceivedPart",
    "Replay",
    "Rule",
    "SecretWatch",
    "Sent",
    "TransportContract",
    "assert_no_secret_leaks",
    "preview",
    "record",
]

_HOMES = {
    "Action": "_transport.rules",
    "ActionKind": "_transport.rules",
    "Box": "testing._box",
    "CaughtMessage": "_reading.caught",
    "ConnectRule": "_transport.script",
    "Expected": "testing._expected",
    "Fault": "_transport.script",
    "LocalServer": "testing.local_server",
    "MemoryMailbox": "testing._mailbox",
    "MemoryOutbox": "testing._outbox",
    "ReceivedMessage": "_reading.received",
    "ReceivedPart": "_reading.parts",
    "Replay": "testing._replay",
    "Rule": "_transport.script",
    "SecretWatch": "testing.secrets",
    "Sent": "_reading.sent",
    "TransportContract": "testing.contract",
    "assert_no_secret_leaks": "testing.secrets",
    "preview": "_message.preview",
    "record": "testing._tape",
}


def __getattr__(name: str) -> object:
    return attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return __all__
