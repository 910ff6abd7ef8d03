"""What a program pays once, in few rounds: its start, its imports, and memory that stays.

`python -m benchmarks.little` prints JSON, for `--check` and the log. Ratios are of CPU time, in turns, and their median
counts; octets are as Python and the system have counted them. Must not know: what is made of the figures.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from benchmarks import cold_start, footprint, imports
from benchmarks.install import ROOT

if TYPE_CHECKING:
    from benchmarks.install import Installation
    from benchmarks.log import Figures

_ROUNDS, _PROCESSES = 11, 3
START, IMPORTS, IDLE, RESULTS = "cold start", "imports", "idle mailer", "results"


def figures(installed: Installation) -> Figures:
    """The figures, as the log of runs has them, of the Python in which the works are done."""
    command = [str(installed.python), "-m", "benchmarks.little"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    found: Figures = json.loads(done.stdout)
    return found


def _measured() -> dict[str, dict[str, dict[str, Any]]]:
    kept, _ = imports.measure(_ROUNDS, others=())
    return {
        START: {"sendkit send": {"ratio": cold_start.measure(_ROUNDS)[0]}},
        IMPORTS: {one.promise.statement: {"ratio": one.ratio} for one in kept},
        IDLE: {"sendkit": {"octets": footprint.measure(footprint.IDLE, _PROCESSES)}},
        RESULTS: {"sendkit": {"octets": footprint.measure(footprint.RESULTS, _PROCESSES)}},
    }


if __name__ == "__main__":
    print(json.dumps(_measured()))
