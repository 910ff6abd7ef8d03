"""Draws the floors of the house from the order that `tests/test_architecture.py` enforces, with the law of each room.

`python -m tests.floors` writes the picture into CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import textwrap

from tests.test_architecture import CHECKOUT, ORDER, ROOT

PAGE = CHECKOUT / "CONTRIBUTING.md"
_BLOCK = re.compile(r"(?<=<!-- floors -->\n)```\n.*?```\n", re.DOTALL)
_WIDTH = 118


def picture() -> str:
    """The block as it is to be: the ground floor at the bottom."""
    lines = []
    for number, rooms in reversed(list(enumerate(ORDER))):
        for beside, room in enumerate(rooms):
            lines.append(f"{'' if beside else number:>2}  {_file_of(room):<19} {_law_of(room)}")
    return "```\n" + "\n".join(lines) + "\n```\n"


def rooms() -> list[list[str]]:
    """The rooms of each floor as they are called, the ground floor first."""
    return [[_file_of(room) for room in floor] for floor in ORDER]


def drawn() -> str:
    """The block as it stands in the page."""
    found = _BLOCK.search(PAGE.read_text(encoding="utf-8"))
    return found.group() if found else ""


def _file_of(room: str) -> str:
    path = ROOT.joinpath(*room.split("."))
    if room == "sendkit":
        return "__init__.py"
    return f"{path.name}/" if path.is_dir() else f"{path.name}.py"


def _law_of(room: str) -> str:
    """The first sentence of the docstring of its file."""
    path = ROOT.joinpath(*room.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = " ".join((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split())
    sentence = re.split(r"(?<=[\w)`])[.;] ", text + " ")[0].strip().removesuffix(".")
    return textwrap.shorten(sentence, _WIDTH - 25, placeholder=" …")


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_BLOCK.sub(lambda _: picture(), text), encoding="utf-8")
