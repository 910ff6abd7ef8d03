"""A folder as a transport: each message as an `.eml` file, and beside it as `.json` who it was for.

A message is there from the moment that its `.eml` is, and whole: both files are written under other names and flushed
to the disk, the `.json` is renamed first, and the names are flushed too before anybody is told 250 (POSIX, fsync).
Names consist of the time and random digits, never of anything in the message, and only the owner may read the files.
All of it happens on the loop's own thread, so that no cancellation finds a message half written.
Must not know: the command line, or mailers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._server.folders import expanded
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Outcome, Reason, accepted, not_accepted
from sendkit.errors import ConfigurationError
from sendkit.results import DeliveryResult, RecipientResult


class FileTransport(Transport):
    """Writes each message into a folder (`directory`), which is created if missing, and sends nothing.

    `NAME.eml` has the octets that would have been sent (no Bcc), `NAME.json` the DeliveryResult: the reverse path and
    all recipients; it is there before `NAME.eml` is. In order of time when sorted by name. Raises ConfigurationError
    when the folder cannot be one.
    """

    tells_before_end = takes_options = True

    def __init__(self, directory: str | Path) -> None:
        self.directory: Path = expanded(directory)

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Write both files; a full disk and the like is a deferral."""
        log.host, log.phase = "file", Phase.BODY
        log.ignored = letter.options.given if letter.options else ()
        self._make_directory()
        name = f"{log.clock.now():%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(8)}"
        reply = Reply(250, "2.0.0", f"kept as {name}.eml")
        await log.before_end(letter.recipients)
        try:
            self._write(name, letter, _result(letter, reply))
        except OSError as error:
            reason = f"{self.directory} cannot be written to: {error.strerror or error}"
            log.settle_all(not_accepted(Phase.BODY, Reason.STORE_FAILED, reason))
            return
        log.answered(Phase.END_OF_DATA, reply)
        log.settle_all(accepted(reply))

    def _make_directory(self) -> None:
        missing = [folder for folder in (self.directory, *self.directory.parents) if not folder.exists()]
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in missing:
                _sync(folder.parent)
        except OSError as error:
            hint = "name a folder that you may write to, as in SENDKIT_TRANSPORT=file:outbox"
            raise ConfigurationError(f"{self.directory} cannot be a folder: {error.strerror}", hint=hint) from error

    def _write(self, name: str, letter: Letter, result: DeliveryResult) -> None:
        with contextlib.ExitStack() as stack:
            envelope = self._put_down([result.model_dump_json(indent=2).encode()], stack)
            message = self._put_down(letter.content.blocks(), stack)
            with contextlib.ExitStack() as undo:
                for file, suffix in ((envelope, "json"), (message, "eml")):
                    file.rename(self.directory / f"{name}.{suffix}")
                    undo.callback((self.directory / f"{name}.{suffix}").unlink, missing_ok=True)
                _sync(self.directory)
                undo.pop_all()

    def _put_down(self, blocks: Iterable[bytes], stack: contextlib.ExitStack) -> Path:
        descriptor, path = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self.directory)  # 0600, whatever the umask
        stack.callback(Path(path).unlink, missing_ok=True)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(blocks)
            file.flush()
            os.fsync(file.fileno())
        return Path(path)


def _sync(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    if os.name != "posix":
        return  # Windows opens no folder as a file, and writes names down by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # so says a file system that cannot do it
            raise
    finally:
        os.close(descriptor)


def _result(letter: Letter, reply: Reply) -> DeliveryResult:
    taken = [
        RecipientResult(
            address=address, outcome=Outcome.ACCEPTED, reply=reply, attempts=1, server="file", phase=Phase.END_OF_DATA
        )
        for address in letter.envelope.recipients
    ]
    return DeliveryResult(
        message_id=letter.message_id,
        reverse_path=letter.envelope.reverse_path,
        recipients={recipient.address: recipient for recipient in taken},
    )
