"""All sorts of cases under one roof, so that any of them can be handed to another process and played there.

Knows: which module plays which sort. Must not know: what comes of it.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from sendkit._transport.refusals import REFUSALS

from . import cuts, noise, play
from .cuts import Cut
from .matrix import Scenario, Way, scenarios
from .noise import Noise
from .truth import Kind, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .checks import Finding

Case: TypeAlias = Scenario | Cut | Noise
SECTIONS: Mapping[str, Callable[[], Iterator[Case]]] = {
    "matrix": scenarios,
    "socks": partial(scenarios, Way.SOCKS),
    "lmtp": partial(scenarios, Way.LMTP),
    "cuts": cuts.cuts,
    "noise": noise.noises,
}


def prepare() -> None:
    """Load all that a case needs, so that the search for garbage behind each of them has little to look through."""
    cuts.session(Mode.CHUNKING)
    gc.collect()
    gc.freeze()


def check(case: Case) -> list[Finding]:
    """Play one case of any sort, and say what is not as promised."""
    found = _play(case)
    # A busy machine makes any server look silent: where a short limit is at stake, only what is found again counts.
    return _play(case, slack=8) if found and _is_short(case) else found


def _play(case: Case, slack: float = 1) -> list[Finding]:
    # The next case may get the same port, and a process does not send there what was refused before.
    REFUSALS.forget()
    match case:
        case Scenario():
            return play.run(case)
        case Cut():
            return cuts.run(case)
        case Noise():
            return noise.run(case, slack)


def _is_short(case: Case) -> bool:
    return isinstance(case, Noise) or (isinstance(case, Scenario) and case.fault.kind is Kind.SILENT)
