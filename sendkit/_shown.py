"""What `help()` shows of a constructor that takes `**settings`: the names of its fields, and what each is by itself."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter, Signature


class _MadeForEach:
    def __repr__(self) -> str:
        return "..."


MADE_FOR_EACH = _MadeForEach()
"""In the place of a default that each value makes for itself."""


def signature_of(fields: Iterable[tuple[str, object, object]]) -> Signature:
    """The signature of a constructor with these fields: name, default and type (`Parameter.empty`: none is shown)."""
    shown = [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)]
    for name, default, annotation in fields:
        shown.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation))
    return Signature(shown)
