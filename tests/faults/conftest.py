"""What the fault tests share: garbage is looked for after every message, in what came since the module began."""

from __future__ import annotations

import pytest

from .cases import prepare


@pytest.fixture(scope="module", autouse=True)
def _nothing_old_is_searched() -> None:
    prepare()
