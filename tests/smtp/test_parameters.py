"""What a caller asks for beside the message is written where it is offered, and nowhere else (RFC 3461, 8689, 4865)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import Outcome, SubmissionOptions
from sendkit._reading.asked import read
from sendkit._smtp.address import Address, parse_address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.parameters import ROWS, Asked, Offer, Row, parameters
from sendkit._smtp.phase import Phase
from sendkit._smtp.reason import Reason
from sendkit._submission import NOTICES, fits_envid

from .dialogue import LUIS, OPS

NURIA = parse_address("ñuria@example.com")
PLUS = parse_address("luis+news=1@example.com")
ALL = Capabilities.parse("mx\nDSN\nREQUIRETLS\nFUTURERELEASE 86400 2030-01-01T00:00:00Z")
EVERYTHING = SubmissionOptions(notify="success,delay", ret="full", envid="42", require_tls=True, hold_for=60)


def test_everything_is_asked_for_where_everything_is_offered() -> None:
    found = parameters(Asked(EVERYTHING), [LUIS], Offer(ALL))
    assert found.mail == ("RET=FULL", "ENVID=42", "REQUIRETLS", "HOLDFOR=60")
    assert found.for_each == {LUIS: ("NOTIFY=SUCCESS,DELAY", f"ORCPT=rfc822;{LUIS.wire}")}
    assert (found.ignored, found.refused) == ((), None)


def test_orcpt_and_envid_go_along_by_themselves() -> None:
    found = parameters(Asked(SubmissionOptions(), "id@example.com"), [LUIS], Offer(ALL))
    assert (found.mail, found.for_each) == (("ENVID=id@example.com",), {LUIS: (f"ORCPT=rfc822;{LUIS.wire}",)})


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (PLUS, "rfc822;luis+2Bnews+3D1@example.com"),
        (NURIA, r"utf-8;\x{F1}uria@example.com"),
        (parse_address("a=ñ+b@example.com"), r"utf-8;a\x{3D}\x{F1}\x{2B}b@example.com"),
    ],
)
def test_an_original_recipient_is_written_as_its_type_wants_it(address: object, written: str) -> None:
    """RFC 3461 section 4 (xtext), RFC 6533 section 3 (the form that needs no SMTPUTF8)."""
    found = parameters(Asked(SubmissionOptions()), [address], Offer(ALL))  # type: ignore[list-item]  # an Address
    assert found.for_each == {address: (f"ORCPT={written}",)}


def test_a_name_that_is_no_envid_is_left_out() -> None:
    """RFC 3461 section 4.4: at most 100 characters, printable ASCII."""
    for name in ("x" * 101, "+" * 34, "ñ", ""):
        assert parameters(Asked(SubmissionOptions(), name), [LUIS], Offer(ALL)).mail == ()


def test_reports_are_not_asked_for_where_they_are_not_offered_and_it_is_said() -> None:
    asked = Asked(SubmissionOptions(notify="never", ret="headers", envid="42"))
    found = parameters(asked, [LUIS], Offer(Capabilities()))
    assert (found.mail, found.for_each, found.refused) == ((), {LUIS: ()}, None)
    assert set(found.ignored) == {"notify", "ret", "envid"}


@pytest.mark.parametrize(
    ("options", "reason", "words"),
    [
        (SubmissionOptions(require_tls=True), Reason.NEEDS_REQUIRETLS, "does not offer REQUIRETLS"),
        (SubmissionOptions(hold_for=1), Reason.NEEDS_FUTURERELEASE, "does not offer FUTURERELEASE"),
        (SubmissionOptions(hold_until=datetime.now(UTC)), Reason.NEEDS_FUTURERELEASE, "does not offer FUTURERELEASE"),
    ],
)
def test_what_cannot_be_left_out_is_rejected_where_it_is_not_offered(
    options: SubmissionOptions, reason: Reason, words: str
) -> None:
    refused = parameters(Asked(options), [LUIS], Offer(Capabilities(dsn=True))).refused
    assert refused is not None
    assert (refused.outcome, refused.phase, refused.why) == (Outcome.REJECTED, Phase.MAIL, reason)
    assert words in refused.words


def test_requiretls_is_worth_nothing_outside_of_tls() -> None:
    """RFC 8689 section 2."""
    refused = parameters(Asked(SubmissionOptions(require_tls=True)), [LUIS], Offer(ALL, tls=False)).refused
    assert refused is not None
    assert (refused.why, refused.words) == (Reason.NEEDS_REQUIRETLS, "the connection is not over TLS")


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (SubmissionOptions(hold_for=86_400), True),
        (SubmissionOptions(hold_for=86_401), False),
        (SubmissionOptions(hold_until=datetime(2030, 1, 1, tzinfo=UTC)), True),
        (SubmissionOptions(hold_until=datetime(2030, 1, 1, microsecond=1, tzinfo=UTC)), False),
    ],
)
def test_the_limits_of_a_later_release_are_kept_without_asking(options: SubmissionOptions, fits: bool) -> None:
    """RFC 4865 section 3: what exceeds them would be refused."""
    refused = parameters(Asked(options), [LUIS], Offer(ALL)).refused
    assert (refused is None) is fits
    assert refused is None or "at most" in refused.words


def test_a_moment_is_written_in_utc_and_never_before_it() -> None:
    moment = datetime.fromisoformat("2029-12-31T23:30:00.5+01:00")
    assert parameters(Asked(SubmissionOptions(hold_until=moment)), [], Offer(ALL)).mail == (
        "HOLDUNTIL=2029-12-31T22:30:01Z",
    )
    assert SubmissionOptions(hold_for=timedelta(milliseconds=1)).seconds == 1


def _offered(_: Offer) -> bool:
    return True


def _priority(_: Asked, __: Address | None) -> str:
    return "MT-PRIORITY=3"


def test_another_parameter_is_one_row() -> None:
    """RFC 6710, as an example."""
    priority = Row(Phase.MAIL, "", "MT-PRIORITY", _offered, _priority)
    assert parameters(Asked(SubmissionOptions()), [LUIS], Offer(ALL), [*ROWS, priority]).mail == ("MT-PRIORITY=3",)


_OPTIONS = st.builds(
    SubmissionOptions,
    notify=st.none() | st.just(["never"]) | st.sets(st.sampled_from(NOTICES[1:]), min_size=1),
    ret=st.sampled_from([None, "headers", "full"]),
    envid=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1).filter(fits_envid),
    require_tls=st.booleans(),
    hold_for=st.none() | st.integers(1, 86_400),
)


@given(_OPTIONS)
def test_what_is_written_reads_back_as_what_was_asked_for(options: SubmissionOptions) -> None:
    found = parameters(Asked(options), [OPS], Offer(ALL))
    assert found.for_each is not None
    words = " ".join((*found.mail, *found.for_each[OPS]))
    assert read(words.split(" ")) == (options, [])
    assert words.isascii()
