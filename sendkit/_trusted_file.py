"""Files that decide where secrets go, or that are secrets: read only where nobody else can have written them.

As OpenSSH does with `StrictModes` (sshd_config(5)): the file belongs to this user or to root, nobody else may write to
it, and nobody else may put another one in its place, in any of the folders above. What is looked at is what is read:
the open file, not its name. On systems other than POSIX, whose modes Python makes up, all of this is passed over.
Must not know: what stands in a file.
"""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import BinaryIO

_POSIX = os.name == "posix"
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


@dataclass(slots=True, frozen=True)
class Distrust:
    """Why a file is not read, and the command that fixes it."""

    why: str
    hint: str

    def error(self, path: Path) -> ConfigurationError:
        """It as the error to raise."""
        return ConfigurationError(f"{path} {self.why}", hint=self.hint)


@contextmanager
def trusted_file(path: Path, *, secret: bool = False) -> Generator[BinaryIO]:
    """Open a file for reading. Raises ConfigurationError with the command to run, and OSError for what is not a file.

    `secret`: nobody but its owner and group may read it either.
    """
    file = open_trusted(path, secret=secret)
    if isinstance(file, Distrust):
        raise file.error(path)
    with file:
        yield file


def open_trusted(path: Path, *, secret: bool = False) -> BinaryIO | Distrust:
    """The same, with distrust as a value. Raises OSError for what is not a file."""
    descriptor = os.open(path, _FLAGS | getattr(os, "O_BINARY", 0))
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            return Distrust("is not a regular file", "name a file")
        distrust = _file_fault(path, facts, secret=secret) or _folder_fault(path)
        if distrust is not None:
            return distrust
        file = os.fdopen(descriptor, "rb")
        descriptor = -1
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return file


def check_trusted(path: Path, *, secret: bool = False) -> None:
    """For a file that another library opens by name. Raises ConfigurationError, and OSError for what is not a file."""
    with trusted_file(path, secret=secret):
        pass


def _file_fault(path: Path, facts: os.stat_result, *, secret: bool) -> Distrust | None:
    if not _POSIX:
        return None
    if (owner := _foreign_owner(path, facts)) is not None:
        return owner
    mode = f"(mode {stat.S_IMODE(facts.st_mode):04o})"
    if secret and facts.st_mode & (stat.S_IROTH | stat.S_IWOTH):
        hint = f"chmod 600 {shlex.quote(str(path))}; in a container, mount the secret with mode 0400"
        return Distrust(f"is open to every user of this machine {mode}", hint)
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        hint = f"chmod 600 {shlex.quote(str(path))}, and look whether what stands there is right"
        return Distrust(f"can be written to: others than its owner may {mode}", hint)
    return None


def _folder_fault(path: Path) -> Distrust | None:
    """What is wrong with the folders above: those that the name goes through, and those where the file really is."""
    if not _POSIX:
        return None
    named = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` follows links, and these are of interest as they are
    for folder in dict.fromkeys((*named.parents, *named.resolve().parents)):
        facts = folder.stat()
        if (owner := _foreign_owner(folder, facts)) is not None:
            return Distrust(f"is in a folder that is not yours: {folder} {owner.why}", owner.hint)
        if not facts.st_mode & stat.S_ISVTX and _others_may_write(facts):
            mode = f"(mode {stat.S_IMODE(facts.st_mode):04o})"
            hint = f"chmod go-w {shlex.quote(str(folder))}, and check the content of the file"
            return Distrust(f"is in a folder where others may put another file in its place: {folder} {mode}", hint)
    return None


def _others_may_write(facts: os.stat_result) -> bool:
    # Many systems give each user a group of the same number, and make folders that this group may write to.
    private_group = facts.st_gid in (0, facts.st_uid)
    return bool(facts.st_mode & stat.S_IWOTH or (facts.st_mode & stat.S_IWGRP and not private_group))


def _foreign_owner(path: Path, facts: os.stat_result) -> Distrust | None:
    if facts.st_uid in (0, os.geteuid()):
        return None
    hint = f"chown {os.geteuid()} {shlex.quote(str(path))}, and look whether what stands there is right"
    return Distrust(f"belongs to another user (uid {facts.st_uid})", hint)
