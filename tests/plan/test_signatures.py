"""What checkers and editors see of a constructor is what there is: no option hides behind `**settings`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import sendkit
from sendkit import AsyncMailer, Mailer
from tests import signatures

MAKERS: list[Callable[..., Any]] = [
    sendkit.open,
    *(
        getattr(kind, name)
        for kind in (Mailer, AsyncMailer)
        for name in ("__init__", "from_url", "from_env", "for_provider", "from_config", "discover")
    ),
]


def test_the_written_signatures_are_those_of_today() -> None:
    for path, text in signatures.texts().items():
        assert path.read_text(encoding="utf-8") == text, "write them again: python -m tests.signatures"


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__qualname__)
def test_help_describes_every_parameter_of_a_constructor(make: Callable[..., Any]) -> None:
    described = inspect.getdoc(make) or ""
    named = [name for name in inspect.signature(make).parameters if name not in ("self", "cls")]
    assert [name for name in named if not re.search(rf"(?m)^\s*{name}: \S", described)] == []
