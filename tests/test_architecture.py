"""The house stands as it is drawn: import arrows run one way, and each library has one door.

Imports under TYPE_CHECKING do not count; those within functions do. Laws of every file: `test_code.py`.
"""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.each import each
from tests.syntax import FILES, MODULES, ROOT, every_file, imports, name_of, tree

CHECKOUT = Path(__file__).parents[1]

# From the ground up; each line may import what stands above it, and a room what is in the room itself. What stands in
# one line knows nothing of its neighbours.
ORDER = (
    ("sendkit._shown",),
    (
        "sendkit._version",
        "sendkit._redaction",
        "sendkit._notebook",
        "sendkit._spelling",
        "sendkit._frozen",
        "sendkit._xtext",
        "sendkit._lazy",
        "sendkit._variables",
    ),
    ("sendkit.errors", "sendkit._unchecked"),
    ("sendkit._lifetime",),
    (
        "sendkit._trusted_file",
        "sendkit._frames",
        "sendkit._distribution",
        "sendkit._submission",
        "sendkit._answers",
        "sendkit._airflow_provider",
    ),
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
    ("sendkit._sending",),
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
    (
        "sendkit.testing",
        "sendkit.report",
        "sendkit.airflow",
        "sendkit.celery",
        "sendkit.django",
        "sendkit.fastapi",
        "sendkit.flask",
    ),
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
    "airflow": ("sendkit.airflow",),
    "celery": ("sendkit.celery",),
    "django": ("sendkit.django",),
    "fastapi": ("sendkit.fastapi",),
    "flask": ("sendkit.flask",),
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


def rank(module: str) -> tuple[int, str]:
    """Where a module stands, and in which room; the longest name that fits counts."""
    fitting = [
        (len(room), number, room) for number, rooms in enumerate(ORDER) for room in rooms if within(module, room)
    ]
    _, number, room = max(fitting)
    return number, room


def within(module: str, room: str) -> bool:
    return module == room or (room != "sendkit" and module.startswith(room + "."))


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


@each([path for path in FILES if "_smtp" in path.parts], called=lambda path: path.name)
def test_the_protocol_knows_no_loop_no_clock_and_no_socket(path: Path) -> None:
    assert {found.module.split(".")[0] for found in imports(path)} & NOT_IN_SMTP == set()


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
        and len(node.elts) > 2
        and {"Phase.RESOLVE", "Phase.EHLO", "Phase.AUTH"} <= {ast.unparse(element) for element in node.elts}
    ]
    assert named == [] or name_of(path) == "sendkit._smtp.phase"


def called(node: ast.Call) -> str:
    """The last name of what is called."""
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
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
