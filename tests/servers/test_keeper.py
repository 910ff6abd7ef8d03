"""A kept daemon ends with the process that wanted it, however that process ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.servers.keeper import Command, Keeper, poll

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers are kept on Linux only")

RUN = """
import pathlib, sys, tempfile
from tests.servers.keeper import Command, Keeper
folder = pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1]))
keeper = Keeper(folder, [Command(["sh", "-c", f"trap '' TERM INT; echo $$ > {folder}/pid; exec sleep 600"])], grace=0.1)
keeper.wait_until(lambda: (folder / "pid").exists() and (folder / "pid").read_text())
print(folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_neither_processes_nor_files(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    pipe, root = subprocess.PIPE, Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=root) as run:
        assert run.stdout is not None
        folder = Path(os.fsdecode(run.stdout.readline().strip()))
        daemon = os.pidfd_open(int((folder / "pid").read_text()))
        run.send_signal(how)
    try:
        assert select.select([daemon], [], [], 30)[0] == [daemon]
    finally:
        os.close(daemon)
    poll(lambda: not folder.exists(), limit=30)


def test_a_daemon_that_ends_at_once_is_reported_with_what_it_said() -> None:
    folder = Path(tempfile.mkdtemp())
    keeper = Keeper(folder, [Command(["sh", "-c", "echo no such port >&2"])])
    with pytest.raises(RuntimeError, match="no such port"):
        keeper.wait_until(lambda: False)
    keeper.stop()
    assert not folder.exists()


def test_a_server_that_is_never_ready_is_given_up() -> None:
    folder = Path(tempfile.mkdtemp())
    keeper = Keeper(folder, [Command(["sleep", "600"])])
    with pytest.raises(RuntimeError, match="did not start"):
        keeper.wait_until(lambda: False, limit=0)
    keeper.stop()
    assert not folder.exists()
