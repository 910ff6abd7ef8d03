"""`sendkit outbox`: the outbox for shells, cron, systemd and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sendkit._cli import outbox_view as view
from sendkit._cli.console import say
from sendkit._cli.exit_codes import ExitCode
from sendkit.outbox import Outbox
from sendkit.outbox._place import check_no_password

if TYPE_CHECKING:
    from sendkit._cli.options import OutboxOptions


def outbox(options: OutboxOptions) -> ExitCode:
    """Carry out one action. Raises OutboxError, ConfigurationError."""
    if options.database is not None:
        check_no_password(options.database)
    if options.action == "run":
        from sendkit._cli.outbox_run import run  # noqa: PLC0415 - it brings asyncio

        return run(options)
    if options.action == "migrate":
        return _migrate(options)
    with Outbox(options.database) as opened:
        action = _ACTIONS.get(options.action)
        return action(opened, options) if action else _order(opened, options)


def _list(opened: Outbox, options: OutboxOptions) -> ExitCode:
    letters = opened.letters(
        state=options.state,
        recipient_state="in_doubt" if options.in_doubt else None,
        recipient=options.recipient,
        lane=options.lane,
        key=options.key,
        account=options.accounts[0] if options.accounts else None,
        limit=options.limit,
    )
    shown = 0
    for letter in letters:
        shown += 1
        if options.json:
            say(letter.model_dump_json())
        elif options.in_doubt:
            view.show_doubt(opened.status(letter.id))
        else:
            view.show_line(letter)
    if not shown and not options.json:
        say("no letters")
    return ExitCode.ACCEPTED


def _status(opened: Outbox, options: OutboxOptions) -> ExitCode:
    for uid in options.letters:
        letter = opened.status(uid)
        if options.json:
            say(letter.model_dump_json())
        else:
            view.show_letter(letter)
    return ExitCode.ACCEPTED


def _wait(opened: Outbox, options: OutboxOptions) -> ExitCode:
    codes: list[ExitCode] = []
    for uid in options.letters:
        try:
            letter = opened.wait(uid, timeout=options.timeout)
        except TimeoutError as error:
            say(str(error))
            return ExitCode.DEFERRED
        say(letter.model_dump_json()) if options.json else view.show_letter(letter)
        codes.append(view.exit_code_of(letter))
    return max(codes)


def _counts(opened: Outbox, options: OutboxOptions) -> ExitCode:
    found = opened.counts()
    say(found.model_dump_json()) if options.json else view.show_counts(found)
    return ExitCode.ACCEPTED


def _doctor(opened: Outbox, options: OutboxOptions) -> ExitCode:
    found = opened.health()
    say(found.model_dump_json()) if options.json else view.show_health(found)
    return ExitCode.DEFERRED if found.problems else ExitCode.ACCEPTED


def _order(opened: Outbox, options: OutboxOptions) -> ExitCode:
    """Cancel, hold, release, retry and forget."""
    for uid in options.letters:
        changed = getattr(opened, options.action)(uid)
        letter = opened.status(uid)
        if options.json:
            say(letter.model_dump_json())
        else:
            say(f"{letter.id[:12]}  {options.action}: {'done' if changed else 'nothing to do'}, it is {letter.state}")
    return ExitCode.ACCEPTED


def _flush(opened: Outbox, options: OutboxOptions) -> ExitCode:
    names: Iterator[str | None] = iter(options.accounts or (None,))
    count = sum(opened.flush(account=name) for name in names)
    say(f"{count} letters are tried now")
    return ExitCode.ACCEPTED


def _pause(opened: Outbox, options: OutboxOptions) -> ExitCode:
    (opened.pause if options.action == "pause" else opened.resume)(options.lane)
    what = "everything" if options.lane is None else options.lane or "the lane without a name"
    say(f"{'paused' if options.action == 'pause' else 'resumed'}: {what}")
    return ExitCode.ACCEPTED


def _rate(opened: Outbox, options: OutboxOptions) -> ExitCode:
    rate = None if options.rate == "none" else options.rate
    opened.rate(options.lane or "", rate)
    say(f"lane {options.lane!r}: {rate or 'no limit'}")
    return ExitCode.ACCEPTED


def _purge(opened: Outbox, options: OutboxOptions) -> ExitCode:
    found = opened.purge(content_after=options.content_after, rows_after=options.rows_after)
    if options.json:
        say(f'{{"contents": {found.contents}, "letters": {found.letters}}}')
    else:
        say(f"deleted: the content of {found.contents} letters, and {found.letters} letters")
    return ExitCode.ACCEPTED


def _migrate(options: OutboxOptions) -> ExitCode:
    if options.sql:
        from sendkit.outbox._place import place_of  # noqa: PLC0415 - for this alone
        from sendkit.outbox._schema import migration_sql  # noqa: PLC0415 - as above

        say(migration_sql(place_of(options.database).texts))
        return ExitCode.ACCEPTED
    with Outbox(options.database) as opened:
        found = opened.health()  # opening it brings the tables up to date
    say(f"{found.place}: tables of version {found.version}")
    return ExitCode.ACCEPTED


_ACTIONS: dict[str, Callable[[Outbox, OutboxOptions], ExitCode]] = {
    "list": _list,
    "status": _status,
    "wait": _wait,
    "counts": _counts,
    "doctor": _doctor,
    "flush": _flush,
    "pause": _pause,
    "resume": _pause,
    "rate": _rate,
    "purge": _purge,
}
