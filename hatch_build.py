"""The README as a package index shows it, which has no files beside it: its links lead to the project's address.

Read by hatchling (`[tool.hatch.metadata.hooks.custom]`). The project has no address yet, and none is made up: until
ADDRESS is set, the README goes into the package as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

ADDRESS = ""  # where the files of the project are shown, such as "https://code.example.org/sendkit/blob/main"
_RELATIVE = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s]+\))")


def absolute(text: str, address: str) -> str:
    """The text with its relative links behind an address; as it is without one."""
    return _RELATIVE.sub(rf"\g<1>{address.rstrip('/')}/\g<2>", text) if address else text


class ReadmeHook(MetadataHookInterface):
    """Gives `readme` to the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read README.md, and write the links out."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, ADDRESS)}
