"""Reports that were asked for arrive, and those that were not do not: real servers, and what lies in a mailbox."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Literal

import pytest

from sendkit import Mailer, Security, Server, SubmissionOptions
from sendkit.messages import Notice

from .post import ANA, LUIS, letter, starttls

if TYPE_CHECKING:
    from tests.servers.postfix import Postfix

    from .exim import Exim

_PLUS = "luis+news@example.test"


def _send(postfix: Postfix, *to: str, options: SubmissionOptions) -> str:
    with Mailer(starttls(postfix), username=ANA, password=postfix.users[ANA]) as mailer:
        result = mailer.send(letter(*to), options=options)
    assert result.ignored_options == ()
    return str(result.message_id)


def _fields(report: EmailMessage) -> dict[str, str]:
    """The fields of a delivery status (RFC 3464 section 2.1), those of the message and of its one recipient."""
    [status] = [part for part in report.walk() if part.get_content_type() == "message/delivery-status"]
    return {
        name.lower(): str(value).replace("; ", ";") for block in status.iter_parts() for name, value in block.items()
    }  # type: ignore[attr-defined]


def test_a_report_of_success_names_the_message_and_the_recipient_as_they_were_asked_for(postfix: Postfix) -> None:
    """RFC 3461 sections 4.2 and 4.4: ORCPT and ENVID come back."""
    message_id = _send(postfix, _PLUS, options=SubmissionOptions(notify="success"))
    [report] = postfix.mailbox("ana")
    fields = _fields(report)
    assert report.get_content_type() == "multipart/report"
    assert fields["original-envelope-id"] == message_id.strip("<>")
    assert fields["original-recipient"] == f"rfc822;{_PLUS}"
    assert fields["action"] in ("delivered", "relayed")
    assert len(postfix.mailbox("luis")) == 1


@pytest.mark.parametrize("notify", ["never", "failure", "delay"])
def test_a_report_that_was_not_asked_for_does_not_arrive(postfix: Postfix, notify: Notice) -> None:
    _send(postfix, LUIS, options=SubmissionOptions(notify=notify))
    assert len(postfix.mailbox("luis")) == 1
    assert postfix.mailbox("ana") == []


@pytest.mark.parametrize(("ret", "kind"), [("headers", "text/rfc822-headers"), ("full", "message/rfc822")])
def test_a_report_of_failure_brings_back_what_was_asked_for(
    postfix: Postfix, ret: Literal["headers", "full"], kind: str
) -> None:
    """RFC 3461 section 4.3. `fails-` is taken by the server, and refused when it is delivered."""
    _send(postfix, "fails-1@example.test", options=SubmissionOptions(notify="failure", ret=ret, envid="<a+b=c d>"))
    [report] = postfix.mailbox("ana")
    assert _fields(report)["original-envelope-id"] == "<a+b=c d>"
    assert _fields(report)["action"] == "failed"
    assert kind in [part.get_content_type() for part in report.walk()]


def test_a_failure_stays_silent_where_never_was_asked_for(postfix: Postfix) -> None:
    _send(postfix, "fails-1@example.test", options=SubmissionOptions(notify="never"))
    postfix.deliver_all()
    assert postfix.mailbox("ana") == []


def test_an_exim_reports_success_too(exim: Exim) -> None:
    server = Server(exim.host, exim.port, Security.STARTTLS, ca_file=exim.ca_file)
    with Mailer(server, username=exim.user, password=exim.password) as mailer:
        result = mailer.send(letter(LUIS), options=SubmissionOptions(notify="success", ret="headers", envid="42"))
    assert (result.ok, result.ignored_options) == (True, ())
    assert len(exim.raw_mailbox(LUIS)) == 1

    [raw] = exim.raw_mailbox(exim.user)
    assert _fields(message_from_bytes(raw, EmailMessage, policy=policy.default))["original-envelope-id"] == "42"
