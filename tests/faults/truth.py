"""What DESIGN.md 3 promises for one try, copied from there by hand; the second pair of eyes on `sendkit._smtp.verdict`.

Knows: places, kinds of faults, and fates. A fate is an outcome together with what happens next. Where the design leaves
two honest answers open, both stand in the set. Must not know: anything of sendkit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

A, B, C = RECIPIENTS = ("a@example.net", "b@example.net", "c@example.net")


class Place(StrEnum):
    """Where the fault stands: in place of, or behind, the server's answer there."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    HANDSHAKE = "handshake"
    EHLO_IN_TLS = "ehlo_in_tls"
    AUTH = "auth"
    RSET = "rset"
    MAIL = "mail"
    RCPT_B = "rcpt_b"
    DATA = "data"
    BODY = "body"
    END = "end"
    QUIT = "quit"


class Kind(StrEnum):
    """What a fault amounts to for a client, whatever it looks like on the wire."""

    LATER = "4yz"
    NEVER = "5yz"
    CLOSING = "421"
    LOGIN = "530"
    MISFIT = "503"
    UNEXPECTED = "a reply of another kind"
    LOST = "lost"
    SILENT = "silent"
    MALFORMED = "malformed"
    LOOSE = "malformed, and read loosely before MAIL"
    STRAY_YES = "a second reply, 250"
    STRAY_NO = "a second reply, 550"
    GONE = "answered, and gone"


class Mode(StrEnum):
    """How much is written before an answer is read: what the server announced decides it."""

    STEPWISE = "stepwise"
    PIPELINING = "pipelining"
    CHUNKING = "chunking"


class Fate(Enum):
    """What becomes of a recipient in one try."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AGAIN = "deferred, and tried again by itself"
    ONCE = "deferred, and tried again once, one command at a time"
    FIX = "deferred, and somebody must act first"
    DOUBT = "in doubt, and left alone"


Fates = frozenset[Fate]
YES, NO, AGAIN, ONCE, FIX, DOUBT = (frozenset({fate}) for fate in Fate)
_IN_TIME = AGAIN | DOUBT


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a scenario the truth depends on.

    `ahead`: the end of data goes out in one write with the envelope (CHUNKING and a small message; not in LMTP, where
    each recipient has a reply of its own to it, `lmtp`). `reused`: the
    connection carried a message before. `refusal` is what RCPT answers for the first recipient, always.
    """

    place: Place
    kind: Kind
    mode: Mode
    large: bool = False
    reused: bool = False
    refusal: int | None = None
    reset: bool = False
    lmtp: bool = False

    @property
    def ahead(self) -> bool:
        """Whether the end of data is already out when the first answer comes."""
        return self.mode is Mode.CHUNKING and not self.large and not self.lmtp


# "resolve, connect, greeting, EHLO", "STARTTLS", "AUTH": one fate for all, and no mail.
_SESSION: dict[Kind, Fates] = {
    Kind.LATER: AGAIN,
    Kind.CLOSING: AGAIN,
    Kind.NEVER: FIX,
    Kind.LOGIN: FIX,
    Kind.MISFIT: FIX,
    Kind.UNEXPECTED: AGAIN,
    Kind.LOST: AGAIN,
    Kind.SILENT: AGAIN,
    Kind.MALFORMED: AGAIN,
    Kind.LOOSE: AGAIN | FIX,
    Kind.STRAY_YES: AGAIN,
    Kind.STRAY_NO: AGAIN,
    Kind.GONE: AGAIN,
}
# What is not a TLS record may be a passing fault, or a port that does not speak TLS.
_HANDSHAKE = {Kind.LOST: AGAIN, Kind.SILENT: AGAIN, Kind.MALFORMED: AGAIN | FIX}
# RFC 3207 section 4.2: what stands behind the 220 in the clear is thrown away, or breaks the handshake.
_INJECTED = YES | AGAIN | FIX

# "MAIL", "DATA", "a drop before the end of data left", and "malformed or unexpected reply elsewhere".
_BEFORE: dict[Kind, Fates] = {
    Kind.LATER: AGAIN,
    Kind.CLOSING: AGAIN,
    Kind.NEVER: NO,
    Kind.LOGIN: FIX,
    Kind.MISFIT: ONCE,
    Kind.UNEXPECTED: AGAIN,
    Kind.LOST: AGAIN,
    Kind.SILENT: AGAIN,
    Kind.MALFORMED: AGAIN,
    Kind.LOOSE: AGAIN,
    Kind.STRAY_YES: AGAIN,
    Kind.STRAY_NO: AGAIN,
    Kind.GONE: AGAIN,
}
# "drop, timeout or malformed reply after the end of data may have left", where it left together with MAIL.
_AHEAD: dict[Kind, Fates] = _BEFORE | {
    Kind.UNEXPECTED: _IN_TIME,
    Kind.LOST: DOUBT,
    Kind.SILENT: DOUBT,
    Kind.MALFORMED: DOUBT,
    Kind.LOOSE: DOUBT,
    # Nothing marks the place of a reply in such a group; the server has the message, and nobody may be told it has not.
    Kind.STRAY_YES: YES | DOUBT,
    Kind.STRAY_NO: YES | DOUBT,
    Kind.GONE: _IN_TIME,
}
# "reply after the end of data", and what is none.
_END: dict[Kind, Fates] = {
    Kind.LATER: AGAIN,
    Kind.CLOSING: AGAIN,
    Kind.NEVER: NO,
    Kind.LOGIN: FIX,
    Kind.MISFIT: DOUBT,
    Kind.UNEXPECTED: DOUBT,
    Kind.LOST: DOUBT,
    Kind.SILENT: DOUBT,
    Kind.MALFORMED: DOUBT,
    Kind.LOOSE: DOUBT,
    Kind.STRAY_YES: YES,
    Kind.STRAY_NO: YES,
    Kind.GONE: YES,
}
# A refused RSET closes the connection; whether the message still goes out on it is not said.
_RSET: dict[Kind, Fates] = {
    Kind.LATER: YES | AGAIN,
    Kind.NEVER: YES | AGAIN,
    Kind.LOGIN: YES | AGAIN | FIX,
    Kind.MISFIT: YES | AGAIN | ONCE,
    Kind.UNEXPECTED: YES | AGAIN,
}
_REPLACED = YES | AGAIN


def truth(setting: Setting) -> dict[str, Fates]:
    """The fates that DESIGN.md 3 allows each recipient after one try."""
    fates = dict(zip(RECIPIENTS, _fates(setting), strict=True))
    if setting.refusal is not None:
        fates[A] = _refused(setting, fates[A])
    return fates


def _fates(setting: Setting) -> tuple[Fates, Fates, Fates]:
    match setting.place:
        case Place.QUIT:
            return YES, YES, YES
        case Place.RCPT_B:
            return _at_rcpt(setting)
        case Place.RSET:
            return _alike(_at_rset(setting))
        case Place.MAIL:
            return _alike(_at_mail(setting))
        case Place.DATA:
            # Once 354 is out, the content may have followed it before the loss was seen.
            return _alike(_IN_TIME if setting.kind is Kind.GONE else _BEFORE[setting.kind])
        case Place.BODY:
            return _alike(_in_body(setting))
        case Place.END if setting.lmtp:
            return _finals(setting)
        case Place.END:
            return _alike(_at_end(setting))
        case Place.HANDSHAKE:
            return _alike(_HANDSHAKE[setting.kind])
        case Place.STARTTLS if setting.kind in (Kind.STRAY_YES, Kind.STRAY_NO):
            return _alike(_INJECTED)
        case Place.AUTH if setting.kind is Kind.GONE and setting.ahead:
            return _alike(_IN_TIME)
        case Place.EHLO | Place.EHLO_IN_TLS if setting.kind is Kind.MISFIT:
            # HELO offers no AUTH, so EHLO is said once more; a server that knows it by then takes the mail.
            return _alike(FIX | YES)
        case _:
            return _alike(_SESSION[setting.kind])


def _alike(fates: Fates) -> tuple[Fates, Fates, Fates]:
    return fates, fates, fates


def _at_mail(setting: Setting) -> Fates:
    if not setting.ahead and setting.reused and setting.kind in (Kind.LOST, Kind.CLOSING):
        # "an idle pooled connection found dead before MAIL is replaced at once and costs no attempt"
        return _REPLACED
    return (_AHEAD if setting.ahead else _BEFORE)[setting.kind]


def _at_rset(setting: Setting) -> Fates:
    if setting.kind is Kind.CLOSING or (setting.kind is Kind.LOST and not setting.ahead):
        return _REPLACED
    return _RSET.get(setting.kind) or (_AHEAD if setting.ahead else _BEFORE)[setting.kind]


def _at_rcpt(setting: Setting) -> tuple[Fates, Fates, Fates]:
    """A refusal is for that recipient alone; what breaks the conversation is for all."""
    own = (_AHEAD if setting.ahead else _BEFORE)[setting.kind]
    match setting.kind:
        case Kind.LATER | Kind.NEVER | Kind.LOGIN:
            return YES, own, YES
        case Kind.CLOSING if setting.ahead:
            return _IN_TIME, own, _IN_TIME
        case Kind.MISFIT:
            # "ProtocolError, connection closed"; an acceptance that was really given stays one.
            others = YES | AGAIN | ONCE | DOUBT
            return others, own, others
        case Kind.UNEXPECTED if setting.ahead:
            return YES | own, own, YES | own
        case _:
            return own, own, own


def _in_body(setting: Setting) -> Fates:
    if not setting.large:
        return DOUBT
    # The end of a large body follows when the rest has left; a loss that was seen before is none after it.
    return _IN_TIME


def _at_end(setting: Setting) -> Fates:
    if setting.ahead and setting.kind in (Kind.STRAY_YES, Kind.STRAY_NO):
        return YES | DOUBT
    if setting.reset and setting.kind is Kind.GONE:
        # The reset may overtake the answer.
        return YES | DOUBT
    return _END[setting.kind]


def _finals(setting: Setting) -> tuple[Fates, Fates, Fates]:
    """The fault is at the first reply, and perhaps at all; each reply is one recipient's (RFC 2033 section 4.2)."""
    own, others = _at_end(setting), DOUBT
    if setting.kind in (Kind.LATER, Kind.NEVER, Kind.LOGIN, Kind.MISFIT):
        others = own | YES
    # Where the first recipient was refused at RCPT, the first reply is the second one's.
    return (own, own | others, others) if setting.refusal is not None else (own, others, others)


_AFTER_RCPT = (Place.RCPT_B, Place.DATA, Place.BODY, Place.END, Place.QUIT)
# Silence is here for a proxy, where the reply still is when the clock of these tests moves on.
_PAIRING_LOST = (Kind.STRAY_YES, Kind.STRAY_NO, Kind.LOST, Kind.GONE, Kind.SILENT)


def _refused(setting: Setting, otherwise: Fates) -> Fates:
    """ "Replies that already came (a refused RCPT) stay valid whatever happens after"."""
    own = NO if setting.refusal == 550 else AGAIN
    if setting.place not in _AFTER_RCPT:
        # Where the others go through, or are only told so, the first recipient is refused anyway.
        return (otherwise - YES) | own if otherwise >= YES else otherwise
    if setting.kind in (Kind.STRAY_YES, Kind.STRAY_NO):
        # Which reply was whose is not certain where several were under way.
        return own | AGAIN | (DOUBT if setting.ahead else frozenset())
    if setting.mode is Mode.PIPELINING and setting.kind is Kind.UNEXPECTED and setting.place is Place.DATA:
        # A 2yz to DATA is how a group looks that is shifted by one; then the refusal was another's.
        return own | AGAIN
    if setting.reset and setting.kind in _PAIRING_LOST:
        # A reset may take with it what had arrived and was not read.
        return own | otherwise - YES
    return own
