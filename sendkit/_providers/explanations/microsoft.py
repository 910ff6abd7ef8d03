"""What Microsoft 365 and outlook.com say, and what fixes it. The first entry that fits is taken."""

from __future__ import annotations

from dataclasses import replace

from sendkit._providers.explanations.entry import Entry

# When a source was read last; providers change what they say without notice.
_M365 = "https://learn.microsoft.com/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online (read 2026-11-24)"  # noqa: E501 - an address has no place to break
_M365_AUTH = "https://aka.ms/smtp_auth_disabled"
_M365_BASIC = "https://techcommunity.microsoft.com/t5/exchange-team-blog/ba-p/4114750 (read 2026-11-24)"
_M365_LIMITS = "https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits"

_SWITCH_ON = (
    "an administrator switches it on: Microsoft 365 admin center, the user, Mail, Manage email apps, Authenticated "
    "SMTP (for the whole organization: Set-TransportConfig -SmtpClientAuthenticationDisabled $false)"
)
_OAUTH = "log in with OAuth2: `sendkit login HOST USER --oauth microsoft --client-id ID`"
_SEND_AS = Entry(
    provider="microsoft365",
    words="SendAsDenied|not have permissions? to send as this sender|not allowed to send as",
    title="this Microsoft 365 account may not send as that sender",
    cause="From or the reverse path is neither the mailbox that logged in, nor one that it may send as",
    remedy="send from the address of the account, or let an administrator grant Send As on the other mailbox",
    source=_M365,
)

_LIMIT = Entry(
    provider="microsoft365",
    words="SubmissionQuotaExceeded|daily limit for message recipients",
    title="the sending limit of this Microsoft account is reached",
    cause="10,000 recipients a day and 30 messages a minute for a mailbox of Microsoft 365, fewer for outlook.com",
    remedy="send the rest tomorrow, and more slowly; bulk mail belongs to Azure Communication Services",
    source=_M365_LIMITS,
)

_STOPPED = Entry(
    provider="microsoft365",
    enhanced=("5.1.8", "5.7.501", "5.7.502", "5.7.503", "5.1.90"),
    own=False,
    words="bad outbound sender|spam abuse|suspended|banned|restricted",
    title="Microsoft has stopped this sender",
    cause="the account sent what looked like spam, perhaps because its password was stolen",
    remedy="change the password, then let an administrator release it at https://security.microsoft.com/restrictedentities",
    source=_M365,
)

ENTRIES = (
    Entry(
        provider="microsoft365",
        codes=(535, 550),
        words="SmtpClientAuth\\w* is disabled|smtp_auth_disabled",
        title="SMTP AUTH is switched off at Microsoft 365",
        cause="it is off for new organizations and with security defaults; no password works",
        remedy=_SWITCH_ON,
        source=_M365_AUTH,
    ),
    Entry(
        provider="microsoft365",
        codes=(535, 550),
        words="basic auth\\w* is (disabled|not supported)",
        title="Microsoft accepts no passwords here, only OAuth",
        cause="outlook.com ended passwords for SMTP in 2024; Microsoft 365 turns them off by default for existing "
        "organizations at the end of December 2026",
        remedy=_OAUTH + "; at Microsoft 365 an administrator can allow passwords for a while",
        source=_M365_BASIC,
    ),
    Entry(
        provider="microsoft365",
        codes=(535,),
        words="security defaults|conditional access|did not meet the criteria",
        title="a policy of the organization stops this login at Microsoft 365",
        cause="security defaults, a Conditional Access policy or multi-factor authentication forbid a plain password",
        remedy=_OAUTH + ", or ask the administrator to exempt this account; " + _SWITCH_ON,
        source=_M365_AUTH,
    ),
    Entry(
        provider="microsoft365",
        codes=(535, 550),
        enhanced=("5.7.139", "5.7.3"),
        title="Microsoft 365 refuses the login",
        cause="SMTP AUTH is off for the mailbox or the organization, or the username (the sign-in name, no alias) or "
        "the password is wrong",
        remedy=_SWITCH_ON
        + "; then check username and password. Passwords end for existing organizations too: "
        + _OAUTH,
        source=_M365_AUTH,
    ),
    Entry(
        provider="microsoft365",
        enhanced=("5.7.57",),
        title="Microsoft 365 was asked to send without a login",
        cause="no username was given, or the login was left out because the server offered none before TLS",
        remedy="give username= and a password, on smtp.office365.com, port 587 with STARTTLS",
        source=_M365,
    ),
    _SEND_AS,
    replace(_SEND_AS, words=None, enhanced=("5.7.60", "5.2.252")),
    _LIMIT,
    replace(_LIMIT, words="exceeded (your|the) (daily|sending)", own=False),
    Entry(
        provider="microsoft365",
        words="concurrent connections? limit|max(imum)? (number of )?concurrent|sender thread limit",
        own=False,
        title="too many connections to Microsoft 365 at once",
        cause="a mailbox may submit on three connections at a time",
        remedy="set max_connections=3 or less; the retry policy waits and tries again",
        source=_M365_LIMITS,
    ),
    _STOPPED,
    replace(_STOPPED, own=True, words="bad outbound sender"),
    replace(_STOPPED, enhanced=(), own=True, words="OutboundSpamException|WASCL UserAction"),
    Entry(
        provider="microsoft365",
        words="SenderNotAuthenticatedFor(Group|Mailbox)|RESOLVER\\.RST\\.",
        title="this group or mailbox accepts mail only from inside of its organization",
        cause="its owner restricted who may write to it; nothing is wrong with your account",
        remedy="ask the owner of the group to allow senders from outside, or write to a member",
        source=_M365,
    ),
    Entry(
        provider="microsoft365",
        words="RESOLVER\\.ADR\\.|RecipientNotFound|recipient address rejected: access denied.*\\bAS\\(",
        title="there is no such mailbox in that organization",
        cause="the recipient's address is wrong, was deleted, or is in a cache of Outlook that is out of date",
        remedy="check the spelling of the address, and remove it from your list if it no longer exists",
        source=_M365,
    ),
    Entry(
        provider="microsoft365",
        words="\\b(SC|DY|OU)-00\\d\\b.{0,60}(Unfortunately|weren't sent|block list)|S3140",
        title="outlook.com blocks the sending address",
        cause="the address of the server that sends was seen to send spam",
        remedy="send through the submission server of a provider; for a server of your own ask for its release at "
        "https://sender.office.com",
        source="https://learn.microsoft.com/troubleshoot/exchange/email-delivery/ndr/fix-error-code-550-5-7-511",
    ),
    Entry(
        provider="microsoft365",
        enhanced=("5.7.515",),
        words="required authentication level",
        title="the mail is not authenticated as outlook.com asks of those who send much",
        cause="SPF, DKIM and DMARC must all pass for the domain in From of a sender of 5,000 messages a day and more",
        remedy="publish SPF, DKIM and DMARC for that domain, as `sendkit doctor` checks them",
        source="https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/4399730",
    ),
    Entry(
        provider="microsoft365",
        codes=(451, 452, 421),
        enhanced=("4.7.500", "4.7.650", "4.7.0"),
        title="Microsoft limits the rate of this sender",
        cause="more mail than usual, or a sender without a reputation",
        remedy="send more slowly; the retry policy waits and tries again",
        source=_M365,
    ),
    Entry(
        provider="microsoft365",
        enhanced=("5.7.509",),
        words="does not pass DMARC",
        title="the mail fails the DMARC policy of its sender's domain",
        cause="the domain asks receivers to refuse mail that its SPF and DKIM do not authenticate",
        remedy="send through a provider that the domain's SPF and DKIM records allow, or from another domain",
        source=_M365,
    ),
)
