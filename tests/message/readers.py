"""Readers of messages that are not ours: the standard library, Dovecot, Perl."""

from __future__ import annotations

import email
import email.policy
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from sendkit._message.compose import AnyMessage, compose

PNG = b"\x89PNG\r\n\x1a\n"
Read = Callable[[bytes], dict[str, dict[str, Any]]]
WILD = st.one_of(
    st.text(max_size=120),
    st.text(st.sampled_from("ñ日🎉 aZ\"\\(),;:<>@[]=?_.\t\r\n\u2028\u200d\x85'*%/-\ud800"), max_size=120),
    st.text(st.sampled_from("ab =?_"), max_size=300),
    st.text(st.sampled_from("日本ñ x"), min_size=60, max_size=300),
)


def octets_of(message: AnyMessage) -> bytes:
    """The content as it would go over the wire, after the checks that every content must pass."""
    content = compose(message).content
    octets = b"".join(content.blocks())
    assert len(octets) == content.size
    assert_wire_form(octets)
    return octets


def assert_wire_form(octets: bytes) -> None:
    """CRLF line ends only, at most 998 octets between them, the last line ended, no NUL."""
    assert octets.endswith(b"\r\n")
    assert b"\0" not in octets
    for line in octets.split(b"\r\n"):
        assert not set(line) & set(b"\r\n")
        assert len(line) <= 998


def read(octets: bytes) -> EmailMessage:
    """What stdlib makes of it, without a defect anywhere."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


# Newer ones are strict unless told otherwise, and then know no address literals.
_LENIENT: dict[str, Any] = {"strict": False} if "strict" in signature(getaddresses).parameters else {}


def addresses(octets: bytes, name: str) -> list[tuple[str, str]]:
    """Names and addresses of a field; not by `policy.default`: in Python 3.11 it puts spaces between encoded words."""
    value = (email.message_from_bytes(octets)[name] or "").replace("\r\n", "")
    return [(_decoded(display), address) for display, address in getaddresses([value], **_LENIENT)]


def _decoded(name: str) -> str:
    return str(make_header(decode_header(name))) if "=?" in name else name


def of_python(octets: bytes) -> dict[str, Any]:
    """What Python's own reader finds, as `tests/readers/read.mjs` says it of the others."""
    message = read(octets)
    parts = list(_leaves(message))
    files = [part for part in parts if part.get_filename()]
    texts = {part.get_content_type(): part.get_content() for part in parts if not part.get_filename()}
    return {
        "subject": message["Subject"],
        "date": _instant(octets),
        "from": [list(one) for one in addresses(octets, "From")],
        "to": [list(one) for one in addresses(octets, "To")],
        "cc": [list(one) for one in addresses(octets, "Cc")],
        "replyTo": [list(one) for one in addresses(octets, "Reply-To")],
        "text": texts.get("text/plain", ""),
        "html": texts.get("text/html", ""),
        "files": [[part.get_filename(), digest(part.get_payload(decode=True) or b"")] for part in files],
        "types": [part.get_content_type() for part in files],
        "ids": [(part["Content-ID"] or "").strip("<>") for part in files],
    }


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts of a message; an enclosed message is one of them."""
    if not message.is_multipart() or message.get_content_maintype() == "message":
        yield message
    else:
        for part in message.iter_parts():
            yield from _leaves(part)


def _instant(octets: bytes) -> str:
    written = email.message_from_bytes(octets)["Date"]
    if written is None:
        return ""
    return parsedate_to_datetime(written).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest(data: Any) -> str:
    """What stands for octets where readers are compared."""
    return hashlib.sha256(data).hexdigest()


def lines(text: str) -> str:
    """The text as every reader may show it: with LF line ends, and none at its end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def dovecot(octets: bytes, *fields: str) -> str:
    """What Dovecot tells an IMAP client about the message; skips where there is none that can be run."""
    program = shutil.which("doveadm")
    if program is None:
        pytest.skip("needs Dovecot's doveadm")
    with tempfile.TemporaryDirectory() as place:  # not tmp_path: Dovecot reads as `nobody` when we are root
        folder = Path(place)
        config = _maildir(folder, octets)
        command = [program, "-f", "flow", "-c", str(config), "fetch", " ".join(fields), "ALL"]
        done = subprocess.run(command, env={"USER": "reader", "HOME": place}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def _maildir(folder: Path, octets: bytes) -> Path:
    uid, gid = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    settings = {
        "mail_location": f"maildir:{folder}/mail", "log_path": "/dev/stderr", "base_dir": folder, "state_dir": folder,
        "ssl": "no", "mail_uid": uid, "mail_gid": gid, "first_valid_uid": 1, "default_internal_user": "nobody",
        "default_login_user": "nobody",
    }  # fmt: skip
    (folder / "dovecot.conf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
    for name in ("cur", "new", "tmp"):
        (folder / "mail" / name).mkdir(parents=True)
    (folder / "mail" / "cur" / "1.eml:2,S").write_bytes(octets)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)
    return folder / "dovecot.conf"


def perl(words: str) -> str:
    """What Perl's Encode makes of an unfolded header value; skips where Perl is not installed."""
    program = shutil.which("perl")
    if program is None:
        pytest.skip("needs Perl")
    script = 'binmode STDOUT, ":utf8"; use Encode; local $/; print Encode::decode("MIME-Header", <STDIN>)'
    done = subprocess.run([program, "-e", script], input=words.encode(), capture_output=True, check=True)
    return done.stdout.decode()
