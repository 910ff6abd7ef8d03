"""What the services for programs and bulk mail say, and what fixes it."""

from __future__ import annotations

from dataclasses import replace

from sendkit._providers.explanations.entry import Entry

_SES = "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html (read 2026-11-24)"
_SES_QUOTA = "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html (read 2026-11-24)"
_SES_IDENTITY = "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html (read 2026-11-24)"
_SENDGRID = "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting (read 2026-11-24)"  # noqa: E501 - an address has no place to break
_MAILGUN = "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp (read 2026-11-24)"
_POSTMARK = "https://postmarkapp.com/support/article/811 (read 2026-11-24)"
_BREVO = "https://developers.brevo.com/docs/smtp-integration (read 2026-11-24)"
_ZEPTOMAIL = "https://www.zoho.com/zeptomail/help/api/smtp-error-codes.html (read 2026-11-24)"

_SENDGRID_KEY = Entry(
    provider="sendgrid",
    codes=(535,),
    title="SendGrid requires an API key",
    cause="the username is the word apikey, and the password an API key with the right to send mail",
    remedy='give username="apikey", and store a key with `sendkit login smtp.sendgrid.net apikey`',
    source=_SENDGRID,
)

ENTRIES = (
    Entry(
        provider="ses",
        codes=(535,),
        title="Amazon SES requires SMTP credentials",
        cause="an AWS access key is not an SMTP password, and SMTP credentials are valid for one region",
        remedy="make SMTP credentials in the SES console (SMTP settings) of the region that the host names",
        source=_SES,
    ),
    Entry(
        provider="ses",
        codes=(554,),
        words="email address is not verified|identities failed the check",
        title="Amazon SES does not know this sender",
        cause="From is not a verified address or domain in this region; in the sandbox recipients must be verified too",
        remedy="verify the domain in the SES console, in this region, or leave the sandbox",
        source=_SES_IDENTITY,
    ),
    Entry(
        provider="ses",
        codes=(454,),
        words="daily message quota",
        title="the daily quota at Amazon SES is used up",
        cause="SES counts over 24 hours, and accepts no more until older messages drop out",
        remedy="send the rest later, or ask for a higher quota in the SES console",
        source=_SES_QUOTA,
    ),
    Entry(
        provider="ses",
        codes=(454,),
        words="throttling failure|maximum sending rate",
        title="too fast for Amazon SES",
        cause="the account sent more messages per second than allowed",
        remedy="send more slowly (fewer max_connections=); the retry policy waits and tries again",
        source=_SES_QUOTA,
    ),
    Entry(
        provider="ses",
        codes=(554,),
        words="access denied.*not authorized to perform",
        title="these SMTP credentials may not send from that address",
        cause="the IAM user behind them lacks ses:SendRawEmail for this identity",
        remedy="grant it in IAM, or make new SMTP credentials in the SES console",
        source=_SES,
    ),
    _SENDGRID_KEY,
    replace(_SENDGRID_KEY, words="provided authorization grant is invalid"),
    Entry(
        provider="sendgrid",
        words="from address does not match a verified sender|not authorized to send from that email",
        title="SendGrid does not know this sender",
        cause="From is not a verified sender identity",
        remedy="verify the sender or authenticate its domain in SendGrid's settings (Sender Authentication)",
        source=_SENDGRID,
    ),
    Entry(
        provider="sendgrid",
        words="maximum credits exceeded",
        title="the plan at SendGrid is used up",
        cause="no messages are left for this day or month",
        remedy="wait for the next period, or choose a larger plan",
        source=_SENDGRID,
    ),
    Entry(
        provider="mailgun",
        codes=(535,),
        title="Mailgun refuses the login",
        cause="it requires the SMTP credentials of the sending domain, not the API key, and its own host for the EU",
        remedy="reset the SMTP password of the domain (Sending, Domain settings, SMTP credentials); for a domain in "
        "the EU the host is smtp.eu.mailgun.org",
        source=_MAILGUN,
    ),
    Entry(
        provider="mailgun",
        words="free accounts are for test purposes|authorized recipients|sandbox",
        own=False,
        title="a Mailgun sandbox domain sends only to authorised recipients",
        cause="no domain of your own was added yet",
        remedy="add and verify a domain, or authorise this recipient",
        source=_MAILGUN,
    ),
    Entry(
        provider="postmark",
        codes=(535, 401),
        title="Postmark requires a server token",
        cause="username and password are both the server API token, or an SMTP token of the message stream",
        remedy="copy it from Server, API Tokens, and use it for both",
        source=_POSTMARK,
    ),
    Entry(
        provider="postmark",
        words="sender signature",
        title="Postmark does not know this sender",
        cause="From is neither a confirmed sender signature nor in a verified domain",
        remedy="confirm the sender, or verify its domain, in Postmark",
        source=_POSTMARK,
    ),
    Entry(
        provider="brevo",
        codes=(535, 525),
        title="Brevo wants an SMTP key",
        cause="an API key is not an SMTP key, and the username is the login that the SMTP settings show",
        remedy="make one at https://app.brevo.com/settings/keys/smtp; where addresses are restricted, allow this one",
        source=_BREVO,
    ),
    Entry(
        provider="resend",
        codes=(535,),
        title="Resend wants an API key",
        cause="the username is the word resend, and the password an API key",
        remedy='give username="resend" and an API key',
        source="https://resend.com/docs/send-with-smtp (read 2026-11-24)",
    ),
    Entry(
        provider="zeptomail",
        codes=(535,),
        title="ZeptoMail refuses the login",
        cause="the Send Mail token or the username is wrong, or the credits are used up or blocked",
        remedy="copy username and token from the agent's SMTP settings, and check the credits",
        source=_ZEPTOMAIL,
    ),
)
