"""What the doctor found, as values: one finding for each thing that was looked at, the worst of them first.

Frozen and serialisable; no secret stands in them. Knows nothing of how they were found.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, computed_field

from sendkit._smtp.reason import Cause, Reason


class Check(StrEnum):
    """What was looked at, in the order in which a message meets it."""

    ENVIRONMENT = "environment"
    RESOLVE = "resolve"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    CERTIFICATE = "certificate"
    SIZE = "size"
    OPTIONS = "options"
    MECHANISMS = "mechanisms"
    SECRET = "secret"  # noqa: S105 - the name of a check
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    ALIGNMENT = "alignment"
    MESSAGE = "message"


class Status(StrEnum):
    """FAILURE: no mail goes out like this. WARNING: it does, but may not arrive, or not for long. OK: nothing to do."""

    FAILURE = "failure"
    WARNING = "warning"
    OK = "ok"


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Finding(_Frozen):
    """One check: its status, a text, and, unless it is ok, what to do.

    `server` is `host:port`, or None for what the DNS says of a domain. `cause` says of a failure what kind it is, `why`
    more closely, and `transient` whether it may pass by itself.
    """

    check: Check
    status: Status
    text: str
    remedy: str | None = None
    server: str | None = None
    cause: Cause | None = None
    why: Reason | None = None
    transient: bool = False
    _shell: str | None = PrivateAttr(default=None)

    def __str__(self) -> str:
        return f"{self.status}: {self.check}: {self.text}"


def for_shell(finding: Finding, remedy: str) -> Finding:
    """The finding, which knows its remedy in the words of a command line too."""
    finding._shell = remedy  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of this file
    return finding


def in_shell(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with the remedies of a command line, where they differ."""
    told = (
        one.model_copy(update={"remedy": one._shell}) if one._shell else one  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
        for one in diagnosis.findings
    )
    return Diagnosis(findings=tuple(told))


_GRAVITY, _WAY = list(Status), list(Check)


class Diagnosis(_Frozen):
    """All findings: first the failures, then the warnings, each in the order of the steps of a message."""

    version: Literal[1] = 1
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """Put them in order."""
        return cls(findings=tuple(sorted(findings, key=lambda f: (_GRAVITY.index(f.status), _WAY.index(f.check)))))

    @computed_field  # type: ignore[prop-decorator]  # mypy takes none above a property
    @property
    def ok(self) -> bool:
        """Whether mail can be sent: nothing failed; there may be warnings."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What prevents sending."""
        return self._with(Status.FAILURE)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What may prevent delivery, or prevent sending soon."""
        return self._with(Status.WARNING)

    def _with(self, status: Status) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.status is status)
