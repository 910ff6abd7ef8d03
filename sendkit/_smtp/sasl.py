"""Which mechanism to log in with (RFC 4422, RFC 4954).

One is chosen, and one only: a server counts each refused AUTH towards a lock-out, so that a second mechanism with the
same secret does nothing but harm. A password has mechanisms of its own, and so has a token (RFC 6750).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum


class Mechanism(StrEnum):
    """The SASL mechanisms that we speak, the preferred one first (RFC 7677, 5802, 7628, 4616, 2195, 4422 appendix A).

    Those bound to the TLS session stand first, also before a stronger hash: a server that offers one takes it for an
    attack when a client that could bind does not (RFC 5802 section 6).
    """

    SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"
    SCRAM_SHA_1_PLUS = "SCRAM-SHA-1-PLUS"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_1 = "SCRAM-SHA-1"
    OAUTHBEARER = "OAUTHBEARER"
    XOAUTH2 = "XOAUTH2"
    PLAIN = "PLAIN"
    LOGIN = "LOGIN"
    CRAM_MD5 = "CRAM-MD5"
    EXTERNAL = "EXTERNAL"


TOKEN = frozenset({Mechanism.OAUTHBEARER, Mechanism.XOAUTH2})
BOUND = frozenset({Mechanism.SCRAM_SHA_256_PLUS, Mechanism.SCRAM_SHA_1_PLUS})
SCRAM = BOUND | {Mechanism.SCRAM_SHA_256, Mechanism.SCRAM_SHA_1}
# MD5 proves nothing any more, and a client certificate is not what a username and a password ask for.
ONLY_WHEN_ASKED_FOR = frozenset({Mechanism.CRAM_MD5, Mechanism.EXTERNAL})


def choose_mechanism(
    offered: Iterable[str],
    *,
    token: bool = False,
    wanted: Mechanism | None = None,
    hindered: Iterable[Mechanism] = (),
) -> Mechanism | None:
    """The mechanism that we prefer among those offered, or None.

    `token`: the secret is an access token. `wanted` is the only one that will do. `hindered` are those that cannot be
    spoken with this secret on this connection.
    """
    names = {name.upper() for name in offered}
    fitting = {wanted} if wanted else TOKEN if token else set(Mechanism) - TOKEN - ONLY_WHEN_ASKED_FOR
    fitting = fitting - set(hindered)
    return next((one for one in Mechanism if one in fitting and one in names), None)


def weaker(one: Mechanism | None, other: Mechanism) -> bool:
    """Whether a password is worse off with the one than with the other; with none at all it is."""
    order = list(Mechanism)
    return one is None or order.index(one) > order.index(other)


def why_none(offered: Collection[str], *, token: bool = False, wanted: Mechanism | None = None) -> str:
    """Say in words that no mechanism could be chosen, and what the server offers instead."""
    if wanted is not None and wanted in offered:
        return f"{wanted} cannot be spoken with this secret on this connection"
    ours = wanted or ("login with an OAuth 2 token" if token else "login mechanism of ours")
    return f"the server offers no {ours} (it offers {', '.join(sorted(offered)) or 'none'})"
