"""The file of settings of a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sendkit._accounts.config import config_file

Write = Callable[[str], Path]


@pytest.fixture
def write() -> Write:
    """Write the file of settings of this test."""

    def write(text: str) -> Path:
        path = config_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
