"""The packages of the extra `report`, and those that a user's values come from. Says which is missing."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sendkit._distribution import installing
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def needed_for(what: str, install: str | None = None) -> Generator[None]:
    """Import within this: a package that is missing is a MessageError that says how to install it."""
    try:
        yield
    except ImportError as error:
        name = (error.name or "a package").partition(".")[0]
        hint = installing(install) if install else installing(extra="report")
        raise MessageError(f"{what} needs {name}, which is not installed", field="report", hint=hint) from error


def needed(module: str, what: str, install: str | None = None) -> Any:
    """A module that has no types, as `needed_for`."""
    with needed_for(what, install):
        return import_module(module)
