"""How letters of the outbox look on a terminal: a line for a list, and a page for one."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say
from sendkit._cli.exit_codes import ExitCode
from sendkit.outbox import LetterState, RecipientState

if TYPE_CHECKING:
    from sendkit.outbox import AttemptRecord, Counts, LetterStatus, RecipientStatus
    from sendkit.outbox._health import Health

_STYLES = {
    RecipientState.ACCEPTED: Style.GREEN,
    RecipientState.REJECTED: Style.RED,
    RecipientState.EXPIRED: Style.RED,
    RecipientState.IN_DOUBT: Style.YELLOW,
}
_CODES = (
    (RecipientState.IN_DOUBT, ExitCode.IN_DOUBT),
    (RecipientState.WAITING, ExitCode.DEFERRED),
    (RecipientState.SENDING, ExitCode.DEFERRED),
    (RecipientState.REJECTED, ExitCode.REJECTED),
    (RecipientState.EXPIRED, ExitCode.REJECTED),
)


def show_line(letter: LetterStatus) -> None:
    """A letter in a line."""
    states = Counter(one.state for one in letter.recipients)
    what = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in states.items())
    addresses = [one.address for one in letter.recipients]
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    when = f", next {_time(letter.due)}" if letter.due else ""
    say(f"{letter.id[:12]}  {_time(letter.created)}  {letter.state:<8}{addresses[0]}{more}: {what}{when}")


def show_letter(letter: LetterStatus) -> None:
    """A letter with its whole history."""
    say(f"{letter.id}  {letter.state}" + (f" ({letter.reason})" if letter.reason else ""))
    told = {
        "message": letter.message_id,
        "key": letter.key,
        "account": letter.account,
        "lane": letter.lane,
        "put": _time(letter.created),
        "next try": _time(letter.due) if letter.due else None,
        "expires": None if letter.state is LetterState.SETTLED else _time(letter.expires),
        "settled": _time(letter.settled) if letter.settled else None,
    }
    for name, value in told.items():
        if value:
            say(f"  {name:<9} {value}")
    for one in letter.recipients:
        _show_recipient(one)
    for record in letter.history:
        _show_attempt(record)


def show_doubt(letter: LetterStatus) -> None:
    """What a person needs to decide: the message, the server, the time and the recipients."""
    asked = [attempt for record in letter.history for attempt in record.attempts]
    server = asked[-1].server if asked else letter.account  # a worker that was killed wrote nothing down
    for one in letter.recipients:
        if one.state is RecipientState.IN_DOUBT:
            say(f"{letter.id[:12]}  {one.address}")
            say(f"    Message-ID {letter.message_id or 'none'}")
            say(f"    {server}, {_time(one.at) if one.at else 'unknown'}: {one.reason or one.reply or ''}")
            short = letter.id[:12]
            say(f"    sendkit outbox retry {short}   (may make a copy), or: sendkit outbox forget {short}")


def show_counts(counts: Counts) -> None:
    """The counts, by state and account."""
    for state, count in counts.letters.items():
        say(f"{state:<9} {count}")
    say(f"in doubt  {counts.in_doubt} recipients")
    if counts.oldest:
        say(f"oldest    {_time(counts.oldest)}")
    if len(counts.accounts) > 1:
        for name, states in counts.accounts.items():
            say(f"{name}: " + ", ".join(f"{count} {state}" for state, count in states.items() if count))
    if counts.paused:
        say(f"paused: {counts.paused}")


def show_health(health: Health) -> None:
    """The state of the outbox, its problems first."""
    for problem in health.problems:
        say(f"{painted('problem', Style.RED)}  {problem}")
    say(f"place     {health.place} (tables of version {health.version})")
    say(f"clock     {health.clock:%Y-%m-%d %H:%M:%S} UTC")
    for worker in health.workers:
        served = "every account" if worker.accounts is None else ", ".join(worker.accounts)
        alive = f"alive, for {served}" if worker.alive else "ended; its letters are taken over by the next one"
        say(f"worker    {worker.id}: {alive}")
    show_counts(health.counts)


def exit_code_of(letter: LetterStatus) -> ExitCode:
    """What a script is told of a letter: what needs most care."""
    states = {one.state for one in letter.recipients}
    return next((code for state, code in _CODES if state in states), ExitCode.ACCEPTED)


def _show_recipient(one: RecipientStatus) -> None:
    words = "; ".join(filter(None, (one.reply, one.reason)))
    styles = [_STYLES[one.state]] if one.state in _STYLES else []
    state = painted(f"{one.state.replace('_', ' '):<9}", *styles)
    say(f"  {state} {one.address}" + (f": {words}" if words else ""))


def _show_attempt(record: AttemptRecord) -> None:
    if record.note:
        say(f"  {_time(record.at)}  {record.note}")
    for attempt in record.attempts:
        outcome = "taken" if attempt.error is None else f"{attempt.error.phase}: {attempt.error.message}"
        say(f"  {_time(record.at)}  {attempt.server}  {outcome}")
        for line in attempt.transcript or ():
            say(f"      {line}")


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
