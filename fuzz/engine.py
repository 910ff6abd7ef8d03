"""Feeds a target with octets until its time is up: by atheris where it is installed, by seeded mutation elsewhere.

Knows seeds, tokens, time and the count. Must not know what a target looks at.
"""

# ruff: noqa: S311, T201 - its dice need no secrecy, and it reports what it found

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_MAX_INPUT = 4096


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to run: the sendkit modules to measure, what checks one input, examples to start from, words to put in."""

    modules: Sequence[str]
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]


def instrumented(modules: Sequence[str]) -> list[ModuleType]:
    """Import the modules, with coverage where atheris is there to use it."""
    if find_spec("atheris") is None:
        return [import_module(name) for name in modules]
    with _atheris().instrument_imports(include=list(modules)):
        return [import_module(name) for name in modules]


def main(campaign: Campaign) -> None:
    """Read the command line, run, and print the count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = _mutate if find_spec("atheris") is None else _guided
    run(campaign, options.seconds, options.seed)


def _guided(campaign: Campaign, seconds: int, seed: int) -> None:
    atheris = _atheris()
    with tempfile.TemporaryDirectory(prefix="sendkit-fuzz-") as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, example in enumerate(campaign.seeds):
            (corpus / f"seed-{number}").write_bytes(example)
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(token)}"\n' for token in campaign.tokens), encoding="ascii")
        arguments = [f"-max_total_time={seconds}", f"-seed={seed}", f"-dict={words}", f"-max_len={_MAX_INPUT}"]
        atheris.Setup(
            [sys.argv[0], *arguments, f"-artifact_prefix={tempfile.gettempdir()}/", str(corpus)], campaign.check
        )
        atheris.Fuzz()  # prints "Done … runs", and ends the process


def _mutate(campaign: Campaign, seconds: int, seed: int) -> None:
    dice = random.Random(seed)
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        data = changed(campaign.seeds, campaign.tokens, dice)
        try:
            campaign.check(data)
        except BaseException:
            print(f"after {count} inputs (seed {seed}): {data!r}")
            raise
        count += 1
    print(f"Done {count} runs in {seconds} second(s), without atheris, seed {seed}: no finding")


def changed(seeds: Sequence[bytes], tokens: Sequence[bytes], dice: random.Random) -> bytes:
    """One of the examples, with some of it cut, doubled, or replaced by a token."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.randint(0, 12)):
        start = dice.randint(0, len(data))
        end = min(len(data), start + dice.choice((0, 0, 1, 2, 8)))
        new = dice.choice((dice.choice(tokens), dice.randbytes(1), data[: dice.randint(0, 40)], b""))
        data[start:end] = new
    return bytes(data[:_MAX_INPUT])


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in token)


def _atheris() -> Any:
    return import_module("atheris")
