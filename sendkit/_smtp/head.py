"""The commands in front of the content (RFC 5321 section 3.3): RSET where it is due, MAIL, and RCPT for each recipient.

As steps, where their replies are to be told apart, and as the octets of all of them, where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence

from sendkit._smtp.command import command_line, command_lines
from sendkit._smtp.phase import Phase
from sendkit._smtp.steps import Command, Plan

_RSET = Command(Phase.RSET, command_line("RSET"))


def head(plan: Plan) -> list[Command]:
    """One step for each. Raises UnsafeCommand."""
    mail, *rcpt = [command_line(line, utf8=plan.utf8) for line in _lines(plan)]
    to = [Command(Phase.RCPT, line, one) for line, one in zip(rcpt, plan.recipients, strict=True)]
    return [*([_RSET] if plan.rset else []), Command(Phase.MAIL, mail), *to]


def head_octets(plan: Plan) -> tuple[bytes, int]:
    """The lines of all steps together, and how many they are. Raises UnsafeCommand."""
    lines = _lines(plan)
    if plan.rset:
        lines.insert(0, "RSET")
    return command_lines(lines, utf8=plan.utf8), len(lines)


def _lines(plan: Plan) -> list[str]:
    sender, further = plan.reverse_path, plan.for_each
    lines = [_line(f"MAIL FROM:<{sender.wire if sender else ''}>", plan.parameters)]
    for one in plan.recipients:
        line = f"RCPT TO:<{one.wire}>"
        lines.append(line if further is None else _line(line, further.get(one, ())))
    return lines


def _line(command: str, parameters: Sequence[str]) -> str:
    return f"{command} {' '.join(parameters)}" if parameters else command
