"""A page for each of the questions that people ask most: what sendkit says then, provoked while the site is built."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sendkit._transport.refusals import REFUSALS
from tests.docs.site.markdown import code, slug
from tests.questions.questions import QUESTIONS, Question
from tests.questions.stage import Stage
from tests.servers.authority import Authority


def pages() -> dict[str, str]:
    """Path and text of each page."""
    index = [
        "# The thirty questions\n",
        "What people ask most about sending mail, and what sendkit says when it happens, word by word.\n",
        *(f"{question.number}. [{question.asked}]({_name(question)})" for question in QUESTIONS),
    ]
    made = {f"questions/{_name(question)}": _page(question) for question in QUESTIONS}
    return {"questions/index.md": "\n".join(index) + "\n", **made}


def _name(question: Question) -> str:
    return f"{question.number:02}-{slug(question.asked)[:60].strip('-')}.md"


def _page(question: Question) -> str:
    with tempfile.TemporaryDirectory() as folder:
        REFUSALS.forget()  # a port may come again
        stage = Stage(Path(folder), Authority(Path(folder)))
        question.provoke(stage)
        return "\n".join([f"# {question.asked}\n", *_told(stage, folder)])


def _told(stage: Stage, folder: str) -> Iterator[str]:
    for name, told in (("In Python", stage.python), ("On the command line", stage.shell)):
        if told:
            yield f"## {name}\n"
        for text in told:
            yield code(_as_elsewhere(text, folder))


def _as_elsewhere(text: str, folder: str) -> str:
    """Without what is of this run alone: its folder, and the port of its server."""
    return re.sub(
        r"(localhost|127\.0\.0\.1)(:| port |, port=)\d{4,5}", r"\g<1>\g<2>2525", text.replace(f"{folder}/", "")
    )
