"""An attribute that is computed when it is first asked for, without a lock.

`functools.cached_property` of Python 3.11 has one lock for all objects of a class, held while it computes: a file that
hangs for one server would hold up every other, and the child of a fork would wait forever for the parent's thread.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the checkers know it
    computed_once = cached_property
else:

    class computed_once(cached_property):  # noqa: N801 - a decorator, as the one it stands on
        """As `cached_property`; where two threads compute it at once, both get what the first one came to."""

        def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
            if instance is None:
                return self
            return vars(instance).setdefault(self.attrname, self.func(instance))
