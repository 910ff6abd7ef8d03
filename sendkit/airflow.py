"""Mail of Airflow through sendkit: a hook for connections, and `email_backend = sendkit.airflow.send_email`.

A connection of the type `sendkit` (or `smtp`) names the host, the port, the login and the password; its extra is JSON
with what a Server or a Mailer takes. Needs Airflow 3.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false, reportIncompatibleMethodOverride=false
# Airflow is not installed where this is checked.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from sendkit._accounts.server_settings import SERVER_SETTINGS
from sendkit._message.compose import AnyMessage
from sendkit._message.message import Message
from sendkit._server.server import Server
from sendkit._sync import Mailer
from sendkit.errors import ConfigurationError
from sendkit.results import DeliveryResult

try:
    from airflow.sdk import BaseHook
except ImportError:
    BaseHook = object

__all__ = ["SendkitHook", "send_email"]

_DEFAULT = "smtp_default"
# What Airflow's own hook reads from a connection of the type `smtp`; port 465 is implicit TLS, and all others STARTTLS.
_OF_SMTP_HOOK = (
    *("auth_type", "disable_ssl", "disable_tls", "from_email", "html_content_template"),
    *("retry_limit", "ssl_context", "subject_template", "timeout"),
)


class SendkitHook(BaseHook):  # type: ignore[misc]  # Airflow has no types here
    """Sends through the account of a connection; `settings` are those of a Mailer, and come before the extra's.

    Raises ConfigurationError without Airflow.
    """

    conn_name_attr: ClassVar[str] = "sendkit_conn_id"
    default_conn_name: ClassVar[str] = _DEFAULT
    conn_type: ClassVar[str] = "sendkit"
    hook_name: ClassVar[str] = "sendkit"

    def __init__(self, sendkit_conn_id: str = _DEFAULT, **settings: Any) -> None:
        if BaseHook is object:
            raise ConfigurationError("SendkitHook needs Airflow 3", hint="pip install 'apache-airflow>=3'")
        super().__init__()
        self.sendkit_conn_id: str = sendkit_conn_id
        self._settings = settings

    def get_conn(self) -> Mailer:
        """A mailer of your own: use it in a `with` statement. Raises ConfigurationError."""
        connection = self.get_connection(self.sendkit_conn_id)
        extra = {name: value for name, value in connection.extra_dejson.items() if name not in _OF_SMTP_HOOK}
        further = {name: extra.pop(name) for name in ("security", *SERVER_SETTINGS) if name in extra}
        server = Server(connection.host or "localhost", connection.port, **further)
        settings: dict[str, Any] = {"password": connection.password or None, **extra, **self._settings}
        return Mailer(server, username=connection.login or None, **settings)

    def send(self, message: AnyMessage, *, check: bool = True) -> DeliveryResult:
        """Send one message, and close the connection. Raises what `Mailer.send` does."""
        with self.get_conn() as mailer:
            return mailer.send(message, check=check)

    def test_connection(self) -> tuple[bool, str]:
        """What the doctor finds, for the button in Airflow's form of connections; nothing is sent."""
        with self.get_conn() as mailer:
            found = mailer.diagnose()
        return found.ok, "\n".join(f"{one.check.value}: {one.text}" for one in found.findings if one.status != "ok")


def send_email(
    to: str | Iterable[str],
    subject: str,
    html_content: str,
    files: Iterable[str] | None = None,
    *,
    dryrun: bool = False,
    cc: str | Iterable[str] | None = None,
    bcc: str | Iterable[str] | None = None,
    conn_id: str = _DEFAULT,
    from_email: str | None = None,
    custom_headers: Mapping[str, str] | None = None,
    **_: Any,
) -> None:
    """Send a mail of Airflow's: for `[email] email_backend`; the arguments are those of `airflow.utils.email`."""
    message = Message(
        sender=from_email,
        to=_listed(to),
        cc=_listed(cc),
        bcc=_listed(bcc),
        subject=subject,
        html=html_content,
        attachments=[Path(file) for file in files or ()],
        headers=dict(custom_headers or {}),
    )
    if not dryrun:
        SendkitHook(conn_id).send(message)


def _listed(addresses: str | Iterable[str] | None) -> list[str]:
    parts = [addresses] if isinstance(addresses, str) else addresses or ()
    return [one.strip() for part in parts for one in part.replace(";", ",").split(",") if one.strip()]
