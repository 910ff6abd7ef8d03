"""A hint of the library in the words of a command line: `--ca-file` in place of `ca_file=`.

Hints that are looked up by a reason have their own words for a shell (see `_smtp.advice`), where none is left.
"""

from __future__ import annotations

import re

from sendkit._accounts.server_settings import SERVER_SETTINGS, flag
from sendkit.errors import SendkitError

_OTHERS = {
    "attachments": "--attach",
    "deadline": "--deadline",
    "envelope_from": "--envelope-from",
    "html": "--html",
    "recipients": "--to",
    "security": "--security",
    "sender": "--from",
    "subject": "--subject",
    "text": "--text",
    "username": "--user",
}
FLAGS = {**_OTHERS, **{name: flag(name) for name in SERVER_SETTINGS}}
_KEYWORD = re.compile(rf"\b({'|'.join(FLAGS)})=…?(?![\w\"'(\[<%])")
_CALL = re.compile(r"\w\(")


def in_flags(hint: str) -> str:
    """The hint with the names of options; one that shows a call of Python stays as it is."""
    return hint if _CALL.search(hint) else _KEYWORD.sub(lambda found: FLAGS[found[1]], hint)


def told(error: SendkitError) -> str:
    """What an error says to who reads a terminal."""
    return f"{error.message}\n  hint: {in_flags(error.hint)}" if error.hint else str(error)
