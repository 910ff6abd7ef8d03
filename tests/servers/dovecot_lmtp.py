"""Dovecot's LMTP server at a unix socket, with a mailbox for each of a few users."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

LIMIT = 60.0
_MODULE = Path("/usr/lib/dovecot/lmtp")


class DovecotLMTP:
    """The running server; `with DovecotLMTP() as server:`. `over_quota` has no room, `broken` has no mailbox folder."""

    luis, ops, over_quota, broken = (f"{name}@example.test" for name in ("luis", "ops", "full", "broken"))

    @staticmethod
    def missing() -> str | None:
        """Why this server cannot be started here, and what to do about it; None if it can."""
        if os.name != "posix" or os.geteuid() != 0:
            return "Dovecot must be started as root: run the tests as root"
        if shutil.which("dovecot", path="/usr/sbin:/usr/bin") is None or not _MODULE.exists():
            return "Dovecot's LMTP is missing: apt-get install dovecot-lmtpd"
        return None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-lmtp-"))
        self._folder.chmod(0o755)
        owner = pwd.getpwnam("nobody")
        for name in ("luis", "ops", "full"):
            (self._folder / "mail" / name).mkdir(parents=True)
            os.chown(self._folder / "mail" / name, owner.pw_uid, owner.pw_gid)
        (self._folder / "mail" / "broken").write_text("a file where a folder should be", encoding="utf-8")
        (self._folder / "users").write_text(self._users(owner), encoding="utf-8")
        config = self._folder / "dovecot.conf"
        config.write_text(_CONFIG.format(folder=self._folder, uid=owner.pw_uid), encoding="utf-8")
        self._program = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(config)], start_new_session=True)
        end = time.monotonic() + LIMIT
        while not (self._folder / "lmtp.sock").exists():
            if self._program.poll() is not None or time.monotonic() > end:
                raise RuntimeError("Dovecot does not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._program.terminate()
        self._program.wait(LIMIT)
        shutil.rmtree(self._folder)

    @property
    def address(self) -> str:
        """The socket, as a mailer is told about it."""
        return f"unix://{self._folder}/lmtp.sock"

    def mailbox(self, address: str) -> list[bytes]:
        """The messages of this user, as they were stored."""
        folder = self._folder / "mail" / address.partition("@")[0] / "new"
        return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.exists() else []

    def _users(self, owner: pwd.struct_passwd) -> str:
        line = f"{{}}:{{{{PLAIN}}}}x:{owner.pw_uid}:{owner.pw_gid}::{self._folder}/mail/{{}}::{{}}\n"
        quota = {"full": "userdb_quota_rule=*:bytes=1"}
        names = ("luis", "ops", "full", "broken")
        return "".join(line.format(f"{name}@example.test", name, quota.get(name, "")) for name in names)


_CONFIG = """
protocols = lmtp
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_login_user = nobody
default_internal_user = root
default_internal_group = root
first_valid_uid = {uid}
ssl = no
mail_location = maildir:~/
mail_plugins = quota
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=1G
}}
service lmtp {{
  unix_listener {folder}/lmtp.sock {{
    mode = 0666
  }}
}}
protocol lmtp {{
  mail_plugins = quota
}}
postmaster_address = postmaster@example.test
"""
