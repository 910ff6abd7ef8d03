"""The environment of the interpreters that are measured: as users have it, with bytecode that the first run writes."""

from __future__ import annotations

import os


def environment(**further: str) -> dict[str, str]:
    """That of this process with `further` variables, and without the one that keeps Python from writing bytecode."""
    return {**{name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}, **further}
