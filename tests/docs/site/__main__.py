"""`python -m tests.docs.site FOLDER`: build the site, and put it into a folder, which is emptied first."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.docs.site.build import build, lay_out


def main(folder: Path) -> None:
    """Lay out, build, and take the result over."""
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        lay_out(work)
        site = build(work)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(site, folder)
    sys.stdout.write(f"{sum(1 for _ in folder.rglob('*.html'))} pages in {folder}\n")


if len(sys.argv) != 2:
    sys.exit("python -m tests.docs.site FOLDER")
main(Path(sys.argv[1]))
