"""A certificate is told in words before it is too late, and nothing in it can speak to a terminal."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from sendkit import Server
from sendkit._doctor import Status
from sendkit._doctor.certificate import certificate_finding, described

SERVER = Server("smtp.example.com")
END = datetime(2026, 12, 1, tzinfo=UTC)


def certificate(*names: str, issuer: str = "Example CA") -> bytes:
    """A certificate (DER) for these names, until the first of December."""
    leaf = trustme.CA(organization_name=issuer).issue_cert(*names, not_after=END)
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize(("left", "status"), [(14, Status.OK), (13, Status.WARNING), (1, Status.WARNING)])
def test_the_last_two_weeks_are_warned_of(left: int, status: Status) -> None:
    finding = certificate_finding(certificate("smtp.example.com"), SERVER, END - timedelta(days=left))
    assert finding.status is status
    assert (finding.remedy is None) == (status is Status.OK)


def test_it_is_told_by_its_names_its_issuer_and_the_days_left() -> None:
    finding = certificate_finding(certificate("smtp.example.com", "192.0.2.1"), SERVER, END - timedelta(days=40))
    assert finding.text.startswith("for smtp.example.com, 192.0.2.1, issued by Example CA")
    assert finding.text.endswith(", 40 days left")


def test_of_many_names_a_few_are_shown() -> None:
    text = described(certificate(*(f"{letter}.example.com" for letter in "abcdefghij"))) or ""
    assert "f.example.com and 4 more" in text
    assert "g.example.com" not in text


def test_control_characters_are_not_shown() -> None:
    assert "Evil\ufffd[31m" in (described(certificate("a.example.com", issuer="Evil\x1b[31m")) or "")


def test_what_is_no_certificate_is_not_shown() -> None:
    assert described(b"no certificate") is None
    assert certificate_finding(b"no certificate", SERVER).status is Status.OK
