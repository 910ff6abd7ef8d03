"""A real submission server: Debian's Postfix with Dovecot's SASL, as root, in a temporary folder, on loopback ports.

It takes mail for `example.test` from users who logged in over TLS, and delivers it into Maildirs that a test can count.
It knows nothing of its clients; configuration is in `postfix_config`, greylisting in `policy`, processes in `keeper`.
"""

from __future__ import annotations

import base64
import email.policy
import itertools
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from email.message import EmailMessage
from pathlib import Path

from .authority import Authority, Certificate
from .keeper import Command, Keeper, poll
from .policy import OfferedEnvelope, PolicyService
from .ports import free_ports
from .postfix_config import (
    DOMAIN,
    MESSAGE_SIZE_LIMIT,
    Smtpd,
    dovecot_conf,
    dovecot_oauth2_conf,
    main_cf,
    master_cf,
    tables,
)
from .postfix_log import Session, ended_sessions
from .tokens import Signer

_QUEUES = ("incoming", "active", "deferred")
_PRIVATE = (*_QUEUES, "bounce", "corrupt", "defer", "flush", "hold", "private", "saved", "trace")
_LIMIT = 300.0
_MARK = "postfix/mark"


class Postfix:
    """The running server, until `close`.

    A user may send from the own address (also with `+details`) and from the null reverse path; other senders get 553 at
    RCPT. Recipients are the users, `josé@…` (SMTPUTF8), `box-ANY@…`, and `grey-N-ANY@…`, refused with 450 4.2.0 the
    first N times since the last `reset`; `fails-ANY@…` are taken, and a report of failure goes back.
    Others get 550 5.1.1, other domains 554 5.7.1, messages over
    `message_size_limit` 552 5.3.4. A wrong password is refused with 535 5.7.8 after half a second (Dovecot's clock).
    Tokens for OAUTHBEARER and XOAUTH2 are made by `signer`.

    `starttls_port` and `implicit_tls_port` are as they should be; `clear_port` offers AUTH and no STARTTLS, and so does
    the `unix_socket`;
    `bad_certificate_ports` is STARTTLS with each certificate that must be refused.
    """

    host = "localhost"
    domain = DOMAIN
    message_size_limit = MESSAGE_SIZE_LIMIT
    users = {  # noqa: RUF012 - read-only by habit; a plain dict is what a test wants to print
        f"ana@{DOMAIN}": "ana-likes-long-walks",
        f"luis@{DOMAIN}": "contraseña de luis",
        f"ops@{DOMAIN}": "ops+/=%&'\"$secret",
    }

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self.signer = Signer()
        self.starttls_port, self.implicit_tls_port, self.clear_port, *others = free_ports(2 + len(Certificate))
        self.bad_certificate_ports = dict(zip(list(Certificate)[1:], others, strict=True))
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-postfix-"))
        self._log_start, self._marks = 0, itertools.count()
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._lay_out(authority)
            self._policy = PolicyService(self._folder / "policy")
            undo.callback(self._policy.stop)
            self._keeper = Keeper(self._folder, _commands(self._folder))
            undo.callback(self._keeper.stop)
            self._keeper.wait_until(self._listening)
            self._probe()
            self.reset()
            self._undo = undo.pop_all()

    @property
    def unix_socket(self) -> str:
        """The submission service at a unix socket, as a mailer is told about it."""
        return f"unix://{self._folder}/queue/public/submission"

    def close(self) -> None:
        """End Postfix and Dovecot and remove their folder."""
        self._undo.close()

    @staticmethod
    def missing() -> str | None:
        """Why this server cannot be started here, and what to do about it; None if it can."""
        if os.name != "posix" or os.geteuid() != 0:
            return "Postfix's master must be started as root: run the tests as root"
        if not all(shutil.which(name, path=_ENVIRONMENT["PATH"]) for name in ("postconf", "dovecot", "doveconf")):
            return "Postfix or Dovecot is missing: apt-get install postfix dovecot-core"
        if not _output("dovecot", "--version").startswith("2.3."):
            return "the tests' configuration is for Dovecot 2.3, which Debian 12 has"
        return None

    def mailbox(self, name: str) -> list[EmailMessage]:
        """The messages that this local part or address holds, oldest first, once the queue is empty."""
        parse = email.message_from_bytes
        return [parse(raw, EmailMessage, policy=email.policy.default) for raw in self.raw_mailbox(name)]

    def raw_mailbox(self, name: str) -> list[bytes]:
        """The same as bytes, with the lines that Postfix added on top (Return-Path, Delivered-To, Received)."""
        self.deliver_all()
        address = name if "@" in name else f"{name}@{DOMAIN}"
        own = self._folder / "mail" / address.partition("@")[0] / "new"
        shared = self._folder / "mail" / "shared" / "new"
        mark = f"\nDelivered-To: {address}\n".encode()
        return _read_all(own) + [raw for raw in _read_all(shared) if mark in raw]

    def deliver_all(self) -> None:
        """Wait until the queue is empty; raise RuntimeError with the log if it does not become so."""
        try:
            poll(lambda: not self._queued() and not self._queued(), limit=_LIMIT, give_up=self._stuck)
        except TimeoutError as error:
            raise RuntimeError(f"Postfix's queue does not become empty; its log:\n{self.log()}") from error

    def envelopes(self) -> list[OfferedEnvelope]:
        """Every transaction since the last `reset`, with the recipients that were asked for and any answer to them."""
        return self._policy.envelopes

    def log(self) -> str:
        """Postfix's log since the last `reset`, complete up to this call."""
        mark = f"{_MARK}[{next(self._marks)}]: read"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as postlog:
            postlog.sendto(mark.encode(), str(self._folder / "queue/public/postlog"))  # first in, first written
        poll(lambda: mark in self._whole_log(), limit=_LIMIT)
        lines = self._whole_log()[self._log_start :].splitlines(keepends=True)
        return "".join(line for line in lines if _MARK not in line)

    def sessions(self) -> list[Session]:
        """Every connection since the last `reset`, once all have ended; RuntimeError if one stays open.

        `session.tried["auth"]` is the number of AUTH commands on the wire.
        """
        try:
            poll(lambda: ended_sessions(self.log())[1] == 0, limit=_LIMIT)
        except TimeoutError as error:
            raise RuntimeError(f"a client is still connected to Postfix; its log:\n{self.log()}") from error
        return ended_sessions(self.log())[0]

    def reset(self) -> None:
        """Empty the mailboxes, greylist afresh, and begin a new log."""
        self.deliver_all()
        for path in (self._folder / "mail").rglob("new/*"):
            path.unlink()
        self._policy.forget()
        self.log()
        self._log_start = len(self._whole_log())

    def _lay_out(self, authority: Authority) -> None:
        folder, nobody = self._folder, pwd.getpwnam("nobody")
        folder.chmod(0o755)
        for name in ("etc", "queue", "queue/pid"):
            (folder / name).mkdir()
        for name, owner, group, mode in (
            *((f"queue/{queue}", "postfix", "root", 0o700) for queue in _PRIVATE),
            ("queue/public", "postfix", "postdrop", 0o710),
            ("data", "postfix", "root", 0o700),
            ("mail", "nobody", "root", 0o700),
        ):
            (folder / name).mkdir(mode=mode)
            shutil.chown(folder / name, owner, group)
        login = f"texthash:{folder}/etc/senders"
        files = tables(self.users) | {
            "main.cf": main_cf(folder, login=login, delivery_uid=nobody.pw_uid, delivery_gid=nobody.pw_gid),
            "master.cf": master_cf(self._services(authority)),
            "dovecot.conf": dovecot_conf(folder),
            "dovecot-oauth2.conf": dovecot_oauth2_conf(folder),
            "keys/default/HS256/default": base64.b64encode(self.signer.key).decode(),
        }
        for name, text in files.items():
            (folder / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "etc" / name).write_text(text)
            os.utime(folder / "etc" / name, (0, 0))  # Postfix waits two seconds for a younger file to be finished

    def _services(self, authority: Authority) -> list[Smtpd]:
        starttls: dict[str, str | Path] = {"smtpd_tls_security_level": "encrypt"}
        good = {"smtpd_tls_chain_files": authority.pem()}
        return [
            Smtpd("starttls", self.starttls_port, starttls | good),
            Smtpd("implicit-tls", self.implicit_tls_port, {"smtpd_tls_wrappermode": "yes", **starttls, **good}),
            Smtpd("clear", self.clear_port, {"smtpd_tls_security_level": "none", "smtpd_tls_auth_only": "no"}),
            Smtpd("socket", "submission", {"smtpd_tls_security_level": "none", "smtpd_tls_auth_only": "no"}),
            *(
                Smtpd(kind, port, {**starttls, "smtpd_tls_chain_files": authority.pem(kind)})
                for kind, port in self.bad_certificate_ports.items()
            ),
        ]

    def _listening(self) -> bool:
        last = list(self.bad_certificate_ports.values())[-1]  # master listens in the order of master.cf
        with suppress(OSError), socket.socket(socket.AF_UNIX) as sasl:
            sasl.connect(str(self._folder / "sasl"))
            socket.create_connection(("127.0.0.1", last)).close()
            return True
        return False

    def _probe(self) -> None:
        """Speak to one smtpd and wait until it has logged that, so that no test sees it."""
        with smtplib.SMTP("127.0.0.1", self.starttls_port, timeout=_LIMIT) as client:
            client.ehlo()
        poll(lambda: len(ended_sessions(self.log())[0]) == 2, limit=_LIMIT)  # this one, and the one of `_listening`

    def _whole_log(self) -> str:
        with suppress(FileNotFoundError):
            return (self._folder / "mail.log").read_text(errors="replace")
        return ""

    def _queued(self) -> bool:
        return any(path.is_file() for queue in _QUEUES for path in (self._folder / "queue" / queue).rglob("*"))

    def _stuck(self) -> bool:
        return any(path.is_file() for path in (self._folder / "queue/deferred").rglob("*"))


def _commands(folder: Path) -> list[Command]:
    master = Path(_output("postconf", "-h", "-d", "daemon_directory")) / "master"
    return [
        Command(["dovecot", "-F", "-c", folder / "etc/dovecot.conf"], _ENVIRONMENT),
        Command([master, "-d", "-c", folder / "etc"], _ENVIRONMENT),  # -d: no session of its own
    ]


_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def _output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=_ENVIRONMENT).stdout.strip()


def _read_all(folder: Path) -> list[bytes]:
    paths = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_bytes() for path in paths]
