"""Every error says where, what the server said and what to do, and survives a pickle and a copy whole."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from sendkit import DeliveryResult, Outcome, Phase, RecipientResult, Reply, errors

KINDS = [getattr(errors, name) for name in errors.__all__]
DELIVERY = [kind for kind in KINDS if issubclass(kind, errors.DeliveryError)]
REPLY = Reply(451, "4.3.0", "not now")


def result() -> DeliveryResult:
    recipient = RecipientResult(address="luis@example.com", outcome=Outcome.DEFERRED, reply=REPLY)
    return DeliveryResult(message_id="<1@example.com>", recipients={"luis@example.com": recipient})


def full(kind: type[errors.DeliveryError]) -> errors.DeliveryError:
    """An error with everything that it can hold."""
    return kind(
        "not accepted",
        result=result(),
        phase=Phase.MAIL,
        reply=REPLY,
        host="smtp.example.com",
        port=587,
        hint="wait",
        transient=True,
    )


def again(error: errors.SendkitError) -> list[errors.SendkitError]:
    """The error after every kind of pickle and copy."""
    pickles = [pickle.dumps(error, protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    return [*map(pickle.loads, pickles), copy.copy(error), copy.deepcopy(error)]


def drawn() -> dict[str, str | None]:
    """Each name of the drawing at the top of errors.py, and the name that it hangs on."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for branch, name in re.findall(r"^([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        if branch or name == "SendkitError":
            del above[len(branch) // 4 :]
            parents[name] = above[-1] if above else None
            above.append(name)
    return parents


def test_the_drawing_shows_every_error_on_its_branch() -> None:
    tree = drawn()
    assert set(tree) == set(errors.__all__)
    for name, parent in tree.items():
        base = getattr(errors, name).__bases__[0]
        assert base.__name__ == (parent or "Exception")


def test_every_error_that_is_defined_is_public() -> None:
    defined = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_shows_its_message_and_its_hint(kind: type[errors.SendkitError]) -> None:
    assert str(kind("it failed", hint="try this")) == "it failed\n  hint: try this"
    assert str(kind("it failed")) == "it failed"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling_and_copying(kind: type[errors.SendkitError]) -> None:
    error = kind("it failed", hint="try this")
    error.add_note("seen in the morning")
    for other in again(error):
        assert type(other) is kind
        assert (str(other), repr(other), other.args) == (str(error), repr(error), error.args)
        assert vars(other) == vars(error)


@pytest.mark.parametrize("kind", DELIVERY)
def test_a_delivery_error_takes_its_result_along(kind: type[errors.DeliveryError]) -> None:
    for other in again(full(kind)):
        assert isinstance(other, errors.DeliveryError)
        assert other.result == result()
        assert (other.phase, other.reply, other.host, other.port) == (Phase.MAIL, REPLY, "smtp.example.com", 587)
        assert (other.hint, other.transient) == ("wait", True)


def test_a_message_error_takes_its_field_along() -> None:
    for other in again(errors.MessageError("to: empty", field="to", hint="fill it")):
        assert isinstance(other, errors.MessageError)
        assert other.field == "to"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ConfigurationError, ValueError),
        (errors.MessageError, ValueError),
        (errors.ConnectError, ConnectionError),
    ],
)
def test_where_a_builtin_fits_it_catches_the_error_too(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


def test_what_is_not_about_a_delivery_is_never_transient() -> None:
    assert not errors.ConfigurationError("no").transient
    assert not errors.DeliveryError("no").transient


def test_an_error_without_a_result_has_an_empty_transcript() -> None:
    assert errors.DeliveryError("no").transcript == ()
    assert full(errors.DeferredError).transcript == ()
