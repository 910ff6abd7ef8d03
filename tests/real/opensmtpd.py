"""A real OpenSMTPD: Debian's package, unpacked into a folder, since it conflicts with Postfix's.

It wants users and folders of its own at fixed paths, so it runs in a root folder and a mount namespace of its own,
which end with it. It takes mail for `example.test` in the clear, from anybody, into a maildir of Luis.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.servers.ports import free_ports

_PACKAGE = "opensmtpd"
_LIMIT = 60.0
_LENT = ("bin", "dev", "lib", "lib64", "usr/lib")
_USERS = {"root": 0, "nobody": 65534, "opensmtpd": 901, "opensmtpq": 902, "luis": 903}
_START = 'for name in {lent}; do mount --bind "/$name" "$1/$name"; done; exec chroot "$1" /usr/sbin/smtpd -d'


class OpenSMTPD:
    """The running server; `with OpenSMTPD() as server:`."""

    @staticmethod
    def missing() -> str | None:
        """Why this server cannot be started here, and what to do about it; None if it can."""
        if os.name != "posix" or os.geteuid() != 0:
            return "OpenSMTPD must be started as root: run the tests as root"
        if not all(shutil.which(name) for name in ("apt-get", "dpkg", "unshare")):
            return "OpenSMTPD is unpacked from Debian's package: run the tests on Debian"
        if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
            return "OpenSMTPD runs in a mount namespace, which this machine does not allow"
        return None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-opensmtpd-"))
        self._root = self._folder / "root"
        (self.port,) = free_ports(1)
        self._unpack()
        self._lay_out()
        start = ["unshare", "--mount", "sh", "-ec", _START.format(lent=" ".join(_LENT)), "sh", self._root]
        with (self._folder / "log").open("w") as log:
            self._program = subprocess.Popen(start, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + _LIMIT
        while not self._listens():
            if self._program.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self._folder / "log").read_text(errors="replace"))
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._program.terminate()
        self._program.wait(_LIMIT)
        shutil.rmtree(self._folder)

    def mailbox(self, count: int) -> list[bytes]:
        """Luis's messages, once there are so many."""
        folder, end = self._root / "home/luis/Maildir/new", time.monotonic() + _LIMIT
        while (found := list(folder.glob("*"))) is not None and len(found) < count and time.monotonic() < end:
            time.sleep(0.01)
        return [path.read_bytes() for path in found]

    def _unpack(self) -> None:
        for command in (["apt-get", "download", "--quiet", _PACKAGE], ["sh", "-c", "dpkg -x ./*.deb root"]):
            subprocess.run(command, cwd=self._folder, check=True, capture_output=True, timeout=300)

    def _lay_out(self) -> None:
        for name in (*_LENT, "etc", "home/luis", "run", "tmp", "var/lib/opensmtpd/empty", "var/spool/smtpd"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        (self._root / "var/run").symlink_to("../run")
        (self._root / "var/spool/smtpd").chmod(0o711)
        shutil.chown(self._root / "home/luis", _USERS["luis"], _USERS["luis"])
        files = {
            "passwd": "".join(f"{name}:x:{uid}:{uid}::/home/{name}:/bin/sh\n" for name, uid in _USERS.items()),
            "group": "".join(f"{name}:x:{uid}:\n" for name, uid in _USERS.items()),
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
            "hosts": "127.0.0.1 localhost\n",
            "mailname": "localhost\n",
            "smtpd.conf": _CONFIGURATION.format(port=self.port),
        }
        for name, text in files.items():
            (self._root / "etc" / name).write_text(text, encoding="utf-8")

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as client:
            client.settimeout(_LIMIT)
            return client.recv(3) == b"220"
        return False


_CONFIGURATION = """\
listen on 127.0.0.1 port {port}
action "local" maildir "/home/luis/Maildir"
match from any for domain "example.test" action "local"
"""
