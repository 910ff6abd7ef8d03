"""The table of a message's fields: what checks each of them, and what it is where it is not given.

Makes the fields of a message from what its author gives, and says which field is wrong. Must not know pydantic beyond
turning its ValidationError into a MessageError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, NoReturn

from sendkit._message import accept, purpose
from sendkit._message.invite import invite
from sendkit._message.mailbox import mailboxes_of
from sendkit._shown import MADE_FOR_EACH, signature_of
from sendkit._smtp.address import AddressError
from sendkit._spelling import meant
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from pydantic import ValidationError

_FIELDS: dict[str, tuple[Callable[[object], object], object]] = {
    "sender": (accept.sender, None),
    "to": (mailboxes_of, ()),
    "cc": (mailboxes_of, ()),
    "bcc": (mailboxes_of, ()),
    "reply_to": (mailboxes_of, ()),
    "subject": (accept.subject, ""),
    "text": (accept.body("text"), None),
    "html": (accept.body("html"), None),
    "inline": (accept.inline, accept.no_pictures()),
    "attachments": (accept.attachments, ()),
    "headers": (accept.headers, accept.no_headers()),
    "unsubscribe": (purpose.unsubscribe, None),
    "auto_submitted": (purpose.auto_submitted, None),
    "priority": (purpose.priority, None),
    "in_reply_to": (purpose.in_reply_to, None),
    "references": (purpose.references, ()),
    "calendar": (invite, None),
    "message_id": (accept.message_id, None),
    "date": (accept.date, None),
    "boundary": (accept.boundary, None),
}
MADE_HERE = frozenset({"message_id", "date", "boundary"})
"""What each message makes for itself, and hardly anybody gives."""

CHECKS: Mapping[str, Callable[[object], object]] = {name: check for name, (check, _) in _FIELDS.items()}
DEFAULTS: dict[str, object] = {name: default for name, (_, default) in _FIELDS.items()}


def made(data: Mapping[str, object]) -> tuple[dict[str, Any], set[str]]:
    """The fields of a message with these `data`, and the names of those that were given.

    Raises MessageError for the first of the table that is wrong, or that is not in it.
    """
    filled = accept.completed(data)
    fields: dict[str, Any] = DEFAULTS.copy()
    name = ""
    try:
        for name, value in filled.items():
            fields[name] = CHECKS[name](value)
    except (ValueError, AssertionError, KeyError) as error:
        _refuse_first(filled, name, error)
    if fields["message_id"] is None:
        fields["message_id"] = accept.message_id_for(fields)
    if fields["date"] is None:
        fields["date"] = accept.now()
    if fields["boundary"] is None:
        fields["boundary"] = accept.new_boundary()
    if fields["attachments"] or "inline" in filled or "headers" in filled:
        accept.parts(fields)
    return fields, set(data) if filled is data else given(data, filled)


def given(data: Mapping[str, object], filled: Mapping[str, object]) -> set[str]:
    """The names of the fields that the author gave, of those that were filled in."""
    return set(filled.keys() & data.keys()).difference(accept.derived(data))


def _refuse_first(filled: Mapping[str, object], found: str, error: Exception) -> NoReturn:
    """Raise what is wrong with the first field of the table; of those before `found`, some may not be checked yet."""
    names = list(filled)
    unchecked = names[names.index(found) + 1 :]
    for name, check in CHECKS.items():
        if name == found:
            break
        if name in unchecked:
            try:
                check(filled[name])
            except (ValueError, AssertionError) as before:
                _refuse(name, before)
    _refuse(found, error)


def _refuse(field: str, error: Exception) -> NoReturn:
    """Raise what a check raised as a MessageError that names the field."""
    if isinstance(error, KeyError):
        if field in CHECKS:
            raise error
        raise _unknown(field) from None
    fault = _fault(field, error)
    if fault is error:
        raise error
    raise fault from error


def _fault(field: str, error: Exception) -> MessageError:
    if isinstance(error, AddressError):
        return MessageError(f"{field}: {error.problem}", field=field, hint=error.hint)
    if isinstance(error, MessageError):
        return error
    said = f"{'Value error' if isinstance(error, ValueError) else 'Assertion failed'}, {error}"
    return MessageError(f"{field}: {said}", field=field, hint=_DOCUMENTED)


_DOCUMENTED = "see the documentation of Message"


def message_error(error: ValidationError) -> MessageError:
    """pydantic's ValidationError as a MessageError that names the first field at fault."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else None
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, MessageError | AddressError):
        return _fault(str(field), cause)
    if first["type"] == "missing":
        return MessageError(f"{field} is missing", field=field, hint=f"give {field}=…")
    if first["type"] == "extra_forbidden":
        return _unknown(str(field))
    return MessageError(f"{field}: {first['msg']}", field=field, hint=_DOCUMENTED)


def _unknown(field: str) -> MessageError:
    names = [name for name in CHECKS if name not in MADE_HERE]
    near = meant(field, names)
    hint = f"did you mean {near}?" if near else f"known are {', '.join(names)}"
    return MessageError(f"a message has no field {field[:80]!r}", field=field, hint=hint)


def signature() -> Signature:
    """What a message takes, for `help()`."""
    unseen = MADE_HERE | {"inline", "headers"}  # empty mappings of ours, which nobody would write
    fields = {name: MADE_FOR_EACH if name in unseen else default for name, default in DEFAULTS.items()}
    return signature_of((name, default, Parameter.empty) for name, default in fields.items())
