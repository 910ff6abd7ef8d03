"""Every constructor makes the same mailer of the same environment, with or without an event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sendkit
from sendkit import AsyncMailer, Mailer
from sendkit._accounts.server_settings import SERVER_SETTINGS
from sendkit._plan.plan import Plan
from sendkit._server.plain import full
from sendkit.testing import LocalServer, MemoryMailbox
from tests.accounts import ANA, LUIS, ONCE, OPS, message
from tests.servers.authority import Authority

DEV = "dev@example.com"
HOST = "smtp.gmail.com"
URL = f"smtps://ana%40gmail.com@{HOST}"
USER = "ana@gmail.com"


def _discovered(**settings: Any) -> AsyncMailer:
    return asyncio.run(AsyncMailer.discover(USER, **settings))


# Each way to make a mailer for the same account.
MAKERS: dict[str, Callable[..., Mailer | AsyncMailer]] = {
    "Mailer": lambda **settings: Mailer(f"{HOST}:465", username=USER, **settings),
    "AsyncMailer": lambda **settings: AsyncMailer(f"{HOST}:465", username=USER, **settings),
    "Mailer.from_url": lambda **settings: Mailer.from_url(URL, **settings),
    "AsyncMailer.from_url": lambda **settings: AsyncMailer.from_url(URL, **settings),
    "Mailer.from_env": Mailer.from_env,
    "AsyncMailer.from_env": AsyncMailer.from_env,
    "Mailer.for_provider": lambda **settings: Mailer.for_provider("gmail", username=USER, **settings),
    "AsyncMailer.for_provider": lambda **settings: AsyncMailer.for_provider("gmail", username=USER, **settings),
    "Mailer.from_config": lambda **settings: Mailer.from_config("work", **settings),
    "AsyncMailer.from_config": lambda **settings: AsyncMailer.from_config("work", **settings),
    "Mailer.discover": lambda **settings: Mailer.discover(USER, **settings),
    "AsyncMailer.discover": _discovered,
    "sendkit.open": lambda **settings: sendkit.open("work", **settings),
}
VARIABLES = {
    "SENDKIT_TRANSPORT": ("memory", "console", "file:out"),
    "SENDKIT_REDIRECT_ALL_TO": (DEV,),
    "SENDKIT_ALLOW_ONLY": ("*@example.com",),
    "SENDKIT_HOST": ("smtp.example.org",),
    "SENDKIT_PORT": ("2525",),
    "SENDKIT_SECURITY": ("starttls",),
    "SENDKIT_USERNAME": ("eva@example.org",),
    "SENDKIT_FROM": ("Eva <eva@example.org>",),
    "SENDKIT_PASSWORD": ("another password",),
    "SENDKIT_PROXY": ("http://proxy.example.com:3128",),
}
OF_A_SERVER = {
    "SENDKIT_LOCAL_HOSTNAME": "client.example.com",
    "SENDKIT_MINIMUM_TLS": "1.3",
    "SENDKIT_PINS": "sha256/" + "A" * 43 + "=",
    "SENDKIT_KNOWN_HOSTS": "true",
    "SENDKIT_LOCAL_ADDRESS": "127.0.0.1",
    "SENDKIT_TIMEOUT": "5",
}
CASES = [{}, *({name: value} for name, values in VARIABLES.items() for value in values)]


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The account that all of them are told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SENDKIT_URL", URL)
    file = Path(os.environ["XDG_CONFIG_HOME"], "sendkit", "config.toml")
    file.parent.mkdir(parents=True)
    file.write_text(f'[accounts.work]\nprovider = "gmail"\nusername = "{USER}"\n', encoding="utf-8")


def plan_of(mailer: Mailer | AsyncMailer) -> Plan:
    """What it is made of."""
    return mailer._core._plan if isinstance(mailer, Mailer) else mailer._plan


def seen(plan: Plan) -> dict[str, object]:
    """A plan as something that can be compared; what a test's mailbox may stand in for differs by design."""
    transport = plan.transport
    return {
        "transport": type(transport).__name__,
        "server": None if (server := vars(transport).get("_server")) is None else full(server),
        "username": vars(transport).get("_username"),
        "rate": (plan.pace.limit, plan.pace.connections),
        "retry": plan.retry,
        "terms": plan.terms,
        "audiences": plan.audiences,
        "deadline": plan.deadline,
        "max_connections": plan.max_connections,
        "diverted": plan.diverted,
    }


@pytest.mark.parametrize("variables", CASES, ids=lambda variables: "-".join(map("=".join, variables.items())) or "none")
def test_every_constructor_makes_the_same_of_the_same_environment(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = {"deadline": 60, "rate": "30/minute", "max_connections": 2, "transcript": True, "retry": ONCE}
    for given in ({}, settings):
        plans = {name: seen(plan_of(make(**given))) for name, make in MAKERS.items()}
        assert plans == dict.fromkeys(MAKERS, plans["Mailer"])


@pytest.mark.parametrize(
    "name", [each.variable for name, each in SERVER_SETTINGS.items() if name not in ("proxy", "protocol")]
)
def test_a_variable_of_a_server_applies_where_the_environment_names_the_server(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All other constructors name their server themselves; both mailers read it alike."""
    pem = Authority(tmp_path).pem()
    before = {maker: seen(plan_of(make())) for maker, make in MAKERS.items()}
    value = OF_A_SERVER.get(name, str(pem))
    monkeypatch.setenv(name, value)
    if name == "SENDKIT_CLIENT_KEY":
        monkeypatch.setenv("SENDKIT_CLIENT_CERT", str(pem))
    after = {maker: seen(plan_of(make())) for maker, make in MAKERS.items()}
    changed = {maker for maker in MAKERS if after[maker] != before[maker]}
    assert changed == {"Mailer.from_env", "AsyncMailer.from_env"}
    assert after["Mailer.from_env"] == after["AsyncMailer.from_env"]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_another_protocol_is_refused_where_the_environment_names_a_distant_server(
    make: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_PROTOCOL", "lmtp")
    if make not in (Mailer.from_env, AsyncMailer.from_env):
        make()
        return
    with pytest.raises(sendkit.errors.ConfigurationError, match="lmtp"):
        make()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_no_mailer_sends_past_the_variables(
    make: Callable[..., Mailer | AsyncMailer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would have gone to a real server stays here, goes to one mailbox, and the result says so."""
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    monkeypatch.setenv("SENDKIT_REDIRECT_ALL_TO", DEV)
    mailer = make()
    work = mailer.send(message(LUIS, OPS))
    result = asyncio.run(work) if asyncio.iscoroutine(work) else work
    assert (list(result.recipients), result.attempts[0].host, result.diverted) == ([DEV], "memory", True)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(("name", "value"), [("SENDKIT_REDIRECT_ALL_TO", " "), ("SENDKIT_ALLOW_ONLY", "")])
def test_a_limit_that_is_set_and_empty_is_an_error_however_the_mailer_is_made(
    make: Callable[..., object], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(sendkit.errors.ConfigurationError, match=f"{name} is set, and empty"):
        make()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_transport_in_the_program_replaces_that_of_the_environment_alone(
    make: Callable[..., Mailer | AsyncMailer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "pigeon")
    monkeypatch.setenv("SENDKIT_ALLOW_ONLY", LUIS)
    double = sendkit.MemoryTransport()
    mailer = make(transport=double)
    work = mailer.send(message(LUIS, OPS), check=False)
    result = asyncio.run(work) if asyncio.iscoroutine(work) else work
    assert [sent.envelope.recipients for sent in double.sent] == [(LUIS,)]
    assert (result.diverted, [one.address for one in result.rejected]) == (False, [OPS])


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_mailbox_stands_above_the_variable(
    make: Callable[..., Mailer | AsyncMailer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who names a server is refused in its test as ever; who does not has the mailbox."""
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    older = make()
    with MemoryMailbox() as mailbox:
        if plan_of(older).by_name:
            mailers = [older, make()]
        else:
            for use in (make, lambda: plan_of(older).transport_now()):
                with pytest.raises(sendkit.errors.ConfigurationError, match="is a real server"):
                    use()
            mailbox.stands_for(HOST)
            mailers = [older, make()]
        for mailer in mailers:
            work = mailer.send(message())
            result = asyncio.run(work) if asyncio.iscoroutine(work) else work
            assert not result.diverted
    assert len(mailbox.messages) == 2


def test_a_local_server_of_a_test_gets_its_mail_whatever_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    with LocalServer() as server:
        with Mailer(server.server, username=server.username, password=server.password) as mailer:
            assert not mailer.send(message()).diverted
        assert len(server.messages) == 1
    assert plan_of(Mailer(f"{server.host}:{server.port}")).diverted, "it runs no more"


def test_where_the_variable_stands_in_nobody_asks_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file, nor the environment, nor the DNS: a machine without them is what the variable is for."""
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    monkeypatch.delenv("SENDKIT_URL")
    Path(os.environ["XDG_CONFIG_HOME"], "sendkit", "config.toml").unlink()
    for make in (Mailer.from_env, lambda: sendkit.open("work"), lambda: Mailer.discover("ana@nowhere.invalid")):
        assert plan_of(make()).diverted


def test_what_the_file_says_of_a_mailer_stands_below_what_the_program_says() -> None:
    file = Path(os.environ["XDG_CONFIG_HOME"], "sendkit", "config.toml")
    file.write_text(file.read_text() + 'deadline = 30\nrate = "60/minute"\n', encoding="utf-8")
    plan = plan_of(sendkit.open("work", deadline=5))
    assert (plan.deadline, plan.pace.limit) == (5, 1.0)


def test_a_subclass_is_made_by_its_own_constructor_whatever_the_way() -> None:
    class Ours(AsyncMailer):
        def __init__(self, *places: Any, **settings: Any) -> None:
            super().__init__(*places, **settings)
            self.ours = True

    class OursToo(Mailer):
        def __init__(self, *places: Any, **settings: Any) -> None:
            super().__init__(*places, **settings)
            self.ours = True

    for kind, made in itertools.product((Ours, OursToo), ("from_env", "from_url", "for_provider")):
        arguments = {"from_env": {}, "from_url": {"url": URL}, "for_provider": {"name": "gmail", "username": ANA}}[made]
        mailer = getattr(kind, made)(**arguments)
        assert (type(mailer), mailer.ours) == (kind, True)
