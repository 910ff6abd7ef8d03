"""What is remembered of a server between its connections, for as long as the `Server` exists; it is none of its fields.

Must not know: who connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sendkit._server.address_memory import AddressMemory
from sendkit._server.tls_memory import TLSMemory

if TYPE_CHECKING:
    from sendkit._server.server import Server


def address_memory_of(server: Server) -> AddressMemory:
    """Which of its addresses failed."""
    return cast("AddressMemory", vars(server).setdefault("_address_memory", AddressMemory()))


def tls_memory_of(server: Server) -> TLSMemory:
    """The last TLS session of the connections to it."""
    return cast("TLSMemory", vars(server).setdefault("_tls_memory", TLSMemory()))
