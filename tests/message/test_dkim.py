"""What is signed is verified by dkimpy and by OpenDKIM, costs one pass, and nothing can be added to it."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import dkim
import keyring.core
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from sendkit import DKIM, Mailer, MemoryTransport, Message, Outbox, errors
from sendkit._message.compose import AnyMessage, compose
from sendkit._message.dkim import body_hash, signed
from sendkit.signing import KEY, KEY_FILE, signers_of
from tests.credentials.helpers import Shelf
from tests.message.readers import WILD, assert_wire_form

RSA = DKIM(domain="example.com", selector="r1", key=rsa.generate_private_key(65537, 2048))
ED = DKIM(domain="example.com", selector="e1", key=ed25519.Ed25519PrivateKey.generate())
KEYS = [RSA, ED]
RECORDS = {key.record: key.public for key in KEYS}
HEADERS = {"List-Unsubscribe": "<https://example.com/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def octets_of(message: AnyMessage, keys: object = KEYS) -> bytes:
    content = signed(compose(message).content, signers_of(keys))
    octets = b"".join(content.blocks())
    assert len(octets) == content.size
    assert_wire_form(octets)
    return octets


def verified(octets: bytes) -> list[bool]:
    """What dkimpy says of each signature."""
    reader = dkim.DKIM(octets)
    count = octets.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
    return [_is_valid(reader, index) for index in range(count)]


def _is_valid(reader: Any, index: int) -> bool:
    try:
        return bool(reader.verify(index, dnsfunc=lambda name, **_: RECORDS[name.decode().rstrip(".")].encode()))
    except dkim.ValidationError:
        return False


def rich(**fields: Any) -> Message:
    given: dict[str, Any] = {
        "sender": "Ana Núñez <ana@example.com>", "to": "luis@example.com", "subject": "Año  nuevo", "html": "<p>ñ",
        "text": "Hola \t x  \n\n\n y\n\n\n", "headers": HEADERS, **fields,
    }  # fmt: skip
    return Message(**given)


def test_dkimpy_verifies_both_signatures_of_any_message(tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(Random(1).randbytes(300_000))
    for message in (
        rich(),
        rich(attachments=[tmp_path / "large.bin"]),
        rich(text="", html=None),
        rich(to=["luis@example.com"] * 2 + ["x@y.z"], reply_to="r@s.t", cc="ñoño@example.com"),
        Message.from_bytes(b"From: ana@example.com\nTo: b@c.d\nTo: e@f.g\n\n"),
        Message.from_bytes("From: ana@example.com\nTo: b@c.d\n\nñ \t \n\n \n".encode()),
    ):
        assert verified(octets_of(message)) == [True, True]


@given(WILD, WILD)
def test_dkimpy_verifies_whatever_was_written(subject: str, text: str) -> None:
    try:
        message = rich(subject=subject, text=text)
    except errors.MessageError:
        return
    assert verified(octets_of(message, ED)) == [True]


def test_opendkim_verifies_both(tmp_path: Path) -> None:
    program = shutil.which("opendkim") or shutil.which("/usr/sbin/opendkim")
    if program is None:
        pytest.skip("needs Debian's opendkim")
    (tmp_path / "keys").write_text("".join(f"{name} {record}\n" for name, record in RECORDS.items()))
    (tmp_path / "conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {tmp_path}/keys\n")
    (tmp_path / "a.eml").write_bytes(octets_of(rich()))
    command = [program, "-x", str(tmp_path / "conf"), "-t", str(tmp_path / "a.eml"), "-vv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("dkim=pass") == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda octets: octets.replace(b"Hola", b"Adi"),
        lambda octets: octets.replace(b"From:", b"From: Eve <eve@example.com>\r\nFrom:"),
        lambda octets: octets.replace(b"Subject:", b"Subject: x\r\nSubject:"),
        lambda octets: octets.replace(b"MIME-Version:", b"Reply-To: eve@example.com\r\nMIME-Version:"),
        lambda octets: octets.replace(b"One-Click", b"Two-Click"),
        lambda octets: octets.replace(b"MIME-Version:", b"Cc: eve@example.com\r\nMIME-Version:"),
    ],
)
def test_nothing_can_be_changed_or_added(change: Callable[[bytes], bytes]) -> None:
    octets = octets_of(rich(), ED)
    assert verified(octets) == [True]
    assert verified(change(octets)) == [False]


@given(st.lists(st.sampled_from([b" ", b"\t", b"a", b"b\r\n", b"\r\n", b"  \r\n", b"x" * 99])), st.integers(1, 9))
def test_a_body_hashed_in_blocks_is_that_of_dkimpy(pieces: list[bytes], size: int) -> None:
    body = b"".join(pieces) + b"\r\n"
    expected = hashlib.sha256(dkim.canonicalization.Relaxed.canonicalize_body(body)).digest()
    blocks = [b"".join(pieces[start : start + size]) for start in range(0, len(pieces), size)]
    assert body_hash([*blocks, b"\r\n"]) == expected


def test_each_try_and_each_copy_has_the_same_signature() -> None:
    message = rich()
    assert octets_of(message) == octets_of(message)
    once = Message.from_bytes(octets_of(message))
    assert octets_of(once) == octets_of(message)  # whose signatures are there


def test_a_mailer_signs_each_message_once_for_all_tries(tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(Random(1).randbytes(300_000))
    transport = MemoryTransport()
    with Mailer(transport=transport, dkim=KEYS) as mailer:
        mailer.send(rich())
        list(mailer.send_many([rich(attachments=[tmp_path / "large.bin"]), rich()]))
    assert [verified(sent.content) for sent in transport.sent] == [[True, True]] * 3


def test_another_form_of_the_message_is_signed_anew() -> None:
    content = signed(compose(rich(cc="ñoño@example.com")).content, signers_of(ED))
    assert content.utf8
    other = content.without_utf8()
    assert other is not None
    assert not other.utf8
    assert verified(b"".join(other.blocks())) == [True]


def test_a_key_comes_from_text_a_file_the_environment_and_der(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "dkim.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    expected = DKIM(domain="example.com", selector="s", key=key).public
    in_one_line = "".join(pem.decode().splitlines()[1:-1])
    for given_key in (pem, pem.decode(), path, in_one_line):
        assert DKIM(domain="example.com", selector="s", key=given_key).public == expected
    monkeypatch.setenv(KEY, pem.decode())
    assert DKIM(domain="example.com", selector="s").public == expected
    monkeypatch.delenv(KEY)
    monkeypatch.setenv(KEY_FILE, str(path))
    assert DKIM(domain="example.com", selector="s").public == expected
    path.chmod(0o644)
    with pytest.raises(errors.ConfigurationError, match="every user"):
        DKIM(domain="example.com", selector="s")


@pytest.mark.parametrize("inside_a_loop", [False, True])
def test_a_key_comes_from_the_keyring(inside_a_loop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shelf = Shelf({("sendkit:s._domainkey.example.com", "dkim"): pem.decode()})
    monkeypatch.setattr(keyring.core, "_keyring_backend", shelf)

    async def made() -> DKIM:
        return DKIM(domain="example.com", selector="s")

    found = asyncio.run(made()) if inside_a_loop else DKIM(domain="example.com", selector="s")
    assert found.public == DKIM(domain="example.com", selector="s", key=key).public
    with pytest.raises(errors.ConfigurationError, match="no DKIM key for other") as caught:
        DKIM(domain="example.com", selector="other")
    assert "service sendkit:other._domainkey.example.com, user dkim" in str(caught.value.hint)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "x"},
        {"key": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
        {"key": Path("/nowhere/k.pem")},
        {"key": 5},
        {"key": dsa.generate_private_key(1024)},
        {"domain": "exam ple"},
        {"selector": "a;b"},
    ],
    ids=range(7),
)
def test_what_is_no_key_is_a_setting_that_cannot_work(fields: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        DKIM(**{"domain": "example.com", "selector": "s", "key": ed25519.Ed25519PrivateKey.generate(), **fields})
    assert caught.value.hint
    with pytest.raises(errors.ConfigurationError):
        Mailer(transport=MemoryTransport(), dkim=[ED, ED])
    with pytest.raises(errors.ConfigurationError):
        Mailer(transport=MemoryTransport(), dkim="example.com")  # type: ignore[arg-type]


def test_a_key_is_shown_and_kept_by_nothing() -> None:
    assert repr(ED) == "DKIM(domain='example.com', selector='e1', key=***)"
    with pytest.raises(TypeError):
        pickle.dumps(ED)


def test_a_letter_of_the_outbox_is_signed_when_it_leaves_each_time_alike(tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(Random(1).randbytes(900_000))
    messages = [rich(), rich(attachments=[tmp_path / "large.bin"])]
    transport = MemoryTransport()
    with Outbox(str(tmp_path / "outbox.db"), account="ana@localhost:2525") as outbox:
        for message in messages:
            outbox.put(message)
        with Mailer(transport=transport, dkim=KEYS) as mailer:
            outbox.drain(mailer, account="ana@localhost:2525")
    assert sorted(sent.content for sent in transport.sent) == sorted(map(octets_of, messages))
