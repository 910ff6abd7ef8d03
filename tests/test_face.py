"""The public face: every name resolves, is listed, and costs nothing before it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sendkit
from sendkit import errors
from tests.each import each

ROOT = Path(__file__).parents[1]
# DESIGN.md 2: names that checks outside this repository use.
CONTRACT = {
    "AsyncMailer", "Attachment", "DeliveryError", "Envelope", "Mailer", "MemoryTransport", "Message", "Outcome",
    "RetryPolicy", "Security", "Server", "Timeouts", "errors", "send", "send_async",
}  # fmt: skip


def loaded_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after this statement and had not before."""
    after = "print(json.dumps(sorted(set(sys.modules) - before)))"
    program = f"import sys, json; before = set(sys.modules); {statement}; {after}"
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return set(json.loads(ran.stdout))


def heavy(statement: str, *names: str) -> set[str]:
    """Which of these packages the statement loads."""
    return {module for module in loaded_after(statement) if module.split(".")[0] in names}


def test_the_names_of_the_contract_are_there() -> None:
    assert set(sendkit.__all__) >= CONTRACT


def test_all_is_sorted_and_each_name_is_there_once() -> None:
    assert sendkit.__all__ == sorted(set(sendkit.__all__))


@each(sendkit.__all__)
def test_every_name_resolves_and_is_listed(name: str) -> None:
    value = getattr(sendkit, name)
    assert getattr(sendkit, name) is value
    assert name in dir(sendkit)


@pytest.mark.parametrize("name", ["Maler", "_mailer_", "SMTP", "errrors"])
def test_another_name_is_an_ordinary_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(sendkit, name)


def test_a_star_import_brings_what_is_listed() -> None:
    names: dict[str, object] = {}
    exec("from sendkit import *", names)
    assert set(sendkit.__all__) <= set(names)


def test_the_static_names_are_the_ones_that_load() -> None:
    """What type checkers see is what a program gets."""
    source = Path(sendkit.__file__).read_text()
    static = source[source.index("if TYPE_CHECKING:") : source.index("__all__ = [")]
    assert all(name in static or name == "__version__" for name in sendkit.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_public(name: str) -> None:
    assert issubclass(getattr(sendkit.errors, name), sendkit.errors.SendkitError)


def test_importing_sendkit_loads_nothing_heavy() -> None:
    assert (
        heavy("import sendkit", "pydantic", "aiosmtplib", "tenacity", "keyring", "email", "asyncio", "ssl", "idna")
        == set()
    )
    assert {module for module in loaded_after("import sendkit") if module.startswith("sendkit.")} == {
        "sendkit._lazy",
        "sendkit._version",
    }


def test_the_errors_alone_load_nothing_heavy() -> None:
    assert (
        heavy("from sendkit import errors", "pydantic", "aiosmtplib", "tenacity", "keyring", "email", "asyncio")
        == set()
    )


def test_a_mailer_and_a_message_need_neither_keyring_nor_what_is_seldom_used() -> None:
    assert heavy("from sendkit import Mailer, Message", "keyring", "tenacity", "idna", "aiosmtplib") == set()


def test_a_message_sent_over_the_double_needs_no_keyring_and_no_wire() -> None:
    statement = (
        "from sendkit import Mailer, MemoryTransport, Message; "
        "Mailer(transport=MemoryTransport()).send(Message(sender='ana@example.com', to='luis@example.com'))"
    )
    assert heavy(statement, "keyring", "tenacity", "aiosmtplib") == set()


def test_a_password_that_is_given_needs_no_keyring() -> None:
    assert heavy("import sendkit; sendkit.Mailer('localhost', username='ana', password='secret')", "keyring") == set()
