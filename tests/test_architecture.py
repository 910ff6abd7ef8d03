"""The house stands as it is drawn: import arrows run one way, each library has one door, and nothing grows too long.

Reads the syntax tree of `sendkit/`. Imports under TYPE_CHECKING do not count; those within functions do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

import sendkit

ROOT = Path(sendkit.__file__).parents[1]  # of the package that is tested, which may be an installed one
CHECKOUT = Path(__file__).parents[1]
FILES = sorted(ROOT.joinpath("sendkit").rglob("*.py"))

# From the ground up; each line may import what stands above it, and a room what is in the room itself. What stands in
# one line knows nothing of its neighbours.
ORDER = (
    ("sendkit._version", "sendkit._redaction", "sendkit._notebook", "sendkit._spelling", "sendkit._frozen"),
    ("sendkit.errors",),
    ("sendkit._lifetime",),
    ("sendkit._trusted_file", "sendkit._frames", "sendkit._distribution", "sendkit._submission"),
    ("sendkit._tls", "sendkit._dns"),
    ("sendkit._server",),
    ("sendkit._providers",),
    ("sendkit._smtp",),
    ("sendkit._reading",),
    ("sendkit._page",),
    ("sendkit._message",),
    ("sendkit.results", "sendkit._credentials"),
    ("sendkit._accounts", "sendkit.signing"),
    ("sendkit._seam",),
    ("sendkit._wire",),
    ("sendkit._transport",),
    ("sendkit._delivery",),
    ("sendkit._doctor",),
    ("sendkit._plan",),
    ("sendkit._many",),
    ("sendkit._mailer",),
    ("sendkit._sync",),
    ("sendkit.outbox",),
    (
        "sendkit._send",
        "sendkit.credentials",
        "sendkit.messages",
        "sendkit.observers",
        "sendkit.settings",
        "sendkit.transports",
    ),
    ("sendkit",),
    ("sendkit.testing", "sendkit.report"),
    ("sendkit._cli",),
    ("sendkit.__main__",),
)
# Each library, and the one room that knows it.
DOORS = {
    "aiosmtplib": ("sendkit._wire",),
    "tenacity": ("sendkit._delivery",),
    "keyring": ("sendkit._credentials",),
    "scramp": ("sendkit._smtp.scram",),
    "truststore": ("sendkit._tls",),
    "asn1crypto": ("sendkit._tls",),
    "dns": ("sendkit._dns",),
    "aiosmtpd": ("sendkit.testing",),
    "trustme": ("sendkit.testing",),
    "zxcvbn": ("sendkit._cli.login",),
    "icalendar": ("sendkit._message.invite",),
    "python_socks": ("sendkit._wire.tunnel",),
    "cryptography": ("sendkit.signing", "sendkit.testing._certificate"),
    "narwhals": ("sendkit.report._frame",),
    "markdown_it": ("sendkit.report._markdown",),
    "css_inline": ("sendkit.report._blocks",),
    "jinja2": ("sendkit.report._template",),
    "xlsxwriter": ("sendkit.report._files",),
    "procrastinate": ("sendkit.outbox._procrastinate",),
    "opentelemetry": ("sendkit.observers._opentelemetry",),
    "pytest": ("sendkit.testing.plugin",),
    "socket": ("sendkit._wire", "sendkit.testing"),
}
LAZY = {
    "python_socks",
    "icalendar",
    "cryptography",
    "keyring",
    "scramp",
    "tenacity",
    "idna",
    "dns",
    "truststore",
    "asn1crypto",
    "aiosmtpd",
    "trustme",
    "zxcvbn",
    "narwhals",
    "markdown_it",
    "css_inline",
    "jinja2",
    "xlsxwriter",
    "pyarrow",
    "plotly",
    "kaleido",
}
NOT_IN_SMTP = {
    "asyncio",
    "time",
    "datetime",
    "socket",
    "ssl",
    "select",
    "selectors",
    "threading",
    "random",
    "os",
    "io",
    "pathlib",
}


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


def imports(path: Path) -> Iterator[Import]:
    """Every import that happens at run time."""
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
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        stack.extend((child, lazy) for child in ast.iter_child_nodes(node))


def _imported_from(path: Path, node: ast.ImportFrom, lazy: bool) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield Import(inner if inner in MODULES else base, node.lineno, lazy)


def rank(module: str) -> tuple[int, str]:
    """Where a module stands, and in which room; the longest name that fits counts."""
    fitting = [
        (len(room), number, room) for number, rooms in enumerate(ORDER) for room in rooms if within(module, room)
    ]
    _, number, room = max(fitting)
    return number, room


def within(module: str, room: str) -> bool:
    return module == room or (room != "sendkit" and module.startswith(room + "."))


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Every function, and how many lines its body has without the docstring."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            yield node, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def every_file(law: Callable[[Path], None]) -> Callable[[], None]:
    """One test of a law for all files, which names those that break it: thousands of tests would take too long."""

    def test() -> None:
        broken = {}
        for path in FILES:
            try:
                law(path)
            except AssertionError as error:
                broken[str(path.relative_to(ROOT))] = str(error)
        assert broken == {}

    test.__name__, test.__doc__ = law.__name__, law.__doc__
    return test


def test_every_module_has_its_place_in_the_order() -> None:
    assert {rank(module)[1] for module in MODULES} == {
        room for rooms in ORDER for room in rooms if any(within(m, room) for m in MODULES)
    }
    with pytest.raises(ValueError, match="max"):
        rank("sendkit._unknown")


@every_file
def test_import_arrows_run_one_way(path: Path) -> None:
    here, room = rank(name_of(path))
    wrong = [
        f"line {found.line}: {found.module}"
        for found in imports(path)
        if found.module.split(".")[0] == "sendkit"
        and rank(found.module)[0] >= here
        and rank(found.module)[1] != room
        and found.module != "sendkit._version"
    ]
    assert not wrong


@every_file
def test_each_library_has_one_door(path: Path) -> None:
    here = name_of(path)
    wrong = [
        f"line {found.line}: {found.module}"
        for found in imports(path)
        if (doors := DOORS.get(found.module.split(".")[0])) and not any(within(here, door) for door in doors)
    ]
    assert not wrong


@every_file
def test_what_is_seldom_needed_is_imported_when_it_is_needed(path: Path) -> None:
    """A file that nothing imports before it is needed may do so at once."""
    if name_of(path).startswith(("sendkit.testing.", "sendkit._transport.script")):
        return
    assert [found.module for found in imports(path) if found.module.split(".")[0] in LAZY and not found.lazy] == []


@pytest.mark.parametrize("path", [p for p in FILES if "_smtp" in p.parts], ids=lambda path: path.name)
def test_the_protocol_knows_no_loop_no_clock_and_no_socket(path: Path) -> None:
    assert {found.module.split(".")[0] for found in imports(path)} & NOT_IN_SMTP == set()


@every_file
def test_every_file_opens_with_its_law(path: Path) -> None:
    law = ast.get_docstring(tree(path))
    assert law
    assert len(law.splitlines()) <= 40 if path.name == "errors.py" else len(law.splitlines()) <= 12


@every_file
def test_no_file_is_over_350_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350


@every_file
def test_no_line_of_code_names_this_machine(path: Path) -> None:
    assert str(ROOT) not in path.read_text()


@every_file
def test_no_function_is_over_40_lines(path: Path) -> None:
    assert [(node.name, length) for node, length in functions(path) if length > 40] == []


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
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func).split(".")[-1] in ours
        and "hint" not in {keyword.arg for keyword in node.exc.keywords}
    ]
    assert without == []


@every_file
def test_no_error_is_caught_in_silence(path: Path) -> None:
    """An `except` that only passes gives its reason in a comment beside it."""
    lines = path.read_text().splitlines()
    silent = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(step, ast.Pass) for step in node.body)
        and "#" not in "".join(lines[node.lineno - 2 : (node.body[-1].end_lineno or 0)])
    ]
    assert silent == []


@every_file
def test_verdicts_are_made_in_one_place(path: Path) -> None:
    """Where each has a reason, from which its hint is looked up."""
    by_hand = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and called(node) == "Verdict"]
    assert by_hand == [] or name_of(path) == "sendkit._smtp.verdict"


@every_file
def test_the_phases_before_a_transaction_are_named_once(path: Path) -> None:
    named = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Set | ast.Tuple | ast.List)
        and {"Phase.RESOLVE", "Phase.EHLO", "Phase.AUTH"} <= {ast.unparse(element) for element in node.elts}
    ]
    assert named == [] or name_of(path) == "sendkit._smtp.phase"


def called(node: ast.Call) -> str:
    """The last name of what is called."""
    return ast.unparse(node.func).split(".")[-1]


@every_file
def test_a_session_is_changed_by_its_methods_alone(path: Path) -> None:
    """Nobody sets an attribute of one but itself; the local server of tests has sessions of another kind."""
    if name_of(path) == "sendkit._wire.session" or "sendkit._wire." not in path.read_text():
        return
    written = [
        f"line {node.lineno}: {ast.unparse(target)}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and ast.unparse(target.value).split(".")[-1] in ("session", "_session")
    ]
    assert written == []


def test_contributing_shows_the_floors() -> None:
    from tests.floors import drawn, picture  # noqa: PLC0415 - it draws the order of this file

    floors, rooms = ([line[:23].rstrip() for line in text.splitlines()] for text in (picture(), drawn()))
    assert floors == rooms, "draw it again: python -m tests.floors"


def test_every_file_that_contributing_sends_to_is_there() -> None:
    named = set(
        re.findall(r"`((?:sendkit|tests|docs)/[\w./]+)`", (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    )
    assert len(named) >= 20
    assert [path for path in sorted(named) if not any((top / path).exists() for top in (ROOT, CHECKOUT))] == []


def test_the_order_is_an_order() -> None:
    names = [room for rooms in ORDER for room in rooms]
    assert len(names) == len(set(names))
    assert all(set(one).isdisjoint(other) for one, other in pairwise(ORDER))
