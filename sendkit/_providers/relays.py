"""The relays: services that send the mail of programs.

A table to read and to correct. Each row names where its facts stand: the provider's own page, Thunderbird's database of
providers (ISPDB, with the day of its entry) or nodemailer's list (4 August 2026), as they were on 24 November 2026.
"""

from __future__ import annotations

from sendkit._providers.provider import Provider
from sendkit._server.security import Security

_STARTTLS = Security.STARTTLS
_NODEMAILER = "nodemailer well-known services, 2026-08-04"

RELAYS = (
    Provider(
        name="sendgrid",
        host="smtp.sendgrid.net",
        port=587,
        security=_STARTTLS,
        username="apikey",
        password="an API key with the right to send mail",  # noqa: S106 - says what it must be
        limits="5,000 messages a connection",
        quirks="From must be a verified sender or of an authenticated domain",
        hosts=("sendgrid.net",),
        marks=("sendgrid",),
        selectors=("s1", "s2"),
        source="https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
    ),
    Provider(
        name="mailgun",
        host="smtp.mailgun.org",
        password="the SMTP credentials of the domain, not the API key",  # noqa: S106 - says what it must be
        hosts=("mailgun.org",),
        marks=("mailgun",),
        selectors=("k1", "mx", "smtp"),
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
    ),
    Provider(
        name="mailgun-eu",
        host="smtp.eu.mailgun.org",
        password="the SMTP credentials of the domain, not the API key",  # noqa: S106 - says what it must be
        operator="mailgun",
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
        hosts=("postmarkapp.com",),
        marks=("postmark",),
        source="https://postmarkapp.com/support/article/811",
    ),
    Provider(
        name="brevo",
        host="smtp-relay.brevo.com",
        port=587,
        security=_STARTTLS,
        username="the login that the SMTP settings show",
        password="an SMTP key, not an API key",  # noqa: S106 - says what it must be
        hosts=("brevo.com", "sendinblue.com"),
        marks=("brevo", "sendinblue"),
        selectors=("mail", "brevo1"),
        source="https://developers.brevo.com/docs/smtp-integration",
    ),
    Provider(
        name="resend",
        host="smtp.resend.com",
        username="resend",
        password="an API key",  # noqa: S106 - says what it must be
        hosts=("resend.com",),
        marks=("resend.com",),
        selectors=("resend",),
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
    Provider(
        name="zeptomail",
        host="smtp.zeptomail.com",
        username="emailapikey",
        password="a send mail token",  # noqa: S106 - says what it must be
        hosts=("zeptomail.com", "zeptomail.eu", "zeptomail.in"),
        marks=("zeptomail",),
        source="https://www.zoho.com/zeptomail/help/smtp-home.html",
    ),
    Provider(name="mailersend", host="smtp.mailersend.net", port=587, security=_STARTTLS, source=_NODEMAILER),
    Provider(name="forwardemail", host="smtp.forwardemail.net", source=_NODEMAILER),
)

# Those that have a server for each region, which stands for REGION in its host.
REGIONAL = (
    Provider(
        name="ses",
        host="email-smtp.REGION.amazonaws.com",
        password="SMTP credentials of SES for this region, which are not AWS keys",  # noqa: S106 - says what it must be
        username="the SMTP user name of SES",
        limits="200 messages a day and 1 a second in the sandbox; otherwise what the console shows for the account",
        quirks="sender and domain must be verified in this region",
        hosts=("amazonaws.com",),
        marks=("amazonses", "ses console", "amazon.com", "aws.amazon"),
        source="https://docs.aws.amazon.com/ses/latest/dg/quotas.html",
    ),
)
