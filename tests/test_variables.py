"""A misspelt variable of the environment is named, with the one that was meant, and its value never is."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

import sendkit
from sendkit import Mailer, MemoryTransport
from sendkit._credentials.chain import default_chain
from sendkit._doctor.diagnosis import Check
from sendkit._doctor.examination import _environment
from sendkit._plan import plan
from sendkit._variables import VARIABLES, misspelt, told
from sendkit.errors import ConfigurationError, CredentialsError
from tests.each import each

_VALUE = "hunter2-value"
_SAFETY = ("SENDKIT_TRANSPORT", "SENDKIT_REDIRECT_ALL_TO", "SENDKIT_ALLOW_ONLY")
_OTHER_WORDS = {
    "SENDKIT_USER": "SENDKIT_USERNAME",
    "SENDKIT_PASS": "SENDKIT_PASSWORD",
    "SENDKIT_SMTP_HOST": "SENDKIT_HOST",
    "SENDKIT_SERVER": "SENDKIT_HOST",
    "SENDKIT_TLS": "SENDKIT_SECURITY",
    "SENDKIT_SENDER": "SENDKIT_FROM",
    "SENDKIT_MAIL_FROM": "SENDKIT_FROM",
    "SENDKIT_REDIRECT": "SENDKIT_REDIRECT_ALL_TO",
    "SEND_KIT_HOST": "SENDKIT_HOST",
    "SENKDIT_HOST": "SENDKIT_HOST",
    "SENDKITHOST": "SENDKIT_HOST",
    "sendkit_host": "SENDKIT_HOST",
}


def _slips(name: str) -> list[str]:
    """The name with two neighbours swapped, a letter left out, a letter twice, behind its prefix."""
    places = range(len("SENDKIT_"), len(name) - 1)
    swapped = [name[:n] + name[n + 1] + name[n] + name[n + 2 :] for n in places]
    return [
        *swapped,
        *(name[:n] + name[n + 1 :] for n in places if len(name) > 12),
        *(name[:n] + name[n:][:1] + name[n:] for n in places),
    ]


def test_the_table_holds_every_variable_that_the_code_names() -> None:
    files = Path(sendkit.__file__).parent.rglob("*.py")
    sources = "\n".join(path.read_text("utf-8") for path in files if path.name != "_variables.py")
    assert set(re.findall(r"SENDKIT_[A-Z]+(?:_[A-Z]+)*", sources)) == set(VARIABLES)


@each(VARIABLES)
def test_a_slip_of_the_fingers_means_the_variable(name: str) -> None:
    wrong = {slip: _VALUE for slip in _slips(name) if slip not in VARIABLES}
    assert {slip: meant for slip, meant in misspelt(wrong).items() if meant != name} == {}
    assert misspelt(wrong).keys() == wrong.keys()


@each(_OTHER_WORDS.items())
def test_the_words_of_others_mean_the_variable(name: str, meant: str) -> None:
    assert misspelt({name: _VALUE}) == {name: meant}


@each(
    [*VARIABLES, "SENDKIT_DEBUG", "SENDKIT_LOG_LEVEL", "SENDKIT_ENV", "SENDGRID_HOST", "SMTP_HOST", "HOST", "SENDKIT_"]
)
def test_a_name_that_is_right_or_of_somebody_else_is_left_alone(name: str) -> None:
    assert told({name: _VALUE}) is None


def test_nothing_is_said_where_the_right_one_is_set_too() -> None:
    assert told({"SENDKIT_USER": _VALUE, "SENDKIT_USERNAME": "ana"}) is None


def test_a_mailer_warns_once_of_each(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(plan, "_misspelt", [])
    monkeypatch.setenv("SENDKIT_USER", _VALUE)
    with caplog.at_level(logging.WARNING, "sendkit"):
        for _ in range(2):
            Mailer("smtp.example.com", transport=MemoryTransport())
    said = [record.getMessage() for record in caplog.records]
    assert said == ["in the environment, SENDKIT_USER is not known: did you mean SENDKIT_USERNAME?"]


@pytest.mark.parametrize("meant", _SAFETY)
def test_what_was_to_keep_mail_from_its_recipients_is_refused(meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = meant[:-2] + meant[-1]
    monkeypatch.setenv(wrong, _VALUE)
    with pytest.raises(ConfigurationError, match=f"{wrong} is not known: did you mean {meant}") as caught:
        Mailer("smtp.example.com")
    assert _VALUE not in str(caught.value)


def test_the_error_of_a_missing_server_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_HSOT", _VALUE)
    with pytest.raises(ConfigurationError) as caught:
        Mailer.from_env()
    assert caught.value.hint == "SENDKIT_HSOT is not known: did you mean SENDKIT_HOST?"


async def test_the_error_of_a_missing_password_names_it() -> None:
    wrong = {"SENDKIT_PASSWROD": _VALUE, "SENDKIT_PASSWORD_FIEL": _VALUE, "SENDKIT_PASSWORD_COMAND": _VALUE}
    with pytest.raises(CredentialsError) as caught:
        await default_chain(environ=wrong).secret(host="smtp.example.com", username="ana")
    for name in wrong:
        assert f"is not set, but {name} is" in str(caught.value)
    assert _VALUE not in str(caught.value)


def test_the_doctor_names_each_and_what_is_empty() -> None:
    found = _environment({"SENDKIT_USER": _VALUE, "SENDKIT_PINS": "", "SENDKIT_HOST": "smtp.example.com"})
    assert {finding.check for finding in found} == {Check.ENVIRONMENT}
    assert [finding.text for finding in found] == [
        "SENDKIT_USER is set, and is not known",
        "SENDKIT_PINS is set, and is empty",
    ]
    assert found[0].remedy == "did you mean SENDKIT_USERNAME?"
