"""File names of a stranger's message, as what they are: no mark turns them around, and no system reads them otherwise.

`invoice<U+202E>fdp.exe` is shown as `invoiceexe.pdf` by what obeys the mark (CVE-2021-42574); Windows passes over dots
and blanks at the end, and takes `con.txt` for a device (learn.microsoft.com/windows/win32/fileio/naming-a-file).
Must not know: what is in a file.
"""

from __future__ import annotations

import re

from sendkit._smtp.reply import plain

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:[ .].*)?", re.IGNORECASE)
_SEPARATORS = re.compile(r'[/\\:*?"<>|\t\n]')
_LONGEST = 200


def shown_name(name: str) -> str:
    """The name for a person to read: whatever would steer its display is shown as U+FFFD."""
    return plain(name).replace("\n", "\ufffd").replace("\t", "\ufffd")


def file_name(name: str, otherwise: str) -> str:
    """The name for a file: without folders, hidden or device names, or an end that a system would drop."""
    kept = _SEPARATORS.sub("_", shown_name(name)).strip(" .")
    if len(kept) > _LONGEST:
        stem, dot, kind = kept.rpartition(".")
        kept = f"{stem[: _LONGEST - len(kind) - 1]}{dot}{kind}" if stem and len(kind) < 10 else kept[:_LONGEST]
    if not kept:
        return otherwise
    return f"_{kept}" if _DEVICE.fullmatch(kept) else kept
