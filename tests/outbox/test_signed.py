"""A message is signed once, when it is put, and kept signed: every attempt sends the same octets."""

from __future__ import annotations

from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import ConfigurationError
from sendkit.signing import DKIM

RSA = DKIM(domain="example.com", selector="r1", key=rsa.generate_private_key(65537, 2048))
ED = DKIM(domain="example.com", selector="e1", key=ed25519.Ed25519PrivateKey.generate())
PUBLISHED = {f"{key.record}.".encode(): key.public.encode() for key in (RSA, ED)}


def verified(octets: bytes) -> int:
    """How many signatures there are, all of which an outside reader must find good."""
    reader = dkim.DKIM(octets)
    count = octets.count(b"DKIM-Signature:")
    assert all(reader.verify(index, dnsfunc=lambda name, timeout=5: PUBLISHED[name]) for index in range(count))
    return count


def test_what_is_put_is_kept_signed_and_sent_the_same_at_each_attempt(where: Path | str, tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(range(256)) * 1_000)
    transport = MemoryTransport()
    transport.on_rcpt().reply("450 4.2.0 later", times=1)
    file = tmp_path / "large.bin"
    message = Message(sender="ana@example.com", to="luis@example.com", html="<p>¿Qué?", attachments=[file])
    with (
        Outbox(where, account="test", dkim=[RSA, ED], schedule=[3600]) as outbox,
        Mailer(transport=transport) as mailer,
    ):
        receipt = outbox.put(message)
        file.unlink()
        outbox.drain(mailer)
        outbox.flush()
        outbox.drain(mailer)
        assert outbox.status(receipt).ok
    (sent,) = transport.sent
    assert verified(sent.content) == 2


def test_a_worker_that_signs_too_adds_no_second_signature(where: Path | str) -> None:
    transport = MemoryTransport()
    with Outbox(where, account="test", dkim=RSA) as outbox, Mailer(transport=transport, dkim=RSA) as mailer:
        outbox.put(Message(sender="ana@example.com", to="luis@example.com", text="x"))
        outbox.drain(mailer)
    assert verified(transport.sent[0].content) == 1


def test_what_is_no_key_is_refused_when_the_outbox_is_made() -> None:
    with pytest.raises(ConfigurationError, match="key of DKIM"):
        Outbox("memory:", dkim="secret")  # type: ignore[arg-type]
