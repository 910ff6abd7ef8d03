"""The accounts of the configuration files, where every option of a mailer that says so is a key too.

Which options those are, and what TOML gives for them, follows from `options`; all else of the file is `_accounts`'s.
"""

from __future__ import annotations

import inspect
from functools import reduce
from pathlib import Path
from typing import Any, get_args

from sendkit._accounts.config import AccountSettings, ConfigFile, Key, keys_with, usual_files
from sendkit._plan.options import OPTIONS, MailerSettings

# TOML tells 5 from 5.0; whoever writes a number of seconds does not.
_KINDS: dict[str, Any] = {"str": str, "int": int, "float": float | int, "bool": bool}


def _kind_of(name: str) -> Any:
    """What TOML gives for an option, from the type that it is declared with."""
    declared: str = get_args(inspect.get_annotations(MailerSettings)[name])[0].__forward_arg__
    kinds = [_KINDS[word] for word in declared.split(" | ") if word != "None"]
    return reduce(lambda one, other: one | other, kinds)


_OPTIONS = {name: Key(_kind_of(name), option.check) for name, option in OPTIONS.items() if option.in_file}
KEYS = keys_with(_OPTIONS)


def account_named(name: str, path: Path | None = None) -> AccountSettings:
    """Read one account: of this file, or of the first of the usual ones that has it.

    Raises ConfigurationError that names the file, the table and the key.
    """
    files = _files(path)
    return next((file for file in files if name in file.names), files[0]).account(name)


def account_names(path: Path | None = None) -> tuple[str, ...]:
    """The names of all accounts in the file, or in the usual ones. Raises ConfigurationError."""
    return tuple(dict.fromkeys(name for file in _files(path) for name in file.names))


def table_named(name: str) -> tuple[Path, dict[str, object]] | None:
    """A further table that the files may hold, from the first that has it. Raises ConfigurationError."""
    found = ((file.path, table) for file in _files(None) if (table := file.further.get(name)) is not None)
    return next(found, None)


def _files(path: Path | None) -> list[ConfigFile]:
    return [ConfigFile(_OPTIONS, path)] if path else usual_files(_OPTIONS)
