"""Recipients are shared out among transactions as the server announced it (RFC 9422 section 4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.address import Address, parse_address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.shares import share


def _address(local: int, domain: str) -> Address:
    return parse_address(f"u{local}@{domain}")


_RECIPIENTS = st.lists(st.builds(_address, st.integers(0, 99), st.sampled_from("abcd")), unique=True)
_LIMIT = st.none() | st.integers(1, 5)


@given(_RECIPIENTS, _LIMIT, _LIMIT)
def test_everybody_has_a_place_and_no_transaction_is_over_a_limit(
    recipients: list[Address], most: int | None, domains: int | None
) -> None:
    server, left, shares = Capabilities(max_recipients=most, max_domains=domains), tuple(recipients), list[Address]()
    while left:
        now, left = share(left, server)
        assert 0 < len(now) <= (most or len(now))
        assert len({one.domain for one in now}) <= (domains or 4)
        shares += now
    assert sorted(one.wire for one in shares) == sorted(one.wire for one in recipients)


def test_a_domain_is_the_same_in_either_case() -> None:
    one, other = parse_address("a@EXAMPLE.com"), parse_address("b@example.COM")
    assert share((one, other), Capabilities(max_domains=1)) == ((one, other), ())
