"""What a server is asked for beside the message, as one value: reports, REQUIRETLS, and a later release.

RFC 3461 (DSN), RFC 8689 (REQUIRETLS), RFC 4865 (FUTURERELEASE). How a server is asked, and what happens where it does
not offer it, is for `_smtp`. Must not know servers, or messages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias, cast, get_args

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationError

from sendkit._frozen import Checked
from sendkit._spelling import meant
from sendkit._xtext import fits_envid
from sendkit.errors import MessageError

Notice: TypeAlias = Literal["never", "success", "failure", "delay"]
Returned: TypeAlias = Literal["headers", "full"]

NOTICES: tuple[Notice, ...] = get_args(Notice)
RETURNED: tuple[Returned, ...] = get_args(Returned)
_MOST_SECONDS = 999_999_999  # RFC 4865 section 4: nine digits
_HINT = "help(sendkit.SubmissionOptions) says what each option takes"


def _notify(value: object) -> frozenset[Notice] | None:
    if value is None:
        return None
    if not isinstance(value, Iterable):
        raise ValueError(f"{type(value).__name__} is not a set of words")  # noqa: TRY004 - pydantic passes TypeErrors on
    words = value.split(",") if isinstance(value, str) else cast("Iterable[object]", value)
    found: frozenset[Notice] = frozenset([_notice(word) for word in words])
    if not found:
        raise ValueError('it is empty; "never" asks for no report at all')
    if "never" in found and len(found) > 1:
        raise ValueError('"never" stands alone (RFC 3461 section 4.1)')
    return found


def _notice(word: object) -> Notice:
    plain = str(word).strip().lower()
    for notice in NOTICES:
        if plain == notice:
            return notice
    raise ValueError(f"{str(word)!r} is none of {', '.join(NOTICES)}")


def _ret(value: object) -> Returned | None:
    if value is None:
        return None
    for returned in RETURNED:
        if value == returned:
            return returned
    raise ValueError(f'{value!r} is neither "headers" nor "full"')


def _envid(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not fits_envid(value):
        raise ValueError("it has up to 100 printable ASCII characters, where + = < > and a space count as three")
    return value


def _hold_for(value: object) -> timedelta | None:
    if value is None or (isinstance(value, timedelta) and 0 < value.total_seconds() <= _MOST_SECONDS):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST_SECONDS:
        return timedelta(seconds=value)
    raise ValueError(f"{value!r} is not a time to wait; give a timedelta, or seconds above zero")


def _hold_until(value: object) -> datetime | None:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError("give a datetime with a time zone, such as datetime.now(UTC) + timedelta(hours=1)")
    return moment.astimezone(UTC)


class SubmissionOptions(Checked, BaseModel):
    """Requests to the server beside the message: `send(message, options=SubmissionOptions(notify="failure"))`.

    `notify` requests reports to the sender of the envelope: "never" alone, or any of "success", "failure" and
    "delay" (a set, or a comma list); `ret`, whether a report of failure brings the "headers" or the "full" message;
    `envid` is the name of the message in reports, by default its Message-ID without <> (RFC 3461). A server that
    does not announce DSN takes the message without them, and `result.ignored_options` says so.

    `require_tls=True`: each server on the way hands it on over verified TLS, or returns it (RFC 8689). `hold_for` (a
    timedelta, or seconds) or `hold_until` (with a time zone) say when the server may relay it (RFC 4865). If the
    server does not offer these, the message is rejected before any of it is sent.

    Raises MessageError, whose `field` is the option.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    notify: Annotated[
        frozenset[Notice] | None,
        PlainValidator(_notify),
        PlainSerializer(lambda found: found and sorted(found), return_type=list[str] | None),
    ] = None
    ret: Annotated[Returned | None, PlainValidator(_ret)] = None
    envid: Annotated[str | None, PlainValidator(_envid)] = None
    require_tls: bool = False
    hold_for: Annotated[
        timedelta | None,
        PlainValidator(_hold_for),
        PlainSerializer(lambda time: time and time.total_seconds(), return_type=float | None, when_used="json"),
    ] = None
    hold_until: Annotated[
        datetime | None,
        PlainValidator(_hold_until),
        PlainSerializer(lambda moment: moment and moment.isoformat(), return_type=str | None, when_used="json"),
    ] = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            notify: Iterable[Notice] | str | None = None,
            ret: Returned | None = None,
            envid: str | None = None,
            require_tls: bool = False,
            hold_for: timedelta | float | None = None,
            hold_until: datetime | None = None,
        ) -> None: ...
    else:

        def __init__(self, **options: object) -> None:
            try:
                super().__init__(**options)
            except ValidationError as error:
                raise _told(error) from None
            if self.hold_for is not None and self.hold_until is not None:
                raise MessageError("hold_for and hold_until: one of them is enough", field="hold_for", hint=_HINT)

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the options that ask for something."""
        return tuple(name for name in type(self).model_fields if getattr(self, name))

    @property
    def seconds(self) -> int:
        """`hold_for` in whole seconds, never less; 0 where it is not given."""
        return math.ceil(self.hold_for.total_seconds()) if self.hold_for else 0

    @property
    def moment(self) -> str:
        """`hold_until` as RFC 3339 writes it in UTC, in whole seconds, never before it; "" where it is not given."""
        if self.hold_until is None:
            return ""
        whole = self.hold_until + timedelta(microseconds=-self.hold_until.microsecond % 1_000_000)
        return f"{whole:%Y-%m-%dT%H:%M:%SZ}"


def _told(error: ValidationError) -> MessageError:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"])) or "options"
    words = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        near = meant(field, SubmissionOptions.model_fields)
        words = "there is no such option" + (f"; did you mean {near!r}?" if near else "")
    return MessageError(f"{field}: {words}", field=field, hint=_HINT)
