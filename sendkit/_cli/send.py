"""`sendkit send`: one message, from arguments and standard input to a report and an exit code."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sendkit import errors
from sendkit._cli.console import complain, say, say_octets
from sendkit._cli.exit_codes import ExitCode, exit_code
from sendkit._cli.in_flags import in_flags
from sendkit._cli.mailer import mailer_for, policy_for
from sendkit._cli.message import message_of
from sendkit._cli.outcome import print_failure, print_recipients
from sendkit._cli.progress import bar, connecting, waits
from sendkit._cli.signals import INTERRUPTS, settled
from sendkit._cli.submission import tell_ignored, wishes
from sendkit._delivery.retries import plain_policy
from sendkit._message.compose import compose
from sendkit._message.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sendkit import DeliveryResult, ReadyMessage
    from sendkit._cli.options import DeliveryOptions, SendOptions

_MISSED = {"empty", "cid-missing"}


def send(options: SendOptions) -> ExitCode:
    """Send, and report. Raises SendkitError for what the caller must fix, and KeyboardInterrupt, after the report."""
    redirected = ", ".join(options.to) if options.message is not None and options.to else None
    return deliver(lambda: message_of(options), options, redirected)


def deliver(
    make: Callable[[], Message | ReadyMessage], options: DeliveryOptions, recipients: str | None = None
) -> ExitCode:
    """Make a message, and send, show or print it, as `send`; `recipients` replace those of its headers."""
    try:
        message = make()
        if options.dry_run:
            return _show(message, options, recipients)
        if options.preview:
            return _preview(message, options, recipients)
        if options.check:
            return _check(message, options, recipients)
        _warn(message)
        with conversation(shown=options.verbose):
            result = _deliver(message, options, recipients)
    except errors.SendkitError as error:
        if options.json:
            from sendkit.results import failed_before_sending  # noqa: PLC0415 - pydantic, 100 ms

            _report(failed_before_sending(error), options)
        raise
    except INTERRUPTS as interrupt:
        if (so_far := getattr(interrupt, "result", None)) is not None:
            _report(so_far, options)
        raise
    _report(result, options)
    tell_ignored(result)
    print_failure(result, recipients_printed=not options.json)
    return exit_code(result)


def _deliver(message: Message | ReadyMessage, options: DeliveryOptions, recipients: str | None) -> DeliveryResult:
    result = None
    try:
        retry = policy_for(options, waits())
        with mailer_for(options, retry=retry, deadline=options.deadline) as mailer:
            connecting(mailer)
            result = mailer.send(
                message,
                envelope_from=options.envelope_from,
                recipients=recipients,
                check=False,
                on_progress=None if options.verbose else bar(),
                options=wishes(options),
            )
            settled()
    except INTERRUPTS as interrupt:
        if result is not None:  # it came when every recipient was settled, and only QUIT was left
            vars(interrupt)["result"] = result
        raise
    return result


def _warn(message: Message | ReadyMessage) -> None:
    """Say what its reader would miss: the text, or a picture."""
    if isinstance(message, Message) and (message.html is not None or not (message.text or "").strip()):
        for advice in message.lint():
            if advice.code in _MISSED:
                complain(f"warning: {advice.text}; {in_flags(advice.hint)}")


def _report(result: DeliveryResult, options: DeliveryOptions) -> None:
    if options.json:
        say(result.model_dump_json(indent=2))
    else:
        print_recipients(result)


def _show(message: Message | ReadyMessage, options: DeliveryOptions, recipients: str | None) -> ExitCode:
    letter = compose(message, envelope_from=options.envelope_from, recipients=recipients)
    say_octets(b"".join(letter.content.blocks()).replace(b"\r\n", b"\n"))
    envelope = letter.envelope
    complain(f"sendkit: nothing was sent; from <{envelope.reverse_path}> to {', '.join(envelope.recipients)}")
    return ExitCode.ACCEPTED


def _preview(message: Message | ReadyMessage, options: DeliveryOptions, recipients: str | None) -> ExitCode:
    from sendkit._message.preview import preview  # noqa: PLC0415 - it brings the page

    page = preview(message, envelope_from=options.envelope_from, recipients=recipients)
    say(str(page))
    complain("sendkit: nothing was sent; the page is open in the browser")
    return ExitCode.ACCEPTED


def _check(message: Message | ReadyMessage, options: DeliveryOptions, recipients: str | None) -> ExitCode:
    with mailer_for(options, retry=plain_policy(max_attempts=1), deadline=options.deadline) as mailer:
        found = mailer.preflight(message, envelope_from=options.envelope_from, recipients=recipients)
    for advice in found:
        say(in_flags(str(advice)))
    complain(f"sendkit: nothing was sent; {len(found) or 'no'} remarks on the message")
    return ExitCode.MESSAGE if found else ExitCode.ACCEPTED


@contextmanager
def conversation(*, shown: bool) -> Generator[None]:
    """Show the conversation with the server on standard error while the block runs."""
    if not shown:
        yield
        return
    logger, handler = logging.getLogger("sendkit.smtp"), logging.StreamHandler(sys.stderr)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
