"""The page as a file, for one message: no server is needed, and it is still there when the program has ended.

The file lies in a folder of its own that is closed to other users. Knows how a browser is opened. Must not know how the
page looks, or how a message is composed.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._page.assets import whole
from sendkit._page.browser import show
from sendkit._page.markup import document
from sendkit._page.view import PICTURES, files_of, view

if TYPE_CHECKING:
    from sendkit._reading.caught import CaughtMessage
    from sendkit._reading.parts import ReceivedPart

__all__ = ["page_of", "shown_document"]


def page_of(message: CaughtMessage, *, open_browser: bool) -> Path:
    """Write the page with this one message into a file, and open it; returns the file."""
    file = Path(tempfile.mkdtemp(prefix="sendkit-preview-")) / "message.html"
    file.touch(mode=0o600)
    file.write_text(_page(message), encoding="utf-8")
    if open_browser:
        show(file.as_uri())
    return file


def shown_document(message: CaughtMessage) -> str:
    """The html of a message as a document that needs nothing else: its pictures are in it."""
    pictures = {
        part.content_id: _data_url(part.content_type, part.data)
        for part in files_of(message)
        if part.content_id and part.content_type in PICTURES
    }
    return document(message.html, pictures)


def _page(message: CaughtMessage) -> str:
    shown = view(1, message, _href)
    for file, part in zip(shown["files"], files_of(message), strict=True):
        file["picture"] = _data_url(part.content_type, part.data) if file["picture"] else ""
    more = {"download": _data_url("application/octet-stream", message.content)}
    if message.html:
        more["document"] = shown_document(message)
    return whole({"view": {**shown, **more}})


def _href(_: int, part: ReceivedPart) -> str:
    return _data_url("application/octet-stream", part.data)


def _data_url(kind: str, octets: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(octets).decode()}"
