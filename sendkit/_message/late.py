"""A class that is a pydantic model as soon as somebody needs one; to load pydantic takes longer than all else here.

Where pydantic is loaded already, the class is a model from the beginning. Else it has a stand-in for its base, of the
same layout, and gets the real one in its place when it is asked for what only a model has, when it is subclassed, or
when a value is made and pydantic has been loaded meanwhile. Values that were made before are values of the model then.
Must not know what they hold.
"""

from __future__ import annotations

import os
import sys
import threading
import types
from abc import ABCMeta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WITHOUT_PREFIX = frozenset(
    {
        "__class_getitem__",
        "__fields__",
        "__fields_set__",
        "__pretty__",
        "__private_attributes__",
        "__replace__",
        "__repr_args__",
        "__repr_name__",
        "__repr_recursion__",
        "__repr_str__",
        "__rich_repr__",
        "__setstate__",
        "__deepcopy__",
        "construct",
        "copy",
        "dict",
        "from_orm",
        "json",
        "parse_file",
        "parse_obj",
        "parse_raw",
        "schema",
        "schema_json",
        "update_forward_refs",
        "validate",
    }
)
_Value = TypeVar("_Value")
_lock = threading.RLock()
waiting: dict[Any, Callable[[], Any]] = {}
"""The classes that are not models yet, each with what loads the base it will have."""


def is_loaded() -> bool:
    """Whether anybody has imported pydantic, which loads its models when they are asked for."""
    return "pydantic" in sys.modules


def base(load: Callable[[], type]) -> type:
    """The base of a class that is a model, or becomes one: what `load` gives, or its stand-in."""
    if is_loaded():
        return load()
    stand_in: type = _Late("StandIn", (_StandIn,), {"__slots__": (), "_load": staticmethod(load)})
    return stand_in


def become_model(kind: Any) -> None:
    """Make a model of the class, unless it is one."""
    with _lock:
        if kind not in waiting:
            return
        model = waiting[kind]()
        # Each is one step for other threads; after the first it has all of a model, but builds values of its base until
        # the last, for which whoever validates waits here.
        try:
            kind.__bases__ = (model,)
        except TypeError as error:
            hint = "write `import pydantic` above the first import of sendkit"
            raise ConfigurationError("values of this version of pydantic have another layout", hint=hint) from error
        kind.__class__ = type(model)
        # A class remembers what is no subclass of it (models of pydantic 2.10 do), until one is registered anywhere.
        forgotten: Any = ABCMeta("Forgotten", (), {})
        forgotten.register(kind)
        kind.model_rebuild(force=True)  # what it validates and builds is of this class, and not of its base
        del waiting[kind]


def _is_of_a_model(name: str) -> bool:
    return name.startswith(("model_", "__pydantic_", "__get_pydantic_")) or name in _WITHOUT_PREFIX


class _Late(ABCMeta):
    """The metaclass until then: pydantic's is a subclass of the same one."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        if late := [one for one in bases if one in waiting]:
            for one in late:
                become_model(one)
            return types.new_class(name, bases, options, lambda body: body.update(namespace))
        made = super().__new__(mcs, name, bases, namespace, **options)
        if "_load" not in namespace and (load := getattr(made, "_load", None)) is not None:
            waiting[made] = load
        return made

    def __getattr__(cls, name: str) -> Any:
        if cls in waiting and (is_loaded() or _is_of_a_model(name)):
            become_model(cls)
            return getattr(cls, name)
        raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")

    def __dir__(cls) -> list[str]:
        become_model(cls)
        return dir(cls) if type(cls) is not _Late else [*super().__dir__()]


class _StandIn(metaclass=_Late):
    """What stands in for BaseModel: its slots, and methods that replace it by the real one and start again."""

    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")

    if TYPE_CHECKING:
        __pydantic_fields_set__: set[str]

    @property
    def model_fields_set(self) -> set[str]:
        return self.__pydantic_fields_set__

    def __copy__(self) -> Self:
        made = type(self).__new__(type(self))
        return fill(made, dict(self.__dict__), set(self.__pydantic_fields_set__))

    def __getattr__(self, name: str) -> Any:
        if type(self) in waiting and (is_loaded() or _is_of_a_model(name)):
            become_model(type(self))
            return getattr(self, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        become_model(type(self))
        setattr(self, name, value)

    def __delattr__(self, name: str) -> None:
        become_model(type(self))
        delattr(self, name)

    def __eq__(self, other: object) -> bool:
        become_model(type(self))
        return self == other

    def __hash__(self) -> int:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        become_model(type(self))
        return iter(self)

    def __getstate__(self) -> Any:
        become_model(type(self))
        return self.__getstate__()

    def __dir__(self) -> list[str]:
        become_model(type(self))
        return dir(self)


_set: Callable[[Any, str, object], None] = object.__setattr__


def fill(made: _Value, fields: dict[str, Any], given: set[str]) -> _Value:
    """Fill a new value with these fields, of which these were `given`; it keeps the dictionary and the set."""
    _set(made, "__dict__", fields)
    _set(made, "__pydantic_fields_set__", given)
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
    return made


def _before_fork() -> None:
    # The child would inherit the lock, and those of imports, as another thread holds them.
    if threading.active_count() > 1:
        for kind in tuple(waiting):
            become_model(kind)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
