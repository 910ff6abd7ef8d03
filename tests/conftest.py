"""What every test starts from: nothing of the user's, and hypothesis at a pace that HYPOTHESIS_PROFILE chooses.

No test sees the user's keyring, D-Bus, display, home or SENDKIT_ settings; `secret_service` puts a keyring back.
The examples of properties are the same in every run, however busy the machine is and whatever ran before.
HYPOTHESIS_PROFILE=nightly (with `--timeout=0`) draws new ones, thousands of times as many, or HYPOTHESIS_EXAMPLES.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from keyring.core import load_keyring, set_keyring

from sendkit._transport.refusals import REFUSALS

pytest_plugins = ["tests.own_process", "tests.workers", "tests.servers.fixtures"]

examples = int(os.environ.get("HYPOTHESIS_EXAMPLES", "100000"))
at_any_pace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", at_any_pace, max_examples=40, derandomize=True)
settings.register_profile("nightly", at_any_pace, max_examples=examples)
profile = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(profile)
if profile == "default" and hasattr(providers, "_get_local_constants"):
    # It draws the constants of modules too, so that examples would depend on what other tests have loaded.
    providers._get_local_constants = lambda: providers._local_constants

_OF_THE_USER = {"CREDENTIALS_DIRECTORY", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}
_HOMES = (
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "LOCALAPPDATA",
)


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def isolated(_home: Path) -> Iterator[None]:
    """Hide the user's settings and keyring from each test, and what one test wrote into its home from the next."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SENDKIT_") or name in _OF_THE_USER]:
            patch.delenv(name)
        for name in _HOMES:
            patch.setenv(name, str(_home))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        set_keyring(load_keyring("keyring.backends.null.Keyring"))
        REFUSALS.forget()
        yield
    for left in _home.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
