"""Errors about a wrong setting are raised without the frames that hold it: a URL, a password, the whole environment.

What an error reporter keeps of a traceback are the local variables of its frames. Where a setting is refused, ours
help nobody, and hold what was refused. Must not know: what a setting is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sendkit.errors import SendkitError

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


def frameless(make: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """A function whose SendkitErrors show the caller's frames, this one, and no other; nor what led to them."""

    @functools.wraps(make)
    def made(*args: _Given.args, **settings: _Given.kwargs) -> _Made:
        try:
            return make(*args, **settings)
        except SendkitError as error:
            bare = without_frames(error)
        del args, settings
        # Raised out here, so that what was handled in there is not its context.
        try:
            raise bare
        finally:
            del bare

    return made


def without_frames(error: SendkitError) -> SendkitError:
    """The error alone, and its cause, if it was given one, alone too."""
    error.__context__ = None
    error.__traceback__ = None
    if error.__cause__ is not None:
        error.__cause__.__context__ = error.__cause__.__cause__ = error.__cause__.__traceback__ = None
    return error
