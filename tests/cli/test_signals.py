"""SIGTERM and SIGHUP end a command that sends: no traceback, and an exit code by what is known of the message."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests import preloaded
from tests.accounts import write_account
from tests.waiting import wait_until

from .shell import LETTER, Shell, account, command, environment

if TYPE_CHECKING:
    from sendkit.testing import LocalServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals between processes")
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says there what a process heeds")

SEND, SENDMAIL = "send", "sendmail"
Process: TypeAlias = preloaded.Program | subprocess.Popen[str]
MESSAGE = "From: Ana <ana@example.com>\nTo: luis@example.com\nSubject: Hola\n\ntext\n"
every_command = pytest.mark.parametrize("name", [SEND, SENDMAIL])
every_signal = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])


def arguments(name: str, server: LocalServer) -> tuple[str, ...]:
    if name == SEND:
        return SEND, "--json", *account(server), *LETTER
    write_account(server)
    return SENDMAIL, "luis@example.com"


def ignoring(name: str) -> tuple[str, ...]:
    """What starts a command that ignores this signal, as nohup does, or a shell for what it runs in the background."""
    return "sh", "-c", f"trap '' {name}; exec \"$@\"", "sh"


def _process(words: tuple[str, ...], before: tuple[str, ...]) -> Process:
    if not before:
        return preloaded.started(preloaded.STRICT, preloaded.COMMAND, *words, environment=environment())
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*before, *command(*words)], stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), encoding="utf-8"
    )


@contextmanager
def started(*words: str, before: tuple[str, ...] = (), stdin: str | None = "") -> Iterator[Process]:
    """A process of its own, which is given this; None keeps its standard input open."""
    with _process(words, before) as process:
        if stdin is not None and process.stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()
            process.stdin = None
        try:
            yield process
        finally:
            process.kill()


def said(server: LocalServer, verb: str) -> bool:
    return any(line.text.startswith(verb) for lines in [*server.conversations] for line in [*lines])


def ended(sending: Process, *numbers: signal.Signals) -> tuple[int, str, str]:
    """Its exit code and outputs after these signals; once more where Python had looked right before the first came."""
    for number in numbers:
        sending.send_signal(number)
    try:
        out, err = sending.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        sending.send_signal(numbers[-1])
        out, err = sending.communicate(timeout=300)
    return sending.returncode or 0, out, err


@every_command
@every_signal
def test_before_the_content_nothing_was_taken_which_is_75(
    server: LocalServer, name: str, number: signal.Signals
) -> None:
    server.on_mail().silence()
    with started(*arguments(name, server), stdin=MESSAGE) as sending:
        wait_until(lambda: said(server, "MAIL"))
        code, out, err = ended(sending, number)
    assert (code, server.messages) == (75, [])
    assert f"sendkit: ended by {number.name}\n" in err
    assert "Traceback" not in err
    if name == SEND:
        assert json.loads(out)["recipients"]["luis@example.com"]["outcome"] == "deferred"


@every_command
@every_signal
def test_behind_the_end_of_data_it_is_in_doubt_which_is_76(
    server: LocalServer, name: str, number: signal.Signals
) -> None:
    server.after_data().silence()
    with started(*arguments(name, server), stdin=MESSAGE) as sending:
        wait_until(lambda: server.messages)
        code, out, err = ended(sending, number)
    assert (code, len(server.messages)) == (76, 1)
    assert "Traceback" not in err
    if name == SEND:
        assert json.loads(out)["recipients"]["luis@example.com"]["outcome"] == "in_doubt"
    else:
        assert "hint: " in err


@pytest.mark.waits
@every_command
def test_once_the_server_has_taken_it_the_signal_changes_nothing(server: LocalServer, name: str) -> None:
    """Else its caller would send it again."""
    server.on_quit().silence()
    with started(*arguments(name, server), stdin=MESSAGE) as sending:
        wait_until(lambda: said(server, "QUIT"))
        code, _, err = ended(sending, signal.SIGTERM)
    assert (code, err, len(server.messages)) == (0, "", 1)


@every_command
def test_a_command_that_nohup_started_goes_on_without_its_terminal(server: LocalServer, name: str) -> None:
    server.on_mail().silence()
    with started(*arguments(name, server), before=ignoring("HUP"), stdin=MESSAGE) as sending:
        wait_until(lambda: said(server, "MAIL"))
        code, _, err = ended(sending, signal.SIGHUP, signal.SIGTERM)
    assert code == 75
    assert "sendkit: ended by SIGTERM\n" in err


@every_command
@pytest.mark.parametrize(("place", "expected"), [("on_mail", 75), ("after_data", 76)])
def test_a_command_in_the_background_of_a_script_which_ignores_ctrl_c_is_ended_too(
    server: LocalServer, name: str, place: str, expected: int
) -> None:
    getattr(server, place)().silence()
    with started(*arguments(name, server), before=ignoring("INT"), stdin=MESSAGE) as sending:
        wait_until(lambda: said(server, "MAIL") if place == "on_mail" else server.messages)
        code, _, err = ended(sending, signal.SIGTERM)
    assert (code, "Traceback" in err) == (expected, False)


def _heeds(process: Process, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    [caught] = [line for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@needs_proc
def test_while_it_waits_for_a_message_there_is_nothing_to_take(server: LocalServer) -> None:
    with started(*arguments(SENDMAIL, server), stdin=None) as sending:
        wait_until(lambda: _heeds(sending, signal.SIGTERM))
        code, out, err = ended(sending, signal.SIGTERM)
    assert (code, out) == (75, "")
    assert err.endswith("sendkit: ended by SIGTERM\n")  # before it, Python may warn of an import that was broken off


def test_a_program_that_calls_the_command_has_its_own_handlers_afterwards(server: LocalServer, shell: Shell) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert shell(*arguments(SEND, server)).code == 0
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_what_may_stand_in_the_outbox_is_in_doubt(
    server: LocalServer, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sendkit.outbox.Outbox.put", interrupted)
    write_account(server)
    monkeypatch.setenv("SENDKIT_OUTBOX", str(tmp_path / "outbox.db"))
    answer = shell(SENDMAIL, "--outbox", "luis@example.com", stdin=MESSAGE.encode())
    assert (answer.code, "which may hold it" in answer.err) == (76, True)
