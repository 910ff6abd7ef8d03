"""`sendkit providers`: the table of providers, for somebody who wants to know what goes into a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._cli.console import Style, painted, say
from sendkit._cli.exit_codes import ExitCode
from sendkit._providers.provider import Provider
from sendkit._providers.table import BY_REGION

if TYPE_CHECKING:
    from sendkit._cli.options import ProvidersOptions

_TOLD = ("username", "password", "limits", "quirks", "source")


def providers(options: ProvidersOptions) -> ExitCode:
    """List them, or tell of one. Raises ConfigurationError for one that is unknown."""
    if options.name is not None:
        _tell(Provider.named(options.name))
        return ExitCode.ACCEPTED
    for one in Provider.all():
        say(f"{one.name:<13} {_place(one)}")
    for one in BY_REGION.values():
        say(f"{one.name + '-REGION':<13} {one.host}:{one.port}  {one.security}")
    return ExitCode.ACCEPTED


def _tell(one: Provider) -> None:
    say(painted(one.name, Style.BOLD))
    say(f"  server:   {_place(one)}")
    for name in _TOLD:
        value = getattr(one, name) or ("the mail address" if name == "username" else None)
        if value:
            say(f"  {name + ':':<9} {value}")


def _place(one: Provider) -> str:
    return f"{one.server.address}  {one.security}"
