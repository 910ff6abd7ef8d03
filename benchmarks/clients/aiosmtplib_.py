"""aiosmtplib: what every ratio is measured against. With several connections, a task for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiosmtplib

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, Client, Target
from benchmarks.clients.stdlib_message import email_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.letter import Letter


class Aiosmtplib(Client):
    def open(self, target: Target, connections: int) -> None:
        self._runner = asyncio.Runner()
        self._connections = self._runner.run(self._connect(target, connections))

    def send_all(self, letters: Iterable[Letter]) -> None:
        self._runner.run(self._send_all(iter(letters)))

    def close(self) -> None:
        self._runner.run(self._quit())
        self._runner.close()

    @staticmethod
    async def _connect(target: Target, connections: int) -> list[aiosmtplib.SMTP]:
        made = [
            aiosmtplib.SMTP(
                hostname=HOST,
                port=target.port,
                start_tls=True,
                tls_context=target.context,
                local_hostname="localhost",
                username=USERNAME,
                password=PASSWORD,
            )
            for _ in range(connections)
        ]
        await asyncio.gather(*(connection.connect() for connection in made))
        return made

    async def _send_all(self, letters: Iterator[Letter]) -> None:
        async def work(connection: aiosmtplib.SMTP) -> None:
            for letter in letters:
                refused, _ = await connection.send_message(email_message(letter))
                assert not refused

        await asyncio.gather(*map(work, self._connections))

    async def _quit(self) -> None:
        for connection in self._connections:
            await connection.quit()
