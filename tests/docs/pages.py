"""README.md and the pages of docs/, as their readers see them: blocks, code in the running text, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, the section that it stands in, its language, its text and its line."""

    page: str
    section: str
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One page of the documentation."""

    path: Path

    @property
    def name(self) -> str:
        """Its path within the project."""
        return self.path.relative_to(ROOT).as_posix()

    def __str__(self) -> str:
        return self.name

    @cached_property
    def text(self) -> str:
        """Its Markdown."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Its Markdown without the blocks."""
        return _FENCED.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """All fenced blocks, in order."""
        found = []
        for block in _FENCED.finditer(self.text):
            before = self.text[: block.start()]
            headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", before), re.MULTILINE)
            found.append(Block(self.name, headings[-1], block[1], block[2], before.count("\n") + 2))
        return found

    @cached_property
    def spans(self) -> list[str]:
        """What stands between backticks in the running text."""
        return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", self.prose)]

    @cached_property
    def anchors(self) -> set[str]:
        """Where a link can lead to, written as GitHub writes it."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @cached_property
    def links(self) -> list[str]:
        """The links within the project, pictures too."""
        return re.findall(r"\]\(([^):]+)\)", self.prose)


README = Page(ROOT / "README.md")
PAGES = [README, *(Page(path) for path in sorted((ROOT / "docs").rglob("*.md")))]
# A page that is made of the docstrings tells nobody how a name is used.
_TELLING = [page for page in PAGES if page.path.name != "reference.md"]
BLOCKS = [block for page in _TELLING for block in page.blocks]
SPANS = [span for page in _TELLING for span in page.spans]
CODE = "\n".join([*(block.text for block in BLOCKS), *SPANS])


def page(name: str) -> Page:
    """A page of docs/, by its file's name."""
    return Page(ROOT / "docs" / name)


def is_told(name: str) -> bool:
    """Whether a name stands in the documentation as code, by itself."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", CODE) is not None
