"""Lays the pages out in a folder, has them built, and says where each file of the project stands in the site."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT
from tests.docs.site.markdown import code
from tests.docs.site.plan import DESCRIPTION, Tree, generated, tree

_LINK = re.compile(r"\[([^\[\]]*)\]\(([^():\s#]+)(#[^)]*)?\)")
_FENCES = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_ABOUT = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    *(f"benchmarks/{path.name}" for path in sorted((ROOT / "benchmarks").glob("*.md"))),
)

_STYLE = """/* No repository is named yet, and its place in the header stays empty otherwise. */
.md-header__source:not(:has(*)) { display: none; }
/* Names of hosts and options are not broken in the middle of a word; a wide table scrolls. */
.md-typeset table:not([class]) code { word-break: normal; overflow-wrap: normal; }
/* A table of facts has no header, for which Markdown has no form. */
.md-typeset thead:not(:has(th:not(:empty))) { display: none; }
"""
_THEME = """[project.validation]
invalid_links = true
invalid_link_anchors = true

[project.theme]
language = "en"
font = false
features = ["content.code.copy", "navigation.footer", "navigation.indexes", "navigation.sections", "navigation.tabs",
            "navigation.top", "search.highlight", "toc.follow"]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Dark mode"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Light mode"

[project.markdown_extensions]
attr_list = {}
tables = {}
toc.permalink = true
pymdownx.highlight.pygments_lang_class = true
pymdownx.inlinehilite = {}
pymdownx.superfences = {}
"""


def lay_out(work: Path) -> None:
    """Write everything that the builder of the site reads."""
    pages = {place: page_of(source, place) for source, place in by_hand().items()} | examples() | generated()
    for place, text in pages.items():
        _write(work / "docs" / place, text)
    for picture in (path for of in ("docs", "benchmarks") for path in sorted((ROOT / of).rglob("*"))):
        if picture.suffix in (".png", ".svg"):
            target = work / "docs" / _place(picture.relative_to(ROOT).as_posix())
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, target)
    (work / "zensical.toml").write_text(_settings(tree(pages)), encoding="utf-8")
    (work / "docs" / "site.css").write_text(_STYLE, encoding="utf-8")
    (work / "docs" / "llms.txt").write_text(_for_models(tree(pages), pages), encoding="utf-8")


def build(work: Path) -> Path:
    """Build what was laid out; a warning is an error. Answers the folder of the site."""
    subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=work, check=True)
    return work / "site"


def by_hand() -> dict[str, str]:
    """Each page that somebody wrote, by its path in the project, and its path in the site."""
    written = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    replaced = "docs/reference.md"  # the site has a page for each module
    return {source: _place(source) for source in ["README.md", *_ABOUT, *written] if source != replaced}


def _place(source: str) -> str:
    """Where a file of the project stands in the site."""
    if source == "README.md":
        return "index.md"
    if source == "docs/reference.md":
        return "reference/index.md"
    if source in _ABOUT:
        return f"project/{Path(source).stem.lower()}.md"
    if source.startswith("examples/"):
        return f"{source}.md"
    if source == "examples":
        return "examples/index.md"
    return f"project/{Path(source).name}" if source.startswith("benchmarks/") else source.removeprefix("docs/")


def page_of(source: str, place: str) -> str:
    """A page that somebody wrote, as it stands in the site."""
    text = (ROOT / source).read_text(encoding="utf-8")
    if source == "LICENSE":
        return f"# License\n\n{code(text)}"
    pieces = _FENCES.split(text)
    return "".join(piece if number % 2 else moved(piece, source, place) for number, piece in enumerate(pieces))


def moved(text: str, source: str, place: str) -> str:
    """The links of a page, from where it stands in the site; what is not in the site is named and not linked."""

    def link(found: re.Match[str]) -> str:
        target = (ROOT / source).parent.joinpath(found[2]).resolve().relative_to(ROOT).as_posix()
        if Path(target).suffix in (".md", ".png", ".svg") or target.startswith("examples") or target in _ABOUT:
            return f"[{found[1]}]({_between(place, _place(target))}{found[3] or ''})"
        return found[1]

    return _LINK.sub(link, text)


def _between(place: str, target: str) -> str:
    """The way from one page of the site to another."""
    return "../" * place.count("/") + target


def examples() -> dict[str, str]:
    """Each example as a page."""
    made = {}
    for path in sorted((ROOT / "examples").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        made[f"examples/{path.name}.md"] = f"# {path.name}\n\n{code(text, 'python')}"
    listed = "\n".join(f"- [{Path(name).stem}]({Path(name).name})" for name in made)
    return {"examples/index.md": f"# Examples\n\nWhole programs; each is run by a test.\n\n{listed}\n", **made}


def _settings(pages: Tree) -> str:
    return f"""[project]
site_name = "sendkit"
site_description = {json.dumps(DESCRIPTION)}
use_directory_urls = true
extra_css = ["site.css"]
nav = {_nav(pages)}

{_THEME}
[project.plugins.mkdocstrings.handlers.python]
paths = [{json.dumps(str(ROOT))}]

[project.plugins.mkdocstrings.handlers.python.options]
show_source = false
show_bases = false
show_if_no_docstring = true
show_root_heading = true
show_root_full_path = false
heading_level = 2
members_order = "source"
show_signature_annotations = true
separate_signature = true
filters = ["!^_"]
"""


def _nav(pages: Tree) -> str:
    """The order of the pages as TOML."""
    return "[" + ", ".join(f"{{ {json.dumps(title)} = {_nav_of(of)} }}" for title, of in pages.items()) + "]"


def _nav_of(of: str | Tree) -> str:
    return json.dumps(of) if isinstance(of, str) else _nav(of)


def _for_models(pages: Tree, texts: dict[str, str]) -> str:
    """llms.txt: what the site holds, one line a page."""
    lines = ["# sendkit", "", f"> {DESCRIPTION}", ""]
    for title, of in pages.items():
        lines += [f"## {title}", "", *_lines(of, texts, title), ""]
    return "\n".join(lines)


def _lines(of: str | Tree, texts: dict[str, str], title: str) -> Iterator[str]:
    if isinstance(of, str):
        yield f"- [{title}]({of})"
        return
    for name, inner in of.items():
        yield from _lines(inner, texts, name)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
