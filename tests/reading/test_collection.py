"""Caught messages: numbers that stay, a bound on memory, and changes that can be asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sendkit import Envelope
from sendkit._reading.caught import CaughtMessage
from sendkit._reading.collection import Collection, Refusal


def message(size: int = 10) -> CaughtMessage:
    return CaughtMessage(Envelope("ana@example.com", ["luis@example.com"]), b"x" * size)


def test_the_oldest_are_dropped_beyond_the_limit() -> None:
    collection = Collection(limit=2)
    for _ in range(3):
        collection.add(message())
    assert (collection.news().added, len(collection), collection.total) == ((2, 3), 2, 3)


def test_the_octets_are_bounded_too_but_the_newest_is_always_held() -> None:
    collection = Collection(octets=100)
    for _ in range(3):
        collection.add(message(50))
    assert collection.news().added == (2, 3)
    collection.add(message(1_000))
    assert collection.news().added == (4,)


def test_refusals_are_news_and_are_bounded() -> None:
    collection = Collection()
    for number in range(1_000):
        collection.refuse(Refusal(number, datetime.now(UTC), "why", "hint"))
    assert collection.news(0).version == 1_000
    assert (len(collection.refusals), collection.refused) == (100, 1_000)
    collection.clear()
    assert not collection.refusals


@given(st.lists(st.one_of(st.just("add"), st.just("clear"), st.just("ask"), st.integers(1, 12)), max_size=60))
def test_who_follows_the_news_holds_what_the_collection_holds(steps: list[str | int]) -> None:
    collection, seen, held = Collection(limit=5), 0, set[int]()
    for step in [*steps, "ask"]:
        if step == "add":
            collection.add(message())
        elif step == "clear":
            collection.clear()
        elif isinstance(step, int):
            collection.remove(step)
        else:
            news = collection.news(seen)
            held = (set() if news.reset else held) - set(news.removed) | set(news.added)
            seen = news.version
    assert held == set(collection.news().added)


def test_who_asks_after_very_many_changes_is_told_everything_anew() -> None:
    collection = Collection(limit=1)
    for _ in range(6_000):
        collection.add(message())
    news = collection.news(1)
    assert (news.reset, news.added, news.removed) == (True, (6_000,), ())
    assert not collection.news(news.version).reset
