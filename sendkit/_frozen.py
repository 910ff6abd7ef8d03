"""Frozen values that are made for every message: pydantic's models, without the cost of validation.

Must not know what they hold.
"""

from __future__ import annotations

import os
import threading
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


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
