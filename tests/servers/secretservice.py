"""A real Secret Service: gnome-keyring on a D-Bus of its own, in a temporary folder, with a login keyring or without.

It knows the freedesktop Secret Service (through `secretstorage`) and where Python's `keyring` keeps its entries there.
Nobody finds it but by `environment`: the bus activates nothing, has no X display, and is not the user's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import secretstorage
from jeepney import DBusAddress, MessageType, new_method_call, new_method_return  # type: ignore[import-untyped]  # it has no types yet
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]

from .keeper import Command, Keeper

_APPLICATION = "Python keyring library"  # keyring's own attribute, without which it does not find an entry of ours
_PROMPTER = "org.gnome.keyring.SystemPrompter"
_SECRETS = {"object_path": "/org/freedesktop/secrets", "bus_name": "org.freedesktop.secrets"}
_SERVICE = DBusAddress(interface="org.freedesktop.Secret.Service", **_SECRETS)
# The daemon's own way to unlock without a prompt (pkcs11/secret-store/gkm-secret-service in its source).
_DAEMON = DBusAddress(interface="org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", **_SECRETS)
_MASTER = "the login password"
_BUS_CONFIG = """\
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""


class SecretService:
    """The running service, until `close`. With `login_keyring=False` it has no keyring, as where nobody ever logged in.

    A locked keyring that nobody can be asked to unlock is refused at once (`keyring.errors.KeyringLocked`).
    """

    def __init__(self, *, login_keyring: bool = True) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sendkit-keyring-"))
        self._socket = self._folder / "bus"
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._keeper = Keeper(self._folder, [self._command(login_keyring)])
            undo.callback(self._keeper.stop)
            self._keeper.wait_until(self._answers)
            self._home = {"data", *(path.name for path in self._folder.iterdir())}
            self._undo = undo.pop_all()

    @staticmethod
    def missing() -> str | None:
        """Why this service cannot be started here, and what to do about it; None if it can."""
        if not all(map(shutil.which, ("dbus-run-session", "gnome-keyring-daemon"))):
            return "D-Bus or GNOME's keyring is missing: apt-get install dbus gnome-keyring"
        return None

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process must have in its environment to find this service, and nothing of the user's."""
        home = {f"XDG_{kind}_HOME": str(self._folder / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE")}
        return {
            "HOME": str(self._folder),
            "XDG_RUNTIME_DIR": str(self._folder),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self._socket}",
            **home,
        }

    def set(self, service: str, username: str, password: str) -> None:
        """Store a password where `keyring.get_password(service, username)` finds it."""
        attributes = {"application": _APPLICATION, "service": service, "username": username}
        with closing(self._connect()) as bus:
            collection = secretstorage.get_default_collection(bus)
            collection.create_item(f"{username} on {service}", attributes, password.encode(), replace=True)

    def get(self, service: str, username: str) -> str | None:
        """The password that is stored under these names; None if there is none."""
        with closing(self._connect()) as bus:
            found = secretstorage.search_items(bus, {"service": service, "username": username})
            return next((item.get_secret().decode() for item in found), None)

    def lock(self) -> None:
        """Lock the login keyring, as a screen lock does."""
        with closing(self._connect()) as bus:
            secretstorage.get_default_collection(bus).lock()

    def unlock(self) -> None:
        """Unlock the login keyring, as its owner does."""
        with closing(self._connect()) as bus:
            _, session = bus.send_and_get_reply(
                new_method_call(_SERVICE, "OpenSession", "sv", ("plain", ("s", "")))
            ).body
            path = secretstorage.get_default_collection(bus).collection_path
            secret = (session, b"", _MASTER.encode(), "text/plain")
            answer = bus.send_and_get_reply(
                new_method_call(_DAEMON, "UnlockWithMasterPassword", "o(oayays)", (path, secret))
            )
            assert answer.header.message_type is MessageType.method_return, answer.body

    def reset(self) -> None:
        """As it was when it began: unlocked and empty, and nothing of a test's in its home."""
        self.unlock()
        with closing(self._connect()) as bus:
            for item in secretstorage.get_default_collection(bus).get_all_items():
                item.delete()
        for left in self._folder.iterdir():
            if left.name in self._home:
                continue
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def open_prompts_that_nobody_answers(self) -> None:
        """From now on a locked keyring asks somebody who never answers for its password: the look-up never returns."""
        bus = self._connect()
        bus.bus_proxy.RequestName(_PROMPTER)
        threading.Thread(target=_open_prompts, args=(bus,), daemon=True).start()

    def close(self) -> None:
        """End the service and its bus and remove their folder."""
        self._undo.close()

    def _command(self, login_keyring: bool) -> Command:
        config = self._folder / "bus.conf"
        config.write_text(_BUS_CONFIG.format(socket=self._socket))
        bus = ["dbus-run-session", f"--config-file={config}", "--"]
        daemon = ["gnome-keyring-daemon", "--foreground", "--components=secrets", f"--control-directory={self._folder}"]
        environment = {"PATH": os.environ.get("PATH", os.defpath), **self.environment}
        if login_keyring:
            return Command([*bus, *daemon, "--unlock"], environment, stdin=_MASTER)
        return Command([*bus, *daemon], environment)

    def _connect(self) -> DBusConnection:
        return open_dbus_connection(f"unix:path={self._socket}")

    def _answers(self) -> bool:
        with suppress(OSError), closing(self._connect()) as bus:
            return secretstorage.check_service_availability(bus)
        return False


def _open_prompts(bus: DBusConnection) -> None:
    """Agree to every prompt and never show it, until the bus has gone."""
    with closing(bus), suppress(ConnectionResetError):
        while True:
            message = bus.receive()
            if message.header.message_type is MessageType.method_call:
                bus.send(new_method_return(message))
