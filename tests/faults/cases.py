"""All sorts of cases under one roof, so that any of them can be handed to another process and played there.

Knows: which module plays which sort. Must not know: what comes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from . import cuts, noise, play
from .cuts import Cut
from .matrix import Scenario, scenarios
from .noise import Noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .checks import Finding

Case: TypeAlias = Scenario | Cut | Noise
SECTIONS: Mapping[str, Callable[[], Iterator[Case]]] = {
    "matrix": scenarios,
    "cuts": cuts.cuts,
    "noise": noise.noises,
}


def check(case: Case) -> list[Finding]:
    """Play one case of any sort, and say what is not as promised."""
    match case:
        case Scenario():
            return play.run(case)
        case Cut():
            return cuts.run(case)
        case Noise():
            return noise.run(case)
