"""The page itself: one html, one style sheet, one script, as they lie in this folder.

Knows how they go out: as three files, or as one that needs nothing else, in which the script is named by its hash
(Content Security Policy Level 3, section 2.3.1). Must not know messages.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files

_STYLE = '<link rel="stylesheet" href="page.css">'
_SCRIPT = '<script src="page.js" defer></script>'


@cache
def asset(name: str) -> str:
    """The text of `page.html`, `page.css` or `page.js`."""
    return files("sendkit._page").joinpath(name).read_text(encoding="utf-8")


def whole(data: object) -> str:
    """The page as one document, with the data that its script would otherwise ask a server for."""
    script = asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    # "<" would end the element that holds the data: HTML section 4.12.1.3.
    inside = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    parts = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{asset("page.css")}</style>',
        f'<script type="application/json" id="data">{inside}</script>',
    )
    page = asset("page.html").replace(_STYLE, parts[0]).replace(_SCRIPT, parts[1])
    return page.replace("</body>", f"<script>{script}</script>\n</body>")
