"""`sendkit explain`: what a reply, a traceback or a log line means, for somebody who has only that."""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say
from sendkit._cli.exit_codes import ExitCode, Usage
from sendkit._smtp.symptoms import explain_text

if TYPE_CHECKING:
    from sendkit._cli.options import ExplainOptions
    from sendkit._smtp.symptoms import Finding

_WIDTH = 100


def explain(options: ExplainOptions) -> ExitCode:
    """Explain what stands in the arguments or on standard input. Raises Usage where nothing of it is known."""
    text = "" if options.reply == ("-",) else " ".join(options.reply)
    text = text or ("" if sys.stdin is None else sys.stdin.read())  # None where it was closed
    found = explain_text(text, options.host)
    if found is None:
        raise Usage(
            "nothing in this text is known; give a server's reply ('550 5.1.1 …'), or the last lines of the error",
            "sendkit explain",
        )
    if options.json:
        reply = dataclasses.asdict(found.reply) if found.reply else None
        say(json.dumps({"reply": reply, **dataclasses.asdict(found.explanation)}, ensure_ascii=False))
    else:
        _print(found)
    return ExitCode.ACCEPTED


def _print(found: Finding) -> None:
    if found.reply is not None:
        say(painted(str(found.reply).replace("\n", " / "), Style.FAINT))
    explanation = found.explanation
    say(painted(explanation.title, Style.BOLD))
    remedy = "remedy" if explanation.elsewhere is None else "sendkit"
    for label, text in (
        ("cause", explanation.cause),
        (remedy, explanation.remedy),
        *([("others", explanation.elsewhere)] if explanation.elsewhere else []),
        ("source", explanation.source),
    ):
        # Addresses stay whole, so that they can be clicked.
        say(
            textwrap.fill(
                text,
                _WIDTH,
                initial_indent=f"  {label}:".ljust(11),
                subsequent_indent=" " * 11,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
