"""What the other providers of mailboxes say, and what fixes it. The first entry that fits is taken."""

from __future__ import annotations

from sendkit._providers.explanations.entry import Entry

# When a source was read last; providers change what they say without notice.
_YAHOO = "https://help.yahoo.com/kb/SLN15241.html"
_YAHOO_CODES = "https://senders.yahooinc.com/smtp-error-codes/"
_ICLOUD = "https://support.apple.com/102654"
_ICLOUD_LIMITS = "https://support.apple.com/102198 (read 2026-11-24)"
_ZOHO = "https://www.zoho.com/mail/help/zoho-smtp.html (read 2026-11-24)"
_FASTMAIL = "https://www.fastmail.help/hc/en-us/articles/1500000278342 (read 2026-11-24)"
_PROTON = "https://proton.me/support/smtp-submission (read 2026-11-24)"
_GMX = "https://support.gmx.com/pop-imap/toggle.html"
_YANDEX = "https://yandex.com/support/mail/mail-clients/others.html"
_QQ = "https://service.mail.qq.com/detail/0/75"
_NETEASE = "https://help.mail.163.com/faq.do?m=list&categoryID=197"

_MAKE_ONE = "make an app password at {where}, and store it with `sendkit login {host} USER`"

ENTRIES = (
    Entry(
        provider="qq",
        codes=(534, 535, 550),
        title="QQ Mail requires an authorization code",
        cause="the password of the account does not work in mail clients, or SMTP is off for the mailbox",
        remedy="in the web mail's settings switch SMTP on, make an authorization code (授权码), and store it with "
        "`sendkit login smtp.qq.com USER`",
        source=_QQ,
    ),
    Entry(
        provider="163",
        codes=(534, 535, 550),
        title="NetEase (163, 126, yeah.net) requires an authorization code",
        cause="the password of the account does not work in mail clients, or SMTP is off for the mailbox",
        remedy="in the web mail's settings switch SMTP on, make an authorization code (授权码), and store it with "
        "`sendkit login smtp.163.com USER`",
        source=_NETEASE,
    ),
    Entry(
        provider="yahoo",
        codes=(534, 535),
        title="Yahoo requires an app password",
        cause="the password of the account does not work in mail clients",
        remedy=_MAKE_ONE.format(where="https://login.yahoo.com/account/security", host="smtp.mail.yahoo.com"),
        source=_YAHOO,
    ),
    Entry(
        provider="yahoo",
        words=r"\[(TSS?|TS)\d\d\]|\[GL01\]",
        title="Yahoo temporarily accepts no more mail",
        cause="too many connections or messages, complaints of its users, or a sender that it does not know yet",
        remedy="send more slowly; the retry policy waits and tries again",
        source=_YAHOO_CODES,
    ),
    Entry(
        provider="yahoo",
        codes=(553, 554),
        words=r"not allowed \(in reply|\[BL\d\d\]|\(#MBR\d+\)",
        title="Yahoo refuses this sender",
        cause="the sending address is on a block list, or From is not an address of the account",
        remedy="send from the address of the account",
        source=_YAHOO_CODES,
    ),
    Entry(
        provider="aol",
        codes=(534, 535),
        title="AOL requires an app password",
        cause="the password of the account does not work in mail clients",
        remedy=_MAKE_ONE.format(where="https://login.aol.com/account/security", host="smtp.aol.com"),
        source=_YAHOO,
    ),
    Entry(
        provider="icloud",
        codes=(534, 535),
        title="iCloud requires an app-specific password",
        cause="the password of the Apple Account does not work in mail clients",
        remedy=_MAKE_ONE.format(where="https://account.apple.com (Sign-In and Security)", host="smtp.mail.me.com"),
        source=_ICLOUD,
    ),
    Entry(
        provider="icloud",
        words="sending limit",
        own=False,
        title="the daily limit of this iCloud account is used up",
        cause="1,000 messages and 1,000 recipients a day, 500 recipients a message",
        remedy="send the rest tomorrow",
        source=_ICLOUD_LIMITS,
    ),
    Entry(
        provider="icloud",
        codes=(550, 553, 554),
        words="From address (is not one of your addresses|rejected)|not one of your addresses",
        title="iCloud sends only for the addresses of the account",
        cause="From is not an address, alias or custom domain of this Apple Account",
        remedy="send from an address of the account",
        source=_ICLOUD,
    ),
    Entry(
        provider="zoho",
        codes=(535,),
        title="Zoho refuses the login",
        cause="with two-factor authentication an application-specific password is due; or the account lives in another "
        "data centre (smtp.zoho.com, .eu, .in, .com.au, .jp)",
        remedy="make one at https://accounts.zoho.com (Security, App Passwords), and check the host against Zoho "
        "Mail's settings",
        source=_ZOHO,
    ),
    Entry(
        provider="zoho",
        codes=(553, 552),
        words="relaying disallowed",
        title="Zoho sends only for the addresses of the account",
        cause="From is neither the address of the account nor one of its aliases",
        remedy="send from the address that logs in, or add the other one as an alias",
        source=_ZOHO,
    ),
    Entry(
        provider="zoho",
        words="outgoing blocked|unusual sending activity|sender address blocked",
        title="Zoho has stopped outgoing mail of this account",
        cause="too many messages, or too many bounces",
        remedy="log in at https://mail.zoho.com and unblock the account there",
        source="https://www.zoho.com/mail/help/usage-policy.html",
    ),
    Entry(
        provider="fastmail",
        codes=(535,),
        title="Fastmail requires an app password",
        cause="the password of the account does not work in mail clients, and the Basic plan allows none",
        remedy=_MAKE_ONE.format(
            where="https://app.fastmail.com (Settings, Privacy & Security)", host="smtp.fastmail.com"
        ),
        source=_FASTMAIL,
    ),
    Entry(
        provider="proton",
        codes=(535, 454),
        title="Proton requires an SMTP token",
        cause="smtp.protonmail.ch requires a token for one address of a custom domain, not the password of the account",
        remedy="make one at https://account.proton.me (Proton Mail, IMAP/SMTP, SMTP tokens); without a custom domain "
        "use Proton Mail Bridge on this machine",
        source=_PROTON,
    ),
    Entry(
        provider="gmx",
        codes=(535,),
        title="GMX refuses the login",
        cause="POP3 and IMAP access is off (the default), or two-factor authentication requires an app password",
        remedy="switch it on in the settings of the mailbox (E-mail, POP3 & IMAP), and use an app password if asked",
        source=_GMX,
    ),
    Entry(
        provider="yandex",
        codes=(535,),
        words="does not have access rights to this service",
        title="Yandex lets no mail clients into this mailbox",
        cause="access for mail clients is off in its settings, or the password is not an app password",
        remedy="switch it on (Settings, Email clients), and "
        + _MAKE_ONE.format(where="https://id.yandex.com/security/app-passwords", host="smtp.yandex.com"),
        source=_YANDEX,
    ),
    Entry(
        provider="yandex",
        codes=(535,),
        title="Yandex requires an app password",
        cause="mail clients must be allowed in the settings of the mailbox, and have a password of their own",
        remedy=_MAKE_ONE.format(where="https://id.yandex.com/security/app-passwords", host="smtp.yandex.com"),
        source=_YANDEX,
    ),
)
