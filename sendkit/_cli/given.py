"""What was given, as a value: the base of every command's options.

As frozen dataclasses for the type checkers. Those make their methods when they are loaded, which took longer than all
else that a command line needs of its own.
"""

from __future__ import annotations

from typing import Any, Never, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Given:
    """Fields by their annotations, with the defaults beside them; all of them are given by name."""

    def __init__(self, **fields: Any) -> None:
        known = {name for kind in type(self).__mro__ for name in vars(kind).get("__annotations__", ())}
        if unknown := fields.keys() - known:
            raise TypeError(f"{type(self).__name__} has no {min(unknown)}")
        vars(self).update(fields)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Raise ValueError for fields that do not go together."""

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"{type(self).__name__}.{name} is fixed")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
