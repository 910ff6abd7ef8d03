"""Strict type checkers find no error in what the documentation shows, and know the type of every public name.

The blocks of README.md and docs/ are checked with what stands around them there (`mailer`, `message`, a result), and
their tests with the types of the fixtures; the examples as they are. What other packages leave untyped is theirs.
With the suite one checker reads the README; the rest takes half a minute, and runs with the linters of `.ci/run`.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import sendkit
from tests.docs.pages import BLOCKS, ROOT, Block

# What stands around a block, by name.
AROUND = {
    "mailer": "from sendkit import Mailer\nmailer = Mailer('smtp.example.com')",
    "message": "from sendkit import Message\nmessage = Message(sender='ana@example.com', to='luis@example.com')",
    "result": """from sendkit import DeliveryResult
def result_of() -> DeliveryResult:
    raise NotImplementedError
result = result_of()""",
    "week": "week = [1, 3, 2]",
    "orders": "orders: dict[str, list[object]] = {}",
    "fig": "fig = b''",
    "query": "def query(text: str) -> dict[str, list[object]]:\n    raise NotImplementedError",
    "Report": "from sendkit.report import Report",
    "Table": "from sendkit.report import Table",
}


FIXTURES = {"mailbox": "MemoryMailbox", "outbox": "MemoryOutbox", "smtp_server": "LocalServer"}
# Reports of pyright that are about what others have not typed, and of expressions that show a value.
THEIRS = [
    "UnknownParameterType", "UnknownArgumentType", "UnknownVariableType", "UnknownMemberType", "UnknownLambdaType",
    "MissingParameterType", "MissingTypeStubs", "MissingImports", "MissingModuleSource", "UnusedExpression",
    "UntypedFunctionDecorator", "UntypedBaseClass", "UntypedClassDecorator",
]  # fmt: skip
UNTYPED = ("celery", "django", "airflow", "prefect")
_UNTYPED_BASES = ("sendkit.django.", "sendkit.airflow.")  # Django has no types, and Airflow is not there


def used_before_it_is_there(code: str) -> list[str]:
    """The names that a block takes from around it, in order."""
    tree = ast.parse(code)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    own |= {alias.asname or alias.name.partition(".")[0] for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}  # fmt: skip
    own |= {node.name for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}  # fmt: skip
    found = [node.id for node in names if node.id not in own and not hasattr(builtins, node.id)]
    return [name for name in AROUND if name in found]


def with_surroundings(block: Block) -> str:
    """A block as a module of its own."""
    before = [AROUND[name] for name in used_before_it_is_there(block.text)]
    fixtures = sorted({FIXTURES[name] for name in FIXTURES if re.search(TESTED.format(name), block.text)})
    if fixtures:
        before.append(f"from sendkit.testing import {', '.join(fixtures)}")
    text = re.sub(r"^((?:async )?def test_\w+\()(.*)\):", _typed, block.text, flags=re.MULTILINE)
    return "\n".join([*before, f"# {block}", text])


TESTED = r"def test_\w+\([^)]*\b{}\b"


def _typed(found: re.Match[str]) -> str:
    given = [name.strip() for name in found[2].split(",") if name.strip()]
    return f"{found[1]}{', '.join(f'{name}: {FIXTURES[name]}' for name in given)}) -> None:"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all code that is shown."""
    folder = tmp_path_factory.mktemp("shown")
    for block in BLOCKS:
        if block.language == "python":
            name = f"{block.page.replace('/', '_').removesuffix('.md').lower()}_{block.line}.py"
            (folder / name).write_text(with_surroundings(block), encoding="utf-8")
    for path in sorted((ROOT / "examples").glob("*.py")):
        shutil.copy(path, folder / f"example_{path.name}")
    return folder


def said(command: list[str], folder: Path, **environment: str) -> str:
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    return ran.stdout + ran.stderr


THEIR_IMPORT = rf"(?m)^(?:from|import) (?:{'|'.join(UNTYPED)})\b"


def _is_theirs(folder: Path, line: str) -> bool:
    """Whether mypy complains of a class or a decorator of a package without types."""
    code = (folder / line.partition(":")[0]).read_text(encoding="utf-8")
    return bool(re.search(THEIR_IMPORT, code)) and line.endswith(("[misc]", "[untyped-decorator]", "[no-untyped-def]"))


@pytest.mark.nightly
def test_what_is_shown_passes_mypy_strict(shown: Path) -> None:
    options = ["--strict", "--ignore-missing-imports", "--disable-error-code=import-untyped", "--no-error-summary"]
    checked = [sys.executable, "-m", "mypy", *options, f"--cache-dir={shown / 'cache'}", "."]
    found = [line for line in said(checked, shown).splitlines() if ": error: " in line and not _is_theirs(shown, line)]
    assert "\n".join(found) == ""


@pytest.mark.parametrize("files", ["readme_*.py", pytest.param("*.py", marks=pytest.mark.nightly)])
def test_what_is_shown_passes_pyright_strict(shown: Path, files: str) -> None:
    assert list(shown.glob(files))
    config: dict[str, object] = {
        "typeCheckingMode": "strict",
        "include": [files],
        **dict.fromkeys([f"report{one}" for one in THEIRS], False),
    }
    config["ignore"] = [path.name for path in shown.glob("*.py") if re.search(THEIR_IMPORT, path.read_text())]
    (shown / "pyrightconfig.json").write_text(json.dumps(config))
    told = json.loads(said([sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"], shown))
    found = [f"{Path(one['file']).name}: {one['message']}" for one in told["generalDiagnostics"]]
    assert "\n".join(found) == ""


@pytest.mark.nightly
def test_every_public_name_has_a_type_that_every_checker_sees(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    places = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    site = Path(sysconfig.get_path("purelib", vars=places))
    shutil.copytree(Path(sendkit.__file__).parent, site / "sendkit", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "others.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    scripts = sysconfig.get_path("scripts", vars=places)
    command = [sys.executable, "-m", "pyright", "--verifytypes", "sendkit", "--ignoreexternal", "--outputjson"]
    environment = {"VIRTUAL_ENV": str(tmp_path / "venv"), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    told = json.loads(said(command, tmp_path, **environment))["typeCompleteness"]
    unknown = [symbol["name"] for symbol in told["symbols"] if not symbol["isTypeKnown"]]
    assert "\n".join(name for name in unknown if not name.startswith(_UNTYPED_BASES)) == ""
    assert told["packageName"] == "sendkit"
    assert "sendkit.Mailer" in {symbol["name"] for symbol in told["symbols"]}


def test_everything_at_once_hides_no_builtin() -> None:
    names: dict[str, object] = {}
    exec("from sendkit import *", names)
    assert names.keys() & vars(builtins).keys() == set()
    assert callable(sendkit.open)
