"""Frozen values that are made for every message: pydantic's models, without the cost of validation.

Must not know what they hold.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, TypeVar, cast

from pydantic import BaseModel, ConfigDict

_Fields = ParamSpec("_Fields")
_Model = TypeVar("_Model", bound=BaseModel)


class Frozen(BaseModel):
    """A value that is never changed; what a newer version wrote into it is passed over."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="ignore", arbitrary_types_allowed=True, defer_build=True
    )

    def __setstate__(self, state: dict[Any, Any]) -> None:
        # As in `unchecked`: what is unpickled is not validated either.
        if not self.__pydantic_complete__:
            self.model_rebuild()
        super().__setstate__(state)


def unchecked(kind: Callable[_Fields, _Model]) -> Callable[_Fields, _Model]:
    """The same constructor for values of ours: they are right already, and to validate them takes as long again.

    Every field must be given, by name.
    """

    model = cast("type[_Model]", kind)
    put = object.__setattr__
    all_fields: set[str] = set()  # of every one of them: none is ever changed, and a set is larger than a value

    def make(*_: _Fields.args, **fields: _Fields.kwargs) -> _Model:
        if not all_fields:
            if not model.__pydantic_complete__:
                model.model_rebuild()  # nobody validates it, and it must be complete to be written as JSON
            all_fields.update(fields)
        made = model.__new__(model)
        put(made, "__dict__", fields)
        put(made, "__pydantic_fields_set__", all_fields)
        put(made, "__pydantic_extra__", None)
        put(made, "__pydantic_private__", None)
        return made

    return make


def _complete_all(kind: type[BaseModel] = BaseModel) -> None:
    """Build those of our models that are loaded and were not used yet."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("sendkit.") and not one.__pydantic_complete__:
            one.model_rebuild(raise_errors=False)
        _complete_all(one)


def _before_fork() -> None:
    # A deferred model is built under a lock of pydantic's. The child would inherit it as another thread holds it, and
    # wait forever with its first message; a model that is complete needs no lock.
    if threading.active_count() > 1:
        _complete_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
