"""A thread of ours may be left to itself."""

from __future__ import annotations

import threading

import pytest

from sendkit._lifetime import threads


def test_who_waits_for_a_moment_does_not_wait_for_a_call_that_hangs() -> None:
    over, ended = threading.Event(), threading.Event()

    def hang() -> None:
        over.wait()
        ended.set()

    threads.within(0.01, hang)
    assert not ended.is_set()
    over.set()
    ended.wait()


def test_who_waits_for_a_moment_is_told_what_went_wrong() -> None:
    def fail() -> None:
        raise ValueError("not a certificate")

    with pytest.raises(ValueError, match="not a certificate"):
        threads.within(60, fail)
