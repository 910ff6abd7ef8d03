"""`sendkit doctor`: what keeps an account from sending, the worst first, for a person or for a program."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say
from sendkit._cli.exit_codes import ExitCode, exit_code_of
from sendkit._cli.in_flags import in_flags
from sendkit._cli.mailer import mailer_for
from sendkit._cli.message import ready_message
from sendkit._doctor import Finding, Status
from sendkit._doctor.diagnosis import in_shell
from sendkit._plan.named import account_named

if TYPE_CHECKING:
    from sendkit._cli.options import DoctorOptions

_STYLES = {Status.OK: Style.GREEN, Status.WARNING: Style.YELLOW, Status.FAILURE: Style.RED}
_INDENT = " " * 21
# Names and addresses stay whole, so that they can be copied.
_WRAPPER = textwrap.TextWrapper(
    110, initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
)


def doctor(options: DoctorOptions) -> ExitCode:
    """Examine the account, and report. Raises ConfigurationError, MessageError."""
    message = None if options.message is None else ready_message(options.message)
    with mailer_for(options) as mailer:
        found = mailer.diagnose(
            sender=_sender(options),
            to=options.to,
            limit=options.limit,
            dkim_selector=options.dkim_selector,
            message=message,
        )
    diagnosis = in_shell(found)
    if options.json:
        say(diagnosis.model_dump_json(indent=2))
    else:
        several = len({finding.server for finding in diagnosis.findings if finding.server}) > 1
        for finding in diagnosis.findings:
            _print(finding, several=several)
    return exit_code_of(diagnosis)


def _sender(options: DoctorOptions) -> str | None:
    named = account_named(options.account).sender if options.account else os.environ.get("SENDKIT_FROM")
    return options.sender or named or None


def _print(finding: Finding, *, several: bool) -> None:
    server = f"{finding.server}: " if several and finding.server else ""
    status = painted(f"{finding.status.value:<8}", _STYLES[finding.status])
    say(f"{status} {finding.check.value:<11} {_wrapped(server + finding.text)}")
    if finding.remedy:
        say(f"{_INDENT}{_wrapped('→ ' + in_flags(finding.remedy))}")


def _wrapped(text: str) -> str:
    lines = [_WRAPPER.fill(line) for line in text.splitlines()]
    return "\n".join(lines).removeprefix(_INDENT)
