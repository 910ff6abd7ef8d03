"""An account of the file sends as it says: its server, the password of its program, its backups."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

import sendkit
from sendkit import AsyncMailer, Mailer, errors
from sendkit._accounts.config import config_file
from sendkit._credentials.command import PasswordCommand
from sendkit.testing import LocalServer
from tests.accounts import write_account

from .conftest import Write


class TestSending:
    """The account is used as it is written, by the library and on the command line."""

    @pytest.fixture
    def server(self) -> Iterator[LocalServer]:
        with LocalServer(username="ana@example.com") as server:
            write_account(server)
            yield server

    def test_by_its_name(self, server: LocalServer) -> None:
        message = sendkit.Message(sender="ana@example.com", to="luis@example.com", text="Hola")
        for make in (sendkit.open, Mailer.from_config):
            with make("work", deadline=30) as mailer:
                assert mailer.send(message).ok
        assert len(server.messages) == 2

    async def test_by_its_name_in_a_loop(self, server: LocalServer) -> None:
        async with AsyncMailer.from_config("work") as mailer:
            assert (await mailer.send(sendkit.Message(sender="ana@example.com", to="luis@example.com"))).ok

    def test_by_its_backup_with_that_one_s_own_password(self, server: LocalServer, closed_port: int) -> None:
        with config_file().open("a", encoding="utf-8") as file:
            file.write(
                f"""
                [accounts.first]
                host = "127.0.0.1"
                port = {closed_port}
                username = "ana@elsewhere.example"
                password_command = ['{sys.executable}', "-c", "print('of the first')"]
                backups = ["work"]
                """
            )
        with Mailer.from_config("first") as mailer:
            result = mailer.send(sendkit.Message(sender="ana@example.com", to="luis@example.com"))
        assert [attempt.port for attempt in result.attempts] == [closed_port, server.port]
        assert result.ok

    def test_a_program_for_a_password_without_a_username_is_refused(self, write: Write) -> None:
        write('[accounts.work]\nhost = "smtp.example.com"\npassword_command = ["pass", "show", "work"]\n')
        with pytest.raises(errors.ConfigurationError, match="without a username"):
            sendkit.open("work")

    def test_a_password_that_is_given_stands_above_the_program(self, server: LocalServer) -> None:
        message = sendkit.Message(sender="ana@example.com", to="luis@example.com")
        with (
            Mailer.from_config("work", password="wrong") as mailer,
            pytest.raises(errors.AuthenticationError),
        ):
            mailer.send(message)


class TestProgram:
    """A program that does not give a password ends the search, and no error repeats its arguments or its output."""

    @pytest.mark.parametrize(
        ("argv", "words"),
        [
            ([sys.executable, "-c", "print('correct horse'); raise SystemExit(3)"], "exit code 3"),
            ([sys.executable, "-c", "'correct horse'"], "printed nothing"),
            (["/no/such/correct", "horse"], "cannot be run"),
        ],
    )
    async def test_that_fails(self, argv: list[str], words: str) -> None:
        with pytest.raises(errors.CredentialsError, match=words) as failure:
            await PasswordCommand(argv).secret(host="smtp.example.com", username="ana")
        assert "correct horse" not in str(failure.value)

    async def test_that_does_not_end(self) -> None:
        command = PasswordCommand(
            [sys.executable, "-c", "input() or __import__('threading').Event().wait()"], limit=0.5
        )
        with pytest.raises(errors.CredentialsError):
            await command.secret(host="smtp.example.com", username="ana")

    @pytest.mark.parametrize("argv", ["pass show mail", []])
    def test_that_is_no_list_is_refused(self, argv: list[str] | str) -> None:
        with pytest.raises(errors.ConfigurationError, match="list"):
            PasswordCommand(argv)
