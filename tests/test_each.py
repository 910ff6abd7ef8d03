"""A test of a law for many values fails for each that breaks it, and names it."""

from __future__ import annotations

import pytest

from tests.each import each


def test_every_value_is_looked_at_and_each_that_breaks_the_law_is_named() -> None:
    seen: list[int] = []

    @each(range(4), called=lambda number: f"number {number}")
    def law(number: int) -> None:
        seen.append(number)
        assert number % 2 == 0, f"{number} is odd"

    with pytest.raises(AssertionError) as failed:
        law()
    assert seen == [0, 1, 2, 3]
    assert "'number 1': '1 is odd" in str(failed.value)
    assert "'number 3': '3 is odd" in str(failed.value)
    assert "number 2" not in str(failed.value)


def test_another_error_ends_it_and_says_for_which_value() -> None:
    @each([(1, 1), (1, 0)])
    def law(one: int, other: int) -> None:
        assert one / other

    with pytest.raises(ZeroDivisionError) as failed:
        law()
    assert failed.value.__notes__ == ["the law was looked at for (1, 0)"]


class TestMethod:
    """A law may be a method."""

    @each(["one", "two"])
    def test_it_gets_its_owner(self, text: str) -> None:
        assert isinstance(self, TestMethod)
        assert text


def test_a_law_of_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="nothing"):
        each([])
