"""What TLS libraries say: OpenSSL as Python, curl and PHP show it, Node.js, Go, Java, Schannel and GnuTLS."""

from __future__ import annotations

from sendkit._providers.explanations.symptom import Symptom

_VERIFY = "https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"
_ALERTS = "RFC 8446 section 6.2"
_MODE = "RFC 8314 section 3"

SYMPTOMS = (
    Symptom(
        words=(
            "WRONG_VERSION_NUMBER|wrong version number|UNKNOWN_PROTOCOL|unknown protocol|"
            "first record does not look like a TLS handshake|record layer failure|"
            "Unsupported or unrecognized SSL message|unexpected TLS packet was received|packet length too long"
        ),
        title="TLS was started on a port that begins unencrypted",
        cause="this port uses STARTTLS (usually 587); implicit TLS is for port 465",
        why="wants_starttls",
        elsewhere="choose STARTTLS for port 587, or SSL/TLS for port 465: smtplib.SMTP(…).starttls() on 587, "
        "smtplib.SMTP_SSL on 465; `secure: false` in nodemailer; use_tls against start_tls in aiosmtplib",
        source=_MODE,
    ),
    Symptom(
        words=(
            "certificate has expired|CERT_HAS_EXPIRED|CertificateExpired|certificate has expired or is not yet valid|"
            "validity check failed|certificate expired"
        ),
        title="the server's certificate has expired",
        cause="the operator did not renew it, or the clock of this machine is wrong",
        why="certificate_expired",
        elsewhere="check the date of this machine; otherwise only the server's operator can renew the certificate",
        source=_VERIFY,
    ),
    Symptom(
        words="certificate is not yet valid|CERT_NOT_YET_VALID",
        title="the server's certificate is not valid yet",
        cause="usually the clock of this machine is slow",
        why="certificate_not_yet_valid",
        elsewhere="set the clock of this machine",
        source=_VERIFY,
    ),
    Symptom(
        words=(
            "hostname mismatch|ip address mismatch|ERR_TLS_CERT_ALTNAME_INVALID|Hostname/IP does not match|"
            "certificate is valid for .{1,200}, not |doesn't match|No subject alternative|"
            "principal name.{0,40}incorrect|does not match the certificate"
        ),
        title="the certificate is for another name",
        cause="the host that was given is not in the server's certificate: an alias, an address, or another server",
        why="name_mismatch",
        elsewhere="use a name that the certificate has; `openssl s_client -starttls smtp -connect HOST:587` shows it",
        source="RFC 9525",
    ),
    Symptom(
        words="self.signed certificate in certificate chain|SELF_SIGNED_CERT_IN_CHAIN",
        title="the certificate is from an authority that this machine does not trust",
        cause="a company's own authority, or a proxy or virus scanner that intercepts TLS",
        why="unknown_ca",
        elsewhere="set SSL_CERT_FILE (Python, OpenSSL) or NODE_EXTRA_CA_CERTS (Node.js) to a PEM file with that one",
        source=_VERIFY,
    ),
    Symptom(
        words="self.signed certificate|DEPTH_ZERO_SELF_SIGNED_CERT",
        title="the certificate is self-signed",
        cause="no authority signed it: a test server, a device, or an attacker in between",
        why="self_signed",
        elsewhere="take the certificate as a PEM file and trust it there (cafile=, SSL_CERT_FILE); "
        "never turn verification off, or the password goes to whoever answers",
        source=_VERIFY,
    ),
    Symptom(
        words="not marked critical|Missing (Authority|Subject) Key Identifier|Basic Constraints of CA|"
        "CA cert does not include key usage|strict X\\.?509",
        title="the certificate breaks a rule that Python checks since 3.13",
        cause="a company's own authority (or a proxy's) was made without the extensions of RFC 5280; Python 3.13 and "
        "later check them (VERIFY_X509_STRICT)",
        why="certificate_malformed",
        elsewhere="have it issued again; until then context.verify_flags &= ~ssl.VERIFY_X509_STRICT still verifies",
        source="https://docs.python.org/3/library/ssl.html#ssl.create_default_context",
    ),
    Symptom(
        words="(EE|CA) certificate key too weak|CA (signature digest|md) algorithm too weak|key too weak",
        title="the key or the signature of the certificate is too weak",
        cause="RSA of less than 2,048 bits, or SHA-1, is refused by today's rules of OpenSSL",
        why="certificate_weak",
        elsewhere="have it renewed; a lower security level of OpenSSL (SECLEVEL) opens the connection to others",
        source=_VERIFY,
    ),
    Symptom(
        words=(
            "unable to get (local )?issuer certificate|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|"
            "unable to verify the first certificate|signed by unknown authority|unknown ca\\b|UnknownIssuer|"
            "PKIX path building failed|CERTIFICATE_VERIFY_FAILED|certificate verify failed|not trusted"
        ),
        title="the certificate is from an authority that this machine does not trust",
        cause="the machine has no store of authorities (python.org's Python on macOS, small containers), it is a "
        "company's own, or the server leaves out part of its chain",
        why="unknown_ca",
        elsewhere="install the authorities (ca-certificates on Linux; `Install Certificates.command` on macOS), "
        "or set SSL_CERT_FILE to a PEM file with the missing one",
        source=_VERIFY,
    ),
    Symptom(
        words=(
            "UNSUPPORTED_PROTOCOL|unsupported protocol|ALERT_PROTOCOL_VERSION|alert protocol version|"
            "protocol version not supported|TLSV1_ALERT_PROTOCOL"
        ),
        title="client and server have no version of TLS in common",
        cause="the server speaks only TLS 1.0 or 1.1, which are deprecated (RFC 8996), or the client does",
        why="tls_version",
        elsewhere="have the server updated; on an old client, update its TLS library",
        source="RFC 8996",
    ),
    Symptom(
        words="connection already using TLS|STARTTLS.{0,40}already (active|using|secure)|already (a|in) (secure|TLS)",
        title="STARTTLS was requested inside TLS",
        cause="both modes are set at once: implicit TLS (465) starts with TLS, and STARTTLS (587) upgrades to it",
        remedy="one mode follows from the port: --host HOST:465 or --host HOST:587, without --security",
        elsewhere="leave one of them out: in aiosmtplib use_tls=True alone on 465, start_tls=True alone on 587 (its "
        "connect() already does STARTTLS where the server offers it)",
        source=_MODE,
    ),
    Symptom(
        words="SslHandshakeException|attempting to establish an SSL or TLS connection|SSL handshake (failed|error)",
        title="the TLS handshake failed",
        cause="implicit TLS was used on a STARTTLS port, or the certificate was not accepted",
        remedy="`sendkit doctor --host HOST` shows which",
        elsewhere="choose STARTTLS for port 587 and implicit TLS for port 465 (MailKit: SecureSocketOptions.StartTls, "
        "SslOnConnect); the inner exception says more",
        source=_MODE,
    ),
    Symptom(
        words="HANDSHAKE_FAILURE|NO_SHARED_CIPHER|no shared cipher|DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|CA_MD_TOO_WEAK",
        title="client and server have no safe cipher in common",
        cause="the server offers keys or ciphers that are too weak by today's rules",
        remedy="have the server updated; sendkit uses the rules of the OpenSSL that Python was built with",
        elsewhere="have the server updated; lowering the security level of OpenSSL opens the connection to others",
        source=_ALERTS,
    ),
    Symptom(
        words="alert (bad certificate|certificate required|unknown ca)|CERTIFICATE_REQUIRED|ALERT_UNKNOWN_CA",
        title="the server refuses the client certificate",
        cause="the server requires a client certificate, or does not trust its authority",
        why="client_certificate_refused",
        elsewhere="give a client certificate and its key (load_cert_chain() in Python)",
        source=_ALERTS,
    ),
    Symptom(
        words="UNEXPECTED_EOF_WHILE_READING|EOF occurred in violation of protocol|unexpected eof while|"
        "ALERT_INTERNAL_ERROR|alert internal error",
        title="the connection was cut in the middle of TLS",
        cause="a firewall or proxy in between, or a server that closes at once",
        why="tls_closed",
        elsewhere="try again; if it persists, try from another network, and the other port (465 or 587)",
        source=_ALERTS,
    ),
)
