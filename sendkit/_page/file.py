"""The page as a file, for one message: no server is needed, and it is still there when the program has ended.

The file lies in a folder of its own that is closed to other users. Knows how a message is composed (nothing is sent),
and how a browser is opened. Must not know how the page looks.
"""

from __future__ import annotations

import base64
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit._message.compose import compose
from sendkit._page.assets import whole
from sendkit._page.markup import document
from sendkit._page.view import PICTURES, files_of, view
from sendkit._reading.caught import CaughtMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendkit._message.compose import AnyMessage
    from sendkit._reading.parts import ReceivedPart
    from sendkit._smtp.envelope import Envelope

__all__ = ["preview"]


def preview(
    message: AnyMessage,
    *,
    envelope_from: str | None = None,
    recipients: Iterable[str] | Envelope | str | None = None,
    open_browser: bool = True,
) -> Path:
    """Show a message in the browser as `sendkit catch` would, and send nothing; returns the file that was opened.

    Takes a Message, a ReadyMessage or any message of the standard library; the envelope is as in `send`. The file holds
    the whole message, attachments too, and only this user may read it; remove it when it is no longer wanted. Raises
    MessageError for what could not be sent either.
    """
    letter = compose(message, envelope_from=envelope_from, recipients=recipients)
    content = b"".join(letter.content.blocks())
    replies = tuple((address, "(not sent)") for address in letter.envelope.recipients)
    file = Path(tempfile.mkdtemp(prefix="sendkit-preview-")) / "message.html"
    file.write_text(_page(CaughtMessage(letter.envelope, content, replies=replies)), encoding="utf-8")
    if open_browser:
        webbrowser.open(file.as_uri())
    return file


def _page(message: CaughtMessage) -> str:
    pictures = {
        part.content_id: _data_url(part.content_type, part.data)
        for part in files_of(message)
        if part.content_id and part.content_type in PICTURES
    }
    shown = view(1, message, _href)
    for file, part in zip(shown["files"], files_of(message), strict=True):
        file["picture"] = _data_url(part.content_type, part.data) if file["picture"] else ""
    more = {"download": _data_url("application/octet-stream", message.content)}
    if message.html:
        more["document"] = document(message.html, pictures)
    return whole({"view": {**shown, **more}})


def _href(_: int, part: ReceivedPart) -> str:
    return _data_url("application/octet-stream", part.data)


def _data_url(kind: str, octets: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(octets).decode()}"
