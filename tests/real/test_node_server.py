"""REQUIRETLS, DSN and SMTPUTF8 as a server of others takes them: nodemailer's smtp-server, which offers all three."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sendkit import Mailer, Message, Server, SubmissionOptions
from tests.servers.authority import Authority

_SERVERS = Path(__file__).parents[1] / "readers"
_ANA, _LUIS = "ana@example.com", "luis@example.net"


class NodeServer:
    """The server, and what it has taken."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def taken(self) -> dict[str, Any]:
        """The next message that it took."""
        found: dict[str, Any] = json.loads(self._line())
        return found


@contextmanager
def node_server(authority: Authority, *arguments: str) -> Iterator[NodeServer]:
    """Run it; skips where it is not installed."""
    node = shutil.which("node")
    if node is None or not (_SERVERS / "node_modules" / "smtp-server").is_dir():
        pytest.skip("needs node, and `npm install --prefix tests/readers`")
    command = [node, str(_SERVERS / "serve.mjs"), str(authority.pem()), *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8") as process:
        assert process.stdin is not None
        yield NodeServer(process)
        process.stdin.close()
        process.wait(60)


def _mailer(server: NodeServer, authority: Authority) -> Mailer:
    return Mailer(Server("localhost", server.port, ca_file=authority.ca_file), username=_ANA, password="any at all")


def _message(*to: str) -> Message:
    return Message(sender=_ANA, to=to or (_LUIS,), subject="Año", text="ñandú\n")


def test_what_is_asked_for_arrives_as_its_parameters(authority: Authority) -> None:
    options = SubmissionOptions(require_tls=True, notify="failure,delay", ret="headers", envid="A1 =b")
    with node_server(authority) as server, _mailer(server, authority) as mailer:
        result = mailer.send(_message(), options=options)
        taken = server.taken()
    assert (result.ok, result.ignored_options) == (True, ())
    arguments = taken["mailFrom"]["args"]
    assert (taken["secure"], arguments["REQUIRETLS"], arguments["RET"]) == (True, True, "HDRS")
    assert arguments["ENVID"].replace("+20", " ").replace("+3D", "=") == "A1 =b"
    [recipient] = taken["rcptTo"]
    assert set(recipient["args"]["NOTIFY"].split(",")) == {"FAILURE", "DELAY"}
    assert recipient["args"]["ORCPT"] == f"rfc822;{_LUIS}"


def test_without_the_extensions_a_message_that_needs_tls_is_not_sent_and_the_rest_is_named(
    authority: Authority,
) -> None:
    with node_server(authority, "nothing") as server, _mailer(server, authority) as mailer:
        result = mailer.send(_message(), options=SubmissionOptions(require_tls=True), check=False)
        assert [one.why for one in result.rejected] == ["needs_requiretls"]
        result = mailer.send(_message(), options=SubmissionOptions(notify="failure"))
        assert (result.ok, result.ignored_options) == (True, ("notify",))
        assert "NOTIFY" not in (server.taken()["rcptTo"][0].get("args") or {})


def test_an_address_that_needs_smtputf8_arrives_as_it_is(authority: Authority) -> None:
    with node_server(authority) as server, _mailer(server, authority) as mailer:
        assert mailer.send(_message("niño@example.net")).ok
        taken = server.taken()
    assert taken["rcptTo"][0]["address"] == "niño@example.net"
    assert taken["mailFrom"]["args"]["SMTPUTF8"] is True
    assert "To: niño@example.net\r\n".encode() in base64.b64decode(taken["octets"])
