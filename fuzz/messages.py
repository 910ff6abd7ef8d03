"""Fuzzes what is read of a message that somebody else wrote: `Message.from_bytes`, its parts, and its html.

The laws: a ready message is taken, or a MessageError; what is taken ends every line with CRLF and holds no Bcc; reading
a received message raises nothing, and its words are text that can be written as UTF-8.
"""

# ruff: noqa: S101 - an oracle asserts

from __future__ import annotations

from fuzz.engine import Campaign, instrumented, main

message, compose, envelope, received, html, errors = instrumented(
    [
        "sendkit._message.message",
        "sendkit._message.compose",
        "sendkit._smtp.envelope",
        "sendkit._reading.received",
        "sendkit._reading.html",
        "sendkit.errors",
    ]
)

_ENVELOPE = envelope.Envelope("a@example.com", ["b@example.com"])


def check(data: bytes) -> None:
    """Take the octets as a ready message, as a received one, and as html. Raises AssertionError."""
    try:
        ready = message.Message.from_bytes(data)
        letter = compose.compose(ready, envelope_from="a@example.com", recipients=["b@example.com"])
    except errors.MessageError:
        pass
    else:
        octets = b"".join(letter.content.blocks())
        assert octets.count(b"\n") == octets.count(b"\r") == octets.count(b"\r\n")
        head = b"" if octets.startswith(b"\r\n") else octets.partition(b"\r\n\r\n")[0].lower()
        assert not head.startswith(b"bcc:"), octets
        assert b"\r\nbcc:" not in head, octets
    read = received.ReceivedMessage(_ENVELOPE, data)
    words = [read.subject, read.text, read.html, *read.links, *(part.filename for part in read.attachments)]
    words += [text for field in read.headers for text in field]
    for text in words:
        text.encode()
    html.events_of(data.decode("utf-8", "replace"))


SEEDS = (
    b"From: a@example.com\r\nTo: b@example.com\r\nBcc: c@example.com\r\nSubject: =?utf-8?q?h=C3=ADa?=\r\n\r\nHola.\r\n",
    (
        b"From: a@example.com\nTo: b@example.com\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/html\n\n<a href='https://example.com'>x</a>\n--x\n"
        b"Content-Disposition: attachment; filename*=utf-8''%e2%80%aeexe.txt\n\nQUJD\n--x--\n"
    ),
    b'Content-Type: message/rfc822\n\nContent-Type: multipart/alternative; boundary="y"\n\n--y\n\n--y--\n',
    b'<!doctype html><p title="x">a<br>b&amp;<script>c</script><!-- d --><style>e</style><img src=cid:f></p>',
)
TOKENS = (
    b"\r", b"\n", b"\r\n\r\n", b"Bcc: ", b"Content-Type: ", b"multipart/mixed; boundary=", b"--x", b"--x--",
    b"=?utf-8?b?",
    b"?=", b"charset=", b"base64", b"quoted-printable", b"Content-Transfer-Encoding: ", b"\x00", b"\xff", b"<", b">",
    b"<!--", b"-->", b"</", b"<![CDATA[", b"&#x", b"&#0;", b"<plaintext>", b"name*0*=", b";", b'"', b"message/rfc822",
)  # fmt: skip

if __name__ == "__main__":
    main(Campaign(["sendkit._message.ready", "sendkit._reading.parts", "sendkit._reading.html"], check, SEEDS, TOKENS))
