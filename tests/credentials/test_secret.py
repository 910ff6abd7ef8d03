"""A secret shows itself to nobody but who calls `reveal`."""

from __future__ import annotations

import copy
import pickle

import pytest

from sendkit._credentials import Password, Secret
from sendkit.errors import ConfigurationError
from tests.credentials.helpers import PASSWORD, run, shown


def hidden() -> Secret:
    return Secret(PASSWORD)


def test_reveal_gives_back_what_went_in() -> None:
    assert hidden().reveal() == PASSWORD


@pytest.mark.parametrize("show", [repr, str, format, ascii, "{!r:>20}".format, "%s".__mod__])
def test_no_way_of_printing_shows_it(show: object) -> None:
    assert callable(show)
    assert show(hidden()).strip() == "Secret(***)"
    assert PASSWORD not in show([hidden()]) + show({"password": Password(PASSWORD)})


def test_a_traceback_with_locals_does_not_show_it() -> None:
    secret = hidden()
    with pytest.raises(ZeroDivisionError) as caught:
        divmod(len(secret.reveal()), 0)
    report = shown(caught.value)
    assert "Secret(***)" in report
    assert PASSWORD not in report


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled_alone_or_inside_another_value(protocol: int) -> None:
    for value in (hidden(), Password(PASSWORD), {"password": hidden()}):
        with pytest.raises(TypeError, match="a Secret is not pickled"):
            pickle.dumps(value, protocol)


def test_it_has_no_state_to_look_into() -> None:
    assert not hasattr(hidden(), "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        hidden().__getstate__()


def test_a_copy_is_the_same_secret() -> None:
    secret = hidden()
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        hidden().other = PASSWORD  # type: ignore[attr-defined]


def test_secrets_are_equal_by_value_and_have_no_hash() -> None:
    assert hidden() == hidden()
    assert hidden() != Secret(PASSWORD + "x")
    assert hidden() != PASSWORD
    with pytest.raises(TypeError, match="unhashable"):
        hash(hidden())


def test_a_fingerprint_tells_secrets_apart() -> None:
    assert hidden().fingerprint() == hidden().fingerprint()
    assert hidden().fingerprint() != Secret(PASSWORD + "x").fingerprint()
    assert len(hidden().fingerprint()) == 16


def test_a_fingerprint_means_nothing_in_another_process() -> None:
    code = f"from sendkit._credentials import Secret; print(Secret({PASSWORD!r}).fingerprint().hex())"
    other = run(code, {})
    assert len(other.stdout.strip()) == 32, other.stderr
    assert other.stdout.strip() != hidden().fingerprint().hex()


@pytest.mark.parametrize(
    ("tail", "fault"),
    [("\0", "NUL"), ("\udcff", "not UTF-8")],
)
def test_text_that_no_server_can_be_sent_is_refused_without_being_quoted(tail: str, fault: str) -> None:
    for kind in (Secret, Password):
        with pytest.raises(ConfigurationError, match=fault) as caught:
            kind(PASSWORD + tail)
        assert PASSWORD not in shown(caught.value)


@pytest.mark.parametrize("value", ["", None, 42, b"bytes"])
def test_only_non_empty_text_is_a_secret(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"is empty|must be text, not") as caught:
        Secret(value)  # type: ignore[arg-type]
    assert "hint: give the password as non-empty text" in str(caught.value)
