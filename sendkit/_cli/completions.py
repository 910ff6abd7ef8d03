"""`sendkit completions`: what bash, zsh and fish complete, and the manual page, written from the parser.

Every word that is put into a script is one of the parser's, quoted for its shell. Must not know what a command does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sendkit._cli import parser
from sendkit._cli.arguments import Argument, Command, described
from sendkit._cli.console import say
from sendkit._cli.exit_codes import ExitCode
from sendkit._cli.manual import manual

if TYPE_CHECKING:
    from sendkit._cli.options import CompletionsOptions


def completions(options: CompletionsOptions) -> ExitCode:
    """Print what was asked for."""
    main = described(parser.whole())
    say(_WRITERS[options.shell](main).rstrip("\n"))
    return ExitCode.ACCEPTED


def _all(command: Command) -> Iterator[Command]:
    for inner in command.inner:
        yield inner
        yield from _all(inner)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _bash(main: Command) -> str:
    lines = ["# bash completion of sendkit: sendkit completions bash", "_sendkit() {"]
    lines += ["    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words="]
    lines += ["    COMPREPLY=()", '    case "${COMP_WORDS[*]:1:COMP_CWORD - 1} " in']
    for command in sorted(_all(main), key=lambda one: -len(one.words)):
        lines += [f"        {_quoted(' '.join(command.words) + ' ')}*)", *_bash_command(command), "            ;;"]
    lines += [f"        *) words={_quoted(_words(main))} ;;", "    esac"]
    lines += ['    [[ -n $words ]] && mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")', "}"]
    return "\n".join([*lines, "complete -o bashdefault -o default -F _sendkit sendkit", ""])


def _bash_command(command: Command) -> Iterator[str]:
    yield '            case "$before" in'
    for argument in command.arguments:
        if argument.flags and argument.value:
            words = f"words={_quoted(' '.join(argument.choices))}" if argument.choices else "return"
            yield f"                {'|'.join(argument.flags)}) {words} ;;"
    yield f"                *) if [[ $current == -* || -n {_quoted(_plain(command))} ]]; then"
    yield f"                    words={_quoted(_words(command))}; fi ;;"
    yield "            esac"


def _plain(command: Command) -> str:
    """What may stand there without a hyphen, where that is known."""
    return " ".join(
        [*(one.name for one in command.inner), *(c for a in command.arguments if not a.flags for c in a.choices)]
    )


def _words(command: Command) -> str:
    return " ".join([*_plain(command).split(), *(flag for each in command.arguments for flag in each.flags)])


def _zsh(main: Command) -> str:
    lines = [
        "#compdef sendkit",
        "# zsh completion of sendkit: sendkit completions zsh",
        "",
        *_zsh_command(main, "_sendkit"),
    ]
    lines += [
        "if [[ $funcstack[1] == _sendkit ]]; then",
        '    _sendkit "$@"',
        "else",
        "    compdef _sendkit sendkit",
        "fi",
    ]
    return "\n".join([*lines, ""])


def _zsh_command(command: Command, name: str) -> Iterator[str]:
    for inner in command.inner:
        yield from _zsh_command(inner, f"{name}_{inner.name}")
    yield f"{name}() {{"
    if command.inner:
        yield "    if (( CURRENT > 2 )); then"
        yield "        case $words[2] in"
        for inner in command.inner:
            yield f"            {inner.name}) shift words; (( CURRENT-- )); {name}_{inner.name}; return ;;"
        yield "        esac"
        yield "    fi"
        yield "    local -a inner=("
        yield from (f"        {_quoted(f'{inner.name}:{inner.short}')}" for inner in command.inner)
        yield "    )"
        yield "    (( CURRENT == 2 )) && _describe -t commands command inner"
    specs = [_zsh_argument(argument) for argument in command.arguments]
    yield "    _arguments -s " + " ".join(f"\\\n        {spec}" for spec in specs)
    yield "}"


def _zsh_argument(argument: Argument) -> str:
    text = re.sub(r"([\[\]:\\])", r"\\\1", argument.text)
    follows = f"({' '.join(argument.choices)})" if argument.choices else "_files" if argument.files else " "
    value = f":{argument.value.replace(':', ' ')}:{follows}" if argument.value else ""
    if not argument.flags:
        return _quoted(("*" if argument.repeated else "") + value)
    once = "*" if argument.repeated else f"({' '.join(argument.flags)})"
    return " ".join(_quoted(f"{once}{flag}[{text}]{value}") for flag in argument.flags)


def _fish(main: Command) -> str:
    lines = ["# fish completion of sendkit: sendkit completions fish", "function __sendkit_at"]
    lines += ["    set -l given (commandline -opc)[2..]", "    set -l count (count $argv)"]
    lines += ["    test $count -eq 0; and test (count $given) -eq 0; and return 0"]
    lines += ['    test $count -gt 0; and test "$given[1..$count]" = "$argv"', "end", ""]
    for command in (main, *_all(main)):
        at = f"complete -c sendkit -n {_quoted(' '.join(['__sendkit_at', *command.words]))}"
        lines += [f"{at} -f -a {inner.name} -d {_fish_quoted(inner.short)}" for inner in command.inner]
        lines += [f"{at} {_fish_argument(argument)}" for argument in command.arguments]
    return "\n".join([*lines, ""])


def _fish_argument(argument: Argument) -> str:
    flags = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in argument.flags]
    choices = [f"-f -a {_fish_quoted(' '.join(argument.choices))}"] if argument.choices else []
    follows = [("-r -F" if argument.files else "-x")] if flags and argument.value and not choices else []
    needs = ["-r"] if flags and choices else []
    plain = [] if flags or choices else ["-F" if argument.files else "-f"]
    return " ".join([*flags, *needs, *choices, *follows, *plain, f"-d {_fish_quoted(argument.text)}"])


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_WRITERS = {"bash": _bash, "zsh": _zsh, "fish": _fish, "man": manual}
