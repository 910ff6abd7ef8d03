"""What every constructor of a mailer takes beside the server: each option once, with type, default, check and help.

A constructor takes `**settings: Unpack[MailerSettings]`, which is explicit for type checkers; `takes_settings` makes it
explicit for `help()` and whatever else reads signatures, and seals the password before anything can fail.
"""

# Without `from __future__ import annotations`, so that an option can be read from the annotation that declares it.

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, ParamSpec, TypedDict, TypeVar, cast, get_args

from sendkit._frames import without_frames
from sendkit._spelling import unexpected
from sendkit.errors import ConfigurationError, SendkitError

if TYPE_CHECKING:
    from sendkit._credentials import Credentials, Secret
    from sendkit._credentials.explicit import CredentialsCall
    from sendkit._delivery.observers import AnyObserver
    from sendkit._delivery.policy import RetryPolicy
    from sendkit._seam.transport import Transport
    from sendkit.signing import DKIM

_Parameters = ParamSpec("_Parameters")
_Made = TypeVar("_Made")


def check_positive(name: str, value: Any) -> None:
    """Refuse what is not a positive number, unless it is None. Raises ConfigurationError."""
    if value is None:
        return
    no_limit = name in OPTIONS and OPTIONS[name].default is None
    hint = f"give {name}= a positive number" + (", or None for no limit" if no_limit else "")
    if isinstance(value, bool | type) or not hasattr(value, "__float__"):
        raise ConfigurationError(f"{name}= must be a number, not {value!r}", hint=hint)
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"{name}= must be more than zero, not {value}", hint=hint)


def check_whole(name: str, value: Any) -> None:
    """Refuse what is not a whole number from 1 on, unless it is None. Raises ConfigurationError."""
    check_positive(name, value)
    if value is not None and not hasattr(value, "__index__"):
        raise ConfigurationError(
            f"{name}= must be a whole number, not {value!r}", hint="leave out what is behind the dot"
        )


def _no_check(name: str, value: Any) -> None:
    """Whatever is made of the value checks it: credentials, and who gets the mail."""


def _check_retry(name: str, value: Any) -> None:
    if value is not None and not (hasattr(value, "max_attempts") and hasattr(value, "max_elapsed")):
        hint = "write retry=RetryPolicy(max_attempts=3), or retry=RetryPolicy.patient()"
        raise ConfigurationError(f"retry= must be a RetryPolicy, not {_kind(value)}", hint=hint)


def _kind(value: object) -> str:
    # Not the value: a URL may hold a password.
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _check_transport(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, type) or not hasattr(value, "deliver")):
        hint = "give an object, such as MemoryTransport(); a name, such as memory, is for SENDKIT_TRANSPORT"
        raise ConfigurationError(f"transport= must be a Transport, not {_kind(value)}", hint=hint)


def _check_rest(name: str, value: Any) -> None:
    if value is None:
        raise ConfigurationError(f"{name}= is missing", hint="give the seconds for which a refused secret is not sent")
    check_positive(name, value)


def _check_mechanism(name: str, value: Any) -> None:
    from sendkit._accounts.account import check_mechanism  # noqa: PLC0415 - pydantic, 100 ms

    check_mechanism(value)


def _check_rate(name: str, value: Any) -> None:
    from sendkit._delivery.pace import parse_rate  # noqa: PLC0415 - asyncio, 30 ms

    if value is not None:
        parse_rate(value)


def _check_dkim(name: str, value: Any) -> None:
    if value is not None:
        from sendkit.signing import signers_of  # noqa: PLC0415 - few mailers sign

        signers_of(value)


def _check_observers(name: str, value: Any) -> None:
    from sendkit._delivery.observers import check_observers  # noqa: PLC0415 - few mailers are observed

    check_observers(name, value)


class Option(NamedTuple):
    """One option: its default, what it does in one line, what refuses a value that cannot be.

    `in_file`: it is a key of the file of accounts too.
    """

    default: object
    help: str
    check: Callable[[str, Any], None] = _no_check
    in_file: bool = False


class MailerSettings(TypedDict, total=False):
    """What every way to make a mailer takes beside the server."""

    password: Annotated[
        "str | Secret | None",
        Option(None, "the password; without it and credentials=, the environment and the keyring are searched"),
    ]
    credentials: Annotated[
        "Credentials | CredentialsCall | None",
        Option(None, "where the secret comes from: OAuth2, PasswordCommand, a callable (host, username)"),
    ]
    mechanism: Annotated[
        "str | None",
        Option(
            None,
            "the only SASL mechanism to use, in place of the best that the server offers",
            _check_mechanism,
            in_file=True,
        ),
    ]
    retry: Annotated[
        "RetryPolicy | None", Option(None, "how often and for how long deferred recipients are retried", _check_retry)
    ]
    transport: Annotated[
        "Transport | None", Option(None, "what delivers the messages in place of the network", _check_transport)
    ]
    deadline: Annotated[
        "float | None", Option(None, "seconds for one message, all attempts included", check_positive, in_file=True)
    ]
    max_connections: Annotated[
        "int", Option(4, "how many connections are open at a time, at most", check_whole, in_file=True)
    ]
    messages_per_connection: Annotated[
        "int | None", Option(None, "how many messages one connection carries, at most", check_whole, in_file=True)
    ]
    idle_timeout: Annotated[
        "float | None",
        Option(60, "seconds after which an idle connection is closed; None keeps it", check_positive, in_file=True),
    ]
    login_rest: Annotated[
        "float",
        Option(
            3600,
            "seconds for which a refused secret is not sent again; doubles with each refusal, up to a day",
            _check_rest,
            in_file=True,
        ),
    ]
    rate: Annotated[
        "str | None",
        Option(
            None,
            'the maximum rate of messages, evenly spaced: "30/minute"; retries count',
            _check_rate,
            in_file=True,
        ),
    ]
    transcript: Annotated[
        "bool", Option(False, "whether `result.attempts` keeps the conversation, with the secrets masked")
    ]
    dkim: Annotated[
        "DKIM | Sequence[DKIM] | None",
        Option(None, "the key, or keys, that sign each message for its domain", _check_dkim),
    ]
    observers: Annotated[
        "Iterable[AnyObserver]",
        Option((), "objects that are called with each attempt and each result", _check_observers),
    ]
    redirect_all_to: Annotated[
        "Iterable[str] | str | None", Option(None, "the mailbox that gets all mail instead of the recipients")
    ]
    allow_only: Annotated[
        "Iterable[str] | str | None", Option(None, "recipients that still get their own mail: `*@example.com`")
    ]


OPTIONS: dict[str, Option] = {
    name: get_args(declared)[1] for name, declared in inspect.get_annotations(MailerSettings).items()
}


def checked(settings: MailerSettings) -> MailerSettings:
    """The settings with every option in them, each of them checked. Raises ConfigurationError."""
    for name, option in OPTIONS.items():
        option.check(name, settings.get(name, option.default))
    return cast("MailerSettings", {name: option.default for name, option in OPTIONS.items()} | settings)


def takes_settings(make: Callable[_Parameters, _Made]) -> Callable[_Parameters, _Made]:
    """A constructor that shows each option in its signature, and whose frames hold no password as plain text."""

    signature = _explicit(inspect.signature(make))

    @functools.wraps(make)
    def sealing(*args: _Parameters.args, **settings: _Parameters.kwargs) -> _Made:
        _seal(cast("MailerSettings", settings))
        for name in settings:
            if name not in signature.parameters:
                settings.clear()
                args = ()  # type: ignore[assignment]  # neither is to be seen in this frame
                raise unexpected(make.__qualname__, name, signature.parameters, elsewhere=_of_the_server)
        try:
            return make(*args, **settings)
        except SendkitError as error:
            bare = without_frames(error)
        # A URL may hold a password, and what led to the error holds the URL.
        del args, settings
        try:
            raise bare
        finally:
            del bare

    vars(sealing)["__signature__"] = signature
    sealing.__doc__ = described(make.__doc__ or "Make it.", signature.parameters)
    return sealing


OWN = {
    "host_or_server": "a Server, `host`, `host:port` or `[v6]:port`; in a list, the backup servers behind the first",
    "username": "the name for the login, usually a mail address; None if the server needs no login",
    "port": "the port, if the host names none: 587 by default, 465 for implicit TLS",
    "security": '"starttls", "implicit_tls" or "none"; it follows from the port by default',
    "url": "`smtp+starttls://USER@HOST:PORT` or `smtps://…`, or several",
    "name": "the name of the provider, or of the account in the file",
    "address": "the mail address whose domain names its server in the DNS",
    "trust": "domains in which the server can be, in addition to that of the address",
    "resolver": "the dnspython resolver in place of the system's",
}


def described(doc: str, parameters: Iterable[str]) -> str:
    """The docstring, and below it each parameter with what it is for."""
    helps = {**OWN, **{name: option.help for name, option in OPTIONS.items()}}
    lines = [f"{name}: {helps[name]}." for name in parameters if name in helps]
    return "\n".join([inspect.cleandoc(doc), "", *lines])


def _of_the_server(name: str) -> str | None:
    """Where a setting of the server's is given."""
    from sendkit._server.server import Server  # noqa: PLC0415 - it serves this one error

    if name in ("host", "port", "security") or name not in inspect.signature(Server).parameters:
        return None
    return f'give it to the server: Server("smtp.example.com", {name}=…)'


def _seal(settings: MailerSettings) -> None:
    if settings.get("password") is not None or settings.get("credentials") is not None:
        from sendkit._credentials.explicit import seal_settings  # noqa: PLC0415 - most mailers are given none

        seal_settings(cast("dict[str, object]", settings))


def _explicit(signature: inspect.Signature) -> inspect.Signature:
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    declared = inspect.get_annotations(MailerSettings)
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=get_args(declared[name])[0].__forward_arg__,
        )
        for name, option in OPTIONS.items()
    ]
    return signature.replace(parameters=[*own, *options])
