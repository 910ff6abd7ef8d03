"""Whatever the signature or an attribute of a public thing names is public itself, and described.

Walks the annotations of every public name: those of functions and methods, of fields and of properties. Names that are
imported for type checkers alone are imported here.
"""

from __future__ import annotations

import ast
import enum
import inspect
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import sendkit
from tests.each import each

ROOT = Path(sendkit.__file__).parent


def is_public(path: Path) -> bool:
    """A module is public when no part of its name says that it is not."""
    return not any(part.startswith("_") and part != "__init__.py" for part in path.relative_to(ROOT).parts)


PUBLIC = sorted(
    ".".join(("sendkit", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if is_public(path) and path.name != "plugin.py"
)


@cache
def namespace(module: str) -> dict[str, Any]:
    """The names of a module, with those that it imports for type checkers."""
    loaded = import_module(module)
    names = dict(vars(typing)) | dict(vars(loaded))
    for node in ast.walk(ast.parse(inspect.getsource(loaded))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for step in node.body:
                if isinstance(step, ast.ImportFrom | ast.Import):
                    exec(compile(ast.Module([step], []), module, "exec"), names)
    for name, text in names.items():
        if _is_alias(text):
            names[name] = typing.ForwardRef(text, module=sys.modules[home_of(name, module)])
    # A generic for type checkers alone.
    return names | {"StdlibMessage": dict}


def home_of(alias: str, module: str) -> str:
    """The module that an alias comes from, along its imports."""
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ImportFrom) and node.module and alias in {one.name for one in node.names}:
            return home_of(alias, import_module(node.module).__name__)
    return module


def _is_alias(text: object) -> bool:
    """Whether this may be an alias that is written as text, since a part of it is known to type checkers alone."""
    return issubclass(type(text), str) and " | " in text  # isinstance would load Django's settings


def public_names() -> Iterator[tuple[str, Any]]:
    """Each public name with what it stands for."""
    for module in PUBLIC:
        loaded = import_module(module)
        for name in getattr(loaded, "__all__", ()):
            yield f"{module}.{name}", getattr(loaded, name)


NAMES = dict(public_names())
# What a method hands out and nobody makes: its constructor is for our rooms alone.
HANDED_OUT = {"AsyncSendStream", "AsyncWorker", "ConnectRule", "Fault", "Rule", "SendStream", "Worker"}
KNOWN = {id(value) for value in NAMES.values()}


def leaves(annotation: Any, module: str) -> Iterator[Any]:
    """The classes that an annotation names."""
    if isinstance(annotation, typing.ForwardRef):
        module = getattr(annotation.__forward_module__, "__name__", module)
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        annotation = eval(annotation, namespace(module))
    if typing.get_origin(annotation) is typing.Annotated:
        yield from leaves(typing.get_args(annotation)[0], module)
    elif typing.get_origin(annotation) is typing.Literal:
        return
    elif isinstance(annotation, types.GenericAlias | types.UnionType) or typing.get_origin(annotation) is not None:
        yield from leaves(typing.get_origin(annotation), module)
        for argument in typing.get_args(annotation):
            yield from leaves(argument, module)
    elif isinstance(annotation, list | tuple):
        for argument in annotation:
            yield from leaves(argument, module)
    elif isinstance(annotation, type):
        yield annotation


def annotations(value: Any) -> Iterator[tuple[str, Any, str]]:
    """Where a public thing has an annotation, what it is, and in which module it stands."""
    if isinstance(value, type):
        if issubclass(value, enum.Enum):
            return
        for kind in value.__mro__:
            if kind.__module__.split(".")[0] == "sendkit":
                yield from _of_class(kind, made=value.__name__ not in HANDED_OUT)
    elif callable(value):
        yield from _of_function(value)


def _of_class(kind: type, *, made: bool) -> Iterator[tuple[str, Any, str]]:
    for name, annotation in inspect.get_annotations(kind).items():
        if not name.startswith("_") and name != "model_config":
            yield name, annotation, kind.__module__
    yield from _set_in_init(kind)
    for name, member in vars(kind).items():
        if name.startswith("_") and (name != "__init__" or not made):
            continue
        function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "func", None) or member)
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function) and function.__code__.co_filename.startswith(str(ROOT)):
            for where, annotation, module in _of_function(function):
                yield f"{name}({where})", annotation, module


def _set_in_init(kind: type) -> Iterator[tuple[str, Any, str]]:
    """Attributes that the constructor declares: `self.sent: list[Sent] = []`."""
    if "__init__" in vars(kind):
        try:
            source = textwrap.dedent(inspect.getsource(inspect.unwrap(kind.__init__)))  # type: ignore[misc]
        except OSError:  # made by a decorator, of the annotations that are walked already
            return
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Attribute)
                and not node.target.attr.startswith("_")
            ):
                yield node.target.attr, ast.unparse(node.annotation), kind.__module__


def _of_function(function: Any) -> Iterator[tuple[str, Any, str]]:
    plain = inspect.unwrap(function)
    for name, annotation in inspect.get_annotations(plain).items():
        yield name, annotation, plain.__module__


def private(value: Any) -> list[str]:
    """What of ours it names that is not public."""
    return [
        f"{where}: {leaf.__module__}.{leaf.__qualname__}"
        for where, annotation, module in annotations(value)
        for leaf in leaves(annotation, module)
        if leaf.__module__.split(".")[0] == "sendkit" and id(leaf) not in KNOWN
    ]


@each(NAMES)
def test_what_a_public_thing_names_is_public(name: str) -> None:
    assert private(NAMES[name]) == []


@each([name for name, value in NAMES.items() if isinstance(value, type)])
def test_every_public_class_is_described(name: str) -> None:
    assert inspect.getdoc(NAMES[name])


@each([module for module in PUBLIC if module != "sendkit.__main__"])
def test_every_public_module_lists_each_of_its_names_once(module: str) -> None:
    names = list(import_module(module).__all__)
    assert len(names) == len(set(names))


def test_the_walk_finds_a_private_type() -> None:
    """Or all of the above would hold of nothing."""

    def function(of: list[Secretive]) -> None: ...

    class Public:
        def method(self) -> Secretive | None: ...

    for value in (function, Public):
        value.__module__ = __name__
    sys.modules[__name__].Secretive = Secretive  # type: ignore[attr-defined]
    assert len([leaf for _, one, _ in _of_function(function) if one is not None for leaf in leaves(one, __name__)]) == 2
    assert private(sendkit.Mailer) == []


class Secretive:
    """No public thing."""
