"""What the command line does for a secret in its memory, as OpenSSH's agent does: no core dump, and no debugger.

Only for a process of our own: a library must not change what the program around it may do. Python cannot wipe a
string, so that the secret stays in memory until the process ends. setrlimit(2), prctl(2) PR_SET_DUMPABLE.
"""

from __future__ import annotations

import sys

_PR_SET_DUMPABLE = 4


def protect_memory() -> None:
    """From now on a crash writes no core, and no other process of this user reads our memory; as far as can be."""
    _no_core()
    if sys.platform == "linux":
        _not_dumpable()


def _no_core() -> None:
    try:
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, OSError, ValueError):
        return  # a system that lacks or forbids it can still send mail


def _not_dumpable() -> None:
    try:
        import ctypes  # noqa: PLC0415 - some builds of Python have none

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return  # as above
