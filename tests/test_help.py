"""`help()` describes every parameter of what people call: its class, its function or its method names it in words.

A class may leave to another what stands there: "as in `send`", "those of `WorkerSettings`".
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import BaseModel

import sendkit
from sendkit.settings import Proxy
from tests.each import each

MODULES = ("sendkit", "sendkit.outbox", "sendkit.report", "sendkit.settings", "sendkit.testing")
# What nobody makes or calls by hand: results, what they are made of, and the parts that an author of a transport or
# of a block meets, whose place is the documentation of those.
GIVEN = {
    "AsyncSendStream", "SendStream", "WorkerSettings", "MailerSettings", "Expected", "Diagnosis", "Finding",
    "Explanation", "Rule", "ConnectRule", "Fault", "Action", "AsyncWorker", "Worker", "Announced", "Purged", "Page",
    "Piece", "Filled", "CaughtMessage", "ReceivedPart", "ReceivedMessage", "Sent", "Desk", "Engine", "PollingEngine",
    "ProcrastinateEngine", "Dispatch", "FailureWatch", "Locale", "Picture",
}  # fmt: skip
OF_TRANSPORTS = {"deliver", "render", "shown", "fill", "wrap", "renewed", "secret", "action"}
REFERENCES = re.compile(r"`(?:sendkit\.)?(\w+)(?:\.(\w+))?`")


def words(*texts: str | None) -> set[str]:
    return set(re.findall(r"\w+", " ".join(text or "" for text in texts)))


def parameters(function: Any) -> list[str]:
    return [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL) and not one.name.startswith("_")
        and one.name not in {"self", "cls"}
    ]  # fmt: skip


def described(value: Any, *, further: bool = True) -> set[str]:
    """The words that `help()` shows for a class or a function, with those of its bases, and one reference on."""
    documented = [value] if not isinstance(value, type) else [one for one in value.__mro__ if _is_ours(one)]
    found = words(*(one.__doc__ for one in documented))
    if isinstance(value, type):
        found |= words(value.__init__.__doc__)
    if further:
        for text in (one.__doc__ or "" for one in documented):
            for match in REFERENCES.finditer(text):
                if (other := _named(*match.groups())) is not None:
                    found |= described(other, further=False)
    return found


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("sendkit")


def _named(name: str, method: str | None) -> Any:
    for module in (*MODULES, "sendkit.transports"):
        if hasattr(import_module(module), name):
            value = getattr(import_module(module), name)
            return value if method is None else getattr(value, method, None)
    return None


def callables() -> Iterator[tuple[str, Any, set[str]]]:
    """What people call, with the words that are there for it already."""
    for module in MODULES:
        names = [*import_module(module).__all__, *(["open"] if module == "sendkit" else [])]
        for name in names:
            value = getattr(import_module(module), name)
            if name in GIVEN or name.startswith("_") or not _is_ours_here(value):
                continue
            yield f"{module}.{name}", value, set()
            if isinstance(value, type):
                yield from _methods(f"{module}.{name}", value)


def _is_ours_here(value: Any) -> bool:
    kinds = isinstance(value, type) and not issubclass(value, enum.Enum | BaseException)
    return (kinds or inspect.isfunction(value)) and str(value.__module__).startswith("sendkit")


def _methods(place: str, kind: type) -> Iterator[tuple[str, Any, set[str]]]:
    for name, method in inspect.getmembers(kind, lambda one: inspect.isfunction(one) or inspect.ismethod(one)):
        if not name.startswith("_") and name not in OF_TRANSPORTS and method.__module__.startswith("sendkit"):
            yield f"{place}.{name}", method, described(kind)


CALLABLES = {name: (value, known) for name, value, known in callables()}


@each(CALLABLES)
def test_every_parameter_is_described(name: str) -> None:
    value, known = CALLABLES[name]
    if isinstance(value, type) and issubclass(value, BaseModel):
        value.model_rebuild()  # until then its signature is `**data`
    assert [one for one in parameters(value) if one not in known | described(value)] == []


def test_what_is_named_here_is_there() -> None:
    names = {name for module in MODULES for name in import_module(module).__all__}
    assert names >= GIVEN
    assert {"sendkit.Mailer.send", "sendkit.Message", "sendkit.send", "sendkit.outbox.Outbox.put"} <= CALLABLES.keys()
    assert "sendkit.open" in CALLABLES
    assert callable(sendkit.open)


@each([sendkit.Message, sendkit.RetryPolicy, sendkit.Server, sendkit.SubmissionOptions, sendkit.Timeouts, Proxy])
def test_a_class_shows_what_it_takes_before_pydantic_has_built_it_and_after(kind: type[BaseModel]) -> None:
    """Not `**data`, and of each parameter no more than one line."""
    for _ in range(2):
        shown = inspect.signature(kind)
        assert set(shown.parameters) == set(kind.model_fields)
        assert "Validator" not in str(shown)
        kind.model_rebuild()
