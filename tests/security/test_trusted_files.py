"""Files of other users: what decides where a secret goes is read only where nobody else can have written it.

The class is CWE-732 and CWE-426: a configuration file that names a program, a memory of servers, a password, a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sendkit import AsyncMailer, Mailer, Security, Server, errors
from sendkit._credentials.environment import PasswordFile
from sendkit._credentials.source import Found
from sendkit._trusted_file import trusted_file
from tests.accounts import ANA, message
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer
from tests.wire.conftest import Account

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX has owners and modes")
as_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give a file away")
STRANGER = 12_345


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in a folder in a folder, all of them your own."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True, mode=0o700)
    path = folder / "file"
    path.write_text("content")
    path.chmod(0o600)
    return path


def _read(path: Path) -> bytes:
    with trusted_file(path) as file:
        return file.read()


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644, 0o444, 0o640])
def test_a_file_that_only_its_owner_may_write_is_read(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert _read(file) == b"content"


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o620, 0o660, 0o664, 0o777])
def test_a_file_that_others_may_write_is_refused_with_the_command_to_run(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(errors.ConfigurationError, match="others than its owner") as refused:
        _read(file)
    assert f"chmod 600 {file}" in (refused.value.hint or "")


@pytest.mark.parametrize("mode", [0o777, 0o707, 0o702])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_folder_in_which_others_may_put_another_file_is_refused(file: Path, mode: int, level: int) -> None:
    folder = file.parents[level]
    folder.chmod(mode)
    with pytest.raises(errors.ConfigurationError, match="put another file in its place") as refused:
        _read(file)
    assert f"chmod go-w {folder}" in (refused.value.hint or "")


def test_a_folder_like_tmp_where_nobody_removes_what_is_anothers_is_no_danger(file: Path) -> None:
    file.parent.chmod(0o1777)
    assert _read(file) == b"content"


@as_root
@pytest.mark.parametrize("level", [-1, 0, 1])
def test_what_belongs_to_another_user_is_refused(file: Path, level: int) -> None:
    foreign = file if level < 0 else file.parents[level]
    os.chown(foreign, STRANGER, STRANGER)
    with pytest.raises(errors.ConfigurationError, match=f"uid {STRANGER}") as refused:
        _read(file)
    assert f"chown {os.geteuid()} {foreign}" in (refused.value.hint or "")


@as_root
@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_a_group_of_others_may_write_to_is_refused(file: Path, level: int) -> None:
    os.chown(file.parents[level], 0, STRANGER)
    file.parents[level].chmod(0o770)
    with pytest.raises(errors.ConfigurationError, match="put another file in its place"):
        _read(file)


def test_a_link_counts_with_its_own_folders_and_with_those_of_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "c"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "link").symlink_to(file)
    assert _read(elsewhere / "link") == b"content"
    for folder in (elsewhere, file.parent):
        folder.chmod(0o777)
        with pytest.raises(errors.ConfigurationError, match="put another file in its place"):
            _read(elsewhere / "link")
        folder.chmod(0o700)


def test_what_is_no_file_is_refused_at_once_and_waited_for_by_nobody(file: Path) -> None:
    pipe = file.parent / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (pipe, file.parent):
        with pytest.raises(errors.ConfigurationError, match="not a regular file"):
            _read(path)
    with pytest.raises(FileNotFoundError):
        _read(file.parent / "missing")


# The files of sendkit.


def _config(tmp_path: Path) -> Path:
    path = Path.home() / "sendkit" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text('[accounts.work]\nhost = "smtp.example.com"\nusername = "ana"\npassword_command = ["false"]\n')
    path.chmod(0o600)
    return path


BREAKS: dict[str, Callable[[Path], None]] = {
    "0666": lambda path: path.chmod(0o666),
    "a folder 0777": lambda path: path.parent.chmod(0o777),
    "a folder above 0777": lambda path: path.parent.parent.chmod(0o777),
}


@pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("make", [Mailer, AsyncMailer])
def test_a_config_that_others_may_write_runs_no_command(
    tmp_path: Path, make: type[Mailer | AsyncMailer], break_it: Callable[[Path], None]
) -> None:
    path = _config(tmp_path)
    make.from_config("work")
    before = [(folder, folder.stat().st_mode) for folder in (path.parent, path.parent.parent)]
    break_it(path)
    try:
        with pytest.raises(errors.ConfigurationError, match="others") as refused:
            make.from_config("work")
    finally:
        for folder, mode in before:
            folder.chmod(mode & 0o7777)
    assert "chmod" in (refused.value.hint or "")


@as_root
def test_a_config_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(_config(tmp_path), STRANGER, STRANGER)
    with pytest.raises(errors.ConfigurationError, match="another user"):
        Mailer.from_config("work")


@pytest.mark.parametrize("break_it", [*BREAKS.values(), lambda path: path.chmod(0o604)], ids=[*BREAKS, "0604"])
async def test_a_password_file_that_others_may_read_write_or_replace_is_refused(
    file: Path, break_it: Callable[[Path], None]
) -> None:
    source = PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)})
    assert isinstance(await source.find(host="h", username=ANA), Found)
    break_it(file)
    missing = await source.find(host="h", username=ANA)
    assert not isinstance(missing, Found)
    assert "chmod" in (missing.hint or "")


@pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)
async def test_a_memory_of_servers_that_others_may_write_is_not_believed(
    server: ScriptedServer, account: Account, file: Path, break_it: Callable[[Path], None]
) -> None:
    file.write_text("")  # noqa: ASYNC240 - a test, and a small file
    break_it(file)
    async with account(server, known_hosts=file) as mailer:
        with pytest.raises(errors.ConfigurationError, match="others"):
            await mailer.send(message(), check=False)
    assert server.auth_commands == 0


@pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)
def test_a_client_key_that_others_may_write_is_refused(
    authority: Authority, file: Path, break_it: Callable[[Path], None]
) -> None:
    file.write_bytes(authority.pem().read_bytes())
    Server("smtp.example.com", client_cert=file)
    break_it(file)
    for settings in ({"client_cert": file}, {"client_cert": authority.pem(), "client_key": file}):
        with pytest.raises(errors.ConfigurationError, match="others"):
            Server("smtp.example.com", 587, Security.STARTTLS, **settings)  # type: ignore[arg-type]
