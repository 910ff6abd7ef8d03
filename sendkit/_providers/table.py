"""Which server a provider has for its customers, what the password there must be, and what it limits.

A table to read and to correct. Each row names where its facts stand: the provider's own page, Thunderbird's database of
providers (ISPDB, with the day of its entry) or nodemailer's list (4 August 2026), as they were on 24 November 2026.
Must not know: how a connection is made, or where a secret comes from.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from sendkit._server.server import Security, Server
from sendkit.errors import ConfigurationError

_TLS, _STARTTLS = Security.IMPLICIT_TLS, Security.STARTTLS
_APP = "an app password, made in the security settings of the account"
_OWN = "that of the mailbox"
_ISPDB = "Thunderbird ISPDB, {}"
_NODEMAILER = "nodemailer well-known services, 2026-08-04"
_REGION = re.compile(r"[a-z]{2}(?:-gov)?-[a-z]+-\d")


@dataclass(slots=True, frozen=True, kw_only=True)
class Provider:
    """A provider's submission server, and what one has to know to use it.

    `password` says what the password is, `quirks` and `limits` what surprises people; `domains` are those whose
    addresses are always its own. `username` is set where it is not the mail address.
    """

    name: str
    host: str
    port: int = 465
    security: Security = _TLS
    password: str = _OWN
    username: str | None = None
    limits: str | None = None
    quirks: str | None = None
    domains: tuple[str, ...] = ()
    source: str

    @property
    def server(self) -> Server:
        """The server, as a mailer takes it."""
        return Server(self.host, self.port, self.security)

    @classmethod
    def named(cls, name: str) -> Provider:
        """The provider of this name, in any case. Raises ConfigurationError, which names the nearest ones."""
        key = name.strip().lower().replace("_", "-").replace(" ", "")
        if key in _BY_NAME:
            return _BY_NAME[key]
        if key.startswith("ses-") and _REGION.fullmatch(region := key.removeprefix("ses-")):
            return _ses(region)
        near = difflib.get_close_matches(key, _BY_NAME, n=3) or sorted(_BY_NAME)
        hint = f"known are {', '.join(near)}" + (" …" if len(near) == 3 else "") + "; any other server goes by its host"
        raise ConfigurationError(f"unknown provider: {name!r}", hint=hint)

    @classmethod
    def of_domain(cls, domain: str) -> Provider | None:
        """The provider whose addresses end in this domain."""
        return _BY_DOMAIN.get(domain.lower())

    @staticmethod
    def all() -> tuple[Provider, ...]:
        """All that are known, by name."""
        return tuple(_BY_NAME[name] for name in sorted(_BY_NAME))


def is_known_host(host: str) -> bool:
    """Whether this is the submission server of a provider in the table."""
    return host in _HOSTS


def _ses(region: str) -> Provider:
    return Provider(
        name=f"ses-{region}",
        host=f"email-smtp.{region}.amazonaws.com",
        password="SMTP credentials of SES for this region, which are no AWS keys",  # noqa: S106 - says what it must be
        username="the SMTP user name of SES",
        limits="a quota for 24 hours and a rate for each second; 200 a day in the sandbox",
        quirks="sender and domain must be verified in this region",
        source="https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html",
    )


_MAILBOXES = (
    Provider(
        name="gmail",
        host="smtp.gmail.com",
        password=f"{_APP} (needs 2-Step Verification), or OAuth2",
        limits="500 messages a day, 2,000 with Workspace",
        quirks="From is rewritten to the account unless the other address is set up there",
        domains=("gmail.com", "googlemail.com"),
        source="https://support.google.com/a/answer/176600; " + _ISPDB.format("2024-07-30"),
    ),
    Provider(
        name="microsoft365",
        host="smtp.office365.com",
        port=587,
        security=_STARTTLS,
        password="OAuth2; a password only where an administrator allows SMTP AUTH",  # noqa: S106 - says what it must be
        limits="10,000 recipients a day, 30 messages a minute, 3 connections",
        quirks="SMTP AUTH is off in new organisations, and passwords end for existing ones in December 2026",
        source="https://techcommunity.microsoft.com/t5/exchange-team-blog/ba-p/4114750; " + _ISPDB.format("2026-03-10"),
    ),
    Provider(
        name="outlook",
        host="smtp-mail.outlook.com",
        port=587,
        security=_STARTTLS,
        password="OAuth2 alone",  # noqa: S106 - says what it must be
        domains=("outlook.com", "hotmail.com", "live.com", "msn.com"),
        source=_ISPDB.format("2025-07-28"),
    ),
    Provider(
        name="yahoo",
        host="smtp.mail.yahoo.com",
        password=_APP,
        domains=("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk", "ymail.com"),
        source=_ISPDB.format("2025-11-17"),
    ),
    Provider(
        name="aol",
        host="smtp.aol.com",
        password=_APP,
        domains=("aol.com", "aim.com"),
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(
        name="icloud",
        host="smtp.mail.me.com",
        port=587,
        security=_STARTTLS,
        password="an app-specific password, made at https://account.apple.com",  # noqa: S106 - says what it must be
        limits="1,000 messages and 1,000 recipients a day, 500 recipients and 20 MB a message",
        quirks="no implicit TLS on port 465",
        domains=("icloud.com", "me.com", "mac.com"),
        source="https://support.apple.com/102198; " + _ISPDB.format("2023-05-21"),
    ),
    Provider(
        name="zoho",
        host="smtp.zoho.com",
        password="that of the mailbox, or an app password with two-factor authentication",  # noqa: S106 - the same
        quirks="organisations have smtppro.zoho.com, and each data centre its own host (zoho-eu)",
        domains=("zoho.com", "zohomail.com"),
        source="https://www.zoho.com/mail/help/zoho-smtp.html; " + _ISPDB.format("2025-10-22"),
    ),
    Provider(
        name="zoho-eu",
        host="smtp.zoho.eu",
        password="that of the mailbox, or an app password with two-factor authentication",  # noqa: S106 - the same
        domains=("zoho.eu", "zohomail.eu"),
        source=_ISPDB.format("2025-10-22"),
    ),
    Provider(
        name="fastmail",
        host="smtp.fastmail.com",
        password=_APP,
        domains=("fastmail.com", "fastmail.fm"),
        source="https://www.fastmail.com/help/technical/servernamesandports.html; " + _ISPDB.format("2025-10-23"),
    ),
    Provider(
        name="proton",
        host="smtp.protonmail.ch",
        port=587,
        security=_STARTTLS,
        password="an SMTP token, made for one address of a custom domain",  # noqa: S106 - says what it must be
        quirks="paid plans with a custom domain; others send through Proton Mail Bridge on their own machine",
        source="https://proton.me/support/smtp-submission; " + _NODEMAILER,
    ),
    Provider(
        name="gmx",
        host="mail.gmx.net",
        quirks="POP3/IMAP access must be switched on in the settings of the mailbox first",
        domains=("gmx.net", "gmx.de", "gmx.at", "gmx.ch"),
        source=_ISPDB.format("2024-02-27"),
    ),
    Provider(
        name="gmx-com",
        host="mail.gmx.com",
        quirks="POP3/IMAP access must be switched on in the settings of the mailbox first",
        domains=("gmx.com", "gmx.us", "gmx.co.uk"),
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(
        name="web.de",
        host="smtp.web.de",
        username="what stands before the @",
        quirks="POP3/IMAP access must be switched on in the settings of the mailbox first",
        domains=("web.de",),
        source=_ISPDB.format("2024-02-29"),
    ),
    Provider(
        name="yandex",
        host="smtp.yandex.com",
        password=_APP,
        quirks="mail clients must be allowed in the settings of the mailbox first",
        domains=("yandex.com", "yandex.ru", "ya.ru"),
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(
        name="mail.ru",
        host="smtp.mail.ru",
        password=_APP,
        domains=("mail.ru", "inbox.ru", "list.ru", "bk.ru"),
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(name="posteo", host="posteo.de", domains=("posteo.de", "posteo.net"), source=_ISPDB.format("2024-02-23")),
    Provider(name="ionos", host="smtp.1und1.de", domains=("online.de",), source=_ISPDB.format("2024-02-22")),
    Provider(name="strato", host="smtp.strato.de", source=_ISPDB.format("2024-05-10")),
    Provider(
        name="t-online",
        host="securesmtp.t-online.de",
        password="the e-mail password, which is not that of the customer centre",  # noqa: S106 - says what it must be
        domains=("t-online.de", "magenta.de"),
        source=_ISPDB.format("2024-02-23"),
    ),
    Provider(
        name="orange", host="smtp.orange.fr", domains=("orange.fr", "wanadoo.fr"), source=_ISPDB.format("2025-12-10")
    ),
    Provider(name="ovh", host="ssl0.ovh.net", source=_ISPDB.format("2022-11-19")),
    Provider(name="gandi", host="mail.gandi.net", source=_ISPDB.format("2022-11-19")),
    Provider(
        name="infomaniak",
        host="mail.infomaniak.com",
        port=587,
        security=_STARTTLS,
        domains=("ik.me", "ikmail.com"),
        source=_NODEMAILER,
    ),
    Provider(name="libero", host="smtp.libero.it", domains=("libero.it",), source=_ISPDB.format("2022-11-19")),
    Provider(name="seznam", host="smtp.seznam.cz", domains=("seznam.cz",), source=_ISPDB.format("2022-11-19")),
    Provider(name="comcast", host="smtp.comcast.net", domains=("comcast.net",), source=_ISPDB.format("2024-02-16")),
)
_RELAYS = (
    Provider(
        name="sendgrid",
        host="smtp.sendgrid.net",
        port=587,
        security=_STARTTLS,
        username="apikey",
        password="an API key with the right to send mail",  # noqa: S106 - says what it must be
        quirks="From must be a verified sender or of an authenticated domain",
        source="https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
    ),
    Provider(
        name="mailgun",
        host="smtp.mailgun.org",
        password="the SMTP credentials of the domain, not the API key",  # noqa: S106 - says what it must be
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
    ),
    Provider(
        name="mailgun-eu",
        host="smtp.eu.mailgun.org",
        password="the SMTP credentials of the domain, not the API key",  # noqa: S106 - says what it must be
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
    ),
    Provider(
        name="postmark",
        host="smtp.postmarkapp.com",
        port=587,
        security=_STARTTLS,
        username="the server API token",
        password="the server API token once more",  # noqa: S106 - says what it must be
        quirks="no implicit TLS on port 465; broadcasts have smtp-broadcasts.postmarkapp.com",
        source="https://postmarkapp.com/support/article/811",
    ),
    Provider(
        name="brevo",
        host="smtp-relay.brevo.com",
        port=587,
        security=_STARTTLS,
        username="the login that the SMTP settings show",
        password="an SMTP key, not an API key",  # noqa: S106 - says what it must be
        source="https://developers.brevo.com/docs/smtp-integration",
    ),
    Provider(
        name="resend",
        host="smtp.resend.com",
        username="resend",
        password="an API key",  # noqa: S106 - says what it must be
        source="https://resend.com/docs/send-with-smtp",
    ),
    Provider(
        name="sparkpost",
        host="smtp.sparkpostmail.com",
        port=587,
        security=_STARTTLS,
        username="SMTP_Injection",
        password='an API key with "Send via SMTP"',  # noqa: S106 - says what it must be
        limits="100 messages a connection",
        source="https://developers.sparkpost.com/api/smtp/",
    ),
    Provider(
        name="mailjet",
        host="in-v3.mailjet.com",
        port=587,
        security=_STARTTLS,
        username="the API key",
        password="the secret key",  # noqa: S106 - says what it must be
        source="https://rubydoc.info/gems/mailjet/Mailjet/Mailer",
    ),
    Provider(name="mailersend", host="smtp.mailersend.net", port=587, security=_STARTTLS, source=_NODEMAILER),
    Provider(name="forwardemail", host="smtp.forwardemail.net", source=_NODEMAILER),
)

_BY_NAME = {provider.name: provider for provider in (*_MAILBOXES, *_RELAYS)}
_BY_DOMAIN = {domain: provider for provider in _MAILBOXES for domain in provider.domains}
_HOSTS = frozenset(provider.host for provider in _BY_NAME.values())
