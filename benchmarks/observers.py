"""What observers cost: `python -m benchmarks.observers` prints a table; nothing is asserted about time.

One process sends the same messages through a mailer of each kind, in turns, to the sink in node; the CPU time is that
of the whole process, its threads included. Medians over the rounds, and ratios within a round. "None, once more" is
the same as "none", and shows how far a ratio may be from 1 by chance. What a send without observers does for them is
measured by itself, in nanoseconds. `--count` counts instructions under valgrind instead, which no other load of the
machine changes; `--count FOLDER…` counts "none" in other checkouts too.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import trustme

from benchmarks.observed import BARE, KINDS, WITH_SDK, mailer, message
from sendkit._delivery.watch import telling_of

_ROUNDS, _MESSAGES = 40, 100
_FEW, _MORE = 20, 1020
_HERE = Path(__file__).parent
_AGAIN = "none, once more"
_COLLECTED = re.compile(r"Collected : (\d+)")


async def measure(port: int, authority: str, rounds: int) -> dict[str, list[float]]:
    """Microseconds of CPU a message, for each kind in each round."""
    mailers = {name: mailer(name.partition(",")[0], port, authority) for name in (*KINDS, _AGAIN)}
    letter, found = message(), {name: list[float]() for name in mailers}
    for one in mailers.values():
        await one.send(letter)
    names = list(mailers)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            before = time.process_time()
            for _ in range(_MESSAGES):
                await mailers[name].send(letter)
            await asyncio.sleep(0.05)  # what is told later belongs to it too
            found[name].append((time.process_time() - before) / _MESSAGES * 1e6)
    for one in mailers.values():
        await one.aclose()
    return found


def unused() -> float:
    """Nanoseconds that a send without observers takes to find out that there are none."""
    times = 200_000
    asked = timeit.repeat("telling_of(watch) is None", globals={"telling_of": telling_of, "watch": None}, number=times)
    return min(asked) / times * 1e9


def table(found: dict[str, list[float]]) -> str:
    """In Markdown."""
    lines = [
        "### observers: CPU time of one message",
        "",
        "| observers | CPU, µs each | more than none | ratio to none |",
        "|---|---|---|---|",
    ]
    for name, each in found.items():
        more, ratio = _more(found, name), median(one / none for one, none in zip(each, found["none"], strict=True))
        own = (
            f", of which {more - _more(found, BARE):.1f} are ours, and the rest the SDK's own"
            if name == WITH_SDK
            else ""
        )
        lines.append(f"| {name} | {median(each):.0f} | {more:.1f}{own} | {ratio:.2f} |")
    return "\n".join([*lines, f"| none: what a send does to find out | {unused() / 1000:.3f} | | |", ""])


def _more(found: dict[str, list[float]], name: str) -> float:
    """Microseconds that it takes more than no observer, within a round."""
    return median(one - none for one, none in zip(found[name], found["none"], strict=True))


def count(kind: str, port: int, authority: str, checkout: Path = _HERE.parent) -> float:
    """Instructions of one message."""

    def run(messages: int) -> int:
        with tempfile.NamedTemporaryFile() as told:
            valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={told.name}"]
            program = [sys.executable, str(_HERE / "observed.py"), kind, str(port), authority, str(messages)]
            environ = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONHASHSEED": "0"}
            subprocess.run([*valgrind, *program], check=True, env=environ, cwd=checkout)
            collected = _COLLECTED.search(Path(told.name).read_text())
        assert collected is not None, "callgrind says what it has counted"
        return int(collected[1])

    return (run(_MORE) - run(_FEW)) / (_MORE - _FEW)


def counts(port: int, authority: str, checkouts: list[str]) -> str:
    """In Markdown."""
    found = {name: count(name, port, authority) for name in KINDS}
    found |= {f"none, in {path}": count("none", port, authority, Path(path)) for path in checkouts}
    lines = [
        "### observers: instructions of one message",
        "",
        "| observers | thousands | ratio to none |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {each / 1000:.0f} | {each / found['none']:.3f} |" for name, each in found.items()]
    return "\n".join([*lines, ""])


@contextmanager
def sink() -> Iterator[tuple[int, str]]:
    """The port of a server that takes everything, and its authority."""
    with tempfile.TemporaryDirectory() as made:
        folder, authority = Path(made), trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        command = ["node", _HERE / "sink.mjs", folder / "key.pem", folder / "cert.pem", "PIPELINING", "CHUNKING"]
        running = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert running.stdout is not None
            yield json.loads(running.stdout.readline())["port"], str(folder / "ca.pem")
        finally:
            running.kill()
            running.communicate()


def main(arguments: list[str], rounds: int = _ROUNDS) -> None:
    """Start the sink, measure, and print."""
    with sink() as (port, authority):
        if arguments[:1] == ["--count"]:
            print(counts(port, authority, arguments[1:]))
        else:
            print(table(asyncio.run(measure(port, authority, rounds))))


if __name__ == "__main__":
    main(sys.argv[1:])
