"""A real name server on loopback that answers SRV and TXT questions from tables, and records what it was asked.

Knows: its thread, its socket, dnspython's messages. Must not know: who asks. A name that is in no table does not
exist; one that is there with nothing has no such record; `broken` answers SERVFAIL to everything, `silent` nothing.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """`with NameServer({"_submissions._tcp.example.com": ["0 1 465 smtp.example.com."]}) as server:`."""

    def __init__(
        self,
        records: Mapping[str, Sequence[str]],
        *,
        texts: Mapping[str, Sequence[str]] | None = None,
        broken: bool = False,
        silent: bool = False,
    ) -> None:
        self._tables: dict[str, Mapping[str, Sequence[str]]] = {"SRV": records, "TXT": texts or {}}
        self._broken, self._silent = broken, silent
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, name="nameserver", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # An empty datagram says that it is over.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    @property
    def resolver(self) -> dns.asyncresolver.Resolver:
        """A resolver that asks this server alone."""
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self.port
        resolver.lifetime = 5.0
        return resolver

    def _serve(self) -> None:
        while True:
            octets, client = self._socket.recvfrom(4096)
            if not octets:
                return
            answer = self._answer(dns.message.from_wire(octets))
            if not self._silent:
                self._socket.sendto(answer.to_wire(), client)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        name = question.question[0].name
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        text = name.to_text(omit_final_dot=True)
        self.asked.append(text)
        if self._broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not any(text in table for table in self._tables.values()):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif records := self._tables.get(kind, {}).get(text):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
        return answer
