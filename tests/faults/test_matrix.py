"""Every fault at every place ends in the outcome of DESIGN.md 3: a sample; `python -m tests.faults` plays all of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from tests.each import each
from tests.servers.proxies import microsocks

from . import cuts, noise
from .cases import Case, check
from .matrix import Persistence, Scenario, Way, scenarios
from .play import PROXY
from .truth import Kind, Mode, Place

# Coprime to the lengths of all dimensions, so that every value of each meets every value of each other.
_STEP = 31
_SAMPLE = [scenario for number, scenario in enumerate(scenarios()) if number % _STEP == 0]


def findings(cases: list[Case]) -> dict[str, list[str]]:
    """What is not as promised, by case; an empty one says that all is well."""
    checked = {str(case): check(case) for case in cases}
    return {
        name: [f"{finding.count}: {finding.words}" for finding in found] for name, found in checked.items() if found
    }


@pytest.mark.parametrize("place", Place)
def test_a_fault_at_any_place_ends_in_the_outcome_that_the_design_promises(place: Place) -> None:
    assert findings([scenario for scenario in _SAMPLE if scenario.place is place]) == {}


# Other numbers, so that the samples of all ways together see more of the matrix.
_STEPS = {Way.SOCKS: 167, Way.LMTP: 67}


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("way", _STEPS)
def test_and_so_it_does_through_a_proxy_and_over_lmtp(way: Way, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with microsocks() if way is Way.SOCKS else nullcontext(0) as proxy:
        monkeypatch.setenv(PROXY, str(proxy))
        assert findings([scenario for scenario in _sample(way) if scenario.place is place]) == {}


@cache
def _sample(way: Way) -> list[Scenario]:
    return list(scenarios(way))[:: _STEPS[way]]


@each(product(Kind, Mode))
def test_the_sample_has_every_kind_of_fault_in_every_mode(kind: Kind, mode: Mode) -> None:
    assert any(scenario.fault.kind is kind and scenario.mode is mode for scenario in _SAMPLE)


def test_every_fault_at_every_place_is_met_with_a_transcript_and_without_one() -> None:
    """Without one is how most programs run, and then nothing is written down at all."""
    met = {(scenario.place, scenario.fault_name, scenario.transcript) for scenario in scenarios()}
    assert met == {(place, fault, transcript) for place, fault, _ in met for transcript in (True, False)}
    assert {(scenario.fault.kind, scenario.transcript) for scenario in _SAMPLE} >= set(product(Kind, (True, False)))


@pytest.mark.parametrize("mode", Mode)
def test_a_session_cut_after_any_octet_leaves_nobody_with_a_false_answer(mode: Mode) -> None:
    assert findings([cut for cut in cuts.cuts(step=131) if cut.mode is mode]) == {}


def test_random_answers_make_no_foreign_exception_and_no_false_acceptance() -> None:
    assert findings(list(noise.noises(90))) == {}


def test_the_whole_matrix_has_no_scenario_twice_and_a_truth_for_each() -> None:
    whole = list(scenarios())
    assert len(set(whole)) == len(whole)
    assert all(fates for scenario in whole for fates in scenario.truth().values())


def test_what_is_in_doubt_stays_so_whatever_a_retry_would_say() -> None:
    for scenario in scenarios():
        if scenario.place is Place.END and scenario.fault.kind is Kind.LOST and not scenario.refusal:
            assert scenario.truth() == replace(scenario, persistence=Persistence.NO_RETRY).truth()
