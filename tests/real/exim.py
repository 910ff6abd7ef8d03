"""A real Exim as a submission server: Debian's packages, unpacked into a folder, since they conflict with Postfix's.

It takes mail for `example.test` from Ana over STARTTLS and keeps it in its queue until a test looks into a mailbox.
Everything runs as `nobody`; that Exim's own user exists is only told to it (`libnss_wrapper`). It knows nothing of its
clients.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.keeper import Command, Keeper
from tests.servers.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.authority import Authority

_PACKAGES = ("exim4-daemon-light", "exim4-base", "exim4-config", "libidn12", "libnss-wrapper")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Exim:
    """The running server, until `close`.

    Recipients at `example.test` are taken, but `nobody-ANY` and `nobody` (550), and `grey-ANY` is refused with 451 the
    first time. A subject with `never` is refused with 550 at the end of data, one with `later` with 451 the first time.
    """

    host = "localhost"
    user, password = "ana@example.test", "ana-likes-long-walks"

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-exim-"))
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._unpack()
            (self.port,) = free_ports(1)
            self._lay_out(authority)
            self._keeper = Keeper(self._folder, [Command(self._exim("-bdf"), self._environment())])
            undo.callback(self._keeper.stop)
            self._keeper.wait_until(self._listening)
            self._undo = undo.pop_all()

    def close(self) -> None:
        """End Exim and remove its folder."""
        self._undo.close()

    @staticmethod
    def missing() -> str | None:
        """Why this server cannot be started here, and what to do about it; None if it can."""
        if os.name != "posix" or os.geteuid() != 0:
            return "Exim is started by root, to become nobody: run the tests as root"
        if not all(shutil.which(name, path=_PATH) for name in ("apt-get", "dpkg", "setpriv")):
            return "Exim is unpacked from Debian's packages: run the tests on Debian"
        return None

    def raw_mailbox(self, name: str) -> list[bytes]:
        """The messages for this address, in no order, after a run of the queue."""
        subprocess.run(self._exim("-qff"), check=True, env=self._environment(), capture_output=True, timeout=300)
        mark = f"Envelope-to: {name}\n".encode()
        all_of_them = [path.read_bytes() for path in (self._folder / "mail").glob("new/*")]
        return [raw for raw in all_of_them if raw.startswith(mark)]

    def log(self) -> str:
        """Exim's main log since the last `reset`."""
        return (self._folder / "log/mainlog").read_text(errors="replace")[self._log_start :]

    def reset(self) -> None:
        """Empty the queue and the mailboxes, greylist afresh, and begin a new log."""
        for place in ("spool/input", "spool/msglog", "spool/db", "mail"):
            shutil.rmtree(self._folder / place, ignore_errors=True)
        (self._folder / "mail").mkdir()
        shutil.chown(self._folder / "mail", "nobody", "nogroup")
        self._log_start = len((self._folder / "log/mainlog").read_text(errors="replace"))

    def _unpack(self) -> None:
        packages, programs = self._folder / "packages", self._folder / "programs"
        packages.mkdir()
        _run("apt-get", "download", "--quiet", *_PACKAGES, folder=packages)
        for package in packages.glob("*.deb"):
            _run("dpkg", "-x", package, programs, folder=packages)
        self._program.chmod(0o755)  # neither setuid nor setgid

    @property
    def _program(self) -> Path:
        return self._folder / "programs/usr/sbin/exim4"

    def _lay_out(self, authority: Authority) -> None:
        folder = self._folder
        folder.chmod(0o755)
        shutil.copy(authority.pem(), folder / "server.pem")
        for name in ("spool", "log", "mail"):
            (folder / name).mkdir()
        for name in ("spool", "log", "mail", "server.pem"):
            shutil.chown(folder / name, "nobody", "nogroup")
        (folder / "exim.conf").write_text(_CONFIGURATION.replace("@@", str(folder)).replace("@PORT", str(self.port)))
        for name in ("passwd", "group"):
            text = Path("/etc", name).read_text()
            entry = "Debian-exim:x:65534:65534::/:/bin/false\n" if name == "passwd" else "Debian-exim:x:65534:\n"
            (folder / name).write_text(text + entry)

    def _exim(self, *arguments: str) -> list[str | Path]:
        become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env"]
        wrapped = [f"{name}={value}" for name, value in self._wrapped().items()]
        return [*become, *wrapped, self._program, "-C", self._folder / "exim.conf", *arguments]

    def _wrapped(self) -> Mapping[str, str]:
        (wrapper,) = self._folder.glob("programs/usr/lib/*/libnss_wrapper.so")
        files = {f"NSS_WRAPPER_{name.upper()}": str(self._folder / name) for name in ("passwd", "group")}
        return {"LD_LIBRARY_PATH": str(wrapper.parent), "LD_PRELOAD": str(wrapper), **files}

    def _environment(self) -> dict[str, str]:
        return {"PATH": _PATH, "LANG": "C.UTF-8", "TZ": "UTC"}

    def _listening(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return (self._folder / "log/mainlog").exists()
        return False


def _run(*command: str | Path, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env={"PATH": _PATH}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed; does it know the packages (apt-get update)? It said:\n{done.stderr}")


_CONFIGURATION = r"""
primary_hostname = mail.example.test
spool_directory = @@/spool
log_file_path = @@/log/%slog
pid_file_path = @@/spool/exim.pid
exim_path = @@/programs/usr/sbin/exim4
exim_user = nobody
exim_group = nogroup
deliver_drop_privilege = true
keep_environment = LD_LIBRARY_PATH : LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
local_interfaces = 127.0.0.1
daemon_smtp_ports = @PORT
tls_advertise_hosts = *
dsn_advertise_hosts = *
tls_certificate = @@/server.pem
tls_privatekey = @@/server.pem
message_size_limit = 1M
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
queue_only = true
host_lookup =
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
mail:
  deny !authenticated = *
       message = log in first
  accept
rcpt:
  deny !domains = example.test
  deny local_parts = ^nobody
       message = no such user
  accept !local_parts = ^grey-
  accept ratelimit = 1.5 / 1d / strict / per_rcpt / $local_part
  defer message = greylisted
data:
  deny condition = ${if match{$rheader_subject:}{never}}
       message = not this one
  accept !condition = ${if match{$rheader_subject:}{later}}
  accept ratelimit = 1.5 / 1d / strict / $rheader_message-id:
  defer message = come back later

begin routers
local:
  driver = accept
  domains = example.test
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = @@/mail
  maildir_format
  envelope_to_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{ana@example.test}}{eq{$auth3}{ana-likes-long-walks}}}}
  server_set_id = $auth2
  server_advertise_condition = ${if def:tls_in_cipher}
"""
