"""Laws of every file: what it opens with, how long it and its functions are, and what an error of it says.

Where each stands, and what it may import: `test_architecture.py`.
"""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

import pytest
from hypothesis import HealthCheck, settings

from tests.syntax import FILES, ROOT, every_file, functions, statements, tree


@every_file
def test_every_file_opens_with_its_law(path: Path) -> None:
    law = ast.get_docstring(tree(path))
    assert law
    assert len(law.splitlines()) <= 40 if path.name == "errors.py" else len(law.splitlines()) <= 12


@every_file
def test_no_file_is_over_350_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350


def test_nor_is_one_of_the_tests() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    assert [str(path) for path, size in sizes.items() if size > 350] == []


@every_file
def test_no_line_of_code_names_this_machine(path: Path) -> None:
    assert str(ROOT) not in path.read_text()


@every_file
def test_no_function_is_over_40_lines(path: Path) -> None:
    assert [(node.name, length) for node, length in functions(path) if length > 40] == []


def test_nor_is_one_of_the_tests_or_of_what_they_use() -> None:
    long = {
        str(path): [(node.name, length) for node, length in functions(path) if length > 40]
        for path in (ROOT / "tests").rglob("*.py")
    }
    assert {path: found for path, found in long.items() if found} == {}


def test_most_functions_fit_on_a_hand() -> None:
    assert median(length for path in FILES for _, length in functions(path)) <= 7


@every_file
def test_every_public_thing_is_described(path: Path) -> None:
    """A method that fills a protocol, or replaces one of a base class, is described there; overloads are below them."""
    undescribed = [
        node.name
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and "overload" not in map(ast.unparse, node.decorator_list)
        and not ast.get_docstring(node)
    ]
    assert undescribed == []


@every_file
def test_every_error_of_ours_says_what_to_do(path: Path) -> None:
    """`raise SomeError("…")` has a `hint=`; errors for the house alone need none."""
    ours = {
        "ConfigurationError",
        "MessageError",
        "CredentialsError",
        "CredentialsNotFound",
        "KeyringUnavailable",
        "KeyringLocked",
    }
    without = [
        f"line {node.lineno}: {ast.unparse(node.exc)[:60]}"
        for node in statements(path)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func).split(".")[-1] in ours
        and "hint" not in {keyword.arg for keyword in node.exc.keywords}
    ]
    assert without == []


@every_file
def test_no_error_is_caught_in_silence(path: Path) -> None:
    """An `except` that only goes on, or that answers every kind of error alike, gives its reason in a comment."""
    lines = path.read_text().splitlines()
    silent = [
        node.lineno
        for node in statements(path)
        if isinstance(node, ast.ExceptHandler)
        and is_silent(node)
        and "#" not in "".join(lines[node.lineno - 2 : (node.body[-1].end_lineno or 0)])
    ]
    assert silent == []


def is_silent(handler: ast.ExceptHandler) -> bool:
    """Whether it does nothing, or gives a constant for whatever went wrong."""
    broad = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
    return all(
        isinstance(step, ast.Pass | ast.Continue | ast.Break)
        or (isinstance(step, ast.Return) and (step.value is None or (broad and isinstance(step.value, ast.Constant))))
        for step in handler.body
    )


@pytest.mark.parametrize(
    ("handler", "silent"),
    [
        ("except ValueError: pass", True),
        ("except ValueError: continue", True),
        ("except ValueError: return", True),
        ("except ValueError: return None", False),
        ("except Exception: return None", True),
        ("except: return False", True),
        ("except OSError as error: log(error)", False),
        ("except Exception: raise", False),
    ],
)
def test_silence_is_found(handler: str, silent: bool) -> None:
    """`return None` for one kind of error is an answer, of which the caller's type tells."""
    program = f"def f():\n  for _ in ():\n    try: pass\n    {handler}"
    (found,) = (node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.ExceptHandler))
    assert is_silent(found) is silent


def test_what_a_test_draws_has_a_seed() -> None:
    """So that a test that has passed passes again; Hypothesis too, unless it is told to draw new examples."""
    drawing = {"os.urandom", "random.random", "random.randbytes", "random.choice", "random.randint", "random.shuffle"}
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        if any(call.partition(".")[2] in path.read_text(encoding="utf-8") for call in drawing)  # few of them
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and f"{node.value.id}.{node.attr}" in drawing
    ]
    assert calls == []
    usual = settings.get_profile("default")
    assert (usual.derandomize, usual.deadline) == (True, None)
    assert HealthCheck.too_slow in usual.suppress_health_check
