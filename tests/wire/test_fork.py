"""After a fork with an open mailer, parent and child both go on, and neither writes on the other's connection."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sendkit import Security
from tests import preloaded
from tests.servers.authority import Authority
from tests.servers.proxies import microsocks, tinyproxy
from tests.servers.scripted import ScriptedServer

from .conftest import PASSWORD, USER, Start

PROGRAM = """
import os, sys, warnings
from sendkit import Mailer, Message, Security, Server
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads at a fork; that is what is tried here
host, port, security, ca_file, user, password, *proxy = sys.argv[1:]
server = Server(host, int(port), security, ca_file=ca_file, proxy=proxy[0] if proxy else None)
mailer = Mailer(server, username=user, password=password)
send = lambda subject: mailer.send(Message(sender=user, to="luis@example.com", subject=subject)).ok
assert send("before")
child = os.fork()
if child == 0:
    assert send("child")
    mailer.close()
    os._exit(7)
_, status = os.waitpid(child, 0)
assert send("after")
mailer.close()
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("security", Security)
def test_parent_and_child_both_go_on(start: Start, authority: Authority, security: Security) -> None:
    _both_go_on(start(security), authority, security)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_both_go_on_through_a_proxy(start: Start, authority: Authority, tmp_path: Path, kind: str) -> None:
    server = start()
    running = microsocks() if kind == "socks5" else tinyproxy(tmp_path, ports=(server.port,))
    with running as port:
        _both_go_on(server, authority, Security.STARTTLS, f"{kind}://127.0.0.1:{port}")


def _both_go_on(server: ScriptedServer, authority: Authority, security: Security, *proxy: str) -> None:
    arguments = [server.host, str(server.port), security, str(authority.ca_file), USER, PASSWORD, *proxy]
    ran = preloaded.run(preloaded.STRICT, PROGRAM, *arguments)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "7\n", "")
    assert len(server.accepted) == 3
    assert len(server.connections) == 2
    assert [connection.commands.count("BDAT") for connection in server.connections] == [2, 1]
    assert [connection.commands[-1] for connection in server.connections] == ["QUIT", "QUIT"]
