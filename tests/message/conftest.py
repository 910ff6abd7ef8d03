"""The readers of messages that are not ours and not Python's."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.message.readers import Read

READERS = Path(__file__).parents[1] / "readers"


@pytest.fixture(scope="session")
def outside() -> Iterator[Read]:
    """What postal-mime and mailparser make of a message; skips where they are not installed."""
    node = shutil.which("node")
    if node is None or not (READERS / "node_modules").is_dir():
        pytest.skip("needs node, and `npm install --prefix tests/readers`")
    command = [node, str(READERS / "read.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(octets: bytes) -> dict[str, dict[str, Any]]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(base64.b64encode(octets) + b"\n")
            process.stdin.flush()
            found: dict[str, dict[str, Any]] = json.loads(process.stdout.readline())
            return found

        yield ask
        process.stdin.close()
        process.wait(60)
