"""What a browser does with the file that it is given in place of an address: it follows it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def target_of(file_url: str) -> str:
    """Where the file leads to."""
    text = Path(url2pathname(urlsplit(file_url).path)).read_text(encoding="utf-8")
    found = re.search(r'content="0;url=([^"]+)"', text)
    assert found, text
    return html.unescape(found[1])
