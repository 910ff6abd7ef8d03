"""Opens a browser without telling the other users of this machine what it opens, nor the browser what we know.

A command line is read by every local user (proc(5)), and a page's address may hold its key: so the browser is given a
file that only this user may read, which leads on. What it inherits are none of our secrets.
"""

from __future__ import annotations

import html
import os
import shutil
import tempfile
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# The variables that hold a secret themselves; `_credentials` reads them.
_SECRETS = ("SENDKIT_PASSWORD", "SENDKIT_OAUTH_CLIENT_SECRET")


@contextmanager
def opened(url: str) -> Generator[None]:
    """Open an address that is nobody else's business; the file that leads to it is there as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="sendkit-open-"))
    try:
        file = folder / "open.html"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as page:
            page.write(_leading_to(url))
        show(file.as_uri())
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(address: str) -> None:
    """Open an address that everybody may see."""
    kept = {name: os.environ.pop(name) for name in _SECRETS if name in os.environ}
    try:
        webbrowser.open(address)
    finally:
        os.environ.update(kept)


def _leading_to(url: str) -> str:
    address = html.escape(url, quote=True)
    return (
        '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={address}"><title>sendkit</title>'
        f'<p><a href="{address}" rel="noreferrer">Go on</a>'
    )
