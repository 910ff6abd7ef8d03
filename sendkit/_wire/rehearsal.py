"""MAIL and RCPT without DATA, then RSET: what a server says to an envelope, and nothing is sent.

RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.1.5; RFC 6531 section 3.4. One command at a time.
"""

from __future__ import annotations

from sendkit._seam.log import AttemptLog
from sendkit._smtp.address import Address
from sendkit._smtp.command import command_line
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Reason, Verdict, judge_failure, judge_refusal, not_accepted
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session


async def rehearse(
    session: Session, sender: Address, recipient: Address, log: AttemptLog, limit: float
) -> Verdict | None:
    """Ask whether the server would take this envelope; returns None, or the verdict against it.

    `limit` is in seconds for each reply; those that came are in the log.
    """
    utf8 = sender.utf8 or recipient.utf8
    if utf8 and not session.capabilities.smtputf8:
        phase = Phase.MAIL if sender.utf8 else Phase.RCPT
        return not_accepted(phase, Reason.NEEDS_SMTPUTF8, "the address needs SMTPUTF8, which the server lacks")
    steps = (
        (Phase.MAIL, command_line(f"MAIL FROM:<{sender.wire}>", *(["SMTPUTF8"] if utf8 else []), utf8=utf8)),
        (Phase.RCPT, command_line(f"RCPT TO:<{recipient.wire}>", utf8=utf8)),
    )
    try:
        for phase, line in steps:
            reply = await _ask(session, phase, line, log, limit)
            if not reply.positive:
                return judge_refusal(phase, reply, stepwise=True)
        await _ask(session, Phase.RSET, command_line("RSET"), log, limit)
    except Broken as error:
        # A server that ends the session at RSET has said yes anyway.
        return None if log.phase is Phase.RSET else judge_failure(log.phase, error.failure)
    return None


async def _ask(session: Session, phase: Phase, line: bytes, log: AttemptLog, limit: float) -> Reply:
    log.phase = phase
    log.said(line.decode().rstrip())
    session.channel.check_quiet()
    session.channel.write(line)
    reply = await session.channel.reply(limit)
    log.answered(phase, reply)
    return reply
