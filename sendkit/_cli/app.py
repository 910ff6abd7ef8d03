"""`main`: reads the arguments, runs the command, and turns whatever stops it into a sentence and an exit code."""

from __future__ import annotations

from sendkit import errors
from sendkit._cli import parser
from sendkit._cli.console import complain, prepare
from sendkit._cli.exit_codes import ExitCode, Usage, exit_code
from sendkit._cli.options import (
    CatchOptions,
    DemoOptions,
    ExplainOptions,
    LoginOptions,
    LogoutOptions,
    Options,
    ProvidersOptions,
    SendOptions,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` are those of the process unless given."""
    prepare()
    try:
        options = parser.read(arguments)
        if options is None:
            complain(parser.help_text().rstrip())
            return ExitCode.USAGE
        return _run(options)
    except Usage as error:
        complain(f"{error.command}: {error}\n  hint: `{error.command} --help` shows how")
        return exit_code(error)
    except errors.SendkitError as error:
        complain(f"sendkit: {error}")
        return exit_code(error)
    except KeyboardInterrupt as interrupt:
        complain("sendkit: interrupted")
        return exit_code(interrupt)


def _run(options: Options) -> ExitCode:
    # Each command brings its own imports along, and only when it is called.
    match options:
        case SendOptions():
            from sendkit._cli.send import send  # noqa: PLC0415

            return send(options)
        case LoginOptions():
            from sendkit._cli.login import login  # noqa: PLC0415

            return login(options)
        case LogoutOptions():
            from sendkit._cli.logout import logout  # noqa: PLC0415

            return logout(options)
        case DemoOptions():
            from sendkit._cli.demo import demo  # noqa: PLC0415

            return demo(options)
        case ExplainOptions():
            from sendkit._cli.explain import explain  # noqa: PLC0415

            return explain(options)
        case ProvidersOptions():
            from sendkit._cli.providers import providers  # noqa: PLC0415

            return providers(options)
        case CatchOptions():
            from sendkit._cli.catch import catch  # noqa: PLC0415

            return catch(options)
