"""What is known before asking: a recipient, or a content, that this server has said it does not take.

RFC 1870 (SIZE), RFC 6531 (SMTPUTF8), RFC 6152 (8BITMIME), and what `parameters` asks for. No command goes out for what
is settled here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.content import Content, Weighed
from sendkit._smtp.parameters import Asked, Offer, parameters
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Reason, Verdict, not_accepted


class Screening(NamedTuple):
    """Those rejected unasked, those left, the content in the form that fits, and the parameters for MAIL.

    `for_each` are those for RCPT; `ignored` are the options that this server does not know of.
    """

    verdicts: Mapping[Address, Verdict]
    recipients: tuple[Address, ...]
    content: Content
    parameters: tuple[str, ...] = ()
    utf8: bool = False
    for_each: Mapping[Address, Sequence[str]] | None = None
    ignored: tuple[str, ...] = ()


def screen(
    reverse_path: Address | None,
    recipients: Sequence[Address],
    content: Content,
    server: Capabilities,
    asked: Asked | None = None,
    *,
    tls: bool = True,
) -> Screening:
    """Hold one message, and what is asked for beside it, against what the server announced."""
    if asked is None and (plain := nothing_to_settle(reverse_path, recipients, content, server)) is not None:
        return Screening(_NONE, tuple(recipients), content, plain)
    screening = Screening({}, tuple(recipients), content)
    utf8 = _needs_smtputf8(reverse_path, recipients, content)
    if utf8 and not server.smtputf8:
        screening = _without_smtputf8(screening, reverse_path)
    if screening.content.eight_bit and not server.eight_bit_mime:
        screening = _fitted(screening, screening.content.seven_bit(), _8BITMIME)
    if server.max_size is not None and screening.content.size > server.max_size:
        reason = f"{measured(screening.content)}, and the server takes at most {megabytes(server.max_size)}"
        screening = _reject(screening, screening.recipients, (Reason.TOO_LARGE, reason))
    screening = _with_parameters(screening, server, utf8=utf8 and server.smtputf8)
    return screening if asked is None else _with_options(screening, asked, Offer(server, tls))


def nothing_to_settle(
    reverse_path: Address | None, recipients: Sequence[Address], content: Content, server: Capabilities
) -> tuple[str, ...] | None:
    """The parameters for MAIL of a message as almost all are: ASCII, and not too large; None where it is not.

    What the steps of `screen` find is the same, more slowly.
    """
    size = content.size
    if content.utf8 or content.eight_bit or (server.max_size is not None and size > server.max_size):
        return None
    if reverse_path is not None and not reverse_path.local.isascii():
        return None
    for recipient in recipients:
        if not recipient.local.isascii():
            return None
    return (f"SIZE={size}",) if server.size_announced else ()


_NONE: Mapping[Address, Verdict] = {}  # which nobody adds to


def _needs_smtputf8(reverse_path: Address | None, recipients: Sequence[Address], content: Content) -> bool:
    if content.utf8 or (reverse_path is not None and reverse_path.utf8):
        return True
    return any(recipient.utf8 for recipient in recipients)


def measured(content: Content) -> str:
    """How large a message is as it is sent, and what makes it so."""
    largest = content.largest if isinstance(content, Weighed) else None
    told = f"; the largest file is {largest[0]!r} with {megabytes(largest[1])}" if largest else ""
    return f"the message has {megabytes(content.size)} as it is sent, where files take a third more{told}"


def megabytes(octets: int) -> str:
    """Octets in MB, as providers count them (a million octets each), or as they are where there are few."""
    return f"{octets / 1e6:.1f} MB" if octets >= 100_000 else f"{octets:,} octets"


_Why = tuple[Reason, str]
_8BITMIME: _Why = (
    Reason.NEEDS_8BITMIME,
    (
        "the message needs 8BITMIME, which the server lacks, and it cannot be re-encoded: a signature forbids that, or "
        "it has octets beyond ASCII outside of its parts"
    ),
)
_RECIPIENT: _Why = (
    Reason.NEEDS_SMTPUTF8,
    "the address has a non-ASCII local part and needs SMTPUTF8, which the server lacks",
)
_SENDER: _Why = (Reason.NEEDS_SMTPUTF8, "the sender's address needs SMTPUTF8, which the server lacks")
_HEADER: _Why = (Reason.NEEDS_SMTPUTF8, "a header of the message needs SMTPUTF8, which the server lacks")


def _without_smtputf8(screening: Screening, reverse_path: Address | None) -> Screening:
    if reverse_path is not None and reverse_path.utf8:
        return _reject(screening, screening.recipients, _SENDER)
    screening = _reject(screening, [r for r in screening.recipients if r.utf8], _RECIPIENT)
    if screening.recipients and screening.content.utf8:
        return _fitted(screening, screening.content.without_utf8(), _HEADER)
    return screening


def _fitted(screening: Screening, content: Content | None, why: _Why) -> Screening:
    if content is None:
        return _reject(screening, screening.recipients, why)
    return screening._replace(content=content)


def _reject(screening: Screening, recipients: Sequence[Address], why: _Why) -> Screening:
    if not recipients:
        return screening
    reason, words = why
    verdicts = dict.fromkeys(recipients, not_accepted(Phase.MAIL, reason, words))
    left = tuple(r for r in screening.recipients if r not in verdicts)
    return screening._replace(verdicts={**screening.verdicts, **verdicts}, recipients=left)


def _with_parameters(screening: Screening, server: Capabilities, *, utf8: bool) -> Screening:
    content = screening.content
    parameters: list[str] = []
    if server.size_announced:
        parameters.append(f"SIZE={content.size}")
    if content.eight_bit:
        parameters.append("BODY=8BITMIME")
    if utf8:
        parameters.append("SMTPUTF8")
    return Screening(screening.verdicts, screening.recipients, content, tuple(parameters), utf8)


def _with_options(screening: Screening, asked: Asked, offer: Offer) -> Screening:
    written = parameters(asked, screening.recipients, offer)
    if written.refused is not None:
        refused = dict.fromkeys(screening.recipients, written.refused)
        return screening._replace(verdicts={**screening.verdicts, **refused}, recipients=())
    mail = (*screening.parameters, *written.mail)
    return screening._replace(parameters=mail, for_each=written.for_each, ignored=written.ignored)
