"""How the suite runs: spread over workers by `-n auto`, and without what is marked `nightly`.

`-n auto` starts three workers for each core, since many tests wait for a server. Each takes a stretch of the suite and
steals from the other when it is done, so that a server is started once by most workers, and by none twice.
`-m nightly` chooses the tests that take long, `-m 'nightly or not nightly'` all of them; `.ci/nightly` runs them.
`--sample 7` runs each test with one in seven of its cases; a prime number meets every value of a table of any width.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests import own_process

_REAL = {
    "dovecot_lmtp",
    "opensmtpd",
    "postfix_server",
    "exim_server",
    "one_browser",
    "one_secret_service",
    "one_empty_secret_service",
    "unanswered_secret_service",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of a sample."""
    parser.addoption("--sample", type=int, default=1, metavar="N", help="run each test with one in N of its cases")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, and what is compiled last."""
    config.addinivalue_line("markers", "nightly: takes long; runs with -m nightly alone")
    config.addinivalue_line("markers", "waits: for seconds, of which it computes nothing; runs before all others")
    _keep_bytecode()
    config.addinivalue_line("markers", "real_server: needs a server of this machine; set where a fixture starts one")


def _keep_bytecode() -> None:
    """Each worker compiles all tests, and hundreds of subprocesses sendkit, unless what one has compiled is kept."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a real server; leave out what is for the night, unless it was asked for, and keep a sample.

    What waits for seconds comes first.
    """
    for item in items:
        if item.get_closest_marker("postfix") or not _REAL.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("real_server")
    if own_process.inside:
        return
    nightly = "nightly" in config.option.markexpr
    kept = [item for item in items if nightly or not item.get_closest_marker("nightly")]
    kept = _sample(kept, config.option.sample)
    if left_out := set(items) - set(kept):
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    # One worker waits while the others compute; at the end of the run there would be no others.
    items[:] = sorted(kept, key=lambda item: item.get_closest_marker("waits") is None)


def _sample(items: list[pytest.Item], step: int) -> list[pytest.Item]:
    cases: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    for item in items:
        function = item.nodeid.partition("[")[0]
        if cases[function] % step == 0:
            kept.append(item)
        cases[function] += 1
    return kept


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests are made without a look for garbage, and set aside: they stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """What a file of tests has loaded is set aside like the tests: else each look for garbage would go through it."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three for each core that this process may use; PYTEST_XDIST_AUTO_NUM_WORKERS says otherwise."""
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or 3 * _cores())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Stretches of the suite rather than single tests, unless `--dist` says otherwise."""
    if config.option.dist != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling  # noqa: PLC0415 - only where xdist is used

    return WorkStealingScheduling(config, log)
