"""What mail libraries say by themselves: smtplib, aiosmtplib, nodemailer, Go and PHPMailer."""

from __future__ import annotations

from sendkit._providers.explanations.symptom import Symptom

_SMTPLIB = "https://docs.python.org/3/library/smtplib.html"

SYMPTOMS = (
    Symptom(
        words="please run connect\\(\\) first|Not connected|SMTP instance has no|call connect\\(\\) first|"
        "'SMTP(_SSL)?' object has no attribute 'sock'",
        title="the program used a connection that is not open",
        cause="it never connected, or the server closed the connection before (after too long a pause, or a refusal) "
        "and the program went on",
        remedy="nothing to do: sendkit connects by itself, and again where a connection was closed",
        elsewhere="connect for each batch and send at once; look at the first error above this one, which says why the "
        "connection was closed",
        source=_SMTPLIB,
    ),
    Symptom(
        words="unexpected keyword argument '(keyfile|certfile)'",
        title="keyfile= and certfile= are gone since Python 3.12",
        cause="smtplib takes an SSL context in their place",
        remedy="nothing to do: sendkit verifies servers by itself; for a client certificate give client_cert=",
        elsewhere="starttls(context=ssl.create_default_context()); for Django's backend, a version for this Python",
        source="https://docs.python.org/3/whatsnew/3.12.html#removed",
    ),
    Symptom(
        words="STARTTLS (extension )?not supported|does not support STARTTLS|server does not.{0,20}STARTTLS",
        title="the server offers no STARTTLS on this port",
        cause="it is a port for implicit TLS or for relays, or an attacker removed the offer",
        why="starttls_not_offered",
        elsewhere="use port 587, or implicit TLS on port 465; never send the password without TLS",
        source="RFC 3207 section 4",
    ),
    Symptom(
        words=(
            "SMTP AUTH extension not supported|No suitable authentication method|server doesn't support AUTH|"
            "AUTH not supported|doesn't support.{0,20}authentication"
        ),
        title="the server offers no login on this connection",
        cause="it offers one only after STARTTLS, or this is a relay without logins",
        why="login_not_taken",
        elsewhere="start TLS before the login (starttls(), then login()); a relay in your own network needs no login",
        source="RFC 4954 section 3",
    ),
    Symptom(
        words="Missing credentials for|no (username|user name|password) (was )?(given|provided|supplied|set)",
        title="the program has no username or no password",
        cause="a variable of its settings is empty or has another name; the server was not asked",
        remedy="give --user, and store the password: `sendkit login HOST USER`",
        elsewhere="print which of the two is empty (nodemailer: auth.user and auth.pass); load the .env file first",
        source="RFC 4954 section 4",
    ),
    Symptom(
        words="curl: \\(67\\)|Login denied\\b|authentication failed \\(method",
        title="the login was refused",
        cause="the username or password is wrong, or not for mail clients",
        why="login_refused",
        elsewhere="check both in the settings of that program; many providers require an app password",
        source="RFC 4954 section 6",
    ),
    Symptom(
        words="unencrypted connection",
        title="the program does not send a password without TLS",
        cause="the connection is not encrypted",
        why="login_needs_tls",
        elsewhere="turn on STARTTLS (587) or TLS (465)",
        source="RFC 8314 section 3",
    ),
    Symptom(
        words="UnicodeEncodeError|'ascii' codec can't encode|SMTPUTF8 (is )?(not|un)",
        title="there is a non-ASCII character where the protocol allows only ASCII",
        cause="smtplib supports passwords, and the local part of addresses, only in ASCII",
        remedy="nothing to do: sendkit encodes names, subjects, domains and passwords by itself; a local part that is "
        "not ASCII needs a server with SMTPUTF8",
        elsewhere="encode headers with email.message.EmailMessage, and send with send_message(), not sendmail(str)",
        source="RFC 6531",
    ),
    Symptom(
        words=(
            "asyncio\\.run\\(\\) cannot be called|event loop is closed|attached to a different loop|"
            "no running event loop|event loop is already running"
        ),
        title="asynchronous code was mixed with another event loop",
        cause="a client belongs to the loop it was made in; a notebook already runs a loop",
        remedy="in a notebook or an async program use `await AsyncMailer(…).send(message)`; anywhere else use Mailer",
        elsewhere="make and use the client inside the same coroutine",
        source="https://docs.python.org/3/library/asyncio-runner.html",
    ),
    Symptom(
        words="getaddrinfo\\(\\) argument|server_hostname cannot be an empty|check_hostname requires server_hostname|"
        "(host|port).{0,30}must be (a )?(int|str)",
        title="the host or the port is missing in the program's settings",
        cause="a variable is not set, or the port is text instead of a number",
        remedy="set SENDKIT_HOST (and SENDKIT_PORT), or give --host HOST:587",
        elsewhere="print what the program passes as host and port: a name as text, a port as a number",
        source=_SMTPLIB,
    ),
    Symptom(
        words="'(list|tuple)' object has no attribute '(encode|lstrip|split|strip|replace)'|"
        "expected string or bytes-like object, got '(list|tuple)'",
        title="a header has a list instead of text",
        cause="a header of the `email` package is one text, with commas between the addresses",
        remedy='nothing to do: to= takes a list, ["luis@example.com", "ops@example.net"]',
        elsewhere='message["To"] = ", ".join(recipients); the list itself goes to sendmail()',
        source="https://docs.python.org/3/library/email.examples.html",
    ),
    Symptom(
        words="cannot schedule new futures after (interpreter )?shutdown",
        title="the program had ended when the mail was sent",
        cause="a background thread sent while the interpreter was shutting down",
        remedy="wait for the threads before the end of the program; sendkit itself needs no executor of asyncio",
        elsewhere="wait for the threads (executor.shutdown(wait=True)) before the end of the program",
        source="https://docs.python.org/3/library/concurrent.futures.html",
    ),
    Symptom(
        words="SMTP connect\\(\\) failed|Could not connect to SMTP host|stream_socket_enable|SMTP Error: Could not",
        title="PHP could not reach the server, or verify it",
        cause="usually a firewall, missing CA certificates, or the wrong mode for the port",
        remedy="`sendkit doctor --host HOST:587` shows which",
        elsewhere="use `tls` with port 587 or `ssl` with port 465, and set openssl.cafile in php.ini",
        source="https://github.com/PHPMailer/PHPMailer/wiki/Troubleshooting",
    ),
)
