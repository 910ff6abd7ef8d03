"""What anything means that people paste when mail does not go out: a reply, a traceback, a log line, a returned mail.

A reply of the server says most, wherever it stands; without one, the tables of symptoms are asked, the most telling
first. Must not know where the text comes from, or how it is shown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sendkit._smtp.explain import Explanation, by_words, explain
from sendkit._smtp.hints import Caller, Facts, Trouble, advise
from sendkit._smtp.pasted import find_reply
from sendkit._smtp.reason import Reason

if TYPE_CHECKING:
    from sendkit._providers.explanations.symptom import Symptom
    from sendkit._smtp.reply import Reply

_ENOUGH = 100_000  # characters; a longer text is a log, and what is asked about stands at its end
_LEADING = re.compile(r"\s*[245][0-5]\d[ -]")
_TUPLE = re.compile(r"\(\s*[45][0-5]\d, ?b?['\"]")
_ELSEWHERE = "the same, but put the password or the token into the settings of that program"
_BY_WORDS = "the same, in the settings of that program"
_TRACEBACK = "Traceback (most recent call last)"
# RFC 3464 section 2.3.6; a folded line goes on after white space.
_DIAGNOSTIC = re.compile(r"^Diagnostic-Code:\s*smtp\s*;\s*(.+(?:\n[ \t]+.+)*)", re.IGNORECASE | re.MULTILINE)


class Finding(NamedTuple):
    """What was found in a text, and what it means; `reply` where it is a server's."""

    reply: Reply | None
    explanation: Explanation


def explain_text(text: str, host: str | None = None) -> Finding | None:
    """What this text means; None where nothing in it is known. `host` is the server, if that is known."""
    text = _told(text[-_ENOUGH:])
    returned = _DIAGNOSTIC.search(text)
    reply = find_reply(re.sub(r"\s+", " ", returned[1]) if returned else text)
    if reply is not None and (returned or _LEADING.match(text) or _TUPLE.search(text)):
        return _of_reply(reply, host)
    refused = reply is not None and reply.code >= 400
    if (symptom := _found(text, loose=not refused)) is not None:
        return Finding(None, _explained(symptom, host))
    if reply is not None:
        return _of_reply(reply, host)
    words = by_words(text)
    return None if words is None else Finding(None, replace(words, elsewhere=words.elsewhere or _BY_WORDS))


def _of_reply(reply: Reply, host: str | None) -> Finding:
    found = explain(reply, host)
    return Finding(reply, replace(found, elsewhere=_ELSEWHERE) if "`sendkit login" in found.remedy else found)


def _told(text: str) -> str:
    """A traceback without its frames: their lines of source name errors that were never raised."""
    text = text.replace("\r\n", "\n")
    if _TRACEBACK not in text:
        return text
    return "\n".join(line for line in text.splitlines() if not re.match(r"\s{2,}|\s*\|?\s*\^", line))


def _found(text: str, *, loose: bool) -> Symptom | None:
    from sendkit._providers.explanations import (  # noqa: PLC0415 - seldom needed, and long
        installation,
        libraries,
        network,
        secrets,
        tls,
    )

    # What networks say ("connection closed") stands in replies and around other errors as well, and so comes last.
    telling = secrets.SYMPTOMS + tls.SYMPTOMS + libraries.SYMPTOMS
    further = network.SYMPTOMS + installation.SYMPTOMS if loose else ()
    return next((one for one in telling + further if one.fits(text)), None)


def _explained(symptom: Symptom, host: str | None) -> Explanation:
    remedy = symptom.remedy
    if symptom.why is not None:
        why = Reason(symptom.why)
        remedy = advise(Trouble(why.cause, why), Facts(host=host), Caller.SHELL)
    return Explanation(symptom.title, symptom.cause, remedy, symptom.source, elsewhere=symptom.elsewhere)
