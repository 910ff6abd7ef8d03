"""The providers of mailboxes, for people and for companies.

A table to read and to correct. Each row names where its facts stand: the provider's own page, Thunderbird's database of
providers (ISPDB, with the day of its entry) or nodemailer's list (4 August 2026), as they were on 24 November 2026.
"""

from __future__ import annotations

from sendkit._providers.provider import Provider
from sendkit._server.security import Security

_STARTTLS = Security.STARTTLS
_APP = "an app password, made in the security settings of the account"
_ISPDB = "Thunderbird ISPDB, {}"
_NODEMAILER = "nodemailer well-known services, 2026-08-04"

MAILBOXES = (
    Provider(
        name="gmail",
        host="smtp.gmail.com",
        password=f"{_APP} (needs 2-Step Verification), or OAuth2",
        limits="500 messages a day, 2,000 with Workspace",
        quirks="From is rewritten to the account unless the other address is set up there",
        domains=("gmail.com", "googlemail.com"),
        hosts=("gmail.com", "googlemail.com"),
        marks=("gsmtp", "gcdp", "support.google.com"),
        spf="_spf.google.com",
        selectors=("google",),
        source="https://support.google.com/a/answer/176600; " + _ISPDB.format("2024-07-30"),
    ),
    Provider(
        name="microsoft365",
        host="smtp.office365.com",
        port=587,
        security=_STARTTLS,
        password="OAuth2; a password only where an administrator allows SMTP AUTH",  # noqa: S106 - says what it must be
        limits="10,000 recipients a day, 30 messages a minute, 3 connections",
        rate="30/minute",
        quirks="SMTP AUTH is off in new organizations, and passwords end for existing ones in December 2026",
        hosts=("office365.com", "outlook.com", "office365.us"),
        marks=(".outlook.com", ".office365.com", "protection.outlook", "aka.ms/", "storedrv."),
        spf="spf.protection.outlook.com",
        selectors=("selector1", "selector2"),
        source="https://techcommunity.microsoft.com/t5/exchange-team-blog/ba-p/4114750; " + _ISPDB.format("2026-03-10"),
    ),
    Provider(
        name="outlook",
        host="smtp-mail.outlook.com",
        port=587,
        security=_STARTTLS,
        password="OAuth2 alone",  # noqa: S106 - says what it must be
        domains=("outlook.com", "hotmail.com", "live.com", "msn.com"),
        operator="microsoft365",
        source=_ISPDB.format("2025-07-28"),
    ),
    Provider(
        name="yahoo",
        host="smtp.mail.yahoo.com",
        password=_APP,
        limits="500 messages a day, 100 recipients a message",
        domains=("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.co.uk", "ymail.com"),
        hosts=("mail.yahoo.com",),
        marks=("yahooinc.com", "help.yahoo.com", "postmaster.yahoo.com", "login.yahoo.com"),
        source="https://help.yahoo.com/kb/SLN17518.html; " + _ISPDB.format("2025-11-17"),
    ),
    Provider(
        name="aol",
        host="smtp.aol.com",
        password=_APP,
        domains=("aol.com", "aim.com"),
        hosts=("aol.com",),
        marks=("postmaster.aol.com",),
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
        hosts=("mail.me.com", "icloud.com"),
        marks=("support.apple.com", "icloud.com"),
        spf="icloud.com",
        selectors=("sig1",),
        source="https://support.apple.com/102198; " + _ISPDB.format("2023-05-21"),
    ),
    Provider(
        name="zoho",
        host="smtp.zoho.com",
        password="that of the mailbox, or an app password with two-factor authentication",  # noqa: S106 - the same
        quirks="organizations have smtppro.zoho.com, and each data center its own host (zoho-eu)",
        domains=("zoho.com", "zohomail.com"),
        hosts=("zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp", "zohocloud.ca"),
        marks=("zoho.com/mail", "mail.zoho"),
        selectors=("zmail", "zoho"),
        source="https://www.zoho.com/mail/help/zoho-smtp.html; " + _ISPDB.format("2025-10-22"),
    ),
    Provider(
        name="zoho-eu",
        host="smtp.zoho.eu",
        password="that of the mailbox, or an app password with two-factor authentication",  # noqa: S106 - the same
        domains=("zoho.eu", "zohomail.eu"),
        operator="zoho",
        source=_ISPDB.format("2025-10-22"),
    ),
    Provider(
        name="fastmail",
        host="smtp.fastmail.com",
        password=_APP,
        domains=("fastmail.com", "fastmail.fm"),
        hosts=("fastmail.com", "messagingengine.com"),
        marks=("fastmail",),
        spf="spf.messagingengine.com",
        selectors=("fm1", "fm2", "fm3"),
        source="https://www.fastmail.com/help/technical/servernamesandports.html; " + _ISPDB.format("2025-10-23"),
    ),
    Provider(
        name="proton",
        host="smtp.protonmail.ch",
        port=587,
        security=_STARTTLS,
        password="an SMTP token, made for one address of a custom domain",  # noqa: S106 - says what it must be
        quirks="paid plans with a custom domain; others send through Proton Mail Bridge on their own machine",
        hosts=("protonmail.ch", "proton.me"),
        marks=("proton.me",),
        spf="_spf.protonmail.ch",
        selectors=("protonmail", "protonmail2", "protonmail3"),
        source="https://proton.me/support/smtp-submission; " + _NODEMAILER,
    ),
    Provider(
        name="gmx",
        host="mail.gmx.net",
        quirks="POP3/IMAP access must be switched on in the settings of the mailbox first",
        domains=("gmx.net", "gmx.de", "gmx.at", "gmx.ch"),
        hosts=("gmx.com", "gmx.net", "web.de"),
        marks=("gmx.net", "gmx.com", "web.de", "1und1.de", "nemesis"),
        source=_ISPDB.format("2024-02-27"),
    ),
    Provider(
        name="gmx-com",
        host="mail.gmx.com",
        quirks="POP3/IMAP access must be switched on in the settings of the mailbox first",
        domains=("gmx.com", "gmx.us", "gmx.co.uk"),
        operator="gmx",
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(
        name="web.de",
        host="smtp.web.de",
        username="what stands before the @",
        quirks="POP3/IMAP access must be switched on in the settings of the mailbox first",
        domains=("web.de",),
        operator="gmx",
        source=_ISPDB.format("2024-02-29"),
    ),
    Provider(
        name="yandex",
        host="smtp.yandex.com",
        password=_APP,
        quirks="mail clients must be allowed in the settings of the mailbox first",
        domains=("yandex.com", "yandex.ru", "ya.ru"),
        hosts=("yandex.com", "yandex.ru"),
        marks=("yandex",),
        spf="_spf.yandex.net",
        selectors=("mail",),
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(
        name="mail.ru",
        host="smtp.mail.ru",
        password=_APP,
        domains=("mail.ru", "inbox.ru", "list.ru", "bk.ru"),
        source=_ISPDB.format("2022-11-19"),
    ),
    Provider(
        name="qq",
        host="smtp.qq.com",
        password="an authorization code, made in the settings of the web mail",  # noqa: S106 - says what it must be
        quirks="SMTP must be switched on in the settings of the mailbox first",
        domains=("qq.com", "foxmail.com", "vip.qq.com"),
        hosts=("mail.qq.com", "smtp.qq.com"),
        marks=("mail.qq.com",),
        source=_NODEMAILER,
    ),
    Provider(
        name="163",
        host="smtp.163.com",
        password="an authorization code, made in the settings of the web mail",  # noqa: S106 - says what it must be
        quirks="SMTP must be switched on in the settings of the mailbox first",
        domains=("163.com",),
        hosts=("163.com", "126.com", "yeah.net"),
        marks=("mail.163.com", "mail.126.com"),
        source=_NODEMAILER,
    ),
    Provider(
        name="126",
        host="smtp.126.com",
        password="an authorization code, made in the settings of the web mail",  # noqa: S106 - says what it must be
        domains=("126.com",),
        operator="163",
        source=_NODEMAILER,
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
