"""A received message as text that is the same on every run: for snapshot tools, and for eyes that compare.

Knows what differs from run to run: Message-ID, Date, and the boundaries of the parts (RFC 5322 section 3.6, RFC 2046
section 5.1.1). All else stays as it was sent. Must not know snapshot tools.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendkit._reading.received import ReceivedMessage

_DATE = re.compile(r"^((?:Resent-)?Date:).*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(r"""\bboundary=(?:"([^"\n]+)"|([^\s";]+))""", re.IGNORECASE)


def snapshot_of(message: ReceivedMessage) -> str:
    """The message with LF line ends, and with `<message-id>`, `<date>` and `boundary-1`, … for what differs."""
    text = message.raw.decode("utf-8", "replace").replace("\r\n", "\n")
    head, blank, body = text.partition("\n\n")
    text = _DATE.sub(r"\1 <date>", head) + blank + body
    if message.message_id:
        text = text.replace(message.message_id, "<message-id>")
    boundaries = dict.fromkeys(one or other for one, other in _BOUNDARY.findall(text))
    for number, boundary in enumerate(boundaries, 1):
        text = _with_boundary(text, boundary, f"boundary-{number}")
    return text


def _with_boundary(text: str, boundary: str, name: str) -> str:
    found = re.escape(boundary)
    text = re.sub(rf'(\bboundary=)(?:"{found}"|{found}(?=[\s;]))', rf'\1"{name}"', text, flags=re.IGNORECASE)
    return re.sub(rf"^--{found}(?=(?:--)?[ \t]*$)", f"--{name}", text, flags=re.MULTILINE)
