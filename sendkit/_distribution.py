"""How an extra is installed: by the name of the distribution only where this very code came from an index under it.

Whoever runs a checkout must not be told to install a name that somebody else may have claimed meanwhile. Knows the
metadata of installed distributions (PEP 376, PEP 610).
"""

from __future__ import annotations

from pathlib import Path

_NAME = "sendkit-smtp"


def installing(*requirements: str, extra: str | None = None) -> str:
    """The command that installs an extra of ours, or other distributions by their names."""
    if extra is None:
        return f"pip install {' '.join(requirements)}"
    if _from_index():
        return f"pip install '{_NAME}[{extra}]'"
    return f"from a checkout of sendkit: pip install '.[{extra}]'"


def _from_index(name: str = _NAME) -> bool:
    """Whether this package is that of the installed distribution, and no folder or repository was named for it."""
    from importlib import metadata  # noqa: PLC0415 - it brings the email package, and few programs lack an extra

    try:
        found = metadata.distribution(name)
        here = Path(str(found.locate_file("sendkit"))).resolve() == Path(__file__).resolve().parent
        return here and found.read_text("direct_url.json") is None
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return False
