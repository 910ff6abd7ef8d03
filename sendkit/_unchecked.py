"""Values of pydantic's models without the price of validating our own; the model is loaded when the first is made.

Must not know what they hold.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import BaseModel

_Fields = ParamSpec("_Fields")
_Model = TypeVar("_Model", bound="BaseModel")
_loads: list[Callable[[], object]] = []
_loaded: list[bool] = []


def unchecked(load: Callable[[], Callable[_Fields, _Model]]) -> Callable[_Fields, _Model]:
    """The same constructor for values of ours: they are right already, and to validate them takes as long again.

    `load` gives the model. Every field must be given, by name.
    """

    _loads.append(load)
    _loaded.clear()
    model: type[_Model] | None = None
    slots: tuple[Callable[[BaseModel, object], None], ...] = ()
    all_fields: set[str] = set()  # of every one of them: none is ever changed, and a set is larger than a value

    def make(*_: _Fields.args, **fields: _Fields.kwargs) -> _Model:
        nonlocal model, slots
        if model is None:
            loaded = cast("type[_Model]", load())
            if not loaded.__pydantic_complete__:
                loaded.model_rebuild()  # nobody validates it, and it must be complete to be written as JSON
            all_fields.update(fields)
            from sendkit._frozen import SLOTS  # noqa: PLC0415 - pydantic, 100 ms

            slots, model = SLOTS, loaded
        # As `filled` does, without its call: each message has three such values.
        put_fields, put_names, put_extra, put_private = slots
        made = model.__new__(model)
        put_fields(made, fields)
        put_names(made, all_fields)
        put_extra(made, None)
        put_private(made, None)
        return made

    return make


def with_private(made: _Model, **private: object) -> _Model:
    """The model, which nobody else has yet, with what is kept beside its fields."""
    object.__setattr__(made, "__pydantic_private__", private)
    return made


def load_all() -> None:
    """Load and build all of them: who does it later may wait for a lock, of an import or of pydantic's."""
    if not _loaded:
        for load in _loads:
            load()
        from sendkit._frozen import complete_all  # noqa: PLC0415 - pydantic, 100 ms

        complete_all()
        _loaded.append(True)


def load_where_used() -> None:
    """As `load_all`, in a program that uses pydantic; a command that does not must not wait for it."""
    if "pydantic" in sys.modules:
        load_all()


def _before_fork() -> None:
    # As in `_frozen`: a child would inherit the lock of a module that another thread loads with its first result.
    if threading.active_count() > 1:
        load_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
