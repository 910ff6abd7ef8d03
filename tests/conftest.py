"""What every test starts from: nothing of the user's, and hypothesis at a pace that HYPOTHESIS_PROFILE chooses.

No test sees the user's keyring, D-Bus, display, home or SENDKIT_ settings; `secret_service` puts a keyring back.
HYPOTHESIS_PROFILE=nightly (with `--timeout=0`) looks thousands of times longer, or HYPOTHESIS_EXAMPLES.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from keyring.core import load_keyring, set_keyring

from sendkit._transport.refusals import REFUSALS

pytest_plugins = ["tests.own_process", "tests.workers", "tests.servers.fixtures"]

settings.register_profile("default", deadline=None, max_examples=40)
examples = int(os.environ.get("HYPOTHESIS_EXAMPLES", "100000"))
settings.register_profile("nightly", deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

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
