"""The doctor says what a message may ask the server for, and how much the server takes."""

from __future__ import annotations

import pytest

from sendkit._doctor.offers import offers
from sendkit._smtp.capabilities import Capabilities


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "none; not offered: reports (DSN), REQUIRETLS, a later release (FUTURERELEASE)"),
        ("\nDSN\nREQUIRETLS\nFUTURERELEASE 600 2030-01-01T00:00:00Z",
         "reports (DSN), REQUIRETLS, a later release (FUTURERELEASE, at most 600 s)"),
        ("\nDSN\nREQUIRETLS\nFUTURERELEASE\nLIMITS RCPTMAX=1000 MAILMAX=20 RCPTDOMAINMAX=1",
         ("reports (DSN), REQUIRETLS, a later release (FUTURERELEASE); at most 1,000 recipients a transaction, "
         "1 domains a transaction, 20 transactions a connection")),
    ],
)  # fmt: skip
def test_offers_and_limits_are_told(lines: str, told: str) -> None:
    assert offers(Capabilities.parse(f"mx{lines}"), tls=True) == told


def test_requiretls_outside_of_tls_is_no_offer() -> None:
    assert offers(Capabilities(require_tls=True), tls=False).startswith("none; not offered: reports (DSN), REQUIRETLS")
