"""Writes `docs/reference.md`: every public module, and what each of its names is, in the words of its docstring.

`python -m tests.docs.reference` writes it again.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module

from tests.docs.pages import ROOT
from tests.test_public import PUBLIC, home_of

PATH = ROOT / "docs" / "reference.md"
_OPENING = """# Reference

Every public name, module by module. What a signature or an attribute names stands here too. `help(sendkit.Mailer)` says
more of each; `python -m tests.docs.reference` writes this page.
"""


def page() -> str:
    """The page as it is to be."""
    return "\n".join([_OPENING, *_modules()])


def modules() -> Iterator[str]:
    """The public modules that have names of their own."""
    for name in PUBLIC:
        names = [one for one in getattr(import_module(name), "__all__", ()) if not one.startswith("__")]
        if names and name != "sendkit.testing.local_server":
            yield name


def _modules() -> Iterator[str]:
    for name in modules():
        module = import_module(name)
        names = [one for one in module.__all__ if not one.startswith("__")]
        yield f"## `{name}`\n\n{_sentence(module.__doc__)}\n\n| name | |\n|---|---|"
        yield from (f"| `{one}` | {_told(getattr(module, one), one, name)} |" for one in names)
        yield ""


def _told(value: object, name: str, module: str) -> str:
    if inspect.ismodule(value):
        return f"see below: {_sentence(value.__doc__)}"
    if isinstance(value, type) or inspect.isroutine(value):
        return _sentence(value.__doc__)
    return f"an alias for annotations: `{_alias(name, home_of(name, module))}`".replace("|", "\\|")


def _alias(name: str, module: str) -> str:
    """An alias as it is written where it is defined."""
    for node in ast.parse(inspect.getsource(import_module(module))).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name and node.value is not None:
            return str(node.value.value) if isinstance(node.value, ast.Constant) else ast.unparse(node.value)
    raise LookupError(f"{module}.{name}")


def _sentence(text: str | None) -> str:
    """The first sentence, on one line."""
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s(?=[A-Z`])", paragraph + " ")[0].strip().replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
