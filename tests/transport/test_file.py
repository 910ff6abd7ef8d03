"""A folder as a transport: whole files or none, for their owner alone, under names that no message can choose."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from sendkit import DeliveryResult, FileTransport, Mailer, Message, Outcome, errors
from sendkit._transport.memory import VirtualClock
from tests.accounts import ANA, EVA, LUIS, ONCE, OPS, message
from tests.own_process import limit

NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.(eml|json)")


class Killed(BaseException):
    """Whatever may end a program between two calls."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail" / "outbox"


@pytest.fixture
def mailer(folder: Path) -> Iterator[Mailer]:
    with Mailer(transport=FileTransport(folder), retry=ONCE) as mailer:
        yield mailer


def mode(path: Path) -> int:
    """Who may do what with it."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_message_is_a_file_that_mail_programs_open_with_its_envelope_beside_it(mailer: Mailer, folder: Path) -> None:
    result = mailer.send(Message(sender=ANA, to=LUIS, bcc=EVA, subject="Hola", text="¿Qué tal?"), envelope_from=OPS)
    (eml,) = folder.glob("*.eml")
    parsed = message_from_bytes(eml.read_bytes(), policy=policy.default)
    assert (parsed["Subject"], parsed["Message-ID"]) == ("Hola", result.message_id)
    assert EVA.encode() not in eml.read_bytes()
    kept = DeliveryResult.model_validate_json(eml.with_suffix(".json").read_bytes())
    assert (kept.ok, kept.reverse_path, kept.message_id) == (True, OPS, result.message_id)
    assert [*kept.recipients] == [LUIS, EVA]
    assert kept.recipients[LUIS].reply == result.recipients[LUIS].reply
    assert str(result.recipients[LUIS].reply) == f"250 2.0.0 kept as {eml.name}"


def test_only_their_owner_may_read_them_whatever_the_umask(mailer: Mailer, folder: Path) -> None:
    before = os.umask(0)
    try:
        mailer.send(message())
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_no_message_chooses_the_name_of_its_file(mailer: Mailer, folder: Path) -> None:
    evil = (
        b"From: ana@example.com\r\nTo: luis@example.com\r\nSubject: ../../x\r\nMessage-ID: <../../../x@example.com>\r\n"
    )
    for number in range(3):
        mailer.send(Message.from_bytes(evil + b"\r\n%d" % number))
    names = [path.name for path in folder.iterdir()]
    assert len(names) == 6
    assert all(map(NAME.fullmatch, names))
    assert [path.name for path in folder.parent.iterdir()] == ["outbox"]


def test_sorted_by_name_they_stand_in_the_order_of_time(mailer: Mailer, folder: Path) -> None:
    for number in range(5):
        mailer.send(message(subject=str(number)))
    found = [message_from_bytes(path.read_bytes())["Subject"] for path in sorted(folder.glob("*.eml"))]
    assert found == ["0", "1", "2", "3", "4"]


@pytest.mark.skipif(sys.platform == "win32", reason="how large a file may grow is limited on POSIX systems only")
@pytest.mark.own_process
def test_a_full_disk_is_a_deferral_and_leaves_nothing_behind(mailer: Mailer, folder: Path) -> None:
    limit("FSIZE", 0)
    result = mailer.send(message(), check=False)
    recipient = result.recipients[LUIS]
    assert (recipient.outcome, recipient.retryable) == (Outcome.DEFERRED, True)
    assert "cannot be written to: File too large" in (recipient.reason or "")
    assert list(folder.iterdir()) == []


def test_a_message_without_its_envelope_does_not_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = FileTransport(folder)
    transport.clock = VirtualClock()
    monkeypatch.setattr("secrets.token_hex", lambda octets: "00" * octets)
    (folder / f"{transport.clock.now():%Y%m%dT%H%M%S.%fZ}-{'00' * 8}.json").mkdir(parents=True)
    with Mailer(transport=transport, retry=ONCE) as mailer:
        assert mailer.send(message(), check=False).deferred
    assert [path.suffix for path in folder.iterdir()] == [".json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens no folder as a file")
def test_nobody_is_told_250_before_the_names_of_both_files_are_on_the_disk(
    mailer: Mailer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[int, list[str]]] = []

    def fsync(descriptor: int) -> None:
        seen = sorted(path.suffix for path in folder.iterdir() if not path.name.startswith("."))
        flushed.append((os.fstat(descriptor).st_ino, seen))

    monkeypatch.setattr(os, "fsync", fsync)
    assert mailer.send(message()).ok
    assert flushed[-1] == (folder.stat().st_ino, [".eml", ".json"])
    # The folder itself was made for it, and so was the one above.
    made = {folder.parent.stat().st_ino, folder.parent.parent.stat().st_ino}
    assert made <= {inode for inode, _ in flushed}


@pytest.mark.parametrize("ended", [OSError(28, "No space left on device"), Killed()])
@pytest.mark.parametrize("moment", ["json", "eml", "fsync"])
def test_at_whatever_moment_it_fails_nothing_is_left_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str, ended: BaseException
) -> None:
    rename = Path.rename

    def fails(path: Path, target: Path) -> Path:
        if target.suffix == f".{moment}":
            raise ended
        if target.suffix == ".eml":
            assert target.with_suffix(".json").exists()  # who finds a message finds its envelope
        return rename(path, target)

    def fsync(descriptor: int) -> None:
        if moment == "fsync" and stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise ended

    folder.mkdir(parents=True)
    monkeypatch.setattr(Path, "rename", fails)
    monkeypatch.setattr(os, "fsync", fsync)
    with Mailer(transport=FileTransport(folder), retry=ONCE) as mailer, contextlib.suppress(Killed):
        assert mailer.send(message(), check=False).deferred
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_none_is_an_error_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        Mailer(transport=FileTransport(tmp_path / "file" / "outbox")) as mailer,
        pytest.raises(errors.ConfigurationError, match="cannot be a folder") as caught,
    ):
        mailer.send(message())
    assert "SENDKIT_TRANSPORT=file:" in (caught.value.hint or "")


def test_a_tilde_is_the_home_of_the_user() -> None:
    assert FileTransport("~/outbox").directory == Path.home() / "outbox"
