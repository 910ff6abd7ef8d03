"""What was asked for, as values: the arguments of each command after argparse has read them.

Knows which arguments go together; for others it raises ValueError in the words of the command line.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Literal

from sendkit._accounts.server_settings import SERVER_SETTINGS, flag
from sendkit._cli.given import Given
from sendkit._cli.submission import wishes


class AccountOptions(Given):
    """The arguments that name a server and an account."""

    account: str | None = None
    host: str | None = None
    url: str | None = None
    user: str | None = None
    security: str | None = None
    provider: str | None = None
    ca_file: Path | None = None
    local_hostname: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    minimum_tls: str | None = None
    pins: str | None = None
    known_hosts: str | None = None
    proxy: str | None = None
    local_address: str | None = None
    protocol: str | None = None
    timeout: str | None = None

    @property
    def server_settings(self) -> dict[str, str]:
        """What was given of the server beside its host and port, by the names of `server_settings`."""
        given = {name: getattr(self, name) for name in SERVER_SETTINGS}
        return {name: str(value) for name, value in given.items() if value is not None}

    def check_place(self) -> None:
        """Raise ValueError for those that do not go together."""
        servers: dict[str, object] = {"--url": self.url, "--provider": self.provider}
        server: dict[str, object] = {"--host": self.host, **servers, "--user": self.user, "--security": self.security}
        further = {flag(name): text for name, text in self.server_settings.items()}
        _check_together("--account", self.account, {**server, **further})
        _check_together("--host", self.host, servers)
        _check_together("--provider", self.provider, {"--url": self.url, "--security": self.security})
        _check_together("--url", self.url, {"--security": self.security})


class DeliveryOptions(AccountOptions):
    """The arguments that say to whom a message goes, and how: those of `sendkit send` and `sendkit report`."""

    sender: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    envelope_from: str | None = None
    retries: int | None = None
    patient: bool = False
    deadline: float | None = None
    notify: str | None = None
    ret: Literal["headers", "full"] | None = None
    envid: str | None = None
    require_tls: bool = False
    hold_for: timedelta | None = None
    dry_run: bool = False
    check: bool = False
    preview: bool = False
    json: bool = False
    verbose: bool = False

    def check_delivery(self) -> None:
        """Raise ValueError for those that do not go together."""
        self.check_place()
        _check_together("--dry-run", self.dry_run, {"--json": self.json, "--preview": self.preview})
        _check_together(
            "--check", self.check, {"--json": self.json, "--preview": self.preview, "--dry-run": self.dry_run}
        )
        _check_together("--preview", self.preview, {"--json": self.json})
        wishes(self)

    def check_recipients(self) -> None:
        """Raise ValueError where nobody is named."""
        if not (self.to or self.cc or self.bcc):
            raise ValueError("no recipient; give -t ADDR (or --cc, --bcc)")


class SendOptions(DeliveryOptions):
    """The arguments of `sendkit send`."""

    subject: str | None = None
    text: str | None = None
    html: Path | None = None
    attach: tuple[Path, ...] = ()
    header: tuple[tuple[str, str], ...] = ()
    message: Path | None = None

    def __post_init__(self) -> None:
        self.check_delivery()
        if self.message is not None:
            _check_together("--message", self.message, self._written())
        else:
            self._check_written()

    def _written(self) -> dict[str, object]:
        return {
            "--from": self.sender,
            "--cc": self.cc,
            "--bcc": self.bcc,
            "--reply-to": self.reply_to,
            "--subject": self.subject,
            "--text": self.text,
            "--html": self.html,
            "--attach": self.attach,
            "--header": self.header,
        }

    def _check_written(self) -> None:
        self.check_recipients()
        if self.subject is None:
            raise ValueError("no subject; give -s SUBJECT (-s '' for none)")
        if self.attach.count(Path("-")) > 1 or (Path("-") in self.attach and self.html == Path("-")):
            raise ValueError("standard input (-) is named twice")
        often = [name for name, times in Counter(name.lower() for name, _ in self.header).items() if times > 1]
        if often:
            raise ValueError(f"the header {often[0]!r} is given twice")


class ReportOptions(DeliveryOptions):
    """The arguments of `sendkit report`."""

    files: tuple[Path, ...] = ()
    title: str = ""
    markdown: tuple[Path, ...] = ()
    figure: tuple[Path, ...] = ()
    alt: tuple[str, ...] = ()
    format: tuple[tuple[str, str], ...] = ()
    rows: int = 50
    rest: str = "auto"
    total: bool = False
    footer: str = ""
    preheader: str = ""
    lang: str = "en"

    def __post_init__(self) -> None:
        self.check_delivery()
        self.check_recipients()
        if not self.title.strip():
            raise ValueError("no title; give --title TITLE, which is the subject too")
        if len(self.alt) > len(self.figure):
            raise ValueError("there are more --alt than --figure")
        if self.files.count(Path("-")) > 1:
            raise ValueError("standard input (-) is named twice")


class SendmailOptions(Given):
    """The arguments of `sendkit sendmail`; `sender` "" or "<>" is the null reverse path."""

    recipients: tuple[str, ...] = ()
    from_header: bool = False
    ignore_dots: bool = False
    sender: str | None = None
    name: str | None = None
    notify: str | None = None
    ret: Literal["headers", "full"] | None = None
    envid: str | None = None
    verbose: bool = False
    run_queue: bool = False
    account: str | None = None
    outbox: bool = False

    def __post_init__(self) -> None:
        if not (self.recipients or self.from_header or self.run_queue):
            raise ValueError("no recipient; name recipients, or give -t")
        if self.name is not None and not self.name.isprintable():
            raise ValueError("the name of -F holds a control character")
        if self.sender is not None and not self.sender.isprintable():
            raise ValueError("the address of -f holds a control character")
        wishes(self)


class LoginOptions(Given):
    """The arguments of `sendkit login`."""

    host: str
    user: str
    oauth: str | None = None
    client_id: str | None = None
    scope: str | None = None
    security: str | None = None
    ca_file: Path | None = None
    proxy: str | None = None
    no_test: bool = False

    def __post_init__(self) -> None:
        for option, value in (("--client-id", self.client_id), ("--scope", self.scope)):
            if value is not None and self.oauth is None:
                raise ValueError(f"{option} belongs to --oauth PROVIDER")


class LogoutOptions(Given):
    """The arguments of `sendkit logout`."""

    host: str
    user: str


class DemoOptions(Given):
    """The arguments of `sendkit demo`."""

    keep: Path | None = None
    outbox: bool = False

    def __post_init__(self) -> None:
        _check_together("--outbox", self.outbox, {"--keep": self.keep})


class DoctorOptions(AccountOptions):
    """The arguments of `sendkit doctor`."""

    sender: str | None = None
    to: str | None = None
    dkim_selector: str | None = None
    message: Path | None = None
    limit: float = 30
    json: bool = False

    def __post_init__(self) -> None:
        named = (self.host, self.url, self.provider, self.user, self.security)
        if self.account is not None and (any(named) or self.server_settings):
            raise ValueError("ACCOUNT and the options that name a server do not go together")
        self.check_place()


class ExplainOptions(Given):
    """The arguments of `sendkit explain`."""

    reply: tuple[str, ...] = ()
    host: str | None = None
    json: bool = False


class ProvidersOptions(Given):
    """The arguments of `sendkit providers`."""

    name: str | None = None


class CompletionsOptions(Given):
    """The arguments of `sendkit completions`."""

    shell: str


class CatchOptions(Given):
    """The arguments of `sendkit catch`; port 0 is any free one."""

    port: int = 0
    web_port: int = 0
    user: str = "ana@example.com"
    keep: Path | None = None
    plain: bool = False
    lmtp: bool = False
    limit: int = 1_000
    open_browser: bool = False


class OutboxOptions(Given):
    """The arguments of `sendkit outbox ACTION`; each action takes some of them."""

    action: str
    database: str | None = None
    json: bool = False
    letters: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    concurrency: int = 32
    once: bool = False
    report: str | None = None
    warn_after: timedelta | None = None
    policy: str = "hold"
    stop_within: float = 30.0
    state: str | None = None
    in_doubt: bool = False
    recipient: str | None = None
    lane: str | None = None
    rate: str | None = None
    key: str | None = None
    limit: int = 100
    timeout: float | None = None
    content_after: timedelta = timedelta(days=1)
    rows_after: timedelta = timedelta(days=30)
    sql: bool = False


Options = (
    SendOptions
    | ReportOptions
    | SendmailOptions
    | LoginOptions
    | LogoutOptions
    | DemoOptions
    | CatchOptions
    | DoctorOptions
    | ExplainOptions
    | ProvidersOptions
    | OutboxOptions
    | CompletionsOptions
)


def _check_together(option: str, value: object, others: dict[str, object]) -> None:
    clash = next((name for name, other in others.items() if other not in (None, (), False)), None)
    if value and clash:
        raise ValueError(f"{option} and {clash} do not go together")
