"""What is declared is what is there: the version, the entry points, the dependencies, the marker for type checkers."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import sendkit

ROOT = Path(__file__).parents[1]
PACKAGE = Path(sendkit.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DECLARED = PROJECT["project"]
RUNTIME = {re.split(r"[<>=!~ \[]", line)[0].lower() for line in DECLARED["dependencies"]}
EXTRAS = {
    re.split(r"[<>=!~ \[]", line)[0].lower()
    for extra, lines in DECLARED["optional-dependencies"].items()
    for line in lines
    if extra != "all"
}


# What is imported under another name than that of its distribution, or comes with another one.
_DISTRIBUTIONS = {
    "opentelemetry": "opentelemetry-api",
    "python_socks": "python-socks",
    "css_inline": "css-inline",
    "dns": "dnspython",
    "markdown_it": "markdown-it-py",
    "pydantic_core": "pydantic",
}
# Libraries whose tables and figures a caller hands over or asks for by name, and the frameworks with a module here:
# who has none of them needs none.
_FRAMEWORKS = {"airflow", "celery", "django", "fastapi", "flask"}
_OF_THE_CALLER = {*_FRAMEWORKS, "kaleido", "openpyxl", "pyarrow", "vl_convert"}


def imported() -> set[str]:
    """The top-level packages that the library imports and that come neither with Python nor with itself."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "needed":  # of sendkit/report/_extra.py
                found.add(ast.literal_eval(node.args[0]).split(".")[0])
    return found - set(sys.stdlib_module_names) - {"sendkit"}


def test_every_dependency_is_declared_and_every_declared_one_is_used() -> None:
    third_party = {_DISTRIBUTIONS.get(name, name) for name in imported() - _OF_THE_CALLER - {"pytest"}}
    assert third_party <= RUNTIME | EXTRAS
    assert third_party >= RUNTIME | EXTRAS


@pytest.mark.parametrize("line", DECLARED["dependencies"])
def test_every_dependency_has_a_floor_and_a_ceiling(line: str) -> None:
    assert re.fullmatch(r"[a-z\d]+>=[\d.]+,<\d+(; sys_platform .*)?", line)


def test_the_extra_all_is_all_of_them_and_the_page_names_each() -> None:
    extras = dict(DECLARED["optional-dependencies"])
    (everything,) = extras.pop("all")
    assert everything == f"{DECLARED['name']}[{','.join(sorted(extras))}]"
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE) == [*sorted(extras), "all"]


def test_aiosmtplib_is_recent_enough_to_be_safe() -> None:
    assert "aiosmtplib>=5.1.3,<6" in DECLARED["dependencies"]


@pytest.mark.parametrize("target", [*DECLARED["scripts"].values(), *DECLARED["entry-points"]["pytest11"].values()])
def test_every_entry_point_leads_somewhere(target: str) -> None:
    module, _, name = target.partition(":")
    found = importlib.import_module(module)
    assert not name or callable(getattr(found, name))


def test_the_pytest_plugin_is_declared() -> None:
    assert DECLARED["entry-points"]["pytest11"] == {"sendkit": "sendkit.testing.plugin"}


def test_the_version_is_written_in_one_place() -> None:
    source = (PACKAGE.parent / PROJECT["tool"]["hatch"]["version"]["path"]).read_text()
    assert f'__version__ = "{sendkit.__version__}"' in source
    assert DECLARED["dynamic"] == ["version", "readme"]
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc|\.dev)\d+)?", sendkit.__version__)


def test_type_checkers_are_told_that_there_are_types() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert "Typing :: Typed" in DECLARED["classifiers"]


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = DECLARED["requires-python"].removeprefix(">=")
    tool = PROJECT["tool"]
    assert oldest == tool["mypy"]["python_version"] == tool["pyright"]["pythonVersion"]
    assert tool["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert f"Programming Language :: Python :: {oldest}" in DECLARED["classifiers"]


@pytest.mark.parametrize("name", ["README.md", *DECLARED["license-files"], "CHANGELOG.md"])
def test_the_files_that_belong_to_a_distribution_are_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 100


def test_the_changelog_sorts_what_is_not_released_into_four_parts() -> None:
    newest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert newest.startswith("Unreleased")
    assert re.findall(r"^### (.*)", newest, re.MULTILINE) == ["Added", "Changed", "Fixed", "Security"]


def test_a_source_distribution_holds_all_that_a_stranger_needs_to_judge_it() -> None:
    """Whatever stands at the root goes in; what benchmarks download stays out."""
    sdist = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]
    folders = {path.parent.name for path in ROOT.glob("[!.]*/__init__.py")} | {"sendkit", "examples", "docs"}
    texts = {path.name for path in ROOT.glob("*.md")} | {"LICENSE", "hatch_build.py"}
    assert set(sdist["include"]) == {f"/{name}" for name in folders | texts}
    assert sdist["exclude"] == ["/benchmarks/.cache"]


def test_warnings_are_errors_in_the_tests() -> None:
    assert PROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"] == ["error"]


class TestReadme:
    """What a package index shows."""

    def test_relative_links_become_absolute_once_the_project_has_an_address(self) -> None:
        absolute = runpy.run_path(str(ROOT / "hatch_build.py"))["absolute"]
        text = "[a](docs/outbox.md#putting) ![b](docs/demo.svg) [c](https://example.org/x) [d](#here)"
        assert absolute(text, "https://code.example.org/sendkit/blob/main/") == (
            "[a](https://code.example.org/sendkit/blob/main/docs/outbox.md#putting) "
            "![b](https://code.example.org/sendkit/blob/main/docs/demo.svg) [c](https://example.org/x) [d](#here)"
        )
        assert absolute(text, "") == text

    def test_the_metadata_of_the_package_hold_it(self) -> None:
        text = metadata.metadata("sendkit-smtp").get_payload() or metadata.metadata("sendkit-smtp")["Description"]
        assert "## Try it" in text
