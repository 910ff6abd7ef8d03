"""Imports in progress: a thread that needs one of them waits for the thread that makes it, as long as that takes.

A call may be made in the middle of one: by a signal handler, or by a module that sends while it is loaded. Then what
the call needs may wait for the very thread that waits for the call. While Python looks for the file of a module, that
holds for any import at all. Knows the frames of `importlib._bootstrap` (Python 3.11 to 3.13), and no other way.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import FrameType

from sendkit._unchecked import load_where_used
from sendkit.errors import SendkitError

_MACHINERY = "<frozen importlib._bootstrap>"
# The functions in which a thread waits for a module, and for the search for modules.
_WAITS = frozenset({"acquire", "_get_module_lock", "__enter__"})


def load_for_a_send() -> None:
    """Load what a first send loads: our models, and what Python needs for a host's name and a certificate's dates.

    Raises SendkitError in a signal handler that has interrupted the import of one of them.
    """
    try:
        load_where_used()
        import _strptime  # type: ignore[import-not-found]  # noqa: F401, PLC0415  # pyright: ignore - it has no stubs
        import encodings.idna  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport] - 4 ms, which most save
    except (ImportError, AttributeError):  # a module that is there in part
        if (name := next(imported(sys._getframe()), None)) is None:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as below
            raise
    else:
        return
    raise in_the_middle_of(name)


def in_the_middle_of(name: str) -> SendkitError:
    """Why a call that was made in the middle of an import cannot be."""
    hint = "send once before it, import it before, or have the signal handler set a flag, and send afterwards"
    return SendkitError(f"a call in the middle of the import of {name} waits for it", hint=hint)


def imported(frame: FrameType | None) -> Iterator[str]:
    """The modules that are being imported in this frame and in those that called it, the innermost first."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "_find_and_load" and code.co_filename == _MACHINERY:
            yield frame.f_locals["name"]
        frame = frame.f_back


def held_up() -> str | None:
    """The module that this thread imports, where a thread that works for it waits for an import."""
    frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - it is documented
    here = next(imported(frames.pop(threading.get_ident(), None)), None)
    return here if here is not None and any(map(_waits_for_us, frames.values())) else None


def _waits_for_us(frame: FrameType | None) -> bool:
    if frame is None or frame.f_code.co_filename != _MACHINERY or frame.f_code.co_name not in _WAITS:
        return False
    while frame is not None and not str(frame.f_globals.get("__name__")).startswith("sendkit._lifetime."):
        frame = frame.f_back
    return frame is not None
