"""The arguments of each command. `help_texts` says what they are for.

No argument takes a password: every user of a machine can read the arguments of every process on it. An error does not
repeat an unknown argument for the same reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never, TypeAlias, cast

from sendkit._accounts.server_settings import SERVER_SETTINGS, flag
from sendkit._cli import help_texts as texts
from sendkit._cli.exit_codes import Usage
from sendkit._cli.options import (
    CatchOptions,
    CompletionsOptions,
    DemoOptions,
    DoctorOptions,
    ExplainOptions,
    LoginOptions,
    LogoutOptions,
    Options,
    OutboxOptions,
    ProvidersOptions,
    ReportOptions,
    SendmailOptions,
    SendOptions,
)
from sendkit._cli.submission import add_submission
from sendkit._cli.values import column_format, count, header_of, port_of, rows_of, seconds, security_of, some
from sendkit._version import __version__

_Add: TypeAlias = Callable[..., argparse.Action]

_OPTIONS: dict[str, type[Options]] = {
    "send": SendOptions,
    "report": ReportOptions,
    "sendmail": SendmailOptions,
    "login": LoginOptions,
    "logout": LogoutOptions,
    "demo": DemoOptions,
    "doctor": DoctorOptions,
    "explain": ExplainOptions,
    "providers": ProvidersOptions,
    "catch": CatchOptions,
    "outbox": OutboxOptions,
    "completions": CompletionsOptions,
}


class Parser(argparse.ArgumentParser):
    """argparse, except for its exit code (2), and that a value is not empty: that is a variable that was not set."""

    def error(self, message: str) -> Never:
        """Raise Usage."""
        raise Usage(message, self.prog)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if "" in arg_strings and action.nargs != argparse.PARSER:
            from sendkit._cli.wrong import empty  # noqa: PLC0415 - it serves this one error

            if told := empty(action.dest, action.option_strings):
                raise argparse.ArgumentError(action, told)
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            from sendkit._cli.wrong import unknown_choice  # noqa: PLC0415 - it serves this one error

            raise argparse.ArgumentError(action, unknown_choice(value, action.choices or ()) or error.message) from None

    @property
    def flags(self) -> list[str]:
        """All options, as they are written."""
        return list(self._option_string_actions)


def command_of(options: Options) -> str:
    """The name of the command that takes these options."""
    return next(name for name, kind in _OPTIONS.items() if isinstance(options, kind))


def read(arguments: list[str] | None) -> Options | None:
    """Read the arguments; None when they name no command. Raises Usage; ends the process for --help and --version."""
    main, commands = _parsers(arguments[0] if arguments else None)
    if arguments and arguments[0] == "sendmail":
        from sendkit._cli import sendmail_flags  # noqa: PLC0415 - for this command alone

        return sendmail_flags.read(arguments[1:], commands["sendmail"])
    parsed, unknown = main.parse_known_args(arguments)
    given = {key: _frozen(value) for key, value in vars(parsed).items()}
    name = given.pop("command")
    if unknown:
        from sendkit._cli import wrong  # noqa: PLC0415 - it serves this one error

        asked = commands[name] if name else main
        asked.error(wrong.unknown(unknown, asked.flags, hidden=name in ("login", "logout")))
    if name is None:
        return None
    try:
        return _OPTIONS[name](**given)
    except ValueError as error:
        commands[name].error(str(error))


def _frozen(value: Any) -> Any:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def whole() -> argparse.ArgumentParser:
    """The parser of all commands."""
    return _parsers()[0]


def help_text() -> str:
    """What `sendkit --help` prints."""
    return _parsers()[0].format_help()


def _parsers(only: str | None = None) -> tuple[Parser, dict[str, Parser]]:
    """The parser of all commands, and that of each; if there is a command `only`, that of no other."""
    main = _tuned(Parser("sendkit", description=texts.MAIN, epilog=texts.MAIN_EPILOG))
    main.add_argument("--version", action="version", version=f"sendkit {__version__}")
    choice = main.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)
    commands: dict[str, Parser] = {}
    for name in texts.COMMANDS if only not in texts.COMMANDS else (only,):
        told = texts.COMMANDS[name]
        command = choice.add_parser(name, help=told.short, description=told.long, epilog=told.epilog)
        commands[name] = _tuned(command)
        _FILL[name](command)
    return main, commands


def _tuned(parser: Parser) -> Parser:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.allow_abbrev = False  # a script that says --from must not change its meaning with a new option
    return parser


def _add_send(command: Parser) -> None:
    _add_message(command.add_argument_group("the message").add_argument)
    _add_server(command.add_argument_group("the server").add_argument)
    _add_sending(command.add_argument_group("the sending").add_argument)


def _add_report(command: Parser) -> None:
    add = command.add_argument_group("the report").add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help=".csv, .json, .parquet, .xlsx; - is standard input")
    add("--title", default="", help="the title, and the subject")
    add("--markdown", action="append", default=[], type=Path, metavar="FILE", help="prose, above the tables")
    add("--figure", action="append", default=[], type=Path, metavar="FILE", help="a picture, below the tables")
    add("--alt", action="append", default=[], metavar="TEXT", help="the description of the figure in the same position")
    help_text = "how a column is written: percent, currency:EUR, ,.2f, bytes, duration, link …"
    add("--format", action="append", default=[], type=column_format, metavar="COLUMN=FORMAT", help=help_text)
    add("--rows", type=rows_of, default=50, metavar="N", help="the number of table rows to show (default: 50)")
    choices = ("auto", "xlsx", "csv", "parquet", "none")
    add("--rest", choices=choices, default="auto", help="the file type for tables with more rows (default: auto)")
    add("--total", action="store_true", help="sum the columns of numbers")
    add("--footer", default="", metavar="TEXT", help="small print below everything")
    add("--preheader", default="", metavar="TEXT", help="the text that an inbox shows beside the subject")
    add("--lang", default="en", metavar="TAG", help="the language, such as de; it sets how numbers are written")
    _add_addresses(command.add_argument_group("the message").add_argument)
    _add_server(command.add_argument_group("the server").add_argument)
    _add_sending(command.add_argument_group("the sending").add_argument)


def _add_sending(add: _Add) -> None:
    add("--envelope-from", metavar="ADDR", help="the address for bounces; '' for none (default: the sender)")
    add(
        "--retries",
        type=count,
        metavar="N",
        help="retry deferred recipients up to N times (default: 3, within 2 minutes)",
    )
    add("--patient", action="store_true", help="wait for greylisting: retry after 1, 5 and 15 minutes")
    add("--deadline", type=seconds, metavar="SECONDS", help="the time limit for everything, including retries")
    add_submission(add)
    add("--dry-run", action="store_true", help="print the message as it would be sent, and send nothing")
    add("--check", action="store_true", help="list problems that readers or the server would have, and send nothing")
    add("--preview", action="store_true", help="show the message in the browser, and send nothing")
    add("--json", action="store_true", help="print the result as JSON, whatever the outcome")
    add("-v", "--verbose", action="store_true", help="show the conversation with the server on standard error")


def _add_addresses(add: _Add) -> None:
    add("-f", "--from", dest="sender", metavar="ADDR", help="the sender (default: SENDKIT_FROM)")
    add(
        "-t",
        "--to",
        action="append",
        default=[],
        metavar="ADDR",
        help="a recipient; can be repeated, or a comma-separated list",
    )
    add("--cc", action="append", default=[], metavar="ADDR", help="a recipient of a copy")
    add("--bcc", action="append", default=[], metavar="ADDR", help="a recipient that the others do not see")
    add("--reply-to", action="append", default=[], metavar="ADDR", help="where answers go")


def _add_message(add: _Add) -> None:
    _add_addresses(add)
    add("-s", "--subject", help="the subject")
    add("--text", help="the text (default: standard input)")
    add("--html", type=Path, metavar="FILE", help="an HTML file; without --text, the plain text is made from it")
    add(
        "-a",
        "--attach",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a file to attach; can be repeated; - is standard input",
    )
    add("--header", action="append", default=[], type=header_of, metavar="'NAME: VALUE'", help="a further header")
    help_text = "send this ready message (.eml; - is standard input), to --to or the recipients in its header"
    add("--message", type=Path, metavar="FILE", help=help_text)


def _add_server(add: _Add) -> None:
    add("--account", metavar="NAME", help="an account of sendkit/config.toml, in place of the options below")
    _add_place(add)


def _add_place(add: _Add) -> None:
    add("--host", metavar="HOST[:PORT]", help="the submission server (default: SENDKIT_HOST; port 587)")
    add("--provider", metavar="NAME", help="the server of a provider by its name, as in `sendkit providers`")
    add("--url", help="the same as smtp+starttls://USER@HOST:PORT or smtps://… (default: SENDKIT_URL)")
    add("--user", metavar="USERNAME", help="the username (default: SENDKIT_USERNAME, or that of the URL)")
    _add_security(add)
    for name, setting in SERVER_SETTINGS.items():
        if name != "ca_file":
            default = f" (default: {setting.variable})"
            choices = ("smtp", "lmtp") if name == "protocol" else None
            add(flag(name), metavar=setting.metavar, choices=choices, help=setting.help + default)


def _add_security(add: _Add) -> None:
    help_text = "default: implicit_tls on port 465, else starttls"
    add("--security", type=security_of, choices=("starttls", "implicit_tls", "none"), help=help_text)
    add("--ca-file", type=Path, metavar="PEM", help="an additional certificate authority to trust")


def _add_login(command: Parser) -> None:
    _add_account(command)
    add = command.add_argument
    help_text = "get OAuth 2 tokens: google, microsoft, microsoft:TENANT, or an issuer's URL"
    add("--oauth", metavar="PROVIDER", help=help_text)
    add("--client-id", metavar="ID", help="your application at that provider (default: SENDKIT_OAUTH_CLIENT_ID)")
    add("--scope", help="the access to request (default: mail, if known for the provider)")
    add("--no-test", action="store_true", help="store it without trying it on the server")
    add("--proxy", metavar="URL", help="try it through this proxy (default: SENDKIT_PROXY)")
    _add_security(add)


def _add_account(command: Parser) -> None:
    command.add_argument("host", metavar="HOST", help="the server, such as smtp.example.com (or HOST:PORT)")
    command.add_argument("user", metavar="USER", help="the username there, usually a mail address")


def _add_demo(command: Parser) -> None:
    command.add_argument("--outbox", action="store_true", help="show the outbox: five days in a moment")
    command.add_argument(
        "--keep", type=Path, metavar="DIR", help="where to put the received messages (default: a new folder)"
    )


def _add_doctor(command: Parser) -> None:
    add = command.add_argument
    add("account", nargs="?", metavar="ACCOUNT", help="an account of sendkit/config.toml (default: the environment)")
    _add_place(add)
    add("-f", "--from", dest="sender", metavar="ADDR", help="the sender (default: SENDKIT_FROM, or the username)")
    add("-t", "--to", metavar="ADDR", help="the recipient for RCPT; nothing is sent there (default: the sender)")
    add("--dkim-selector", metavar="NAME", help="the name of the signing key (default: common names)")
    add("--message", type=Path, metavar="FILE", help="check this message too (.eml; - is standard input)")
    add("--limit", type=seconds, default=30.0, metavar="SECONDS", help="the time limit for everything (default: 30)")
    add("--json", action="store_true", help="print the diagnosis as JSON")


def _add_providers(command: Parser) -> None:
    command.add_argument("name", nargs="?", metavar="NAME", help="a provider (default: all of them)")


def _add_completions(command: Parser) -> None:
    shells = ("bash", "zsh", "fish", "man")
    command.add_argument("shell", metavar="SHELL", choices=shells, help="bash, zsh, fish, or man")


def _add_explain(command: Parser) -> None:
    add = command.add_argument
    add("reply", nargs="*", metavar="TEXT", help="the reply or the error (default, and -: standard input)")
    add("--host", metavar="HOST", help="the server that sent it, to explain what its provider means")
    add("--json", action="store_true", help="print the explanation as JSON")


def _add_catch(command: Parser) -> None:
    add = command.add_argument
    add("--port", type=port_of, default=0, metavar="N", help="the port of the mail server (default: any free one)")
    add("--web-port", type=port_of, default=0, metavar="N", help="the port of the page (default: any free one)")
    add(
        "--user",
        default="ana@example.com",
        metavar="USERNAME",
        help="the username for the login (default: ana@example.com)",
    )
    add("--keep", type=Path, metavar="DIR", help="write each message into this folder too, as 1.eml, 2.eml …")
    add("--plain", action="store_true", help="also accept clients without TLS or login; they are on this machine")
    add("--lmtp", action="store_true", help="take LMTP (RFC 2033) in place of SMTP: without TLS or a login")
    add(
        "--limit",
        type=some,
        default=1_000,
        metavar="N",
        help="keep at most N messages and 512 MB; the oldest are dropped (default: 1000)",
    )
    add("--open", dest="open_browser", action="store_true", help="open the page in the browser")


def _add_sendmail(command: Parser) -> None:
    from sendkit._cli.sendmail_flags import describe  # noqa: PLC0415 - for this command alone

    describe(command.add_argument)


def _add_outbox(command: Parser) -> None:
    from sendkit._cli.outbox_parser import add_outbox  # noqa: PLC0415 - for this command alone

    add_outbox(command, Parser, _tuned)


_FILL: dict[str, Callable[[Parser], None]] = {
    "send": _add_send,
    "report": _add_report,
    "sendmail": _add_sendmail,
    "login": _add_login,
    "logout": _add_account,
    "demo": _add_demo,
    "doctor": _add_doctor,
    "explain": _add_explain,
    "providers": _add_providers,
    "catch": _add_catch,
    "outbox": _add_outbox,
    "completions": _add_completions,
}
