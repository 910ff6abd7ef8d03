"""The public Envelope: checked addresses, kept as they were written."""

from __future__ import annotations

import pytest

from sendkit._smtp.envelope import Envelope
from sendkit.errors import MessageError


def test_an_envelope_keeps_the_spelling_of_its_addresses() -> None:
    envelope = Envelope("Ana@España.es", iter(["LUIS@example.com", "ops@example.net"]))
    assert (envelope.reverse_path, envelope.recipients) == ("Ana@España.es", ("LUIS@example.com", "ops@example.net"))


def test_the_empty_reverse_path_is_the_null_one() -> None:
    assert Envelope("", ["ana@example.com"]).reverse_path == ""


def test_one_recipient_may_stand_alone() -> None:
    assert Envelope("", "ana@example.com").recipients == ("ana@example.com",)


@pytest.mark.parametrize(
    ("reverse_path", "recipients", "field"),
    [
        ("ana", ["luis@example.com"], "reverse_path"),
        ("ana@example.com", ["Luis <luis@example.com>"], "recipients"),
        ("ana@example.com", ["luis@example.com\r\nRSET"], "recipients"),
        ("ana@example.com", [5], "recipients"),
        ("ana@example.com", [], "recipients"),
    ],
)
def test_what_is_no_address_is_refused_by_the_name_of_its_field(
    reverse_path: str, recipients: list[str], field: str
) -> None:
    with pytest.raises(MessageError) as caught:
        Envelope(reverse_path, recipients)
    assert caught.value.field == field
    assert caught.value.hint
