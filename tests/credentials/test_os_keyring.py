"""The keyring's three honest answers, kept apart, and no lookup that holds up the program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from sendkit._credentials import Secret, delete_password, service_name, store_password
from sendkit._credentials.os_keyring import Keyring
from sendkit._credentials.source import Found, Missing
from sendkit.errors import (
    ConfigurationError,
    CredentialsError,
    CredentialsNotFound,
    KeyringLocked,
    KeyringUnavailable,
)
from tests.credentials.helpers import (
    ENTRY,
    HOST,
    PASSWORD,
    USER,
    Failing,
    Shelf,
    Silent,
    ask_program,
    asked_in_a_process,
    run,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.conftest import Choose

    Entries = dict[tuple[str, str], str]


async def look() -> Found | Missing:
    return await Keyring().find(host=HOST, username=USER)


async def why(error: type[CredentialsError]) -> str:
    answer = await look()
    assert isinstance(answer, Missing)
    assert answer.error is error
    assert answer.hint
    return answer.why


def test_a_service_name_is_the_host_in_lower_case() -> None:
    assert service_name("SMTP.Example.COM") == "sendkit:smtp.example.com"


async def test_an_entry_is_found_by_service_and_username(choose: Choose) -> None:
    choose(Shelf({ENTRY: PASSWORD, ("sendkit:other.example.com", USER): "another"}))
    assert await look() == Found(f"keyring service sendkit:{HOST}", Secret(PASSWORD))


async def test_no_entry_passes_the_question_on(choose: Choose) -> None:
    choose(Shelf({("sendkit:other.example.com", USER): "another", (ENTRY[0], "luis"): "another"}))
    assert await why(CredentialsNotFound) == f"has no entry for {USER}"


async def test_an_entry_that_no_server_can_be_sent_is_refused(choose: Choose) -> None:
    choose(Shelf({ENTRY: PASSWORD + "\0"}))
    assert "NUL" in await why(CredentialsError)


async def test_a_locked_keyring_is_locked(choose: Choose) -> None:
    choose(Failing(keyring.errors.KeyringLocked("Failed to unlock the collection!")))
    assert await why(KeyringLocked) == "the keyring is locked (KeyringLocked: Failed to unlock the collection!)"


@pytest.mark.parametrize(
    "error",
    [
        keyring.errors.NoKeyringError("no service"),
        keyring.errors.InitError("Failed to create the collection: Prompt dismissed.."),
    ],
)
async def test_a_keyring_that_does_not_come_up_is_not_usable(choose: Choose, error: Exception) -> None:
    choose(Failing(error))
    assert await why(KeyringUnavailable) == f"the keyring is not usable ({type(error).__name__}: {error})"


async def test_no_keyring_on_the_machine_is_not_usable(choose: Choose) -> None:
    choose(keyring.backends.fail.Keyring())
    assert await why(KeyringUnavailable) == "the keyring library found no keyring on this machine"


@pytest.mark.parametrize("error", [SystemExit(3), ValueError(PASSWORD), KeyboardInterrupt()])
async def test_whatever_a_backend_raises_is_named_and_not_quoted(choose: Choose, error: BaseException) -> None:
    choose(Failing(error))
    assert await why(KeyringUnavailable) == f"the keyring is not usable ({type(error).__name__})"


class Careless(Shelf):
    """A keyring that keeps its entries in the open."""

    priority = 0.5


@pytest.mark.parametrize("backend", [Careless({ENTRY: PASSWORD}), keyring.backends.null.Keyring()])
async def test_a_backend_of_priority_under_one_is_refused(choose: Choose, backend: Shelf) -> None:
    choose(backend)
    assert f"{type(backend).__qualname__} is refused: a priority under 1" in await why(KeyringUnavailable)
    for change in (lambda: store_password(HOST, USER, Secret(PASSWORD)), lambda: delete_password(HOST, USER)):
        with pytest.raises(KeyringUnavailable, match="refused"):
            change()


class Chained(keyring.backends.chainer.ChainerBackend):
    """Several keyrings behind one another, as `keyring` puts them when it finds more than one."""

    backends = ()

    def __init__(self, *backends: Shelf) -> None:
        super().__init__()
        self.backends = backends


async def test_of_chained_keyrings_the_careless_one_is_left_out(choose: Choose) -> None:
    choose(Chained(Shelf({}), Careless({ENTRY: PASSWORD})))
    assert await why(CredentialsNotFound) == f"has no entry for {USER}"


async def test_chained_keyrings_are_asked_in_their_order_and_the_first_one_stores(choose: Choose) -> None:
    first, second = Shelf({}), Shelf({ENTRY: "old password"})
    choose(Chained(first, second))
    assert await look() == Found(f"keyring service sendkit:{HOST}", Secret("old password"))
    store_password(HOST, USER, Secret(PASSWORD))
    assert (first.entries, second.entries) == ({ENTRY: PASSWORD}, {ENTRY: "old password"})
    delete_password(HOST, USER)
    assert (first.entries, second.entries) == ({}, {})


def test_a_stored_password_is_read_back_and_deleted(choose: Choose) -> None:
    shelf = Shelf({})
    choose(shelf)
    store_password(HOST.upper(), USER, Secret(PASSWORD))
    assert shelf.entries == {ENTRY: PASSWORD}
    delete_password(HOST, USER)
    assert shelf.entries == {}
    with pytest.raises(CredentialsNotFound, match=f"has no entry for {USER}"):
        delete_password(HOST, USER)


class Forgetful(Shelf):
    """A keyring of full priority that keeps what it has, whatever it is told."""

    def set_password(self, service: str, username: str, password: str) -> None:
        assert password

    def delete_password(self, service: str, username: str) -> None:
        assert username


@pytest.mark.parametrize("entries", [{}, {ENTRY: "old password"}])
def test_a_keyring_that_did_not_keep_the_password_is_found_out(
    choose: Choose, entries: dict[tuple[str, str], str]
) -> None:
    choose(Forgetful(entries))
    with pytest.raises(KeyringUnavailable, match="did not keep the password") as caught:
        store_password(HOST, USER, Secret(PASSWORD))
    assert PASSWORD not in shown(caught.value)


def test_a_keyring_that_did_not_delete_the_password_is_found_out(choose: Choose) -> None:
    choose(Forgetful({ENTRY: "old password"}))
    with pytest.raises(KeyringUnavailable, match="still has it"):
        delete_password(HOST, USER)


REFUSALS = {
    "KeyringLocked": keyring.errors.KeyringLocked(),
    "PasswordSetError": keyring.errors.PasswordSetError(f"no room for {PASSWORD}"),
    "ValueError": ValueError(PASSWORD),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_store_that_fails_quotes_nothing(choose: Choose, name: str) -> None:
    choose(Failing(REFUSALS[name]))
    with pytest.raises(KeyringLocked if name == "KeyringLocked" else KeyringUnavailable, match=name) as caught:
        store_password(HOST, USER, Secret(PASSWORD))
    assert PASSWORD not in shown(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("host", "username"), [("", USER), (HOST, "")])
def test_an_entry_needs_a_host_and_a_username(host: str, username: str) -> None:
    for change in (lambda: store_password(host, username, Secret(PASSWORD)), lambda: delete_password(host, username)):
        with pytest.raises(ConfigurationError, match="needs a host and a username"):
            change()


async def test_a_lookup_that_still_waits_is_waited_for_again_and_not_doubled(choose: Choose, silent: Silent) -> None:
    choose(silent)
    source = Keyring(limit=0.5)
    for _ in range(3):
        answer = await source.find(host=HOST, username=USER)
        assert isinstance(answer, Missing)
        assert answer.error is KeyringLocked
        assert "no answer within 0.5 s" in answer.why
    assert silent.asked == [ENTRY]
    silent.unlocked.set()
    patient = Keyring()
    assert isinstance(await patient.find(host=HOST, username=USER), Found)


def store() -> None:
    store_password(HOST, USER, Secret(PASSWORD), limit=0.5)


def delete() -> None:
    delete_password(HOST, USER, limit=0.5)


@pytest.mark.parametrize("change", [store, delete])
def test_a_change_without_an_answer_is_given_up_as_locked(
    choose: Choose, silent: Silent, change: Callable[[], None]
) -> None:
    choose(silent)
    with pytest.raises(KeyringLocked, match=r"no answer within 0\.5 s") as caught:
        change()
    assert PASSWORD not in shown(caught.value)


def test_a_lookup_that_never_ends_does_not_hold_up_the_end_of_the_program() -> None:
    setup = "import keyring; from tests.credentials.helpers import Silent; keyring.set_keyring(Silent({}))\n"
    process = run(setup + ask_program(0.5), {})
    assert process.stdout.startswith("KeyringLocked"), process.stderr
    assert (process.returncode, process.stderr) == (0, "")


def test_a_choice_of_backend_that_never_ends_is_given_up_as_not_usable() -> None:
    process = run(ask_program(0.5), {"PYTHON_KEYRING_BACKEND": "tests.credentials.never.Keyring"})
    assert process.stdout.startswith("KeyringUnavailable"), process.stderr
    assert "did not come up within 0.5 s" in process.stdout
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("address", [{}, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}], ids=["unset", "dead"])
def test_without_a_session_bus_no_keyring_is_usable(address: dict[str, str]) -> None:
    answer = asked_in_a_process(address)
    assert answer.startswith("KeyringUnavailable no password for")
    assert "SENDKIT_PASSWORD: is not set" in answer
    assert "hint: set SENDKIT_PASSWORD" in answer


WRONG = {
    "nosuchmodule.Keyring": "ModuleNotFoundError: No module named 'nosuchmodule'",
    "keyring.backends.null.NoSuchClass": "AttributeError",
    "nonsense": "ValueError",
    "keyring.backends.Windows.WinVaultKeyring": "RuntimeError",
}


@pytest.mark.skipif(sys.platform == "win32", reason="the keyring of Windows works there")
@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_backend_in_the_environment_is_not_usable_and_named(
    choose: Choose, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    choose(None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    assert (await why(KeyringUnavailable)).startswith(f"the keyring is not usable ({WRONG[name]}")


@pytest.mark.parametrize("name", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_a_backend_that_keeps_nothing_is_not_usable(name: str) -> None:
    assert asked_in_a_process({"PYTHON_KEYRING_BACKEND": name}).startswith("KeyringUnavailable")
