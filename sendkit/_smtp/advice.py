"""The hints as a table: for each reason what to do, in Python and, where a shell has other means, as a command line.

`{host}`, `{port}`, `{server}`, `{user}`, `{sender}`, `{source}`, `{who}` and `{message_id}` are filled in with what is
known. A new hint is a line here, and a new reason one in `reason`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from sendkit._smtp.reason import Cause, Reason

SecretKind: TypeAlias = Literal["password", "token", "certificate"]


class Advice(NamedTuple):
    """What to do, for a program; `shell` where the command line says it in other words."""

    python: str
    shell: str | None = None


_AGAIN = "what is unsettled can be sent again"
_IN_DOUBT = Advice(
    "the server may have accepted the message: look for its Message-ID on the other side before you send it again; "
    "only a policy that allows duplicates (retry_in_doubt) sends it again without you",
    "the server may have accepted it: look for {message_id} on the other side before you send it again",
)
_DEFERRED = Advice(
    "send what is unsettled again later; a retry policy with more attempts does so for you",
    "send it again later, only to these recipients ({who}), or try more often with --retries",
)
_LOGIN = Advice(
    "check the username and the password (many providers require an app password); `sendkit login {host} {user}` "
    "stores a new one; this program does not send the refused one again until it has changed"
)
_UNTIL_CHANGED = "this program does not send the refused one again until it has changed"
_PASSWORD_OF_OTHERS = Advice(
    "check the username and the password (many providers require an app password); the refused one came from {source}: "
    f"correct it there, or leave it out and store one with `sendkit login {{host}} {{user}}`; {_UNTIL_CHANGED}"
)
_ACCESS = (
    "the access token may have expired or been revoked, lack the scope for SMTP, or belong to another user than {user}"
)
_STORED_TOKEN = Advice(
    f"{_ACCESS}; `sendkit login {{host}} {{user}} --oauth google --client-id ID` (or --oauth microsoft) stores a "
    "new grant"
)
_TOKEN_OF_OTHERS = Advice(f"{_ACCESS}; get a new one where it comes from: {{source}}")
_PROTOCOL = Advice(
    "check that an SMTP submission server answers on this port; result.attempts has its replies",
    "check that an SMTP submission server answers on this port; --verbose shows its replies",
)

BY_CAUSE = {
    Cause.IN_DOUBT: _IN_DOUBT,
    Cause.TLS: Advice(
        "nothing was sent; check the host name, the port, the security, and that the certificate is valid"
    ),
    Cause.AUTHENTICATION: _LOGIN,
    Cause.CONNECTION: Advice(f"check host and port, and that no firewall blocks the connection; {_AGAIN}"),
    Cause.PROTOCOL: _PROTOCOL,
    Cause.DEFERRED: _DEFERRED,
    Cause.REJECTED: Advice(
        "the reply, or the reason, says why; sending the same message to the same address again will not help"
    ),
}
# A deferral that nothing but a person ends, and of which no more is known than its words.
HELD = Advice(f"first fix what the reason names; then {_AGAIN}")

_IMPLICIT = Advice(
    'Server("{host}", port={port}, security="implicit_tls"), or smtps://{host}:{port}',
    "--host {host}:{port} --security implicit_tls",
)
_STARTTLS = Advice(
    'Server("{host}", port={port}, security="starttls"), or smtp+starttls://{host}:{port}',
    "--host {host}:{port} --security starttls",
)
_LESS = Advice(
    "an attacker may be between you and the server, so no password was sent; if its operator confirms a change, delete "
    "its lines from the file of known_hosts"
)
_BY_ITSELF = (
    "nothing was sent; the certificate is self-signed. If it is the right one, get it from the server as a PEM file"
)
_UNKNOWN = (
    "nothing was sent; the certificate is from an authority that this machine does not trust, perhaps a company's own "
    "or a proxy's. Get the authority's certificate as a PEM file"
)
_WITHOUT_KEYRING = "set SENDKIT_PASSWORD or SENDKIT_PASSWORD_FILE"
_TOKENS = (
    "many servers require OAuth 2: `sendkit login {host} {user} --oauth google --client-id ID` (or --oauth microsoft) "
    "stores the grant, and sendkit refreshes the token (Google revokes grants of a project in testing after 7 days)"
)
_EACH_HAS_ITS_OWN = "sendkit uses SCRAM, PLAIN or LOGIN for a password, OAUTHBEARER or XOAUTH2 for a token"
_RENEW = "`sendkit doctor --host {server}` shows the certificate"


def _both(before: str, what: Advice, after: str = "") -> Advice:
    return Advice(f"{before}{what.python}{after}", f"{before}{what.shell or what.python}{after}")


BY_REASON = {
    Reason.NO_SUCH_HOST: Advice(
        "{meant}; `sendkit providers` lists the known servers",
        "{provider}; `sendkit providers` lists the known servers",
    ),
    Reason.NAME_NOT_RESOLVED: Advice(f"check the network and the resolver (DNS) of this machine; {_AGAIN}"),
    Reason.CONNECTION_REFUSED: Advice(
        f"nothing listens at {{server}}, or a firewall refuses it: check the port (587 for STARTTLS, 465 for implicit "
        f"TLS); {_AGAIN}"
    ),
    Reason.UNREACHABLE: Advice(
        f"check host and port, and that no firewall blocks the connection (many networks close port 25; "
        "submission is 587 or "
        f"465); {_AGAIN}"
    ),
    Reason.LOCAL_ADDRESS: Advice(
        "local_address= must be an address of this machine, and of the same family as one of the server's",
        "--local-address must be an address of this machine, and of the same family as one of the server's",
    ),
    Reason.UNIX_SOCKET: Advice(
        f"check the path, that the server runs, and that this user may write to the socket; {_AGAIN}"
    ),
    Reason.SOCKET_USED: Advice(
        "sock= works for one connection: pass a new socket, or dialer= with a function that opens them",
        "the program that opened the connection must open another one",
    ),
    Reason.DIALER_FAILED: Advice(
        f"check the error of the dialer= function; {_AGAIN}",
        f"check the error of the program's own connection function; {_AGAIN}",
    ),
    Reason.PROXY_UNREACHABLE: Advice(f"check host and port of the proxy, and that it runs; {_AGAIN}"),
    Reason.PROXY_CANNOT_CONNECT: Advice(
        f"the proxy works, but could not reach {{server}}: check this name and port, and that the proxy's network "
        f"allows the connection; {_AGAIN}"
    ),
    Reason.PROXY_BROKE_OFF: Advice(
        f"check that a proxy with this protocol (socks5, socks4a, http) uses this port; a proxy may "
        f"also wait because the server does not reply; {_AGAIN}"
    ),
    Reason.PROXY_REFUSED: Advice(
        "the rules of the proxy must allow {server}: many HTTP proxies allow CONNECT to port 443 only; ask its operator"
    ),
    Reason.PROXY_LOGIN: Advice(
        "put the username and the password into the proxy's URL in SENDKIT_PROXY, or the username alone, and store the "
        "password with `sendkit login --no-test`, for the host of the proxy"
    ),
    Reason.OUT_OF_DESCRIPTORS: Advice(
        "the process has no free file descriptor: use one mailer for many messages, close open files, or raise "
        "`ulimit -n`",
        "too many files are open: close some, or raise `ulimit -n`",
    ),
    Reason.CLOSED_BEFORE_GREETING: Advice(
        f"the server closed the connection at once: usually it has too many from here, or blocks this address; {_AGAIN}"
    ),
    Reason.NO_GREETING: _both(
        "no greeting arrived: a port for implicit TLS (usually 465) waits for the client to begin; if it is one: ",
        _IMPLICIT,
    ),
    Reason.CONNECTION_CLOSED: Advice(
        f"the server or the network closed the connection before the message was accepted; {_AGAIN}, and nobody "
        "gets it "
        "twice"
    ),
    Reason.NO_REPLY: Advice(
        f"the server is slow, or the network loses its replies; {_AGAIN}, and Server(timeouts=…) gives it more time",
        f"the server is slow, or the network loses its replies; {_AGAIN}",
    ),
    Reason.TURNED_AWAY: Advice(
        "the server accepts no mail from here: check that it is the submission server of your provider, and that this "
        "machine's address is not on a block list"
    ),
    Reason.NOT_LMTP: Advice(
        'the server does not know LHLO, so it is an SMTP server: leave protocol="lmtp" out',
        "the server does not know LHLO, so it is an SMTP server: leave --protocol lmtp out",
    ),
    Reason.LMTP_ALONE: Advice(
        'the server knows neither EHLO nor HELO; if it is an LMTP server: Server("{host}", protocol="lmtp")',
        "the server knows neither EHLO nor HELO; if it is an LMTP server: --protocol lmtp",
    ),
    Reason.EHLO_REFUSED: Advice(
        "the server refuses the name in EHLO; set one that it accepts, such as this machine's full name: "
        'Server("{host}", port={port}, local_hostname="host.example.com"), or SENDKIT_LOCAL_HOSTNAME in the '
        "environment",
        "the server refuses the name in EHLO; set one that it accepts, such as this machine's full name: "
        "--local-hostname host.example.com, or SENDKIT_LOCAL_HOSTNAME in the environment",
    ),
    Reason.WANTS_IMPLICIT_TLS: _both("nothing was sent; set security=implicit_tls for this port: ", _IMPLICIT),
    Reason.WANTS_STARTTLS: _both(
        "nothing was sent; use the port for implicit TLS (465), or set security=starttls for this one (usually 587): ",
        _STARTTLS,
    ),
    Reason.STARTTLS_NOT_OFFERED: Advice(
        "this server offers no STARTTLS here, and nothing was sent: use port 465 with implicit TLS, "
        'Server("{host}", port=465, security="implicit_tls"), or another server',
        "this server offers no STARTTLS here, and nothing was sent: try --host {host}:465, or another server",
    ),
    Reason.STARTTLS_GONE: _LESS,
    Reason.MECHANISM_GONE: _LESS,
    Reason.STARTTLS_DELAYED: Advice(f"nothing was sent; the server temporarily cannot start TLS: {_AGAIN}"),
    Reason.TLS_CLOSED: Advice(f"nothing was sent; the connection ended in the TLS handshake: {_AGAIN}"),
    Reason.TLS_VERSION: Advice(
        "nothing was sent; the server supports no TLS version as new as this client requires (1.2, or minimum_tls=): "
        "its operator must update it",
        "nothing was sent; the server supports no TLS version as new as this client requires (1.2, or --minimum-tls): "
        "its operator must update it",
    ),
    Reason.CERTIFICATE_MALFORMED: Advice(
        "nothing was sent; the certificate, or that of its authority (perhaps a company's own), lacks what RFC 5280 "
        "requires, which Python checks since 3.13: have it made again. Until then, which still verifies: context = "
        "ssl.create_default_context(cafile=…); context.verify_flags &= ~ssl.VERIFY_X509_STRICT; "
        "Server(…, tls_context=context)",
        "nothing was sent; the certificate, or that of its authority (perhaps a company's own), lacks what RFC 5280 "
        "requires, which Python checks since 3.13: have it made again, or use a Python before 3.13",
    ),
    Reason.CERTIFICATE_WEAK: Advice(
        "nothing was sent; the key or the signature of the certificate is too weak for this machine's OpenSSL: its "
        "operator must renew it with a key of 2,048 bits at least and SHA-256"
    ),
    Reason.CERTIFICATE_EXPIRED: Advice(
        f"nothing was sent; the operator of {{host}} must renew its certificate, unless this machine's clock is wrong; "
        f"{_RENEW}"
    ),
    Reason.CERTIFICATE_NOT_YET_VALID: Advice(f"nothing was sent; check the clock of this machine; {_RENEW}"),
    Reason.NAME_MISMATCH: Advice(
        f"nothing was sent; the certificate is for other names than {{host}}: use one of those as the host, if it is "
        f"the same server; {_RENEW}"
    ),
    Reason.SELF_SIGNED: Advice(
        f'{_BY_ITSELF}: Server("{{host}}", port={{port}}, ca_file="server.pem"); {_RENEW}',
        f"{_BY_ITSELF}: --ca-file server.pem; {_RENEW}",
    ),
    Reason.UNKNOWN_CA: Advice(
        f'{_UNKNOWN}: Server("{{host}}", port={{port}}, ca_file="company-ca.pem"), or SSL_CERT_FILE=company-ca.pem in '
        f"the environment; {_RENEW}",
        f"{_UNKNOWN}: --ca-file company-ca.pem, or SSL_CERT_FILE=company-ca.pem in the environment; {_RENEW}",
    ),
    Reason.NO_TRUST_STORE: Advice(
        "nothing was sent; this machine has no CA certificates: install them (ca-certificates on Linux), "
        "or set SSL_CERT_FILE to a file that contains them"
    ),
    Reason.KEY_NOT_PINNED: Advice(
        "nothing was sent; if the server's key has changed and its operator says so, add the new pin"
    ),
    Reason.CLIENT_CERTIFICATE_REFUSED: Advice(
        "nothing was sent; the server refuses this client's certificate, or requires one: client_cert= and "
        "client_key= of Server",
        "nothing was sent; the server refuses this client's certificate, or requires one: client_cert and "
        "client_key of the account in config.toml",
    ),
    Reason.LOGIN_REFUSED: _LOGIN,
    Reason.LOGIN_NOT_TAKEN: Advice(
        "the server does not support a login here: leave out the username if none is needed, or use its "
        "submission port (587 or 465)"
    ),
    Reason.LOGIN_NOT_CHECKED: Advice(
        f"nothing to change: the server says that it could not check the login; {_AGAIN}, or ask its operator"
    ),
    Reason.LOGIN_DELAYED: Advice(
        f"nothing to change: the server temporarily cannot check logins (RFC 4954 section 6); {_AGAIN}"
    ),
    Reason.LOGIN_WANTED: Advice(
        "the server requires a login first: give a username and a password",
        "the server requires a login first: --user USERNAME, and `sendkit login {host} USERNAME` for the password",
    ),
    Reason.LOGIN_NEEDS_TLS: _both("the server accepts a login only over TLS: ", _STARTTLS),
    Reason.STRONGER_LOGIN_WANTED: Advice(
        "the server requires another kind of login for this account: an app password, OAuth 2, or a stronger "
        "mechanism=",
        "the server requires another kind of login for this account: an app password, or OAuth 2 (see `sendkit login "
        "--help`)",
    ),
    Reason.NO_MECHANISM: Advice(
        f"{_EACH_HAS_ITS_OWN}, and CRAM-MD5 and EXTERNAL only if you name them with mechanism=; {_TOKENS}, or use "
        "credentials=OAuth2(…); leave out the username if the server needs no login",
        f"{_EACH_HAS_ITS_OWN}; {_TOKENS}; leave out --user if the server needs no login",
    ),
    Reason.NO_TOKEN_NOW: Advice(f"there is no token at the moment; {_AGAIN} when the authorization server replies"),
    Reason.NO_CREDENTIALS: Advice("`sendkit login {host} {user}` stores the password, or set SENDKIT_PASSWORD"),
    Reason.KEYRING_UNAVAILABLE: Advice(f"{_WITHOUT_KEYRING}, or install a keyring (on Linux a Secret Service)"),
    Reason.KEYRING_LOCKED: Advice(f"unlock the keyring (log in to the desktop), or use no keyring: {_WITHOUT_KEYRING}"),
    Reason.KEYRING_DENIED: Advice(f"delete the entry in the keyring, and store it again; or {_WITHOUT_KEYRING}"),
    Reason.KEYRING_FULL: Advice(f"the keyring cannot store a secret as long as this one: {_WITHOUT_KEYRING}"),
    Reason.SERVER_NOT_PROVEN: Advice(
        "the server's login proof is wrong: the server is faulty, or it is the wrong server; check the host; "
        "mechanism= selects another mechanism",
        "the server's login proof is wrong: the server is faulty, or it is the wrong server; check the host",
    ),
    Reason.MORE_ASKED: Advice(
        "the server asks for more than a name and a password, such as a second factor, or it is faulty: use an app "
        "password if the provider has them; mechanism= selects another mechanism",
        "the server asks for more than a name and a password, such as a second factor, or it is faulty: use an app "
        "password if the provider has them",
    ),
    Reason.STORE_FAILED: Advice(f"check that the disk has space, and that this program can write there; {_AGAIN}"),
    Reason.SETTING_UNUSABLE: HELD,
    Reason.MESSAGE_UNUSABLE: Advice(
        "create the message again without what the reason names, and send it to result.unsettled()",
        "send the message again without what the reason names",
    ),
    Reason.CONTENT_CHANGED: Advice(
        "an attached file changed in the meantime: create the message again, and send it to result.unsettled()",
        "an attached file changed in the meantime: send the message again, only to {who}",
    ),
    Reason.TOO_LARGE: Advice("send smaller attachments, or links to the files"),
    Reason.SENDER_NOT_OWNED: Advice(
        "send from an address of the account ({user}), or add {sender} to the account at the provider"
    ),
    Reason.NEEDS_SMTPUTF8: Advice(
        "write addresses, and fields such as Message-ID and file names, in ASCII, or use a server that offers SMTPUTF8 "
        "(RFC 6531)"
    ),
    Reason.NEEDS_8BITMIME: Advice("encode the message to 7 bit (before you sign it), or use a server with 8BITMIME"),
    Reason.NEEDS_REQUIRETLS: Advice(
        "nothing was sent: use a server that offers REQUIRETLS (RFC 8689) over TLS, or send without require_tls",
        "nothing was sent: use a server that offers REQUIRETLS (RFC 8689) over TLS, or send without --require-tls",
    ),
    Reason.NEEDS_FUTURERELEASE: Advice(
        "nothing was sent: let an outbox hold the message, put(message, send_at=…); or set a time within the limits",
        "nothing was sent: set a time within the limits of a server that offers FUTURERELEASE (RFC 4865), or send it "
        "when it is due (at, cron, a systemd timer)",
    ),
    Reason.NOT_ALLOWED: Advice(
        "add the address to allow_only= (SENDKIT_ALLOW_ONLY), or redirect such mail with redirect_all_to=",
        "add the address to SENDKIT_ALLOW_ONLY, or redirect such mail with SENDKIT_REDIRECT_ALL_TO",
    ),
}


def refused(kind: SecretKind, *, stored: bool) -> Advice:
    """What to do about a login that was refused; `stored`: `sendkit login` had stored the secret."""
    if kind == "certificate":
        return BY_REASON[Reason.CLIENT_CERTIFICATE_REFUSED]
    if kind == "token":
        return _STORED_TOKEN if stored else _TOKEN_OF_OTHERS
    return _LOGIN if stored else _PASSWORD_OF_OTHERS
