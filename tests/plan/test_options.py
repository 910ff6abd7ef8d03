"""An option is declared once; every constructor shows it, checks it, and keeps a password out of its frames."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import sendkit
from sendkit import DKIM, AsyncMailer, FileTransport, Mailer, PasswordCommand, Provider, RetryPolicy, errors
from sendkit._plan.options import OPTIONS
from sendkit.settings import Proxy
from sendkit.testing import assert_no_secret_leaks

CONSTRUCTORS = ("from_url", "from_env", "for_provider", "from_config", "discover")
EVERY = [
    *((kind, kind) for kind in (Mailer, AsyncMailer)),
    *((kind, getattr(kind, name)) for kind in (Mailer, AsyncMailer) for name in CONSTRUCTORS),
    (Mailer, sendkit.open),
]


@pytest.mark.parametrize(("kind", "make"), EVERY, ids=lambda one: getattr(one, "__qualname__", ""))
def test_every_constructor_shows_every_option_and_nothing_that_hides_one(
    kind: type, make: Callable[..., object]
) -> None:
    parameters = inspect.signature(make).parameters
    assert [one.name for one in parameters.values() if one.kind is inspect.Parameter.VAR_KEYWORD] == []
    shown = {name: parameters[name].default for name in OPTIONS}
    assert shown == {name: option.default for name, option in OPTIONS.items()}
    assert all(parameters[name].annotation for name in OPTIONS)


@pytest.mark.parametrize(("name", "value"), [("deadline", 0), ("max_connections", -1), ("rate", "fast"),
                                             ("mechanism", "NONE"), ("idle_timeout", float("nan")),
                                             ("messages_per_connection", 0), ("allow_only", "x"), ("login_rest", None),
                                             ("login_rest", 0), ("deadline", "5"), ("max_connections", "4"),
                                             ("idle_timeout", True), ("retry", 3), ("retry", "patient"),
                                             ("transport", "memory"), ("transport", sendkit.MemoryTransport),
                                             ])  # fmt: skip
def test_every_option_is_checked_however_the_mailer_is_made(name: str, value: Any) -> None:
    settings: Any = {name: value}
    for make in (
        lambda: Mailer("smtp.example.com", **settings),
        lambda: Mailer(**{"transport": sendkit.MemoryTransport(), **settings}),
        lambda: AsyncMailer.from_url("smtps://smtp.example.com", **settings),
        lambda: Mailer.for_provider("gmail", username="ana@gmail.com", **settings),
    ):
        with pytest.raises(errors.ConfigurationError) as refused:
            make()
        assert refused.value.hint


def test_an_option_that_there_is_not_is_a_type_error() -> None:
    settings: Any = {"dedline": 3}
    for make in (lambda: Mailer("smtp.example.com", **settings), lambda: Mailer.from_env(**settings)):
        with pytest.raises(TypeError, match="dedline"):
            make()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ca_file", 'give it to the server: Server("smtp.example.com", ca_file=…)'),
        ("timeouts", 'give it to the server: Server("smtp.example.com", timeouts=…)'),
        ("host", "did you mean 'host_or_server'"),
        ("ssl", "did you mean 'security'"),
        ("start_tls", "did you mean 'security'"),
        ("verify", "keyword argument 'verify'$"),
    ],
)
def test_a_wrong_keyword_is_told_where_it_belongs(name: str, told: str) -> None:
    settings: Any = {name: "x"}
    with pytest.raises(TypeError) as refused:
        Mailer("smtp.example.com", **settings)
    assert re.search(told if told.endswith("$") else re.escape(told), str(refused.value))


@pytest.mark.parametrize(
    "server",
    [3, b"smtp.example.com", ("smtp.example.com", 587), {"host": "smtp.example.com"}, Path("smtp.example.com"), [], ()],
)
def test_what_is_not_a_server_is_refused_with_what_to_write(server: Any) -> None:
    for kind in (Mailer, AsyncMailer):
        with pytest.raises(errors.ConfigurationError, match="a server") as refused:
            kind(server)
        assert 'smtp.example.com"' in str(refused.value.hint)


@pytest.mark.parametrize(
    "make",
    [
        Mailer.from_url,
        lambda value: Mailer.for_provider(value, username="ana@example.com"),
        sendkit.open,
        lambda value: Mailer("smtp.example.com", username=value or b"ana"),
        lambda value: Mailer("smtp.example.com", username=" ") if value is None else Mailer.from_url([value]),
    ],
)
@pytest.mark.parametrize("value", [None, 3])
def test_what_is_not_text_is_refused_where_text_is_wanted(make: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(errors.ConfigurationError) as refused:
        make(value)
    assert refused.value.hint


def test_servers_may_come_in_any_iterable() -> None:
    assert repr(Mailer(f"{name}.example.com" for name in ("one", "two"))).count("example.com:587") == 2  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - taken, and not promised


@pytest.mark.parametrize(
    ("name", "value"),
    [("SENDKIT_REDIRECT_ALL_TO", "nobody"), ("SENDKIT_ALLOW_ONLY", "example.org"), ("SENDKIT_REDIRECT_ALL_TO", ",")],
)
def test_what_is_wrong_with_a_variable_is_told_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.ConfigurationError) as refused:
        Mailer("smtp.example.com")
    assert refused.value.message.startswith(name)


def finished(made: Any) -> object:
    """What a constructor made, waited for where it is to be awaited."""
    return asyncio.run(made) if asyncio.iscoroutine(made) else made


@pytest.mark.parametrize(("kind", "make"), EVERY, ids=lambda one: getattr(one, "__qualname__", ""))
def test_no_frame_of_a_constructor_that_fails_holds_the_password(kind: type, make: Callable[..., Any]) -> None:
    secret = "pa55 wörd/+="
    place = {"for_provider": ["gmail"], "from_env": []}.get(make.__name__, ["not a host"])
    login = {"username": "ana"} if make.__name__ in ("for_provider", "Mailer", "AsyncMailer") else {}
    with pytest.raises(errors.SendkitError) as failed:
        finished(make(*place, password=secret, deadline=-1, **login))
    assert_no_secret_leaks(secret, failed.value)


def test_every_option_has_a_line_of_help() -> None:
    for option in OPTIONS.values():
        assert option.help
        assert option.help[0].islower()
        assert len(option.help) <= 100


@pytest.mark.parametrize("name", ["retry", "transport"])
def test_a_value_that_an_option_cannot_be_is_not_shown(name: str) -> None:
    settings: Any = {name: "smtps://ana:a-long-secret@smtp.example.com"}
    with pytest.raises(sendkit.errors.ConfigurationError) as caught:
        Mailer("smtp.example.com", **settings)
    assert "a-long-secret" not in str(caught.value)


OF_ANY_KIND: list[Any] = [
    0, -1, True, "", "\0", "\ud800", [], {}, [None], 1.5, float("nan"), b"x", object(), int, (1, 2), {1},
]  # fmt: skip


def _mailer(**option: Any) -> None:
    Mailer("smtp.example.com", **option).close()


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_an_option_takes_a_value_or_says_what_is_wrong_with_it(name: str) -> None:
    """A value of any kind: nothing but ConfigurationError, which is what callers and Django's checks expect."""
    for value in OF_ANY_KIND:
        with suppress(errors.ConfigurationError):
            _mailer(**{name: value})


@pytest.mark.parametrize("name", ["ca_file", "client_cert", "pins", "known_hosts", "minimum_tls", "local_hostname"])
def test_so_does_a_setting_of_a_server(name: str) -> None:
    for value in OF_ANY_KIND:
        with suppress(errors.ConfigurationError):
            sendkit.Server(**{"host": "smtp.example.com", name: value})


@pytest.mark.parametrize(
    "make",
    [PasswordCommand, FileTransport, Mailer.from_url, lambda value: DKIM(domain=value, selector="s", key="x"),
     lambda value: DKIM(domain="example.com", selector=value, key="x"),
     lambda value: DKIM(domain="example.com", selector="s", key=value),
     lambda value: Mailer("smtp.example.com", username=value).close(), Provider.named,
     lambda value: RetryPolicy.patient(max_elapsed=value)],
    ids=["PasswordCommand", "FileTransport", "from_url", "domain", "selector", "key", "username", "named", "patient"],
)  # fmt: skip
def test_so_does_what_is_given_to_one(make: Callable[[Any], object]) -> None:
    for value in OF_ANY_KIND:
        with suppress(errors.SendkitError):
            make(value)


PYDANTICS_OWN: dict[str, Callable[[Any, dict[str, Any]], object]] = {
    "model_copy": lambda value, changes: value.model_copy(update=changes),
    "copy": lambda value, changes: value.copy(update=changes),
    "model_construct": lambda value, changes: type(value).model_construct(**changes),
}


@pytest.mark.parametrize("way", PYDANTICS_OWN.values(), ids=PYDANTICS_OWN)
@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (sendkit.SubmissionOptions(), {"notify": {"failure\r\nRCPT TO:<eva@example.org>"}}),
        (sendkit.SubmissionOptions(), {"hold_for": "soon"}),
        (sendkit.Server("smtp.example.com"), {"host": "smtp.example.com", "local_hostname": "x\r\nMAIL FROM:<>"}),
        (sendkit.Timeouts(), {"command": -1}),
        (RetryPolicy(), {"max_attempts": "many"}),
        (Proxy.parse("http://192.0.2.1:3128"), {"scheme": "ftp", "host": "192.0.2.1", "port": 3128}),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_value_is_checked_in_whatever_way_of_pydantics_it_is_made(
    value: object, changes: dict[str, Any], way: Callable[[Any, dict[str, Any]], object]
) -> None:
    with pytest.raises(ValueError, match=list(changes)[-1] if len(changes) < 3 else "scheme"):
        way(value, changes)
