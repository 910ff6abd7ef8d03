"""The pytest fixtures of the real servers: each is started when the first test asks for it, and never by itself.

A server that cannot be started here skips its tests with the reason and the cure; with SENDKIT_REQUIRE_SERVERS=1, as in
`.ci/run`, it fails them. The user's own keyring and settings are out of sight already (`tests/conftest.py`).
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from keyring.core import load_keyring, set_keyring

from .authority import Authority
from .ports import nobody_listens

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .browser import Browser
    from .dovecot_lmtp import DovecotLMTP
    from .pgbouncer import PgBouncer
    from .postfix import Postfix
    from .postgresql import PostgreSQL
    from .secretservice import SecretService

_REQUIRED = os.environ.get("SENDKIT_REQUIRE_SERVERS") == "1"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority, with good and bad certificates for `localhost`."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback where nobody listens."""
    with nobody_listens() as port:
        yield port


@pytest.fixture(scope="session")
def postfix_server(authority: Authority) -> Iterator[Postfix]:
    """One Postfix for the whole run; tests ask for `postfix`, which is the same with nothing in it."""
    _need_linux()
    from .postfix import Postfix  # noqa: PLC0415 - needs a POSIX system to be imported

    _need(Postfix.missing())
    with closing(Postfix(authority)) as server:
        yield server


@pytest.fixture(scope="session")
def dovecot_lmtp() -> Iterator[DovecotLMTP]:
    """One LMTP server for the whole run, whose mailboxes fill."""
    _need_linux()
    from .dovecot_lmtp import DovecotLMTP  # noqa: PLC0415 - needs a POSIX system to be imported

    _need(DovecotLMTP.missing())
    with DovecotLMTP() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """One PostgreSQL for the whole run; tests ask it for a new database."""
    _need_linux()
    from .postgresql import PostgreSQL  # noqa: PLC0415 - needs a POSIX system to be imported

    _need(PostgreSQL.missing())
    with closing(PostgreSQL()) as server:
        yield server


@pytest.fixture
def pgbouncer(postgresql_server: PostgreSQL) -> Iterator[PgBouncer]:
    """A pooler before that PostgreSQL, in transaction pooling."""
    from .pgbouncer import PgBouncer  # noqa: PLC0415 - needs a POSIX system to be imported

    _need(PgBouncer.missing())
    with closing(PgBouncer(postgresql_server)) as pooler:
        yield pooler


@pytest.fixture
def postfix(postfix_server: Postfix) -> Postfix:
    """A submission server with empty mailboxes, a fresh greylist and a new log."""
    postfix_server.reset()
    return postfix_server


@pytest.fixture(scope="session")
def one_browser() -> Iterator[Browser]:
    """One browser for the whole run; tests ask for `browser`, which is the same on a desk again."""
    _need_linux()
    from .browser import Browser  # noqa: PLC0415 - needs a POSIX system to be started

    _need(Browser.missing())
    with closing(Browser()) as browser:
        yield browser


@pytest.fixture
def browser(one_browser: Browser) -> Browser:
    """A headless Chromium with a window of 1280 by 800 and a light theme."""
    one_browser.size(1280, 800)
    return one_browser


@pytest.fixture(scope="session")
def one_secret_service() -> Iterator[SecretService]:
    """One Secret Service for the whole run; tests ask for `secret_service`, which is the same with nothing in it."""
    with _started() as service:
        yield service


@pytest.fixture(scope="session")
def one_empty_secret_service() -> Iterator[SecretService]:
    """The same without a login keyring, which nobody can change."""
    with _started(login_keyring=False) as service:
        yield service


@pytest.fixture
def secret_service(isolated: None, one_secret_service: SecretService) -> Iterator[SecretService]:
    """An unlocked and empty Secret Service, which `keyring` uses meanwhile.

    Subprocesses find it by the environment. Within this process `secretstorage` opens a connection for every question
    and reads the environment each time. But `keyring` keeps its choice of a backend (`get_keyring`) and its list of
    viable ones (`backend.get_all_keyring`) for good: the Secret Service backend is set by name here, and the null
    backend afterwards. The connections that `keyring` leaves open when a keyring is locked are closed at the end.
    """
    one_secret_service.reset()
    with _used(one_secret_service):
        yield one_secret_service


@pytest.fixture
def empty_secret_service(isolated: None, one_empty_secret_service: SecretService) -> Iterator[SecretService]:
    """A Secret Service without a login keyring and without a display: `keyring.errors.InitError`."""
    with _used(one_empty_secret_service):
        yield one_empty_secret_service


@pytest.fixture
def unanswered_secret_service(isolated: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    """A locked Secret Service that asks for its password on a display where nobody answers: a look-up never returns.

    Look it up in a subprocess or a daemon thread only; at the end of the test such a thread gets ConnectionResetError.
    """
    with _started() as service, _used(service):  # one of its own: a look-up that never returns is stuck in it
        service.lock()
        service.open_prompts_that_nobody_answers()
        monkeypatch.setenv("DISPLAY", ":99")
        yield service


@contextmanager
def _started(*, login_keyring: bool = True) -> Generator[SecretService]:
    _need_linux()
    from .secretservice import SecretService  # noqa: PLC0415 - needs `secretstorage`, which keyring brings on Linux only

    _need(SecretService.missing())
    with closing(SecretService(login_keyring=login_keyring)) as service:
        yield service


@contextmanager
def _used(service: SecretService) -> Generator[None]:
    """Let `keyring` find this service, and nothing else."""
    with _every_connection_closed(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
        for name, value in service.environment.items():
            patch.setenv(name, value)
        set_keyring(load_keyring("keyring.backends.SecretService.Keyring"))
        try:
            yield
        finally:
            set_keyring(load_keyring("keyring.backends.null.Keyring"))


@contextmanager
def _every_connection_closed() -> Generator[None]:
    import secretstorage  # noqa: PLC0415 - on Linux only

    connect = secretstorage.dbus_init
    with ExitStack() as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr(secretstorage, "dbus_init", lambda: opened.enter_context(closing(connect())))
        yield


def _need_linux() -> None:
    _need(None if sys.platform == "linux" else "this server is started on Linux only")


def _need(missing: str | None) -> None:
    if missing and _REQUIRED:
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
