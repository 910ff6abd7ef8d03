"""Whoever pastes what sendkit said needs no search engine: the answer stands in it, in Python and on a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .questions import QUESTIONS, Question
from .stage import Stage, bare

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.authority import Authority


def test_there_are_thirty_of_them() -> None:
    assert [one.number for one in QUESTIONS] == list(range(1, 31))


SILENT = 4  # its servers say nothing until a time limit


@pytest.mark.parametrize(
    "question",
    [pytest.param(one, marks=[pytest.mark.waits] if one.number == SILENT else []) for one in QUESTIONS],
    ids=lambda one: f"{one.number}",
)
def test_what_is_read_holds_the_answer(question: Question, tmp_path: Path, authority: Authority) -> None:
    stage = Stage(tmp_path, authority)
    question.provoke(stage)
    for told, must in ((stage.python, question.python), (stage.shell, question.shell)):
        text = bare("\n".join(told))
        wanted = (*question.must, *must) if told else must
        missing = [words for words in wanted if not re.search(words, text)]
        assert not missing, "\n\n".join(told)
