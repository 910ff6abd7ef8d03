"""The hints as a table: for each reason what to do, in Python and, where a shell has other means, as a command line.

`{host}`, `{port}`, `{server}`, `{user}`, `{sender}`, `{who}` and `{message_id}` are filled in with what is known. A new
hint is a line here, and a new reason one in `reason`.
"""

from __future__ import annotations

from typing import NamedTuple

from sendkit._smtp.reason import Cause, Reason


class Advice(NamedTuple):
    """What to do, for a program; `shell` where the command line says it in other words."""

    python: str
    shell: str | None = None


_AGAIN = "what is unsettled can be sent again"
_IN_DOUBT = Advice(
    "the server may have taken the message: look for its Message-ID at the other side before you send it again; "
    "only a policy that allows duplicates (retry_in_doubt) repeats it by itself",
    "the server may have taken it: look for {message_id} at the other side before you send it again",
)
_DEFERRED = Advice(
    "send what is unsettled again later; a retry policy with more attempts does it by itself",
    "send it again later, to these recipients alone ({who}), or try more often with --retries",
)
_LOGIN = Advice(
    "check the username and the password (many providers want an app password); `sendkit login {host} {user}` stores a "
    "new one, and this program does not send the refused one again before it has changed"
)
_PROTOCOL = Advice(
    "check that an SMTP submission server answers on this port; the result's attempts hold its answers",
    "check that an SMTP submission server answers on this port; --verbose shows its answers",
)

BY_CAUSE = {
    Cause.IN_DOUBT: _IN_DOUBT,
    Cause.TLS: Advice(
        "nothing was sent; check the host name, the port, the security, and that the certificate is valid"
    ),
    Cause.AUTHENTICATION: _LOGIN,
    Cause.CONNECTION: Advice(f"check host and port, and that no firewall is in between; {_AGAIN}"),
    Cause.PROTOCOL: _PROTOCOL,
    Cause.DEFERRED: _DEFERRED,
    Cause.REJECTED: Advice("the reply says why; sending the same message to the same address again will not help"),
}
# A deferral that nothing but a person ends, and of which no more is known than its words.
HELD = Advice(f"do first what the reason asks for; then {_AGAIN}")

_IMPLICIT = Advice(
    'Server("{host}", port={port}, security="implicit_tls"), or smtps://{host}:{port}',
    "--host {host}:{port} --security implicit_tls",
)
_STARTTLS = Advice(
    'Server("{host}", port={port}, security="starttls"), or smtp+starttls://{host}:{port}',
    "--host {host}:{port} --security starttls",
)
_LESS = Advice(
    "somebody may be in between, so no password was sent; if the server's operator says that it has changed, delete "
    "its lines from the file of known_hosts"
)
_BY_ITSELF = (
    "nothing was sent; the certificate is signed by itself alone. If it is the right one, take it from the server as a "
    "PEM file"
)
_UNKNOWN = (
    "nothing was sent; the certificate is from an authority that this machine does not know, perhaps a company's own "
    "or a proxy's. Take its certificate as a PEM file"
)
_WITHOUT_KEYRING = "set SENDKIT_PASSWORD or SENDKIT_PASSWORD_FILE"
_TOKENS = (
    "many want OAuth 2 by now: `sendkit login {host} {user} --oauth google --client-id ID` (or --oauth microsoft) "
    "stores the grant, and the token is refreshed by itself (Google ends those of a project in testing after 7 days)"
)
_RENEW = "`sendkit doctor --host {server}` shows the certificate"


def _both(before: str, what: Advice, after: str = "") -> Advice:
    return Advice(f"{before}{what.python}{after}", f"{before}{what.shell or what.python}{after}")


BY_REASON = {
    Reason.NO_SUCH_HOST: Advice(
        "check the spelling of {host}; `sendkit providers` lists the servers of those that are known"
    ),
    Reason.NAME_NOT_RESOLVED: Advice(f"check the network and the resolver (DNS) of this machine; {_AGAIN}"),
    Reason.CONNECTION_REFUSED: Advice(
        f"nothing listens at {{server}}, or a firewall refuses it: check the port (587 for STARTTLS, 465 for implicit "
        f"TLS); {_AGAIN}"
    ),
    Reason.UNREACHABLE: Advice(
        f"check host and port, and that no firewall is in between (many networks close port 25; submission is 587 or "
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
        "sock= is good for one connection: give a new socket, or dialer= a function that makes them",
        "the program that made the connection must make another one",
    ),
    Reason.DIALER_FAILED: Advice(
        f"look at what the function of dialer= ran into; {_AGAIN}",
        f"look at what the program's own way to connect ran into; {_AGAIN}",
    ),
    Reason.PROXY_UNREACHABLE: Advice(f"check host and port of the proxy, and that it runs; {_AGAIN}"),
    Reason.PROXY_CANNOT_CONNECT: Advice(
        f"the proxy is there, and could not reach {{server}}: check this name and port, and that the proxy's network "
        f"lets it out; {_AGAIN}"
    ),
    Reason.PROXY_BROKE_OFF: Advice(
        f"check that it is a proxy of this protocol (socks5, socks4a, http) on this port; a proxy may be "
        f"silent too because the server does not answer it; {_AGAIN}"
    ),
    Reason.PROXY_REFUSED: Advice(
        "the rules of the proxy must allow {server}: many HTTP proxies allow CONNECT to port 443 alone; ask who runs it"
    ),
    Reason.PROXY_LOGIN: Advice(
        "put the username and the password into the proxy's URL in SENDKIT_PROXY, or the username alone, and store the "
        "password with `sendkit login --no-test`, for the host of the proxy"
    ),
    Reason.OUT_OF_DESCRIPTORS: Advice(
        "the process has no free file descriptor: use one mailer for many messages, close what is held open, or raise "
        "`ulimit -n`",
        "too many files are open: close some, or raise `ulimit -n`",
    ),
    Reason.CLOSED_BEFORE_GREETING: Advice(
        f"the server is there and does not want this connection: mostly it has too many from here, or turns this "
        f"address away; {_AGAIN}"
    ),
    Reason.NO_GREETING: _both(
        "no greeting came: a port for implicit TLS (mostly 465) waits for the client to begin; if it is one: ",
        _IMPLICIT,
    ),
    Reason.CONNECTION_CLOSED: Advice(
        f"the server or the network ended the connection, before the message was taken; {_AGAIN}, and nobody gets it "
        "twice"
    ),
    Reason.NO_REPLY: Advice(
        f"the server is slow, or the network loses what it says; {_AGAIN}, and Server(timeouts=…) gives it more time",
        f"the server is slow, or the network loses what it says; {_AGAIN}",
    ),
    Reason.TURNED_AWAY: Advice(
        "the server takes no mail from here: check that it is the submission server of your provider, and that this "
        "machine's address is on no block list"
    ),
    Reason.NOT_LMTP: Advice(
        'the server does not know LHLO, so that it speaks SMTP: leave protocol="lmtp" out',
        "the server does not know LHLO, so that it speaks SMTP: leave --protocol lmtp out",
    ),
    Reason.LMTP_ALONE: Advice(
        'the server knows neither EHLO nor HELO; if it is one for LMTP: Server("{host}", protocol="lmtp")',
        "the server knows neither EHLO nor HELO; if it is one for LMTP: --protocol lmtp",
    ),
    Reason.EHLO_REFUSED: Advice(
        "the server does not take the name in EHLO; give it one that it knows, such as this machine's full name: "
        'Server("{host}", port={port}, local_hostname="host.example.com"), or SENDKIT_LOCAL_HOSTNAME in the '
        "environment",
        "the server does not take the name in EHLO; give it one that it knows, such as this machine's full name: "
        "--local-hostname host.example.com, or SENDKIT_LOCAL_HOSTNAME in the environment",
    ),
    Reason.WANTS_IMPLICIT_TLS: _both("nothing was sent; set security=implicit_tls for this port: ", _IMPLICIT),
    Reason.WANTS_STARTTLS: _both(
        "nothing was sent; use the port for implicit TLS (465), or set security=starttls for this one (mostly 587): ",
        _STARTTLS,
    ),
    Reason.STARTTLS_NOT_OFFERED: Advice(
        "this server offers no STARTTLS here, and nothing was sent: use port 465 with implicit TLS, "
        'Server("{host}", port=465, security="implicit_tls"), or another server',
        "this server offers no STARTTLS here, and nothing was sent: try --host {host}:465, or another server",
    ),
    Reason.STARTTLS_GONE: _LESS,
    Reason.MECHANISM_GONE: _LESS,
    Reason.STARTTLS_DELAYED: Advice(f"nothing was sent; the server cannot do TLS for now: {_AGAIN}"),
    Reason.TLS_CLOSED: Advice(f"nothing was sent; the connection ended in the TLS handshake: {_AGAIN}"),
    Reason.TLS_VERSION: Advice(
        "nothing was sent; the server speaks older versions of TLS than 1.2 alone: whoever runs it must update it"
    ),
    Reason.CERTIFICATE_EXPIRED: Advice(
        f"nothing was sent; whoever runs {{host}} must renew its certificate, unless this machine's clock is wrong; "
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
        "nothing was sent; this machine has no certificates of authorities: install them (ca-certificates on Linux), "
        "or set SSL_CERT_FILE to a file of them"
    ),
    Reason.KEY_NOT_PINNED: Advice(
        "nothing was sent; if the server's key has changed and its operator says so, add the new pin"
    ),
    Reason.CLIENT_CERTIFICATE_REFUSED: Advice(
        "nothing was sent; the server does not take this client's certificate, or wants one: client_cert= and "
        "client_key= of Server",
        "nothing was sent; the server does not take this client's certificate, or wants one: client_cert and "
        "client_key of the account in config.toml",
    ),
    Reason.LOGIN_REFUSED: _LOGIN,
    Reason.LOGIN_NOT_TAKEN: Advice(
        "the server takes no login here: give no username if it needs none, or use its port for submission (587 or 465)"
    ),
    Reason.LOGIN_NOT_CHECKED: Advice(
        f"nothing to change: the server says that it could not check the login; {_AGAIN}, or ask its operator"
    ),
    Reason.LOGIN_DELAYED: Advice(
        f"nothing to change: the server cannot check logins for now (RFC 4954 section 6); {_AGAIN}"
    ),
    Reason.LOGIN_WANTED: Advice(
        "the server wants a login first: give a username and a password",
        "the server wants a login first: --user USERNAME, and `sendkit login {host} USERNAME` for the password",
    ),
    Reason.LOGIN_NEEDS_TLS: _both("the server takes a login over TLS alone: ", _STARTTLS),
    Reason.STRONGER_LOGIN_WANTED: Advice(
        "the server wants another kind of login from this account: an app password, OAuth 2, or a stronger mechanism=",
        "the server wants another kind of login from this account: an app password, or OAuth 2 (see `sendkit login "
        "--help`)",
    ),
    Reason.NO_MECHANISM: Advice(
        f"take a mechanism= that the server offers; {_TOKENS}, or credentials=OAuth2(…) does; give no username if it "
        "needs no login",
        f"{_TOKENS}; give no --user if it needs no login",
    ),
    Reason.NO_TOKEN_NOW: Advice(f"there is no token for now; {_AGAIN} when the authorization server answers"),
    Reason.NO_CREDENTIALS: Advice("`sendkit login {host} {user}` stores the password, or set SENDKIT_PASSWORD"),
    Reason.KEYRING_UNAVAILABLE: Advice(f"{_WITHOUT_KEYRING}, or install a keyring (on Linux a Secret Service)"),
    Reason.KEYRING_LOCKED: Advice(f"unlock the keyring (log in to the desktop), or do without: {_WITHOUT_KEYRING}"),
    Reason.KEYRING_DENIED: Advice(f"delete the entry in the keyring, and store it again; or {_WITHOUT_KEYRING}"),
    Reason.KEYRING_FULL: Advice(f"the keyring does not take a secret as long as this one: {_WITHOUT_KEYRING}"),
    Reason.SERVER_NOT_PROVEN: Advice(
        "the server's login proof is wrong: the server is faulty, or it is not the one that you mean; check the host; "
        "mechanism= takes another one",
        "the server's login proof is wrong: the server is faulty, or it is not the one that you mean; check the host",
    ),
    Reason.STORE_FAILED: Advice(f"see that there is room, and that this program may write there; {_AGAIN}"),
    Reason.SETTING_UNUSABLE: HELD,
    Reason.MESSAGE_UNUSABLE: Advice(
        "make the message again without what the reason names, and send it to result.unsettled()",
        "send the message again without what the reason names",
    ),
    Reason.CONTENT_CHANGED: Advice(
        "a file that goes with the message changed meanwhile: make the message again, and send it to "
        "result.unsettled()",
        "a file that goes with the message changed meanwhile: send it again, to {who} alone",
    ),
    Reason.TOO_LARGE: Advice("send smaller attachments, or links to the files"),
    Reason.SENDER_NOT_OWNED: Advice(
        "send from an address of the account ({user}), or have {sender} added to it at the provider"
    ),
    Reason.NEEDS_SMTPUTF8: Advice("use an address in ASCII, or a server that offers SMTPUTF8 (RFC 6531)"),
    Reason.NEEDS_8BITMIME: Advice("sign the message after it was encoded to 7 bit, or use a server with 8BITMIME"),
    Reason.NEEDS_REQUIRETLS: Advice(
        "nothing was sent: use a server that offers REQUIRETLS (RFC 8689) over TLS, or send without require_tls",
        "nothing was sent: use a server that offers REQUIRETLS (RFC 8689) over TLS, or send without --require-tls",
    ),
    Reason.NEEDS_FUTURERELEASE: Advice(
        "nothing was sent: an outbox holds a message itself, put(message, send_at=…); or name a time within the limits",
        "nothing was sent: name a time within the limits of a server that offers FUTURERELEASE (RFC 4865), or send it "
        "when it is due (at, cron, a timer of systemd)",
    ),
    Reason.NOT_ALLOWED: Advice(
        "add the address to allow_only= (SENDKIT_ALLOW_ONLY), or let redirect_all_to= have such mail",
        "add the address to SENDKIT_ALLOW_ONLY, or let SENDKIT_REDIRECT_ALL_TO have such mail",
    ),
}
