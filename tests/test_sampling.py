"""A sample meets every value of every dimension, and what it leaves out runs at night."""

from __future__ import annotations

import pytest

from tests.sampling import one_in

MODES, PLACES, FAULTS = "abc", "1234567", [True, False]


def test_what_a_sample_leaves_out_is_marked_nightly_and_nothing_is_lost() -> None:
    cases = one_in(3, MODES, PLACES, FAULTS)
    assert len({case.values for case in cases}) == 3 * 7 * 2
    assert sum(not case.marks for case in cases) == 14
    assert all([mark.name for mark in case.marks] in ([], ["nightly"]) for case in cases)


@pytest.mark.parametrize(("step", "missed"), [(2, r"\[False\]"), (20, r"\['2', '3', '5', '6'\]")])
def test_a_step_that_would_leave_out_a_value_is_refused(step: int, missed: str) -> None:
    with pytest.raises(AssertionError, match=f"one in {step} leaves out {missed}"):
        one_in(step, MODES, PLACES, FAULTS)
