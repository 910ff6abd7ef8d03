"""`python -m tests.questions [NUMBER …]` prints each question with all that is read, as a page in Markdown."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sendkit._transport.refusals import REFUSALS
from tests.servers.authority import Authority

from .questions import QUESTIONS
from .stage import Stage


def main(numbers: list[str]) -> None:
    """Provoke the questions of these numbers, or all."""
    write = sys.stdout.write
    for question in QUESTIONS:
        if numbers and str(question.number) not in numbers:
            continue
        with tempfile.TemporaryDirectory() as folder:
            REFUSALS.forget()  # a port may come again
            stage = Stage(Path(folder), Authority(Path(folder)))
            question.provoke(stage)
        write(f"\n## {question.number}. {question.asked}\n")
        for name, told in (("In Python", stage.python), ("On the command line", stage.shell)):
            for text in told:
                write(f"\n{name}:\n\n```\n{text}\n```\n")


main(sys.argv[1:])
