"""What is public stands in README.md or docs/, what they name is there, and their links lead somewhere."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import sendkit
from sendkit import DeliveryResult, Mailer, RetryPolicy, Server, Timeouts, errors
from sendkit._cli import parser
from sendkit._cli.arguments import Command, described
from sendkit._cli.exit_codes import MEANINGS
from sendkit._plan.named import KEYS
from sendkit._transport.script import ConnectRule, Script
from sendkit.testing._expected import Expected
from tests.docs.pages import CODE, PAGES, README, ROOT, SPANS, Page, is_told, page
from tests.each import each

_SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(sendkit.__file__).parent.rglob("*.py")))
_COMMAND_LINE = re.compile(r"(?<![\w./-])sendkit ((?:[a-z]+ )*[a-z]+\b)([^`|\n]*)")
_VARIABLE = re.compile(r"SENDKIT_[A-Z]+(?:_[A-Z]+)*")
_VARIABLES = sorted(set(_VARIABLE.findall(_SOURCE)))
_ABOUT = {"self", "host_or_server", "message", "messages", "address"}  # what a call is about
_SETTABLE = (Server, Timeouts, RetryPolicy, Mailer, Mailer.send, Mailer.send_many, Mailer.discover, Mailer.diagnose)
_PLACES = [f"{name}()" for name in vars(Script) if name.startswith(("on_", "after_")) and name != "on_rcpt"]
_ACTIONS = [name for name in dir(ConnectRule) if name in ("reply", "drop", "silence", "refuse")]


@cache
def flags() -> list[str]:
    """Every long flag of the command line."""
    return sorted(
        {flag for action in _actions(parser._parsers()[0]) for flag in action.option_strings if flag[1] == "-"}
    )


def _actions(of: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """What a parser takes, and its commands, and theirs."""
    for action in of._actions:
        yield action
        for command in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():
            yield from _actions(command)


def settings(made: Callable[..., object]) -> list[str]:
    """The settings that a public class or method takes, beside what it is about."""
    parameters = inspect.signature(made).parameters.values()
    named = [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    return [f"{made.__name__}.{name}" for name in named if name not in _ABOUT]


class TestNothingIsMissing:
    """Whatever is public stands in the documentation, as code."""

    @each([name for name in sendkit.__all__ if not name.startswith("__")])
    def test_every_public_name(self, name: str) -> None:
        assert is_told(name) or is_told(f"sendkit.{name}")

    @each(sendkit.testing.__all__)
    def test_every_public_name_of_the_testing_kit(self, name: str) -> None:
        assert is_told(name) or is_told(f"sendkit.testing.{name}")

    @each([*Expected.__annotations__, "times"])
    def test_every_field_that_can_be_expected(self, name: str) -> None:
        assert f"{name}=" in CODE

    @each(errors.__all__)
    def test_every_error(self, name: str) -> None:
        assert is_told(name)

    @each([*parser._parsers()[1]])
    def test_every_command(self, command: str) -> None:
        assert f"sendkit {command}" in CODE

    @each(flags())
    def test_every_long_flag(self, flag: str) -> None:
        assert is_told(flag)

    @each(_VARIABLES)
    def test_every_variable(self, variable: str) -> None:
        assert is_told(variable)

    @each([setting for made in _SETTABLE for setting in settings(made)])
    def test_every_setting(self, setting: str) -> None:
        kind, _, name = setting.partition(".")
        assert re.search(rf"(?<!\w){name}=", CODE) or re.search(rf"\b{kind}\([^)]*\b{name}\b", CODE)

    @each(KEYS)
    def test_every_key_of_an_account(self, key: str) -> None:
        assert re.search(rf"^\| .*`{key}`.* \|", page("configuration.md").text, re.MULTILINE)

    @each(_PLACES + _ACTIONS)
    def test_every_place_and_action_of_the_fault_language(self, place: str) -> None:
        assert place in CODE

    @each([name for name in DeliveryResult.model_fields if name != "version"])
    def test_every_answer_of_a_result(self, name: str) -> None:
        assert f"result.{name}" in CODE or name == "reverse_path"

    def test_every_page_is_reached_from_the_readme(self) -> None:
        reached, ahead = set[Path](), [README.path]
        while ahead:
            here = Page(ahead.pop())
            reached.add(here.path)
            targets = ((here.path.parent / link.partition("#")[0]).resolve() for link in here.links)
            ahead += [path for path in targets if path.suffix == ".md" and path not in reached]
        assert [page.name for page in PAGES if page.path not in reached] == []

    def test_the_readme_is_for_newcomers(self) -> None:
        assert README.text.count("\n") <= 160, "what a newcomer does not need goes into a page of docs/"


def commands(told: str) -> Iterator[tuple[str, str]]:
    """Each flag of a command line of sendkit in this text, with its command."""
    known = {command.words: {flag for one in command.arguments for flag in one.flags} for command in _all_commands()}
    for line in _COMMAND_LINE.finditer(told.replace("\\\n", " ")):
        words = tuple(line[1].split())
        command = next((words[:length] for length in (2, 1) if words[:length] in known), None)
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+|(?<=\s)-[a-zA-Z]\b", line[2]) if command else ():
            if flag not in known[command or ()]:
                yield " ".join(command or ()), flag


def _all_commands() -> list[Command]:
    found = [described(parser.whole())]
    for command in found:
        found += command.inner
    return found


class TestNothingIsMadeUp:
    """What the documentation names is there."""

    @each([*PAGES, *(Page(ROOT / name) for name in ("SECURITY.md", "CONTRIBUTING.md"))])
    def test_every_flag_of_a_command_line_is_one_of_that_command(self, each: Page) -> None:
        assert [found for found in commands(each.text) if found[1] != "--password"] == []  # which is why there is none

    def test_every_flag_that_a_hint_names_is_one_of_that_command(self) -> None:
        assert list(commands(_SOURCE)) == []

    @each(sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page("command-line.md").text))))
    def test_every_flag_is_one_of_the_program(self, flag: str) -> None:
        assert flag in flags()

    def test_the_exit_codes_are_those_of_the_program(self) -> None:
        told = re.findall(r"^\| (\d+) \|", page("command-line.md").text, re.MULTILINE)
        assert [int(code) for code in told] == [code.value for code in MEANINGS]

    @each(PAGES)
    def test_every_variable_is_read(self, each: Page) -> None:
        assert sorted(set(_VARIABLE.findall(each.text)) - set(_VARIABLES)) == []

    @each(PAGES)
    def test_every_link_within_the_project_leads_somewhere(self, each: Page) -> None:
        for link in each.links:
            path, _, anchor = link.partition("#")
            target = (each.path.parent / path).resolve() if path else each.path
            assert target.exists(), link
            assert not anchor or anchor in Page(target).anchors, link

    @pytest.mark.parametrize("setting", [RetryPolicy(), Timeouts()], ids=lambda setting: type(setting).__name__)
    def test_the_defaults_that_it_names_are_the_defaults(self, setting: RetryPolicy | Timeouts) -> None:
        kind = type(setting)
        full = max((span for span in SPANS if re.fullmatch(rf"{kind.__name__}\(.*=.*\)", span)), key=len)
        told = eval(full.replace("wait=…", "wait=None"), {kind.__name__: kind})
        assert told == setting
        assert told.model_fields_set == set(kind.model_fields)

    @pytest.mark.parametrize("call", [span for span in SPANS if re.match(r"Mailer(\.from_url)?\([\[\"].*\)$", span)])
    def test_the_servers_that_it_shows_are_taken(self, call: str) -> None:
        eval(call, {"Mailer": Mailer}).close()


@each(PAGES)
def test_every_table_has_a_row_of_names_above_its_line(page: Page) -> None:
    """Without one, no renderer shows a table."""
    lines = ["", *page.prose.splitlines()]
    for above, line in pairwise(lines):
        if set(line) <= set("|-: ") and line.startswith("|-"):
            assert above.count("|") == line.count("|"), line
