"""The chain asks place after place, lazily, once, and names each of them when none has the secret."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from keyring.errors import KeyringLocked as TheirLocked
from keyring.errors import NoKeyringError

from sendkit._credentials import CredentialChain, Secret, default_chain
from sendkit._credentials.source import Found, Missing
from sendkit.errors import CredentialsError, CredentialsNotFound, KeyringLocked, KeyringUnavailable
from tests.credentials.helpers import ENTRY, HOST, PASSWORD, USER, Failing, Shelf, run, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tests.credentials.conftest import Choose


@dataclass
class Place:
    """A place that gives these answers in turn, and counts how often it was asked."""

    answers: list[Found | Missing]
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def find(self, *, host: str, username: str) -> Found | Missing:
        self.asked.append((host, username))
        self.reached.set()
        if self.gate:
            await self.gate.wait()
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def found(password: str = PASSWORD, place: str = "there") -> Found:
    return Found(place, Secret(password))


def chain_of(*places: Place) -> CredentialChain:
    return CredentialChain(places)


async def ask(chain: CredentialChain) -> Secret:
    return await chain.secret(host=HOST, username=USER)


async def test_the_environment_beats_the_file_and_the_file_beats_systemd_and_the_keyring(
    choose: Choose, tmp_path: Path
) -> None:
    choose(Shelf({ENTRY: "keyring"}))
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "SENDKIT_PASSWORD_FILE": str(tmp_path / "file")}
    write(tmp_path / "sendkit.password", "systemd")
    write(tmp_path / "file", "file")
    answers: list[str] = []
    for name in ("", "SENDKIT_PASSWORD_FILE", "CREDENTIALS_DIRECTORY"):
        environ.pop(name, None)
        answers.append((await ask(default_chain(environ=environ))).reveal())
    first = await ask(default_chain(environ={"SENDKIT_PASSWORD": "environment", **environ}))
    assert [first.reveal(), *answers] == ["environment", "file", "systemd", "keyring"]


def write(path: Path, password: str) -> None:
    path.write_text(password)
    path.chmod(0o600)


async def test_the_process_environment_is_read_when_the_secret_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = default_chain()
    monkeypatch.setenv("SENDKIT_PASSWORD", PASSWORD)
    assert (await ask(chain)).reveal() == PASSWORD


def test_keyring_is_not_imported_when_an_earlier_place_answers() -> None:
    code = (
        "import asyncio, sys; from sendkit._credentials import default_chain;"
        "asyncio.run(default_chain().secret(host='h', username='u'));"
        "print('keyring' in sys.modules)"
    )
    process = run(code, {"SENDKIT_PASSWORD": PASSWORD})
    assert process.stdout.strip() == "False", process.stderr


async def test_a_place_is_not_asked_before_the_secret_is_nor_after_another_had_it() -> None:
    first, second = Place([found()]), Place([found()])
    chain = chain_of(first, second)
    assert (first.asked, chain.source) == ([], "not looked up yet")
    await ask(chain)
    assert (first.asked, second.asked, chain.source) == ([(HOST, USER)], [], "there")


async def test_a_found_secret_is_remembered_until_it_is_forgotten() -> None:
    place = Place([found("old password"), found("new password")])
    chain = chain_of(place)
    assert [(await ask(chain)).reveal() for _ in range(2)] == ["old password"] * 2
    chain.forget()
    assert (await ask(chain)).reveal() == "new password"


async def test_what_was_found_belongs_to_one_account_and_hosts_have_no_case() -> None:
    place = Place([found()])
    chain = chain_of(place)
    for host, username in ((HOST, USER), (HOST.upper(), USER), (HOST, "luis"), ("other.example.com", USER)):
        await chain.secret(host=host, username=username)
    assert place.asked == [(HOST, USER), (HOST, "luis"), ("other.example.com", USER)]


async def test_a_search_without_success_is_not_remembered() -> None:
    chain = chain_of(Place([Missing("there", "is empty"), found()]))
    with pytest.raises(CredentialsNotFound):
        await ask(chain)
    assert (await ask(chain)).reveal() == PASSWORD


async def test_logins_at_the_same_time_share_one_search() -> None:
    place = Place([found()], gate=asyncio.Event())
    asking = await started(place, chain_of(place), 4)
    assert place.gate
    place.gate.set()
    assert len(await asyncio.gather(*asking)) == 4
    assert len(place.asked) == 1


async def test_a_cancelled_login_does_not_take_the_search_from_the_others() -> None:
    place = Place([found()], gate=asyncio.Event())
    first, second = await started(place, chain_of(place), 2)
    first.cancel()
    assert place.gate
    place.gate.set()
    assert (await second).reveal() == PASSWORD
    assert first.cancelled()


async def test_a_running_search_does_not_bring_back_what_is_forgotten() -> None:
    place = Place([found("old password"), found("new password")], gate=asyncio.Event())
    chain = chain_of(place)
    (asking,) = await started(place, chain, 1)
    chain.forget()
    assert place.gate
    place.gate.set()
    await asking
    assert (await ask(chain)).reveal() == "new password"


async def started(place: Place, chain: CredentialChain, count: int) -> list[asyncio.Task[Secret]]:
    tasks = [asyncio.create_task(ask(chain)) for _ in range(count)]
    await place.reached.wait()
    return tasks


def test_one_chain_serves_several_event_loops() -> None:
    chain = chain_of(Place([found()]))
    assert asyncio.run(ask(chain)) == asyncio.run(ask(chain))


def test_a_search_that_its_loop_never_finished_is_begun_again_by_another_loop() -> None:
    place = Place([found()], gate=asyncio.Event())
    chain = chain_of(place)

    async def give_up() -> None:
        (asking,) = await started(place, chain, 1)
        asking.cancel()

    asyncio.run(give_up())
    place.gate = None
    assert asyncio.run(ask(chain)).reveal() == PASSWORD


async def test_when_no_place_has_it_each_is_named_with_its_reason_and_what_to_do(choose: Choose) -> None:
    choose(Shelf({}))
    with pytest.raises(CredentialsNotFound) as caught:
        await ask(default_chain(environ={}))
    assert str(caught.value).splitlines() == [
        f"no password for {USER} on {HOST}; looked in:",
        "  SENDKIT_PASSWORD: is not set",
        "  SENDKIT_PASSWORD_FILE: is not set",
        "  systemd credential sendkit.password: CREDENTIALS_DIRECTORY is not set",
        "  SENDKIT_PASSWORD_COMMAND: is not set",
        f"  keyring service sendkit:{HOST}: has no entry for {USER}",
        f"  hint: run `sendkit login {HOST} {USER}`, or set SENDKIT_PASSWORD",
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"), [(TheirLocked("dismissed"), KeyringLocked), (NoKeyringError("none"), KeyringUnavailable)]
)
async def test_a_keyring_that_fails_is_the_error_and_names_the_places_before_it(
    choose: Choose, theirs: Exception, ours: type[CredentialsError]
) -> None:
    choose(Failing(theirs))
    with pytest.raises(ours, match="SENDKIT_PASSWORD: is not set") as caught:
        await ask(default_chain(environ={}))
    assert str(theirs) in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_a_place_that_fails_ends_the_search_though_a_later_one_has_a_secret() -> None:
    later = Place([found()])
    chain = chain_of(Place([Missing("file", "is open to all", CredentialsError, "chmod 600")]), later)
    with pytest.raises(CredentialsError, match="file: is open to all\n  hint: chmod 600") as caught:
        await ask(chain)
    assert (type(caught.value), later.asked) == (CredentialsError, [])


async def test_a_refused_secret_is_in_no_error() -> None:
    with pytest.raises(CredentialsError, match="NUL") as caught:
        await ask(with_secret_ending_in("\0"))
    assert PASSWORD not in shown(caught.value)


def with_secret_ending_in(tail: str) -> CredentialChain:
    return default_chain(environ={"SENDKIT_PASSWORD": PASSWORD + tail})
