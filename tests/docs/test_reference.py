"""The reference has every public name, under its module, and nothing else."""

from __future__ import annotations

import re

from tests.docs.reference import PATH, page


def listed(text: str) -> list[tuple[str, str]]:
    """Module and name, line by line."""
    sections = re.split(r"^## `(.+)`$", text, flags=re.MULTILINE)[1:]
    return [
        (module, name)
        for module, section in zip(sections[::2], sections[1::2], strict=True)
        for name in re.findall(r"^\| `(\w+)`", section, re.MULTILINE)
    ]


def test_every_public_name_stands_in_the_reference() -> None:
    assert listed(PATH.read_text(encoding="utf-8")) == listed(page()), "write it: python -m tests.docs.reference"
