"""Fuzzes `sendkit/config.toml`: any octets in the file are accounts, or a ConfigurationError without the secret.

The secret is one that somebody wrote there anyway, behind `password` or in a URL.
"""

# ruff: noqa: S101, S105, PT017 - an oracle asserts, and its secret is none

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from pathlib import Path

from fuzz.engine import Campaign, instrumented, main

_, config, errors = instrumented(["sendkit._accounts.config", "sendkit._plan.named", "sendkit.errors"])

SECRET = "c0rrect-horse-battery"
_SECRET_PLACES = (f'\npassword = "{SECRET}"'.encode(), f'\nurl = "smtp+starttls://ana%40example.com:{SECRET}@'.encode())
_FOLDER = Path(tempfile.mkdtemp(prefix="sendkit-fuzz-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def check(data: bytes) -> None:
    """Read the octets as the file. Raises AssertionError."""
    file = _FOLDER / "config.toml"
    file.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = config.account_named("work", file)
    except errors.ConfigurationError as refused:
        # Where it stands as the host or the name of something, that is what it is.
        if data.count(SECRET.encode()) == 1 and any(place in data for place in _SECRET_PLACES):
            assert SECRET not in f"{refused!r} {refused}"
        assert refused.__context__ is None
        return
    assert found.name == "work"
    assert found.accounts()
    assert "password" not in found.options


SEEDS = (
    b'[accounts.work]\nprovider = "gmail"\nusername = "ana@example.com"\n',
    (
        b'[defaults]\nrate = "30/minute"\n[accounts.work]\nhost = "smtp.example.com"\nport = 465\n'
        b'security = "implicit_tls"\npassword_command = ["pass", "show", "mail"]\nbackups = ["b"]\n'
        b'[accounts.b]\nhost = "b.example.com"\n'
    ),
    b'[accounts.a]\ninherits = "work"\n[accounts.work]\ninherits = "a"\n',
    b'[accounts.work]\nurl = "smtp+starttls://ana%40example.com:c0rrect-horse-battery@smtp.example.com:587"\n',
    b'[accounts.work]\nhost = "smtp.example.com"\npassword = "c0rrect-horse-battery"\n',
    (
        b'[accounts.work]\nhost = "smtp.example.com"\nknown_hosts = true\nminimum_tls = "1.3"\npins = []\n'
        b"timeouts = { connect = 5.5 }\n"
    ),
)
TOKENS = (
    b"[accounts.work]", b"[defaults]", b"inherits = ", b"host = ", b"url = ", b"port = ", b"password = ", b'"', b"'",
    b"[" * 80, b"{", b"}", b"\n", b"=", b"true", b"-1", b"1e400", b"nan", b"inf", b"9" * 30, b"1979-05-27", b"\\u0000",
    b"\x00", b"\xff", b"smtp://", b"@", b'["a"]', b"backups = ", b"\\ud800", b"pins = ",
    b"timeouts = ",
)  # fmt: skip

if __name__ == "__main__":
    main(Campaign(["sendkit._accounts.config"], check, SEEDS, TOKENS))
