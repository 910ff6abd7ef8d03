"""What pydantic says of a setting, as an error of ours."""

from __future__ import annotations

from pydantic import ValidationError

from sendkit.errors import ConfigurationError


class as_configuration_error:  # noqa: N801 - reads as the statement that it is
    """Turns pydantic's errors into ours, in one sentence for each field."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ValidationError):
            parts = [
                ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, "))))
                for e in error.errors(include_input=False)
            ]
            hint = f"correct what is named; help(sendkit.{self._what}), or `sendkit send --help`, says what it takes"
            raise ConfigurationError(f"{self._what}: " + "; ".join(parts), hint=hint) from None
