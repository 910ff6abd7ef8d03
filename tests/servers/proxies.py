"""Real proxies on loopback (microsocks, Dante, OpenSSH, tinyproxy), and one that does as it is told."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .ports import free_ports

LIMIT = 30.0
_REQUIRED = os.environ.get("SENDKIT_REQUIRE_SERVERS") == "1"


def needed(program: str, package: str) -> str:
    """The path of a program; a test without it is skipped, and told how to get it."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        reason = f"no {program}: apt-get install {package}"
        pytest.fail(reason) if _REQUIRED else pytest.skip(reason)
    return found


@contextlib.contextmanager
def microsocks(*, login: tuple[str, str] | None = None) -> Iterator[int]:
    """The port of a SOCKS 5 proxy."""
    [port] = free_ports(1)
    options = ["-u", login[0], "-P", login[1]] if login else []
    with _running(needed("microsocks", "microsocks"), "-i", "127.0.0.1", "-p", str(port), *options, port=port):
        yield port


@contextlib.contextmanager
def dante(folder: Path, *, allowed: bool = True) -> Iterator[int]:
    """The port of a SOCKS proxy that speaks 4 (without names) and 5, and lets everybody connect, or nobody."""
    [port] = free_ports(1)
    config = folder / "danted.conf"
    rule = "pass" if allowed else "block"
    config.write_text(
        f"logoutput: {folder}/danted.log\ninternal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\n"
        "clientmethod: none\nsocksmethod: none\n"
        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n"
        f"socks {rule} {{ from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect error }}\n",
        encoding="utf-8",
    )
    program = needed("danted", "dante-server")
    with _running(program, "-N", "1", "-f", str(config), "-p", str(folder / "danted.pid"), port=port):
        yield port


@contextlib.contextmanager
def ssh(folder: Path) -> Iterator[int]:
    """The port of `ssh -D` to an OpenSSH server of our own: SOCKS 4A and 5, at the other end of the tunnel."""
    [port, sshd_port] = free_ports(2)
    for name in ("host", "user"):
        key = ["-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run([needed("ssh-keygen", "openssh-client"), *key], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)  # where it takes its privileges off
    config = (f"HostKey={folder}/host", f"AuthorizedKeysFile={folder}/user.pub", "StrictModes=no", "UsePAM=no",
              f"PidFile={folder}/sshd.pid", "PermitRootLogin=prohibit-password", "ListenAddress=127.0.0.1")  # fmt: skip
    sshd = [needed("sshd", "openssh-server"), "-D", "-f", os.devnull, "-p", str(sshd_port)]
    known = ("StrictHostKeyChecking=no", f"UserKnownHostsFile={os.devnull}", "BatchMode=yes", "LogLevel=ERROR")
    client = [
        "ssh",
        "-F",
        os.devnull,
        "-N",
        "-D",
        f"127.0.0.1:{port}",
        "-i",
        str(folder / "user"),
        "-p",
        str(sshd_port),
    ]
    with (
        _running(*sshd, *(part for one in config for part in ("-o", one)), port=sshd_port),
        _running(*client, *(part for one in known for part in ("-o", one)), "root@127.0.0.1", port=port),
    ):
        yield port


@contextlib.contextmanager
def tinyproxy(folder: Path, *, login: tuple[str, str] | None = None, ports: tuple[int, ...] = ()) -> Iterator[int]:
    """The port of an HTTP proxy, which lets CONNECT go to these ports alone, or to all."""
    [port] = free_ports(1)
    config = folder / "tinyproxy.conf"
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1", f'LogFile "{folder}/tinyproxy.log"']
    lines += [f"ConnectPort {one}" for one in ports]
    lines += [f"BasicAuth {login[0]} {login[1]}"] if login else []
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with _running(needed("tinyproxy", "tinyproxy"), "-d", "-c", str(config), port=port):
        yield port


@contextlib.contextmanager
def _running(*command: str, port: int) -> Iterator[None]:
    # Nobody asks for these ports but us; a group of its own, since danted has children.
    program = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _until_it_listens(program, port)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, 15)
        program.wait(LIMIT)


def _until_it_listens(program: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and program.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise RuntimeError(f"{program.args!r} does not listen on port {port}")


Talk = Callable[[socket.socket], object]


class FakeProxy:
    """Listens on loopback and has `talk` hold each connection; `heard` is what all clients said."""

    def __init__(self, talk: Talk, host: str = "127.0.0.1") -> None:
        self._talk, self._host = talk, host
        self.heard: list[bytes] = []
        self.turns = 0  # how often a client spoke after it had heard something, or at first
        self.connections = 0
        self._said_more = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> FakeProxy:
        self._listener = socket.create_server((self._host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(LIMIT)
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)

    def wait_for(self, count: int) -> None:
        """Wait until clients have said something that many times."""
        with self._said_more:
            assert self._said_more.wait_for(lambda: len(self.heard) >= count, LIMIT)

    def note(self, data: bytes) -> None:
        """For connections: a client said this."""
        with self._said_more:
            self.heard.append(data)
            self._said_more.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            client.settimeout(LIMIT)
            self._open.append(client)
            self._threads.append(threading.Thread(target=self._hold, args=(client,)))
            self._threads[-1].start()

    def _hold(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            self._talk(_Heard(client, self))


class _Heard(socket.socket):
    """The client's connection, with what was read kept."""

    def __init__(self, client: socket.socket, proxy: FakeProxy) -> None:
        super().__init__(client.family, client.type, fileno=os.dup(client.fileno()))
        self.settimeout(LIMIT)
        self._proxy, self._answered = proxy, True

    def recv(self, most: int, flags: int = 0) -> bytes:
        data = super().recv(most, flags)
        self._proxy.turns += self._answered and bool(data)
        self._answered = False
        self._proxy.note(data)
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._answered = True
        super().sendall(data, flags)


def says(*answers: bytes) -> Talk:
    """Read once, answer, and so on, and close."""

    def talk(client: socket.socket) -> None:
        with client:
            for answer in answers:
                if not client.recv(4096):
                    return
                client.sendall(answer)

    return talk


def silent(*answers: bytes) -> Talk:
    """Answer so, and then say nothing more until the client goes."""

    def talk(client: socket.socket) -> None:
        with client:
            for answer in answers:
                client.recv(4096)
                client.sendall(answer)
            while client.recv(4096):
                pass

    return talk


def relays(upstream: tuple[str, int], *, glued: bool, slowly: bool = False) -> Talk:
    """An HTTP proxy; `glued`: the server's greeting stands in one segment with its answer; or octet by octet."""

    def talk(client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(4096)
        with client, socket.socket() as server:
            server.connect(upstream)
            answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n"
            if glued:
                answer += server.recv(4096)
            for part in (answer[at : at + 1] for at in range(len(answer))) if slowly else (answer,):
                client.sendall(part)
            _relay(client, server)

    return talk


def passes(upstream: tuple[str, int], *answers: bytes) -> Talk:
    """What takes anybody to this server, once it has answered each of so many questions."""

    def talk(client: socket.socket) -> None:
        with client, socket.socket() as server:
            for answer in answers:
                client.recv(4096)
                client.sendall(answer)
            server.connect(upstream)
            _relay(client, server)

    return talk


def _relay(one: socket.socket, other: socket.socket) -> None:
    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=pump, args=(other, one))
    back.start()
    pump(one, other)
    back.join(LIMIT)
