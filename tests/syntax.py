"""The syntax trees of `sendkit/`, for the tests that look at the code instead of running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sendkit
from tests.each import Law, each

ROOT = Path(sendkit.__file__).parents[1]  # of the package that is tested, which may be an installed one
FILES = sorted(ROOT.joinpath("sendkit").rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """One import of a module: what, where, and whether it waits until a function is called."""

    module: str
    line: int
    lazy: bool


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path) for path in FILES}


@cache
def imports(path: Path) -> list[Import]:
    """Every import that happens at run time."""
    return [*_imports(path)]


def _imports(path: Path) -> Iterator[Import]:
    stack: list[tuple[ast.AST, bool]] = [(tree(path), False)]
    while stack:
        node, lazy = stack.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            stack.extend((child, lazy) for child in node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(path, node, lazy)
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        stack.extend((child, lazy) for child in _inside(node))


def _imported_from(path: Path, node: ast.ImportFrom, lazy: bool) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield Import(inner if inner in MODULES else base, node.lineno, lazy)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a statement, and what holds some of them: a handler, a case."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        found = getattr(node, block, ())
        yield from found if isinstance(found, list) else ()  # an expression has no statements


def statements(path: Path) -> Iterator[ast.AST]:
    """Every statement and every handler, but no expression: nine nodes in ten are some."""
    stack: list[ast.AST] = [tree(path)]
    while stack:
        yield (node := stack.pop())
        stack.extend(_inside(node))


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Every function, and how many lines its body has without the docstring."""
    for node in statements(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            yield node, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def every_file(law: Law) -> Law:
    """One test of a law for all files."""
    return each(FILES, called=lambda path: str(path.relative_to(ROOT)))(law)
