"""Frozen values: ours, which are made for every message without the cost of validation, and those of callers, checked.

Must not know what they hold.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, PlainValidator

from sendkit._shown import MADE_FOR_EACH, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

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


class Checked:
    """Beside BaseModel: a value is checked however it is made, where pydantic's own copies with changes are not."""

    __slots__ = ()

    if not TYPE_CHECKING:

        @classmethod
        def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
            super().__pydantic_init_subclass__(**kwargs)
            _show_fields(cls)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, `deep` or not; with changes by `update` it is checked again."""
        model = cast("Any", self)
        if not update:
            return cast("Self", BaseModel.model_copy(model, deep=deep))
        names = cast("type[BaseModel]", type(model)).model_fields
        return type(self)(**{**{name: getattr(self, name) for name in names}, **update})

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """One with these `values`, checked like every other (`_fields_set` follows)."""
        return cls(**values)

    if not TYPE_CHECKING:

        def copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
            """`model_copy` by its former name: `deep` or not, with changes by `update`."""
            return self.model_copy(update=update, deep=deep)


def _show_fields(kind: type[BaseModel]) -> None:
    """For `help()`, name the fields where `__init__` takes `**settings`; pydantic does so only in a model it has built.

    Without the type of a field that takes more than it holds.
    """
    make: Any = vars(kind).get("__init__")
    if make is None or all(one.kind is not one.VAR_KEYWORD for one in signature(make).parameters.values()):
        return
    shown: list[tuple[str, object, object]] = []
    for name, field in kind.model_fields.items():
        default = field.default if field.default_factory is None else MADE_FOR_EACH
        held = any(isinstance(one, PlainValidator) for one in field.metadata)
        shown.append((name, default, Parameter.empty if held else field.annotation))
    make.__signature__ = signature_of(shown)


# The slots of a model's instances. To set them by their descriptors takes half as long as by `object.__setattr__`.
SLOTS = tuple(
    cast("Callable[[BaseModel, object], None]", vars(BaseModel)[name].__set__)
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_put_dict, _put_fields_set, _put_extra, _put_private = SLOTS


def filled(made: _Model, fields: dict[str, Any], names: set[str], private: dict[str, Any] | None = None) -> _Model:
    """Fill a new instance with these fields, without validation; it keeps the dictionary and the set as they are."""
    _put_dict(made, fields)
    _put_fields_set(made, names)
    _put_extra(made, None)
    _put_private(made, private)
    return made


def complete_all(kind: type[BaseModel] = BaseModel) -> None:
    """Build those of our models that are loaded and were not used yet."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("sendkit.") and not one.__pydantic_complete__:
            one.model_rebuild(raise_errors=False)
        complete_all(one)


def _before_fork() -> None:
    # A deferred model is built under a lock of pydantic's. The child would inherit it as another thread holds it, and
    # wait forever with its first message; a model that is complete needs no lock.
    if threading.active_count() > 1:
        complete_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
