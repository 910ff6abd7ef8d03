"""The scripted server and the accounts of the wire's own tests, for attackers."""

from __future__ import annotations

from tests.wire.conftest import account, server, start

__all__ = ["account", "server", "start"]
