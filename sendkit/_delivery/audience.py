"""Who gets mail from development and staging machines: one mailbox for all, or a list of allowed addresses.

Stands between a message and its delivery, where no message can bypass it, and looks at the envelope alone: that
decides who gets mail, and headers do not (RFC 5321 section 2.3.1). Nothing here is decided by a server.
Must not know: transports, retries, or how a message was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

from sendkit._message.letter import Letter, distinct
from sendkit._message.mailbox import mailboxes_of
from sendkit._message.prefixed import Prefixed
from sendkit._smtp.address import Address, AddressError
from sendkit._smtp.content import Content
from sendkit._smtp.hints import Trouble, advise
from sendkit._smtp.reason import Outcome, Reason
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit.results import RecipientResult

REDIRECT, ALLOW = "SENDKIT_REDIRECT_ALL_TO", "SENDKIT_ALLOW_ONLY"

_PATTERN_HINT = "write whole addresses, where * stands for anything on one side of the @: *@example.com"


class Admitted(NamedTuple):
    """A letter as it may be sent, the results of withheld recipients, and whether it was redirected."""

    letter: Letter
    withheld: tuple[RecipientResult, ...] = ()
    diverted: bool = False


@dataclass(slots=True, frozen=True)
class Audience:
    """Where mail is redirected to, and which recipients may get their own; with neither, all of them do."""

    redirect_all_to: tuple[Address, ...] = ()
    allowed: tuple[re.Pattern[str], ...] | None = None

    @classmethod
    def of(cls, redirect_all_to: Iterable[str] | str | None, allow_only: Iterable[str] | str | None) -> Audience:
        """Read the two settings of a mailer; a comma list is enough. Raises ConfigurationError."""
        allowed = None if allow_only is None else tuple(map(_pattern, _listed(allow_only)))
        return cls(() if redirect_all_to is None else _mailboxes(redirect_all_to), allowed)

    @property
    def limited(self) -> bool:
        """Whether any recipient may be withheld or redirected."""
        return self.allowed is not None or bool(self.redirect_all_to)

    def admit(self, letter: Letter) -> Admitted:
        """The letter as it may be sent, perhaps to nobody, and the results of those who get nothing."""
        if not self.limited:
            return Admitted(letter)
        kept = tuple(recipient for recipient in letter.recipients if self._may_have_theirs(recipient))
        others = tuple(recipient for recipient in letter.recipients if recipient not in kept)
        if not others:
            return Admitted(letter)
        if not self.redirect_all_to:
            return Admitted(replace(letter, recipients=kept), tuple(map(_withheld, others)))
        # Those who get their own copy of it must not read whom else it was for, since that may be a Bcc.
        told = letter if kept else _under(_original_to(others), letter)
        return Admitted(replace(told, recipients=distinct((*kept, *self.redirect_all_to))), diverted=True)

    def _may_have_theirs(self, recipient: Address) -> bool:
        if self.allowed is None:
            return not self.redirect_all_to
        return any(pattern.fullmatch(recipient.key) for pattern in self.allowed)


def _under(header: bytes, letter: Letter) -> Letter:
    if (make := letter.unread) is not None:
        return replace(letter, unread=lambda: Redirected(header, make()))
    return replace(letter, content=Redirected(header, letter.content))


class Redirected(Prefixed):
    """A content with a field in front that says whom it was for; the rest is untouched, and so are signatures."""

    __slots__ = ()

    def _over(self, content: Content) -> Redirected:
        return Redirected(self.fields, content)


def admit(letter: Letter, audiences: Iterable[Audience]) -> Admitted:
    """Apply all audiences, one after the other: a recipient that one of them withholds gets nothing."""
    withheld: tuple[RecipientResult, ...] = ()
    diverted = False
    for audience in audiences:
        letter, more, elsewhere = audience.admit(letter)
        withheld += more
        diverted |= elsewhere
    return Admitted(letter, withheld, diverted)


def audience_in(environ: Mapping[str, str]) -> Audience:
    """The audience that both variables of the environment name.

    Raises ConfigurationError for a variable that is set and empty: it would let all mail out.
    """
    for name in (REDIRECT, ALLOW):
        if not environ.get(name, "-").strip():
            hint = f"unset {name} where everybody may be written to, or name who may"
            raise ConfigurationError(f"{name} is set, and empty", hint=hint)
    try:
        return Audience.of(environ.get(REDIRECT), environ.get(ALLOW))
    except ConfigurationError as error:
        said = re.sub("^redirect_all_to=?", REDIRECT, re.sub("^allow_only=?", ALLOW, error.message))
        raise ConfigurationError(said, hint=error.hint) from None


def _mailboxes(value: Iterable[str] | str) -> tuple[Address, ...]:
    try:
        found = distinct(mailbox.address for mailbox in mailboxes_of(value))
    except AddressError as error:
        raise ConfigurationError(f"redirect_all_to: {error.problem}", hint=error.hint) from error
    if not found:
        raise ConfigurationError("redirect_all_to= has no address", hint="name the mailbox that gets all mail")
    return found


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return re.split(r"[,\s]+", value.strip(", \t\n"))
    listed = list(cast("Iterable[object]", value)) if isinstance(value, Iterable) else [value]
    for one in listed:
        if not isinstance(one, str):
            raise ConfigurationError(f"allow_only= takes addresses, not {type(one).__name__}", hint=_PATTERN_HINT)
    return cast("list[str]", listed)


def _pattern(text: str) -> re.Pattern[str]:
    local, at, domain = text.strip().rpartition("@")
    if not (local and at and domain):
        raise ConfigurationError(f"allow_only: {text!r} is not an address, nor a pattern of one", hint=_PATTERN_HINT)
    labels = ".".join(map(_label, domain.lower().split(".")))
    # The domain of a key has no @, whatever a quoted local part holds, so that neither side reaches into the other.
    return re.compile(f"{_anything(local, '.*')}@{_anything(labels, '[^@]*')}", re.DOTALL)


def _label(label: str) -> str:
    if label.isascii():
        return label
    import idna  # noqa: PLC0415 - most domains are ASCII, and its tables take time to load

    try:
        return idna.encode(label, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ConfigurationError(
            f"allow_only: {label!r} is not a domain label ({error})", hint=_PATTERN_HINT
        ) from error


def _anything(text: str, star: str) -> str:
    return star.join(map(re.escape, text.split("*")))


def _original_to(recipients: Iterable[Address]) -> bytes:
    listed = ",\r\n ".join(recipient.wire for recipient in recipients)
    return f"X-Original-To: {listed}\r\n".encode("ascii", "backslashreplace")


def _withheld(recipient: Address) -> RecipientResult:
    from sendkit.results import RecipientResult  # noqa: PLC0415 - pydantic's models, and few are withheld

    why = Reason.NOT_ALLOWED
    return RecipientResult(
        address=recipient.written,
        outcome=Outcome.REJECTED,
        reason="not sent: this mailer may not write to that address (allow_only)",
        cause=why.cause,
        hint=advise(Trouble(why.cause, why)),
        why=why,
    )
