"""What a ledger keeps of a letter beside its message: what is asked of the server, and in which trace it was put."""

from __future__ import annotations

import json

from sendkit._submission import SubmissionOptions

_ORIGIN = "traceparent"


def kept_options(options: SubmissionOptions | None, origin: str | None) -> str | None:
    """Both as JSON; None where there is neither."""
    if origin is None:
        return None if options is None else options.model_dump_json(exclude_defaults=True)
    asked = {} if options is None else options.model_dump(mode="json", exclude_defaults=True)
    return json.dumps({**asked, _ORIGIN: origin})


def read_options(kept: str | None, uid: str) -> tuple[SubmissionOptions | None, str | None]:
    """Both; the letter's id is its name in reports, where the program gave none (RFC 3461)."""
    if kept is None:
        return None, None
    facts = json.loads(kept)
    origin = facts.pop(_ORIGIN, None)
    if not facts and origin is not None:
        return None, origin
    found = SubmissionOptions(**facts)
    asks = found.notify is not None or found.ret is not None
    return found.model_copy(update={"envid": uid}) if asks and found.envid is None else found, origin
