"""A file whose octets are read when they leave, and that must be the same file, unchanged, whenever that is.

Knows what makes a file the same: size, time of modification, inode and device, as they were when the message was
written out. Octets that come too late, too few or too many are a MessageError, which comes before the last block does.
It must not know MIME. A change that keeps the size and restores the old time is not noticed.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import BinaryIO

# A file of at most this many octets is read at once: it costs less memory than a connection does.
SMALL_FILE = 65_536
BLOCK = 204_288  # a multiple of 57, so that a block becomes whole lines of base64


@dataclass(slots=True, frozen=True)
class StoredFile:
    """A file of `size` octets, and what it was when somebody looked first."""

    path: Path
    size: int
    _modified: int
    _inode: int
    _device: int

    def check(self) -> None:
        """Raise MessageError unless the file is there and as it was."""
        with self._opened():
            pass

    def blocks(self) -> Iterator[bytes]:
        """The octets in blocks, each but the last a multiple of 57. Raises MessageError, then before the last one."""
        with self._opened() as file:
            left = self.size
            while left:
                block = file.read(wanted := min(BLOCK, left))
                left -= len(block)
                if not left or len(block) < wanted:
                    self._compare(file, left)
                yield block

    @contextmanager
    def _opened(self) -> Generator[BinaryIO]:
        with _readable(self.path), _open(self.path) as file:
            self._compare(file)
            yield file

    def _compare(self, file: BinaryIO, left: int = 0) -> None:
        if left or _stored(self.path, os.fstat(file.fileno())) != self:
            raise _changed(self.path)


def look_into(path: Path) -> bytes | StoredFile:
    """The octets of a small file, or a large one to be read later. Raises MessageError when it cannot be read."""
    with _readable(path), _open(path) as file:
        status = os.fstat(file.fileno())
        # What has no size of its own (as in /proc) can only be read at once.
        return file.read() if status.st_size <= SMALL_FILE else _stored(path, status)


def _open(path: Path) -> BinaryIO:
    if not stat.S_ISREG(path.stat().st_mode):
        raise _changed(path)  # to open a pipe would wait for somebody who writes into it
    return path.open("rb")


def _changed(path: Path) -> MessageError:
    return MessageError(
        f"attachments: {str(path)!r} has changed since the message was first to be sent",
        field="attachments",
        hint="create the message again, from a file that does not change in the meantime",
    )


def _stored(path: Path, status: os.stat_result) -> StoredFile:
    return StoredFile(path, status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


@contextmanager
def _readable(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise MessageError(
            f"attachments: {str(path)!r} cannot be read: {error.strerror}",
            field="attachments",
            hint="the file was there before",
        ) from error
