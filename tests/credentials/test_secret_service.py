"""The same honest answers from a real Secret Service (D-Bus and gnome-keyring), each in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.credentials.helpers import ENTRY, HOST, PASSWORD, USER, asked_in_a_process, run

if TYPE_CHECKING:
    from tests.servers.secretservice import SecretService

CHANGE = """
from sendkit._credentials import Secret, delete_password, store_password
from sendkit.errors import CredentialsError
try:
    CALL
    print("done")
except CredentialsError as error:
    print(type(error).__name__, error)
"""
STORE = f"store_password({HOST!r}, {USER!r}, Secret({PASSWORD!r}))"
DELETE = f"delete_password({HOST!r}, {USER!r})"


def changed(service: SecretService, call: str) -> str:
    process = run(CHANGE.replace("CALL", call), service.environment)
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout.strip()


def test_an_entry_is_found(secret_service: SecretService) -> None:
    secret_service.set(*ENTRY, PASSWORD)
    assert asked_in_a_process(secret_service.environment) == PASSWORD


def test_the_environment_beats_the_keyring(secret_service: SecretService) -> None:
    secret_service.set(*ENTRY, "the keyring's")
    environment = {**secret_service.environment, "SENDKIT_PASSWORD": PASSWORD}
    assert asked_in_a_process(environment) == PASSWORD


def test_no_entry_is_credentials_not_found(secret_service: SecretService) -> None:
    answer = asked_in_a_process(secret_service.environment)
    assert answer.startswith(f"CredentialsNotFound no password for {USER} on {HOST}")
    assert f"keyring service sendkit:{HOST}: has no entry for {USER}" in answer


def test_a_locked_keyring_is_locked(secret_service: SecretService) -> None:
    secret_service.set(*ENTRY, PASSWORD)
    secret_service.lock()
    answer = asked_in_a_process(secret_service.environment)
    assert answer.startswith("KeyringLocked")
    assert "hint: unlock it" in answer
    assert changed(secret_service, STORE).startswith("KeyringLocked")
    assert changed(secret_service, DELETE).startswith("KeyringLocked")


def test_a_prompt_that_nobody_answers_is_given_up_as_locked_and_does_not_hold_up_the_end(
    unanswered_secret_service: SecretService,
) -> None:
    environment = {**unanswered_secret_service.environment, "DISPLAY": ":99"}
    for limit in (3, 12, 48):  # until the keyring has come up, also on a busy machine
        answer = asked_in_a_process(environment, limit=limit)
        if not answer.startswith("KeyringUnavailable"):
            break
    assert answer.startswith("KeyringLocked")
    assert f"no answer within {limit} s; it probably waits to be unlocked" in answer


def test_without_a_login_keyring_none_is_usable(empty_secret_service: SecretService) -> None:
    answer = asked_in_a_process(empty_secret_service.environment)
    assert answer.startswith("KeyringUnavailable")
    assert "InitError" in answer


def test_a_stored_password_is_found_and_a_deleted_one_is_not(secret_service: SecretService) -> None:
    assert changed(secret_service, STORE) == "done"
    assert secret_service.get(*ENTRY) == PASSWORD
    assert asked_in_a_process(secret_service.environment) == PASSWORD
    assert changed(secret_service, DELETE) == "done"
    assert asked_in_a_process(secret_service.environment).startswith("CredentialsNotFound")
    assert changed(secret_service, DELETE).startswith("CredentialsNotFound")
