"""Which code works for a logging handler that may send mail: itself, and what it has its sending done by.

That is all below a method of a handler, and below a function that stands in one, on whatever thread or task. A thread
or task works for a handler from its first function on where one of the handler's methods or attributes names that
function, or a queue that the function takes from. Must not know: mail, and what is logged.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from types import CellType, CodeType, FrameType, FunctionType, MethodType
from typing import TypeAlias
from weakref import WeakKeyDictionary

_STDLIB = frozenset({"logging", "logging.handlers"})
_LISTENED_TO = (logging.getLogger(), logging.getLogger("sendkit"), logging.getLogger("sendkit.smtp"))
# What calls the first function of a thread or a task, and the methods by which that takes from a queue.
_STARTERS = frozenset({"threading", "concurrent.futures.thread", "multiprocessing.pool", "asyncio.events"})
_TAKES = frozenset({"get", "get_nowait", "popleft"})

_Named: TypeAlias = tuple[list[tuple[Mapping[str, object], str]], list[CellType]]
# The global names and the closures of the methods of each kind of handlers: they are looked up for each message.
_NAMED: WeakKeyDictionary[type[object], _Named] = WeakKeyDictionary()


def somebody_else_listens() -> bool:
    """Whether there are handlers that may send mail through us: a look at the stack takes 10 µs."""
    for logger in _LISTENED_TO:
        if logger.handlers:
            break
    else:
        return False  # as in most programs, for each of their messages
    return any(map(_may_send, _listening()))


def inside_of_logging() -> bool:
    """Whether a handler, a filter or the shutdown of `logging` stands above, or this thread or task works for one."""
    others = somebody_else_listens()
    module: object = __name__
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - there is no other way to see it
    while (caller := frame.f_back) is not None:
        started, frame, below = frame, caller, module
        module = frame.f_globals.get("__name__")
        if module in _STDLIB or (others and _of_a_handler(frame)):
            return True
        first = others and module in _STARTERS and below not in _STARTERS
        if first and any(_works_for(started, one) for one in _listening()):
            return True
    return False


def _listening() -> Iterator[logging.Handler]:
    for logger in _LISTENED_TO:
        for one in logger.handlers:
            yield one
            target: object = getattr(one, "target", None)
            if isinstance(target, logging.Handler):  # as that of a MemoryHandler
                yield target


def _may_send(handler: logging.Handler) -> bool:
    """None of the standard library does, but who reads the queue of a QueueHandler may."""
    return type(handler).__module__ not in _STDLIB or "queue" in vars(handler)


def _of_a_handler(frame: FrameType) -> bool:
    """Whether this is a method of a handler, or a function that one has made, as for its thread."""
    code = frame.f_code
    if code.co_varnames[:1] == ("self",) or "self" in code.co_freevars:
        return isinstance(frame.f_locals.get("self"), logging.Handler)
    return "<locals>" in code.co_qualname and any(_made(frame, type(one)) for one in _listening())


def _made(frame: FrameType, kind: type[object]) -> bool:
    name, module = frame.f_code.co_qualname, frame.f_globals.get("__name__")
    kinds = [one for one in kind.__mro__ if issubclass(one, logging.Handler) and one.__module__ == module]
    return any(name.startswith(f"{one.__qualname__}.") for one in kinds)


def _works_for(started: FrameType, handler: logging.Handler) -> bool:
    """Whether the handler names the function of this frame, or a queue from which that takes."""
    code, named = started.f_code, list(_named_by(handler))
    if any(isinstance(one, FunctionType) and one.__code__ is code for one in named):
        return True
    if _TAKES.isdisjoint(code.co_names):
        return False
    queues = {id(one) for one in named if _is_queue(type(one))}
    return any(id(one) in queues for one in _seen_in(started))


def _is_queue(kind: type[object]) -> bool:
    return hasattr(kind, "popleft") or (hasattr(kind, "get") and hasattr(kind, "put"))


def _named_by(handler: logging.Handler) -> Iterator[object]:
    for one in list(vars(handler).values()):
        whole = one.func if isinstance(one, partial) else one
        yield whole.__func__ if isinstance(whole, MethodType) else whole
    names, cells = _named_in(type(handler))
    yield from (known[name] for known, name in names if name in known)
    for cell in cells:
        with contextlib.suppress(ValueError):  # it is empty
            yield cell.cell_contents


def _named_in(kind: type[object]) -> _Named:
    if (found := _NAMED.get(kind)) is None:
        methods = list(_read_methods(kind))
        names = {
            (id(one.__globals__), name): (one.__globals__, name) for one in methods for name in one.__code__.co_names
        }
        found = _NAMED[kind] = list(names.values()), [cell for one in methods for cell in one.__closure__ or ()]
    return found


def _read_methods(kind: type[object]) -> Iterator[FunctionType]:
    for one in kind.__mro__:
        if one.__module__ not in _STDLIB:
            for method in list(vars(one).values()):
                wrapped = isinstance(method, staticmethod | classmethod)
                function: object = method.__func__ if wrapped else method  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - of any signature
                if isinstance(function, FunctionType):
                    yield function


def _seen_in(frame: FrameType) -> Iterator[object]:
    here = frame.f_locals
    yield from list(here.values())
    yield from _globals_of(frame.f_code, frame.f_globals)
    yield from list(getattr(here.get("self"), "__dict__", {}).values())


def _globals_of(code: CodeType, known: Mapping[str, object]) -> Iterator[object]:
    return (known[name] for name in code.co_names if name in known)
