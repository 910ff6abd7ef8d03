"""The fuzz targets hold on their own examples and on a few thousand changed ones; hours are for `python -m fuzz.…`."""

from __future__ import annotations

import random
from types import ModuleType

import pytest

from fuzz import addresses, challenges, configs, endpoints, messages, replies
from fuzz.engine import changed

_COUNTS = {replies: 300, addresses: 3_000, endpoints: 1_000, challenges: 50, messages: 300, configs: 300}


@pytest.mark.parametrize(("target", "count"), _COUNTS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_the_oracle_of_each_fuzz_target_agrees(target: ModuleType, count: int) -> None:
    dice = random.Random(1)
    for seed in target.SEEDS:
        target.check(seed)
    for _ in range(count):
        target.check(changed(target.SEEDS, target.TOKENS, dice))


def test_the_oracles_are_not_asleep() -> None:
    """Each finds what it is there for: a reader that forgives, a parser that cuts."""
    assert replies.by_hand(b"250-a\r\n550 b\r\n").refused
    assert replies.by_hand(b"250 a\r\n199 b\r\n") == replies.Reading(((250, None, "a"),), refused=True)
    assert addresses.split_by_hand('"a@evil x"@good.example') == ('"a@evil x"', "good.example")
    assert list(addresses.list_by_hand('"a, <b@c>" <d@e>, f@g (h@i)', header=True)) == ["d@e", "f@g"]
    with pytest.raises(AssertionError):
        addresses.split_by_hand("a@good.example@evil.example")
    with pytest.raises(AssertionError):
        addresses.path_by_hand("<a@b> AUTH=<c@d>")
