"""Secrets from the environment: a variable, a file, a systemd credential."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sendkit._credentials.environment import EnvironmentVariable, PasswordFile, SystemdCredential
from sendkit._credentials.source import Found, Missing, Source
from sendkit.errors import CredentialsError, CredentialsNotFound
from tests.credentials.helpers import HOST, PASSWORD, USER

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has permission bits")


async def find(source: Source) -> Found | Missing:
    return await source.find(host=HOST, username=USER)


async def found(source: Source) -> str:
    answer = await find(source)
    assert isinstance(answer, Found), answer
    return answer.secret.reveal()


async def missing(source: Source) -> Missing:
    answer = await find(source)
    assert isinstance(answer, Missing)
    return answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "sendkit.password", PASSWORD.encode())


def written(path: Path, octets: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(octets)
    path.chmod(mode)
    return path


async def test_the_variable_holds_the_secret() -> None:
    assert await found(EnvironmentVariable({"SENDKIT_PASSWORD": PASSWORD})) == PASSWORD


@pytest.mark.parametrize(("environ", "why"), [({}, "is not set"), ({"SENDKIT_PASSWORD": ""}, "is empty")])
async def test_a_variable_that_is_unset_or_empty_passes_the_question_on(environ: dict[str, str], why: str) -> None:
    answer = await missing(EnvironmentVariable(environ))
    assert answer == Missing("SENDKIT_PASSWORD", why, CredentialsNotFound)


async def test_a_variable_that_cannot_be_a_secret_ends_the_search_without_being_quoted() -> None:
    answer = await missing(EnvironmentVariable({"SENDKIT_PASSWORD": PASSWORD + "\udcff"}))
    assert answer.error is CredentialsError
    assert PASSWORD not in repr(answer)


@pytest.mark.parametrize("kind", [EnvironmentVariable, PasswordFile, SystemdCredential])
def test_a_source_does_not_print_the_environment_that_it_reads(kind: type[EnvironmentVariable]) -> None:
    assert PASSWORD not in repr(kind({"SENDKIT_PASSWORD": PASSWORD}))


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
async def test_the_file_holds_the_secret_and_one_line_end_is_not_part_of_it(file: Path, ending: str) -> None:
    written(file, (PASSWORD + ending).encode())
    assert await found(PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)})) == PASSWORD


async def test_spaces_and_other_line_ends_are_part_of_the_secret(file: Path) -> None:
    written(file, b" contrase\xc3\xb1a \n\n")
    assert await found(PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)})) == " contraseña \n"


@posix
@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
async def test_a_file_open_to_every_user_is_refused(file: Path, mode: int) -> None:
    written(file, PASSWORD.encode(), mode)
    answer = await missing(PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)}))
    assert f"open to every user of this machine (mode {mode:04o})" in answer.why
    assert answer.error is CredentialsError
    assert f"chmod 600 {file}" in str(answer.hint)


@posix
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440])
async def test_a_file_for_its_owner_or_group_is_taken(file: Path, mode: int) -> None:
    written(file, PASSWORD.encode(), mode)
    assert await found(PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)})) == PASSWORD


async def test_a_file_that_was_named_and_is_not_there_ends_the_search(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        answer = await missing(PasswordFile({"SENDKIT_PASSWORD_FILE": str(path)}))
        assert (answer.why, answer.error) == ("is not a file", CredentialsError)


@posix
async def test_a_file_that_cannot_be_reached_ends_the_search(tmp_path: Path) -> None:
    answer = await missing(PasswordFile({"SENDKIT_PASSWORD_FILE": str(tmp_path / ("x" * 5000))}))
    assert answer.error is CredentialsError
    assert answer.why.startswith(("cannot be read (File name too long)", "is not a file"))


async def test_a_file_too_large_for_a_secret_ends_the_search(file: Path) -> None:
    written(file, b"x" * 65_537)
    answer = await missing(PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)}))
    assert (answer.why, answer.error) == ("is larger than 65536 octets", CredentialsError)


async def test_a_file_that_is_not_utf_8_ends_the_search_without_being_quoted(file: Path) -> None:
    written(file, PASSWORD.encode() + b"\xff")
    answer = await missing(PasswordFile({"SENDKIT_PASSWORD_FILE": str(file)}))
    assert answer.error is CredentialsError
    assert "not UTF-8" in answer.why
    assert PASSWORD not in repr(answer)


@pytest.mark.parametrize("environ", [{}, {"SENDKIT_PASSWORD_FILE": ""}])
async def test_no_file_named_passes_the_question_on(environ: dict[str, str]) -> None:
    assert (await missing(PasswordFile(environ))).error is CredentialsNotFound


async def test_systemd_passes_the_secret_in_its_folder(file: Path) -> None:
    assert await found(SystemdCredential({"CREDENTIALS_DIRECTORY": str(file.parent)})) == PASSWORD


async def test_no_such_credential_of_the_unit_passes_the_question_on(tmp_path: Path) -> None:
    assert (await missing(SystemdCredential({}))).why == "CREDENTIALS_DIRECTORY is not set"
    answer = await missing(SystemdCredential({"CREDENTIALS_DIRECTORY": str(tmp_path)}))
    assert answer == Missing("systemd credential sendkit.password", f"is not in {tmp_path}", CredentialsNotFound)
