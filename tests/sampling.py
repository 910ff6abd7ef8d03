"""Long tables of cases: a sample of them runs with the suite, and the rest with what is marked `nightly`."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product

import pytest
from _pytest.mark import ParameterSet


def one_in(step: int, *dimensions: Collection[object]) -> list[ParameterSet]:
    """The parameters of every case of these dimensions, of which one in `step` runs with the suite.

    That sample has every value of every dimension, or the step is refused.
    """
    cases = list(product(*dimensions))
    for values, met in zip(dimensions, zip(*cases[::step], strict=True), strict=True):
        missed = [value for value in values if value not in met]
        assert not missed, f"one in {step} leaves out {missed}"
    marks = [()] + [(pytest.mark.nightly,)] * (step - 1)
    return [pytest.param(*case, marks=marks[number % step]) for number, case in enumerate(cases)]
