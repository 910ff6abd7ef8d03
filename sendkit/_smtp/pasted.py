"""A reply in what a person pastes: as the server wrote it, or out of a log, a traceback or another library's error.

Reads `535-5.7.8 …` over several lines, `535, b'5.7.8 …'` as Python shows it, a reply behind other words, and
an enhanced code alone. What travels on a wire is read by `reply.ReplyReader`, which accepts nothing else.
"""

from __future__ import annotations

import re

from sendkit._smtp.reply import Reply

_LINE = re.compile(r"(?<![\w.:/#=-])([245][0-5]\d)(?:[ -]|(?=$))(.*)")
_TUPLE = re.compile(r"\(?\b([245][0-5]\d), ?b?(['\"])((?:\\.|(?!\2).)*)\2", re.DOTALL)
_ENHANCED = re.compile(r"(?<![\w.])#?([245]\.\d{1,3}\.\d{1,3})(?![\w.])[ )]*(.*)", re.DOTALL)
_PLAINEST = {"2": 250, "4": 450, "5": 550}


def find_reply(text: str) -> Reply | None:
    """The first reply in this text, or None where there is none."""
    text = text.strip()
    return _of_tuple(text) or _of_lines(text.splitlines()) or _of_enhanced(text)


def _of_tuple(text: str) -> Reply | None:
    if (found := _TUPLE.search(text)) is None:
        return None
    words = found.group(3).replace("\\r", "").replace("\\n", "\n")
    return Reply.build(int(found.group(1)), words)


def _of_lines(lines: list[str]) -> Reply | None:
    code, texts = None, list[str]()
    for line in lines:
        found = _LINE.search(line) if code is None else re.match(rf"\s*{code}[ -](.*)()", line)
        if code is None and found:
            code = found.group(1)
            texts.append(found.group(2).strip())
        elif found:
            texts.append(found.group(1).strip())
        elif code is not None:
            texts.append(line.strip())  # a terminal or a mail folded it
    return None if code is None else Reply.build(int(code), "\n".join(texts).strip())


def _of_enhanced(text: str) -> Reply | None:
    if (found := _ENHANCED.search(text)) is None:
        return None
    return Reply.build(_PLAINEST[text[found.start(1)]], f"{found.group(1)} {found.group(2)}".strip())
