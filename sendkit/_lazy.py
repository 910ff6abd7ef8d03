"""Names of a module that stand in other modules of this package, and are loaded when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module


def attribute(module: str, homes: Mapping[str, str], name: str) -> object:
    """What `module` calls `name`; `homes` says in which module each name stands. Raises AttributeError."""
    if name not in homes:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"sendkit.{homes[name]}"), name)
    setattr(sys.modules[module], name, value)
    return value
