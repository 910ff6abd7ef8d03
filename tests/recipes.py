"""The recipes of `examples/`, as modules."""

from __future__ import annotations

import importlib
from types import ModuleType


def recipe(name: str) -> ModuleType:
    """The module of a recipe."""
    return importlib.import_module(f"examples.{name}")
