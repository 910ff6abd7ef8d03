"""What the fault tests share: garbage is looked for after every message, in what came since the module began."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from .cases import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def _nothing_old_is_searched() -> Iterator[None]:
    prepare()
    yield
    gc.unfreeze()
