"""What a server announces is read as it is written in the field, and what it does not announce is not assumed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.capabilities import Capabilities

POSTFIX = """mx.example.com
PIPELINING
SIZE 10240000
ETRN
STARTTLS
AUTH PLAIN LOGIN CRAM-MD5
ENHANCEDSTATUSCODES
8BITMIME
SMTPUTF8
CHUNKING"""


def test_everything_that_is_announced_is_known() -> None:
    assert Capabilities.parse(POSTFIX) == Capabilities(
        esmtp=True,
        starttls=True,
        pipelining=True,
        chunking=True,
        eight_bit_mime=True,
        smtputf8=True,
        enhanced_status_codes=True,
        size_announced=True,
        max_size=10_240_000,
        mechanisms=("PLAIN", "LOGIN", "CRAM-MD5"),
    )


def test_the_end_of_data_goes_ahead_only_where_enhanced_codes_tell_the_replies_apart() -> None:
    """An acceptance in a written-ahead group must be told from a reply to RCPT, and BDAT has no 354 that marks it."""
    assert Capabilities.parse(POSTFIX).ahead
    assert not Capabilities.parse(POSTFIX.replace("ENHANCEDSTATUSCODES", "HELP")).ahead


def test_case_does_not_matter() -> None:
    assert Capabilities.parse(POSTFIX.lower()) == Capabilities.parse(POSTFIX)


def test_the_greeting_announces_nothing() -> None:
    assert Capabilities.parse("STARTTLS PIPELINING") == Capabilities(esmtp=True)


def test_without_esmtp_there_is_nothing() -> None:
    assert Capabilities() == Capabilities(esmtp=False, mechanisms=(), max_size=None)


@pytest.mark.parametrize(
    ("line", "limit"),
    [("SIZE", None), ("SIZE 0", None), ("SIZE 1000", 1000), ("SIZE many", None), ("SIZE -1", None), ("SIZE ١٢", None)],
)
def test_a_size_of_nothing_or_nought_is_no_limit(line: str, limit: int | None) -> None:
    """RFC 1870 section 3."""
    capabilities = Capabilities.parse(f"mx\n{line}")
    assert (capabilities.size_announced, capabilities.max_size) == (True, limit)


def test_mechanisms_of_several_lines_and_of_the_old_spelling_count_once_each() -> None:
    capabilities = Capabilities.parse("mx\nAUTH PLAIN LOGIN\nAUTH=LOGIN PLAIN XOAUTH2")
    assert capabilities.mechanisms == ("PLAIN", "LOGIN", "XOAUTH2")


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("LIMITS RCPTMAX=100", 100),
        ("LIMITS MAILMAX=5 RCPTMAX=20", 20),
        ("LIMITS MAILMAX=5", None),
        ("LIMITS RCPTMAX=0", None),
        ("LIMITS RCPTMAX=x", None),
    ],
)
def test_a_limit_of_recipients_is_known(line: str, limit: int | None) -> None:
    """RFC 9422 section 4."""
    assert Capabilities.parse(f"mx\n{line}").max_recipients == limit


@given(st.text(max_size=300))
def test_nothing_that_a_server_writes_is_an_error(text: str) -> None:
    assert Capabilities.parse(text).esmtp
