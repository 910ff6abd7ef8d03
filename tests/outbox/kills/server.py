"""A mail server that kills a process when a message reaches a stage, and remembers every message that it has taken.

It refuses `gone@…` for good (550), and all the rest it takes. Everything is remembered before it is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self


class Mode(StrEnum):
    """What the server announces, and so how a message comes."""

    STEPWISE = "stepwise"
    PIPELINING = "pipelining"
    CHUNKING = "chunking"


ANNOUNCED = {
    Mode.STEPWISE: (),
    Mode.PIPELINING: ("PIPELINING",),
    Mode.CHUNKING: ("PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES"),
}
STAGES = ("mail", "rcpt", "data", "body", "end", "replied")


class KillingServer:
    """Use it with `with`; `kill_at(stage, nth, pid)` arms it once."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.copies: Counter[tuple[str, str]] = Counter()  # Message-ID and recipient
        self.killed = False
        self.port = 0
        self._seen: Counter[str] = Counter()
        self._armed: tuple[str, int, Callable[[], int]] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()

    def kill_at(self, stage: str, nth: int, pid: Callable[[], int]) -> None:
        """Kill that process when the nth message gets to this stage."""
        self._armed = (stage, nth, pid)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._client, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end(asyncio.all_tasks(self._loop)))
        self._loop.close()

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reached(self, stage: str) -> bool:
        """True where the client was killed just now, and hears nothing any more."""
        self._seen[stage] += 1
        if self._armed is None or self._armed[:2] != (stage, self._seen[stage]):
            return False
        pid = self._armed[2]()
        self._armed = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed = True
        return True

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _Session(self, reader, writer).hold()
        writer.close()


class _Session:
    def __init__(self, server: KillingServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._recipients: list[str] = []

    async def hold(self) -> None:
        await self._say("220 killer ESMTP")
        while line := await self._reader.readline():
            verb = line.split()[0].upper().decode()
            answer = await getattr(self, f"_{verb.lower()}")(line.decode().strip())
            if answer is None:
                return
            await self._say(answer)
            if verb in ("DATA", "BDAT") and self._server._reached("replied"):
                return

    async def _say(self, answer: str) -> None:
        self._writer.write(answer.encode() + b"\r\n")
        await self._writer.drain()

    async def _ehlo(self, line: str) -> str:
        names = ("killer", *ANNOUNCED[self._server.mode], "SIZE 10000000")
        return "\r\n".join(f"250{' ' if name == names[-1] else '-'}{name}" for name in names)

    async def _mail(self, line: str) -> str | None:
        self._recipients = []
        return None if self._server._reached("mail") else "250 2.1.0 ok"

    async def _rcpt(self, line: str) -> str | None:
        address = line.partition("<")[2].partition(">")[0]
        if self._server._reached("rcpt"):
            return None
        if address.startswith("gone"):
            return "550 5.1.1 no such user"
        self._recipients.append(address)
        return "250 2.1.5 ok"

    async def _data(self, line: str) -> str | None:
        if self._server._reached("data"):
            return None
        if not self._recipients:
            return "554 5.5.1 no valid recipients"
        await self._say("354 go on")
        lines: list[bytes] = []
        while (octets := await self._reader.readline()) != b".\r\n":
            if not octets or (len(lines) == 2 and self._server._reached("body")):
                return None
            lines.append(octets)
        return self._took(b"".join(lines))

    async def _bdat(self, line: str) -> str | None:
        octets = await self._reader.readexactly(int(line.split()[1]))
        return self._took(octets) if self._recipients else "554 5.5.1 no valid recipients"

    def _took(self, octets: bytes) -> str | None:
        head = octets.lower().partition(b"\r\n\r\n")[0]
        message_id = head.partition(b"message-id:")[2].split()[0].decode()
        for recipient in self._recipients:
            self._server.copies[message_id, recipient] += 1
        return None if self._server._reached("end") else "250 2.0.0 queued"

    async def _rset(self, line: str) -> str:
        return "250 2.0.0 ok"

    async def _quit(self, line: str) -> str:
        return "221 2.0.0 bye"
