"""`sendkit explain`: what a reply means, for somebody who has only the reply."""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say
from sendkit._cli.exit_codes import ExitCode, Usage
from sendkit._smtp.pasted import find_reply

if TYPE_CHECKING:
    from sendkit import Explanation, Reply
    from sendkit._cli.options import ExplainOptions

_WIDTH = 100


def explain(options: ExplainOptions) -> ExitCode:
    """Explain the reply in the arguments or on standard input. Raises Usage where there is none."""
    reply = find_reply(" ".join(options.reply) or sys.stdin.read())
    if reply is None:
        raise Usage("no reply of a mail server was found; give it as '550 5.1.1 …'", "sendkit explain")
    explanation = reply.explain(options.host)
    if options.json:
        say(json.dumps({"reply": dataclasses.asdict(reply), **dataclasses.asdict(explanation)}, ensure_ascii=False))
    else:
        _print(reply, explanation)
    return ExitCode.ACCEPTED


def _print(reply: Reply, explanation: Explanation) -> None:
    say(painted(str(reply).replace("\n", " / "), Style.FAINT))
    say(painted(explanation.title, Style.BOLD))
    for name in ("cause", "remedy", "source"):
        label = f"  {name}:".ljust(11)
        # Addresses stay whole, so that they can be clicked.
        say(
            textwrap.fill(
                getattr(explanation, name),
                _WIDTH,
                initial_indent=label,
                subsequent_indent=" " * 11,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
