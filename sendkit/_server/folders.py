"""Where a user's files are: settings, and what must last (XDG Base Directory Specification; %APPDATA% on Windows).

A container may run as a user without HOME and without an entry in passwd, so that there is no home: whoever needs it
gets a ConfigurationError that says what to set. Must not know: what stands in the files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from sendkit.errors import ConfigurationError


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where sendkit keeps what must last: $XDG_STATE_HOME/sendkit, by default under ~/.local/state.

    %LOCALAPPDATA% on Windows. Raises ConfigurationError where there is no home.
    """
    return _folder("XDG_STATE_HOME", "LOCALAPPDATA", (".local", "state"), environ)


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where its settings are: $XDG_CONFIG_HOME/sendkit, by default under ~/.config (%APPDATA% on Windows).

    Raises ConfigurationError where there is no home.
    """
    return _folder("XDG_CONFIG_HOME", "APPDATA", (".config",), environ)


def known_hosts_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The usual one, in the state folder. Raises ConfigurationError."""
    return state_folder(environ) / "known_hosts"


def expanded(path: str | Path) -> Path:
    """The path with `~` replaced. Raises ConfigurationError where there is no such home, or no path."""
    if not isinstance(cast("object", path), str | os.PathLike):
        hint = "write the path of a file or folder as text, or as a pathlib.Path"
        raise ConfigurationError(f"{type(path).__name__} is not a path", hint=hint)
    if not str(path):
        raise ConfigurationError("the path is empty", hint="give it a value, or leave it out")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        hint = "set HOME, or write the path without ~"
        raise ConfigurationError(f"there is no home folder for {path}", hint=hint) from None


def _folder(variable: str, on_windows: str, below: tuple[str, ...], environ: Mapping[str, str]) -> Path:
    base = environ.get(variable) or (environ.get(on_windows) if os.name == "nt" else None)
    if base:
        return Path(base) / "sendkit"
    try:
        return Path.home().joinpath(*below) / "sendkit"
    except RuntimeError:
        hint = f"set HOME, or {variable} to a folder that this user may use"
        raise ConfigurationError("this user has no home folder", hint=hint) from None
