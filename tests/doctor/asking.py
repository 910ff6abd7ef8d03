"""What tests ask a diagnosis."""

from __future__ import annotations

import asyncio

from sendkit import AsyncMailer, Diagnosis, Finding
from sendkit._doctor import Check, Status
from tests.servers.scripted import ScriptedServer
from tests.servers.skipping import move_on

ON_THE_WAY = [
    Check.RESOLVE,
    Check.CONNECT,
    Check.GREETING,
    Check.EHLO,
    Check.TLS,
    Check.CERTIFICATE,
    Check.SIZE,
    Check.OPTIONS,
]


DOMAIN = [Check.SPF, Check.DKIM, Check.DMARC, Check.ALIGNMENT]


async def diagnosis_of(mailer: AsyncMailer, **settings: object) -> Diagnosis:
    """What the doctor says of a mailer that is closed afterwards."""
    async with mailer:
        return await mailer.diagnose(**settings)  # type: ignore[arg-type]


async def diagnosis_at(verb: str, server: ScriptedServer, mailer: AsyncMailer) -> Diagnosis:
    """The same when the limit ends as soon as the server, which does not answer, has heard this command."""
    asking = asyncio.create_task(diagnosis_of(mailer, limit=3600))
    await asyncio.to_thread(server.wait_for, lambda: any(line.startswith(verb) for line in server.lines()))
    move_on(3600)
    return await asking


async def fault_of(mailer: AsyncMailer, **settings: object) -> Finding:
    """The first line, which is a failure with a remedy, and the only one."""
    diagnosis = await diagnosis_of(mailer, **settings)
    first = diagnosis.findings[0]
    assert diagnosis.failures == (first,)
    assert (diagnosis.ok, first.status) == (False, Status.FAILURE)
    assert first.remedy
    return first


def checks(diagnosis: Diagnosis, status: Status = Status.OK) -> list[Check]:
    """What was looked at and found so."""
    return [finding.check for finding in diagnosis.findings if finding.status is status]
