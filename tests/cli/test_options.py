"""`sendkit send` asks the server for reports, REQUIRETLS and a later release, and says what it does not offer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sendkit import SubmissionOptions
from sendkit._cli import parser
from sendkit._cli.arguments import Command, described
from sendkit._cli.options import DoctorOptions
from sendkit._cli.submission import WISHES

from .shell import LETTER, Shell, account

if TYPE_CHECKING:
    from sendkit.testing import LocalServer


def test_each_option_reaches_the_server(shell: Shell, server: LocalServer) -> None:
    wishes = ("--notify", "success,failure", "--ret", "headers", "--envid", "42", "--require-tls", "--hold-for", "2h")
    answer = shell("send", *LETTER, *account(server), *wishes)
    assert (answer.code, answer.err) == (0, "")
    assert server.messages[0].options == SubmissionOptions(
        notify={"success", "failure"}, ret="headers", envid="42", require_tls=True, hold_for=timedelta(hours=2)
    )


def test_what_is_not_offered_is_said_and_stands_in_the_json(shell: Shell, server: LocalServer) -> None:
    server.extensions.clear()
    answer = shell("send", *LETTER, *account(server), "--notify", "never", "--json")
    assert answer.code == 0
    assert answer.err == "sendkit: --notify was ignored: the server does not offer DSN\n"
    assert json.loads(answer.out)["ignored_options"] == ["notify"]
    refused = shell("send", *LETTER, *account(server), "--hold-for", "90")
    assert refused.code == 69
    assert "does not offer FUTURERELEASE" in refused.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--notify", "sometimes"), "--notify: 'sometimes' is none of never, success"),
        (("--envid", "ñ"), "--envid:"),
        (("--hold-for", "2x"), "--hold-for: '2x' is not a time"),
        (("--hold-for", "0"), "--hold-for:"),
        (("--ret", "body"), "--ret:"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_sent(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    answer = shell("send", *LETTER, *arguments)
    assert answer.code == 64
    assert words in answer.err


def test_every_field_of_the_options_can_be_asked_for() -> None:
    assert set(WISHES) == set(SubmissionOptions.model_fields)


@pytest.mark.parametrize("name", parser._parsers()[1])
def test_a_command_has_the_same_arguments_alone_as_among_all(name: str) -> None:
    alone, among_all = parser._parsers(name)[1][name], parser._parsers()[1][name]
    assert alone.format_help() == among_all.format_help()


_MAY_BE_EMPTY = {"--subject", "--text", "--title", "--alt", "--footer", "--preheader", "--envelope-from", "--lane"}


def _taking_a_value(command: Command) -> list[tuple[str, ...]]:
    """The words that give each flag of a command an empty value."""
    flags = [argument.flags[-1] for argument in command.arguments if argument.flags and argument.value]
    own = [(*command.words, flag, "") for flag in flags if flag not in _MAY_BE_EMPTY]
    return [*own, *(words for inner in command.inner for words in _taking_a_value(inner))]


def test_an_empty_value_is_refused_with_the_name_of_its_flag(shell: Shell) -> None:
    """The variable of a script that is not set: `--user "$USERNAME"` would send without a login."""
    given = [words for words in _taking_a_value(described(parser.whole())) if words[0] != "sendmail"]
    given += [("sendmail", "--account", ""), ("login", "", "ana"), ("login", "smtp.example.com", ""), ("doctor", "")]
    assert len(given) > 100
    for words in given:
        answer = shell(*words)
        assert (answer.code, answer.out) == (64, ""), words
        assert "it is empty, usually because a variable of the shell is not set" in answer.err, words
        assert words[-2] in answer.err or not words[-2].startswith("-"), words


@pytest.mark.parametrize("flag", ["--subject", "--text", "--envelope-from"])
def test_a_value_that_may_be_empty_is_taken(shell: Shell, flag: str) -> None:
    answer = shell("send", *LETTER, flag, "", "--dry-run")
    assert answer.code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--hlep",), "unknown option --hlep; did you mean --help?"),
        (("login", "smtp.example.com", "ana", "hunter2"), "an argument that was not expected"),
        (("logout", "smtp.example.com", "ana", "hunter2"), "an argument that was not expected"),
        (("send", *LETTER, "--protocol", "pop3"), "argument --protocol: invalid choice: 'pop3'"),
        (("send", *LETTER, "--security", "SSL/TLS"), "argument --security: invalid choice"),
    ],
)
def test_an_argument_that_there_is_not_is_told_and_never_repeated(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    answer = shell(*arguments)
    assert (answer.code, answer.out) == (64, "")
    assert words in answer.err
    assert "hunter2" not in answer.err


@pytest.mark.parametrize("word", ["ssl", "TLS", "implicit", "implicit-tls", "IMPLICIT_TLS"])
def test_the_words_of_others_for_the_security_are_taken(word: str) -> None:
    options = parser.read(["doctor", "--host", "smtp.example.com", "--security", word])
    assert isinstance(options, DoctorOptions)
    assert options.security == "implicit_tls"
