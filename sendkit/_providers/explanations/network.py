"""What this machine says of names and connections: Python's errors, and those of Node.js, Go, PHP and Windows."""

from __future__ import annotations

from sendkit._providers.explanations.symptom import Symptom

_RESOLVER = "https://man7.org/linux/man-pages/man3/getaddrinfo.3.html"
_ERRNO = "https://man7.org/linux/man-pages/man3/errno.3.html"
_CLOSED = "RFC 5321 section 4.5.3.2"

SYMPTOMS = (
    Symptom(
        words="temporary failure in name resolution|EAI_AGAIN|SERVFAIL|server misbehaving|"
        "no servers could be reached|Try again.{0,20}getaddrinfo",
        title="the name temporarily could not be resolved",
        cause="the DNS of this machine or container does not answer",
        why="name_not_resolved",
        elsewhere="check the network and /etc/resolv.conf; in a container, whether it may reach a resolver",
        source=_RESOLVER,
    ),
    Symptom(
        words=(
            "name or service not known|nodename nor servname|getaddrinfo failed|\\bENOTFOUND|no such host|"
            "no address associated with hostname|Errno 11001|UnknownHostException|php_network_getaddresses"
        ),
        title="there is no host with that name",
        cause="the name is mistyped, it has a scheme (`smtp://`) or a port in it, or only a VPN knows it",
        why="no_such_host",
        elsewhere="give the bare name, such as smtp.example.com; the port goes into its own setting",
        source=_RESOLVER,
    ),
    Symptom(
        words="connection refused|ECONNREFUSED|(Win)?Error 10061|Errno (111|61|10061)\\]|actively refused",
        title="nothing listens at that port",
        cause="the port is wrong, the server is down, or localhost was meant for another machine (in a container, "
        "localhost is the container)",
        why="connection_refused",
        elsewhere="use port 587 with STARTTLS or 465 with TLS; in a container, the server's name and not localhost",
        source=_ERRNO,
    ),
    Symptom(
        words="cannot assign requested address|can't assign requested address|EADDRNOTAVAIL|WinError 10049",
        title="this machine has no address that can reach that one",
        cause="`localhost` is ::1 in a container without IPv6, or the local address that was set is not this machine's",
        remedy="name the server instead of localhost (in a container: its service), or 127.0.0.1; leave "
        "--local-address out",
        elsewhere="name the server instead of localhost, or 127.0.0.1; leave the source address out",
        source=_ERRNO,
    ),
    Symptom(
        words="WinError 10013|connect(ing)?\\b.{0,60}(EACCES|permission denied)|EACCES.{0,40}connect",
        title="this machine blocks the connection",
        cause="a firewall or a virus scanner on this machine, or a policy (SELinux) that keeps web servers from mail",
        remedy="allow this program in the firewall; with SELinux: setsebool -P httpd_can_sendmail on",
        elsewhere="allow this program in the firewall; with SELinux: setsebool -P httpd_can_sendmail on",
        source=_ERRNO,
    ),
    Symptom(
        words="network is unreachable|no route to host|ENETUNREACH|EHOSTUNREACH|WinError (1006[56]|10047)|"
        "address family not supported|EAFNOSUPPORT",
        title="there is no route to that address",
        cause="the machine is offline, or the name has an IPv6 address and this network has no IPv6",
        why="unreachable",
        elsewhere="check the network; if only IPv6 fails, make the client try IPv4 too",
        source=_ERRNO,
    ),
    Symptom(
        words="too many open files|EMFILE|\\bEmfile\\b",
        title="the process has no file descriptor left",
        cause="connections are opened for each message and not closed",
        why="out_of_descriptors",
        elsewhere="use one connection for many messages and close it; or raise `ulimit -n`",
        source=_ERRNO,
    ),
    Symptom(
        words=(
            "timed? ?out|ETIMEDOUT|WinError 10060|TimeoutError|deadline exceeded|Errno (110|10060)\\]|"
            "Greeting never received|i/o timeout"
        ),
        title="no answer came in time",
        cause="a firewall drops the packets (many clouds and homes close port 25), the server is slow, or a port for "
        "implicit TLS (465) is spoken to in the clear",
        why="unreachable",
        elsewhere="use port 587 or 465, not 25; on 465 the client must begin with TLS; ask the host of this machine "
        "whether it lets mail out",
        source=_CLOSED,
    ),
    Symptom(
        words=(
            "connection unexpectedly closed|Unexpected EOF received|SMTPServerDisconnected|"
            "lost connection|connection (was )?(lost|reset|closed)|ECONNRESET|broken pipe|EPIPE|closed by (the )?"
            "remote|"
            "connection has been closed|SSLZeroReturn|WinError 1005[34]|ECONNABORTED|connection was aborted|"
            "Connection closed unexpectedly"
        ),
        title="the server or the network closed the connection",
        cause="it sat idle for too long, the server restarts or has too many connections from here, or a STARTTLS port "
        "was used with implicit TLS",
        why="connection_closed",
        elsewhere="connect again for each batch and send at once. If it happened after the content went out, the "
        "message may have been accepted: look before you send it again",
        source="RFC 1047; RFC 5321 section 4.2.5",
    ),
)
