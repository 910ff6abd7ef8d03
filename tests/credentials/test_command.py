"""A program that prints the password: run without a shell, within its time, and never quoted."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from sendkit import PasswordCommand
from sendkit._credentials import Secret, default_chain
from sendkit.errors import ConfigurationError, CredentialsError
from tests.credentials.helpers import HOST, PASSWORD, USER, shown


def printing(code: str) -> list[str]:
    """A program that runs this code."""
    return [sys.executable, "-c", code]


async def ask(command: PasswordCommand) -> str:
    return (await command.secret(host=HOST, username=USER)).reveal()


@pytest.mark.parametrize("ending", ["", "\\n", "\\r\\n", "\\nuser: ana\\nurl: example.com\\n"])
async def test_the_first_line_is_the_password(ending: str) -> None:
    assert await ask(PasswordCommand(printing(f"print({PASSWORD!r} + '{ending}', end='')"))) == PASSWORD


async def test_no_shell_reads_the_arguments() -> None:
    argv = [*printing("import sys; print(sys.argv[1])"), "$HOME; echo *"]
    assert await ask(PasswordCommand(argv)) == "$HOME; echo *"


async def test_it_runs_once_and_once_more_after_a_refusal(tmp_path: Path) -> None:
    count = tmp_path / "count"
    command = PasswordCommand(
        printing(f"import pathlib; p = pathlib.Path({str(count)!r}); p.open('a').write('x'); print(p.read_text())")
    )
    assert [await ask(command), await ask(command)] == ["x", "x"]
    assert await command.renewed(Secret("x"), host=HOST, username=USER) == Secret("xx")
    assert await command.renewed(Secret("x"), host=HOST, username=USER) == Secret("xx")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (printing("raise SystemExit(3)"), "exit code 3"),
        (printing(f"print({PASSWORD!r}); raise SystemExit(1)"), "exit code 1"),
        (printing("pass"), "printed nothing"),
        (printing("print()"), "printed nothing"),
        (printing("import sys; sys.stdout.buffer.write(b'\\xff')"), "not UTF-8"),
        (["/nowhere/at/all", "hunter2"], "cannot be run"),
        (["a\0b"], "cannot be run"),
    ],
)
async def test_a_program_that_fails_is_named_without_its_arguments(argv: list[str], words: str) -> None:
    with pytest.raises(CredentialsError, match=words) as caught:
        await ask(PasswordCommand(argv))
    assert argv[0] in str(caught.value)
    assert caught.value.hint
    for secret in (PASSWORD, "hunter2"):
        assert secret not in str(caught.value)
    assert PASSWORD not in shown(caught.value).replace(repr(argv), "")


async def test_a_program_that_does_not_end_is_ended_with_what_it_has_started() -> None:
    """The grandchild keeps the pipe open; nobody waits for it."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(5)'])"
    with pytest.raises(CredentialsError, match=r"did not end within 0\.2 s"):
        await ask(PasswordCommand(printing(code), limit=0.2))


async def test_the_environment_names_a_program_before_the_keyring_is_asked() -> None:
    line = shlex.join(printing(f"print({PASSWORD!r})"))
    chain = default_chain(environ={"SENDKIT_PASSWORD_COMMAND": line})
    assert (await chain.secret(host=HOST, username=USER)).reveal() == PASSWORD
    assert chain.source == f"SENDKIT_PASSWORD_COMMAND ({sys.executable})"


@pytest.mark.parametrize("line", ["'unclosed", " "])
async def test_a_line_that_cannot_be_read_ends_the_search(line: str) -> None:
    with pytest.raises(CredentialsError, match="cannot be read as a command line"):
        await default_chain(environ={"SENDKIT_PASSWORD_COMMAND": line}).secret(host=HOST, username=USER)


@pytest.mark.parametrize("argv", ["pass show mail", [], ()])
def test_a_string_is_no_list_of_arguments(argv: object) -> None:
    with pytest.raises(ConfigurationError, match="as a list"):
        PasswordCommand(argv)  # type: ignore[arg-type]
