"""An outbox lies where nobody else can put another file in its place, and on a file system that locks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sendkit import Outbox
from sendkit.errors import ConfigurationError
from tests.accounts import message


def test_a_link_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    where = tmp_path / "outbox.db"
    where.symlink_to(tmp_path / "elsewhere.db")
    with Outbox(where, account="test") as outbox, pytest.raises(ConfigurationError, match="not a regular file"):
        outbox.put(message())


def test_a_link_in_the_place_of_its_folder_is_refused_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with Outbox(tmp_path / "link" / "o.db", account="test") as outbox:
        with pytest.raises(ConfigurationError, match="is a link") as caught:
            outbox.put(message())
        assert str(tmp_path / "real" / "o.db") in str(caught.value.hint)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away: run it as root")
@pytest.mark.parametrize("change", ["owner", "mode"])
def test_a_folder_in_which_others_could_swap_the_file_is_refused(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    if change == "owner":
        os.chown(folder, 12345, 12345)
    else:
        folder.chmod(0o777)
    expected = "belongs to another user" if change == "owner" else "written by everybody"
    with Outbox(folder / "o.db", account="test") as outbox, pytest.raises(ConfigurationError, match=expected):
        outbox.put(message())


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("sendkit.outbox._sqlite._file_system", lambda path: kind)
    with (
        Outbox(tmp_path / "outbox.db", account="test") as outbox,
        pytest.raises(ConfigurationError, match="network file system"),
    ):
        outbox.put(message())
