"""What a command loads before its first octet is on the wire: nothing that its caller would wait for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_LATER = ("pydantic", "pydantic_core", "keyring", "tenacity", "idna", "sendkit.results")
_PROGRAM = """
import os, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    connection, _ = listener.accept()
    connection.sendall(b"220 a server\\r\\n")
    first = connection.recv(1)
    print(first.decode(), *sorted(set(sys.argv[3].split()) & set(sys.modules)), flush=True)
    os._exit(0)
threading.Thread(target=serve, daemon=True).start()
place = f"127.0.0.1:{listener.getsockname()[1]}"
from sendkit._cli import main
letter = ["-f", "ana@example.com", "-t", "luis@example.com", "-s", "a subject", "--text", "a text"]
main(["send", sys.argv[1], sys.argv[2].format(place), "--user", "ana@example.com", "--retries", "0", *letter])
"""


@pytest.mark.parametrize("server", [("--host", "{}"), ("--url", "smtp+starttls://{}")], ids="/".join)
def test_a_message_of_text_is_on_its_way_before_anything_is_loaded_that_can_wait(server: tuple[str, str]) -> None:
    command = [sys.executable, "-c", _PROGRAM, *server, " ".join(_LATER)]
    environ = {**os.environ, "SENDKIT_PASSWORD": "a secret"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout, done.stderr) == ("E\n", "")
