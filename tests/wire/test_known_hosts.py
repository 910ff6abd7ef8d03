"""A server that offers less than it did before gets no password, where its user asked for a memory."""

from __future__ import annotations

import os
import ssl
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sendkit import Phase, Security, Server, errors
from sendkit._server.folders import known_hosts_file
from sendkit.testing import assert_no_secret_leaks
from tests.accounts import trouble
from tests.servers.scripted import AUTH, BASE, ScriptedServer

from .conftest import PASSWORD, Account, Start

SCRAM = "AUTH SCRAM-SHA-256 PLAIN"
posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions as POSIX has them")


class Memory:
    """The file of this test, which is not there yet, and nor is its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str, mode: int = 0o600) -> None:
        """Put this in its place, in Latin-1."""
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(text.encode("latin-1"))
        self.path.chmod(mode)

    @property
    def text(self) -> str | None:
        """What it says; None before it is there."""
        return self.path.read_text(encoding="ascii") if self.path.exists() else None

    def of(self, server: ScriptedServer) -> list[str]:
        """What it says of this server."""
        place = f"127.0.0.1:{server.port} "
        return [line.removeprefix(place) for line in (self.text or "").splitlines() if line.startswith(place)]


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """A memory in a folder of its own."""
    return Memory(tmp_path / "state" / "known_hosts")


def offer(server: ScriptedServer, auth: str) -> None:
    """What the server offers inside TLS from now on."""
    server.capabilities_in_tls = [*BASE, auth]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT_TLS])
async def test_a_weaker_mechanism_than_before_gets_no_password(
    start: Start, account: Account, memory: Memory, security: Security
) -> None:
    server = start(security, capabilities_in_tls=[*BASE, SCRAM])
    assert await trouble(account(server, known_hosts=memory.path)) is None
    logins = server.auth_commands
    offer(server, AUTH)
    error = await trouble(account(server, known_hosts=memory.path))
    assert type(error) is errors.AuthenticationError
    assert (error.phase, error.reply, error.transient) == (Phase.AUTH, None, False)
    assert "SCRAM-SHA-256" in str(error)
    assert "PLAIN" in str(error)
    assert "known_hosts" in (error.hint or "")
    assert (server.auth_commands, len(server.accepted)) == (logins, 1)
    assert_no_secret_leaks(PASSWORD, server.connections[-1].octets(tls=True))


async def test_no_mechanism_at_all_is_less_than_before(start: Start, account: Account, memory: Memory) -> None:
    server = start(capabilities_in_tls=[*BASE, SCRAM])
    assert await trouble(account(server, known_hosts=memory.path)) is None
    offer(server, "AUTH GSSAPI")
    error = await trouble(account(server, known_hosts=memory.path))
    assert "less than it did before" in str(error)


async def test_starttls_that_is_gone_is_told_as_such(server: ScriptedServer, account: Account, memory: Memory) -> None:
    assert await trouble(account(server, known_hosts=memory.path)) is None
    server.capabilities = [*BASE, AUTH]
    error = await trouble(account(server, known_hosts=memory.path))
    assert type(error) is errors.TLSError
    assert (error.phase, error.transient) == (Phase.STARTTLS, False)
    assert "STARTTLS is gone" in str(error)
    assert "between you and the server" in (error.hint or "")
    assert [line.text for line in server.connections[-1].lines] == ["EHLO [127.0.0.1]"]


async def test_more_than_before_is_welcome_and_is_what_counts_from_then_on(
    server: ScriptedServer, account: Account, memory: Memory
) -> None:
    assert await trouble(account(server, known_hosts=memory.path)) is None
    assert memory.of(server) == ["starttls"]
    for auth in ("AUTH SCRAM-SHA-1 PLAIN", SCRAM, SCRAM):
        offer(server, auth)
        assert await trouble(account(server, known_hosts=memory.path)) is None
    assert memory.of(server) == ["starttls", "starttls SCRAM-SHA-1", "starttls SCRAM-SHA-256"]
    offer(server, "AUTH SCRAM-SHA-1 PLAIN")
    assert type(await trouble(account(server, known_hosts=memory.path))) is errors.AuthenticationError


async def test_a_server_without_a_login_is_remembered_too(
    server: ScriptedServer, account: Account, memory: Memory
) -> None:
    assert await trouble(account(server, known_hosts=memory.path, username=None)) is None
    assert memory.of(server) == ["starttls"]


async def test_deleting_its_lines_forgets_a_server(start: Start, account: Account, memory: Memory) -> None:
    server = start(capabilities_in_tls=[*BASE, SCRAM])
    assert await trouble(account(server, known_hosts=memory.path)) is None
    offer(server, AUTH)
    other = "other.example.com:587 starttls SCRAM-SHA-256-PLUS"
    memory.write(f"# no end of line\n\n{other}")
    assert await trouble(account(server, known_hosts=memory.path)) is None
    assert memory.text == f"# no end of line\n\n{other}\n127.0.0.1:{server.port} starttls\n"


async def test_a_mechanism_that_was_named_is_taken_at_its_word(start: Start, account: Account, memory: Memory) -> None:
    server = start(capabilities_in_tls=[*BASE, SCRAM])
    assert await trouble(account(server, known_hosts=memory.path)) is None
    offer(server, AUTH)
    assert await trouble(account(server, known_hosts=memory.path, mechanism="PLAIN")) is None


async def test_a_server_that_failed_to_let_us_in_is_not_remembered(
    start: Start, account: Account, memory: Memory
) -> None:
    server = start(capabilities_in_tls=[*BASE, SCRAM])
    assert (
        type(await trouble(account(server, known_hosts=memory.path, password="wrong horse")))
        is errors.AuthenticationError
    )
    assert memory.text is None


async def test_a_server_that_nobody_verified_is_not_remembered(
    server: ScriptedServer, account: Account, memory: Memory
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert await trouble(account(server, known_hosts=memory.path, tls_context=context)) is None
    assert memory.text is None


async def test_without_the_setting_nothing_is_remembered(server: ScriptedServer, account: Account) -> None:
    assert await trouble(account(server)) is None
    assert not known_hosts_file().exists()


@posix
async def test_the_file_is_its_owner_s_and_holds_nothing_of_who_logs_in(
    server: ScriptedServer, account: Account, memory: Memory
) -> None:
    assert await trouble(account(server, known_hosts=memory.path)) is None
    assert [stat.S_IMODE(path.stat().st_mode) for path in (memory.path, memory.path.parent)] == [0o600, 0o700]
    assert memory.text == f"127.0.0.1:{server.port} starttls\n"


@posix
async def test_a_file_that_others_may_write_to_is_not_believed(
    server: ScriptedServer, account: Account, memory: Memory
) -> None:
    memory.write("", mode=0o620)
    with pytest.raises(errors.ConfigurationError, match="others than its owner") as failure:
        await trouble(account(server, known_hosts=memory.path))
    assert "chmod 600" in (failure.value.hint or "")
    assert server.connections == []


@pytest.mark.parametrize(
    "line", ["mail.example.com:587", "mail.example.com:587 ssl", "a:1 starttls SCRAM", "a:1 starttls PLAIN x", "\xff"]
)
async def test_a_line_that_cannot_be_understood_is_an_error_before_anything_is_sent(
    server: ScriptedServer, account: Account, memory: Memory, line: str
) -> None:
    memory.write(f"# mine\n{line}\n")
    with pytest.raises(errors.ConfigurationError, match=r"known_hosts(, line 2 cannot be understood| cannot be read)"):
        await trouble(account(server, known_hosts=memory.path))
    assert server.connections == []


async def test_a_line_that_another_process_is_still_writing_is_passed_over(
    server: ScriptedServer, account: Account, memory: Memory
) -> None:
    memory.write("# mine\nmail.example.com:58")
    assert await trouble(account(server, known_hosts=memory.path)) is None
    assert len(server.accepted) == 1
    assert memory.of(server) == ["starttls"]


async def test_a_file_that_cannot_be_written_is_an_error_and_no_mail_goes_out(
    server: ScriptedServer, account: Account, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.ConfigurationError, match=r"known_hosts cannot be"):
        await trouble(account(server, known_hosts=tmp_path / "file" / "known_hosts"))
    assert server.accepted == []


def test_several_processes_may_write_at_the_same_time(memory: Memory) -> None:
    program = """
        import sys
        from pathlib import Path
        from sendkit._wire.known_hosts import _add
        for number in range(200):
            _add(Path(sys.argv[1]), f"{sys.argv[2]}.example.com:{number} starttls SCRAM-SHA-256")
    """
    argv = [sys.executable, "-c", textwrap.dedent(program), str(memory.path)]
    writers = [subprocess.Popen([*argv, name]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    expected = {f"{name}.example.com:{number} starttls SCRAM-SHA-256" for name in "abc" for number in range(200)}
    # Who sees half a line of another's puts a line end before its own, which makes an empty one.
    lines = [line for line in (memory.text or "").splitlines() if line]
    assert len(lines) == 600
    assert set(lines) == expected


def test_true_is_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Server("smtp.example.com", known_hosts=True).known_hosts == tmp_path / "sendkit" / "known_hosts"
    assert Server("smtp.example.com", known_hosts=False).known_hosts is None
    assert Server("smtp.example.com", known_hosts=f"~{os.sep}hosts").known_hosts == Path.home() / "hosts"
    if sys.platform != "win32":
        assert known_hosts_file({}) == Path.home() / ".local" / "state" / "sendkit" / "known_hosts"


def test_a_memory_of_a_server_without_tls_is_a_contradiction() -> None:
    with pytest.raises(errors.ConfigurationError, match="without TLS"):
        Server("localhost", security=Security.NONE, known_hosts=True)
