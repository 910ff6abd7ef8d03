"""What Gmail replies to those who send through it or to it, and what fixes it. The first entry that fits is taken."""

from __future__ import annotations

from dataclasses import replace

from sendkit._providers.explanations.entry import Entry

# When a source was read last; providers change what they say without notice.
_GMAIL = "https://support.google.com/a/answer/3726730 (read 2026-11-24)"
_GMAIL_SECOND = "https://support.google.com/mail/?p=InvalidSecondFactor"
_GMAIL_SENDERS = "https://support.google.com/a/answer/81126"
_GMAIL_LIMITS = "https://support.google.com/a/answer/166852"

_REFUSED = (
    "Google takes an app password or an OAuth token here, not the password of the account (since May 2025 for all)"
)
_MAKE_ONE = (
    "turn on 2-Step Verification, make an app password at https://myaccount.google.com/apppasswords, and store it with "
    "`sendkit login smtp.gmail.com USER` (its blanks do not matter); the username is the whole address. Or OAuth2: "
    "`sendkit login smtp.gmail.com USER --oauth google --client-id ID` (its tokens end after 7 "
    "days while the Google project is in testing)"
)

_BROWSER = Entry(
    provider="gmail",
    codes=(534, 535),
    enhanced=("5.7.14",),
    title="Gmail requires a login in a browser first",
    cause="Google blocked an unusual login (from a new location or machine)",
    remedy="log in with a browser, allow the blocked attempt at "
    "https://accounts.google.com/DisplayUnlockCaptcha, and use an app password",
    source=_GMAIL,
)
_CLOSING = Entry(
    provider="gmail",
    codes=(421,),
    enhanced=("4.7.0",),
    title="Gmail refuses this connection temporarily",
    cause="too many connections or messages in a short time from this address, or it was seen to send spam",
    remedy="send more slowly and on fewer connections; the retry policy waits and tries again. If it comes right after "
    "EHLO, Gmail refuses the name given there: --local-hostname host.example.com, or local_hostname= of the Server",
    source=_GMAIL,
)

ENTRIES = (
    Entry(
        provider="gmail",
        codes=(421,),
        words="\\(ehlo\\)",
        title="Gmail refuses the client's name in EHLO",
        cause="the name is not a domain, such as `localhost` or the short name of a container",
        remedy="--local-hostname host.example.com, local_hostname= of the Server, or SENDKIT_LOCAL_HOSTNAME",
        source="RFC 5321 section 4.1.1.1",
        own=False,
        why="ehlo_refused",
    ),
    Entry(
        provider="gmail",
        codes=(534, 535),
        enhanced=("5.7.9",),
        title="Gmail requires an app password",
        cause="the account has 2-Step Verification, and its own password does not work in mail clients. " + _REFUSED,
        remedy=_MAKE_ONE,
        source=_GMAIL_SECOND,
    ),
    _BROWSER,
    replace(_BROWSER, enhanced=(), words="log in via your web browser"),
    Entry(
        provider="gmail",
        codes=(535,),
        enhanced=("5.7.8", "5.7.1"),
        title="Gmail refuses this username and password",
        cause=_REFUSED,
        remedy=_MAKE_ONE,
        source="https://support.google.com/mail/?p=BadCredentials",
    ),
    Entry(
        provider="gmail",
        codes=(454,),
        enhanced=("4.7.0",),
        title="Gmail saw too many logins",
        cause="each connection logs in again, and the account did so too often in a short time",
        remedy="wait some minutes, keep one mailer for many messages, and lower max_connections=",
        source=_GMAIL,
    ),
    Entry(
        provider="gmail",
        enhanced=("5.4.5", "4.4.5"),
        words="(sending|relay) (limit|quota)|limit exceeded|quota exceeded",
        own=False,
        title="the daily limit of this Gmail account is used up",
        cause="about 500 messages a day for a private account and 2,000 for Workspace, counted over 24 hours",
        remedy="send the rest in 24 hours, or through a provider made for bulk mail",
        source=_GMAIL_LIMITS,
    ),
    Entry(
        provider="gmail",
        codes=(550,),
        words="daily (user sending|smtp relay)",
        title="the daily limit of this Gmail account is used up",
        cause="Workspace limits the messages through its SMTP relay in 24 hours, per user and per customer",
        remedy="send the rest in 24 hours, or ask the administrator for a higher limit",
        source=_GMAIL_LIMITS,
    ),
    Entry(
        provider="gmail",
        enhanced=("4.7.28", "5.7.28"),
        title="Gmail sees too much mail of this kind",
        cause="the rate of unsolicited mail from this address, domain or link is above what Gmail allows",
        remedy="send more slowly, to people who asked for it; https://postmaster.google.com shows the reputation",
        source=_GMAIL_SENDERS,
    ),
    Entry(
        provider="gmail",
        enhanced=("5.7.26", "4.7.26"),
        title="Gmail cannot verify that this mail is from the sender's domain",
        cause="neither SPF nor DKIM passed, or neither matches the domain in From (DMARC)",
        remedy="publish SPF and DKIM for the sender's domain as its provider says, or send from a domain that this "
        "account may use",
        source=_GMAIL,
    ),
    Entry(
        provider="gmail",
        enhanced=("5.7.27", "4.7.27"),
        title="SPF does not allow this server to send for the domain",
        cause="the sender's domain has no SPF record, or one that does not include the sending server",
        remedy="add the sending provider to the SPF record of the domain",
        source=_GMAIL,
    ),
    Entry(
        provider="gmail",
        enhanced=("5.7.30", "4.7.30"),
        title="the mail has no valid DKIM signature",
        cause="the sender's domain does not sign, or signs with an unpublished key",
        remedy="turn on DKIM for the domain at the provider that sends",
        source=_GMAIL,
    ),
    Entry(
        provider="gmail",
        enhanced=("5.7.40", "4.7.40"),
        title="the sender's domain has no DMARC record",
        cause="Gmail asks bulk senders for one",
        remedy='publish a TXT record "v=DMARC1; p=none" at _dmarc.DOMAIN, to begin with',
        source=_GMAIL_SENDERS,
    ),
    Entry(
        provider="gmail",
        enhanced=("5.7.25", "4.7.23"),
        title="the sending address has no matching name (PTR)",
        cause="Gmail accepts no mail from an address without matching forward and reverse DNS names",
        remedy="send through a submission server with a login, not straight from this machine",
        source=_GMAIL_SENDERS,
    ),
    Entry(
        provider="gmail",
        codes=(550, 552, 554),
        enhanced=("5.7.0",),
        words="blocked|potential security issue|BlockedMessage",
        own=False,
        title="Gmail refuses an attachment",
        cause="programs and archives with programs in them are refused, whatever their name",
        remedy="put the file somewhere else and send a link to it",
        source="https://support.google.com/mail/?p=BlockedMessage",
    ),
    Entry(
        provider="gmail",
        codes=(550, 421),
        words="not authorized to send email directly",
        title="Gmail accepts no mail directly from this machine",
        cause="this machine has an address of a home or a cloud, from which no mail may be delivered directly",
        remedy="send through the submission server of an account: smtp.gmail.com, port 465, with a login",
        source=_GMAIL_SENDERS,
    ),
    _CLOSING,
    replace(_CLOSING, words="Try again later, closing connection"),
)
