"""What pydantic says of a setting, as an error of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sendkit._spelling import meant
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# What to write, where pydantic's words say only what it may not be.
_CURES = {"timeouts": "timeouts=Timeouts(connect=10)", "wait": "wait=lambda state: 5, for 5 seconds"}


class as_configuration_error:  # noqa: N801 - reads as the statement that it is
    """Turns pydantic's errors into ours, in one sentence for each field."""

    def __init__(self, what: str, known: Iterable[str] = ()) -> None:
        self._what = what
        self._known = tuple(known)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ValidationError):
            found = error.errors(include_input=False)
            parts = "; ".join(": ".join(filter(None, (_place(one), self._words(one)))) for one in found)
            cure = next((_CURES[place] for one in found if (place := _place(one)) in _CURES), None)
            first = f"write {cure}" if cure else "correct what is named"
            hint = f"{first}; help(sendkit.{self._what}), or `sendkit send --help`, says what it takes"
            raise ConfigurationError(f"{self._what}: {parts}", hint=hint) from None

    def _words(self, error: ErrorDetails) -> str:
        if error["type"] != "extra_forbidden":
            return error["msg"].removeprefix("Value error, ")
        near = meant(_place(error), self._known)
        return "is unknown" + (f"; did you mean {near}?" if near else f"; known are {', '.join(self._known)}")


def _place(error: ErrorDetails) -> str:
    return ".".join(map(str, error["loc"]))
