"""What people read is spelled right and plain: the terms of the field, and no private metaphor or archaic turn."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_FOLDERS = ("sendkit", "docs", "examples", "benchmarks", "fuzz", "tests", ".ci", ".github")
_KINDS = {".py", ".md", ".toml", ".sh", ".yml", ""}

# What each is replaced by stands behind it.
_AVOIDED = {
    r"good-?bye": "QUIT, or close",
    r"farewell": "421, or closing",
    r"mend(s|ed|ing)?": "fix, or correct",
    r"in vain": "without a result",
    r"(is|are|was|were|be) (had|begun)|(could|can|cannot|may|might) (not )?be had": "is available; is started",
    r"who (is|are) not begun": "messages not started yet",
    r"creeps?( up| back)?": "rises slowly, recovers",
    r"\w+ (rides?|riding) (on|in|with)": "is sent on, is part of",
    r"bells?": "event",
    r"anew": "again",
    r"for ever": "forever",
    r"but for": "except",
    r"hitherto|henceforth|whence|whither|thereof|wherein|hereby|thrice|lest|naught|unto|alas": "plain words",
    r"(this|that) very machine": "this machine",
    r"(any|no)body's doing": "without a change",
    r"of one's own": "your own, its own",
    r"(what|which) [\w ]{1,20} says? of (it|them)sel(f|ves)": "its description",
    r"goes? along (as|with)": "is attached, is part of",
    r"lets? nobody in": "refuses the login",
    r"(takes?|took) no mail": "accepts no mail",
    r"opens? no mail client": "does not work in mail clients",
    r"wants (an app|a login|TLS)": "requires",
    r"speaks? it": "supports it",
    r"(refused|gone) for good": "permanently",
    r"outlasts? greylisting": "waits for greylisting",
    r"would go wrong at": "problems",
    r"hath|doth|befell|befallen|forsaken?|perchance|verily|withal|yonder": "plain words",
}
_PATTERN = re.compile(r"\b(" + "|".join(_AVOIDED) + r")\b", re.IGNORECASE)
# Words that are right where they stand: names of a test's data, or typing errors that a test makes on purpose.
_SPELLED_SO = "abd,alse,caf,conect,errrors,nmae,notfy,tabel,te,tread,wel"


def texts() -> list[Path]:
    """Every file that people read: the code, its tests, and the pages."""
    found = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in _KINDS]
    inner = ("__pycache__", "node_modules", ".cache", "results")
    kept = [path for path in found if path.is_file() and not any(part in inner for part in path.parts)]
    return sorted([*kept, *ROOT.glob("*.md"), ROOT / "pyproject.toml"])


def avoided(text: str) -> list[str]:
    """The words of a text that this project does not use."""
    return [match[0] for match in _PATTERN.finditer(text)]


def test_no_text_uses_a_metaphor_or_an_archaic_turn_where_a_term_exists() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word}"
        for path in texts()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        for word in avoided(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("each with a good-bye", "good-bye"),
        ("the caller must mend it", "mend"),
        ("the pace creeps up", "creeps up"),
        ("no secret could be had", "could be had"),
        ("A message is begun.", "is begun"),
        ("every letter that rides on it", "that rides on"),
        ("Write it anew", "anew"),
        ("only on this very machine", "this very machine"),
        ("sent without anybody's doing", "anybody's doing"),
        ("the host takes no mail", "takes no mail"),
        ("refused for good", "refused for good"),
    ],
)
def test_the_list_finds_what_it_is_about(text: str, word: str) -> None:
    assert avoided(text) == [word]


@pytest.mark.parametrize(
    "text",
    [
        "a recommended order",
        "takes mail",
        "one's",
        "it speaks SMTP",
        "it had begun",
        "the bandwidth",
        "bellows",
        "all but four",
    ],
)
def test_the_list_leaves_ordinary_words_alone(text: str) -> None:
    assert not avoided(text)


def test_everything_is_spelled_right() -> None:
    """codespell knows the common misspellings, and few others, so that it is rarely wrong."""
    command = [sys.executable, "-m", "codespell_lib", "--ignore-words-list", _SPELLED_SO, *map(str, texts())]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (run.returncode, run.stdout) == (0, ""), run.stdout + run.stderr
