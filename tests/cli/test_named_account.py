"""`sendkit send --account` takes server, username and sender from the file of accounts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sendkit.testing import LocalServer
from tests.accounts import write_account

from .shell import LETTER, Shell


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(username="ana@example.com") as server:
        write_account(server)
        yield server


def test_on_the_command_line_with_its_sender(shell: Shell, server: LocalServer) -> None:
    answer = shell("send", "--account", "work", *LETTER[2:])
    assert (answer.code, answer.err) == (0, "")
    assert server.messages[0].message["From"] == "Ana <ana@example.com>"


@pytest.mark.parametrize("option", ["--host", "--url", "--user", "--ca-file"])
def test_beside_another_server_it_is_64(shell: Shell, option: str) -> None:
    answer = shell("send", "--account", "work", option, "x", *LETTER)
    assert answer.code == 64
    assert option in answer.err


def test_an_unknown_account_is_78(shell: Shell, server: LocalServer) -> None:
    assert shell("send", "--account", "home", *LETTER).code == 78
