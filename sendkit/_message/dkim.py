"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, SHA-256, over whatever a Content gives out.

Knows how head and body are hashed, which fields are signed, and which more than once, so that none can be added
(section 8.15). A content is hashed in one pass, block by block, and goes out as it was hashed.
Must not know keys: a signer has one, and signs octets.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING

from sendkit._message.head import HeaderField, split_message
from sendkit._message.portable import base64_of
from sendkit._message.prefixed import Prefixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sendkit._smtp.content import Content

_SIGNED = (  # section 5.4.1, RFC 8058 section 4
    "from", "sender", "reply-to", "subject", "date", "message-id", "to", "cc", "mime-version", "content-type",
    "content-transfer-encoding", "content-id", "content-description", "in-reply-to", "references", "resent-date",
    "resent-from", "resent-to", "resent-cc", "resent-message-id", "list-id", "list-help", "list-unsubscribe",
    "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive", "auto-submitted",
)  # fmt: skip
# One more of these would change what readers show. Date and Message-ID are added by servers where they are missing.
_ALONE = frozenset({"from", "subject", "to", "cc", "reply-to"})
_ALONE_IF_THERE = frozenset(
    {"date", "message-id", "content-type", "list-unsubscribe", "list-unsubscribe-post", "sender"}
)
_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;\s]*)")
_SPACES = re.compile(rb"[ \t]{2,}|\t")


@dataclass(slots=True, frozen=True)
class Signer:
    """A domain, a selector, and what signs octets in their name."""

    domain: str
    selector: str
    algorithm: str  # as in the tag a=
    sign: Callable[[bytes], bytes] = field(repr=False)
    record: str = ""  # the text to publish (section 3.6.1)


@dataclass(slots=True, frozen=True)
class Signed(Prefixed):
    """A content with its signatures in front."""

    _signers: tuple[Signer, ...] = field(repr=False)

    def _over(self, content: Content) -> Signed:
        return signed(content, self._signers)  # another form of the message is another message to a signature


def signed(content: Content, signers: Sequence[Signer]) -> Signed:
    """The content with a signature of each signer, the same one each time. Raises MessageError.

    It is put into seven bits before, where it can be (section 5.3). A domain that signed it already does not again.
    """
    content = (content.seven_bit() or content) if content.eight_bit else content
    fields, digest = _read(content)
    body = base64_of(digest)
    named = _names(fields)
    head = _signed_head(fields, named)
    when, left = _moment(fields), _not_yet(fields, signers)
    made = [_signature(signer, named, head, body, when) for signer in left]
    return Signed("".join(made).encode(), content, tuple(signers))


def _not_yet(fields: list[HeaderField], signers: Sequence[Signer]) -> list[Signer]:
    there = [dict(_TAG.findall(item.text)) for item in fields if item.key == "dkim-signature"]
    by = {(tags.get("d", "").lower(), tags.get("s", "").lower()) for tags in there}
    return [signer for signer in signers if (signer.domain, signer.selector.lower()) not in by]


def _moment(fields: list[HeaderField]) -> int:
    """The Date, so that each attempt gives the same octets; or now, where there is none that has come."""
    now = int(time.time())
    text = next((item.text for item in fields if item.key == "date"), "")
    try:
        return min(now, max(0, int(parsedate_to_datetime(text).timestamp())))
    except (ValueError, OverflowError, TypeError):
        return now


def _signature(signer: Signer, named: list[str], head: bytes, body: str, when: int) -> str:
    start = (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed;\r\n d={signer.domain}; s={signer.selector};"
        f" t={when};\r\n h={_folded(':'.join(named), ':')};\r\n bh={body};\r\n b="
    )
    value = base64_of(signer.sign(head + _relaxed(HeaderField("DKIM-Signature", start.encode())).removesuffix(b"\r\n")))
    return f"{start}{_chunks(value)}\r\n"


def _names(fields: list[HeaderField]) -> list[str]:
    there = Counter(item.key for item in fields)
    named: list[str] = []
    for name in _SIGNED:
        more = name in _ALONE or (name in _ALONE_IF_THERE and there[name])
        named += [name] * (there[name] + bool(more))
    return named


def _signed_head(fields: list[HeaderField], named: Iterable[str]) -> bytes:
    left: dict[str, list[HeaderField]] = {}
    for item in fields:
        left.setdefault(item.key, []).append(item)
    # Of several of one name, the last comes first (section 5.4.2); what is not there counts as empty.
    return b"".join(_relaxed(left[name].pop()) for name in named if left.get(name))


def _relaxed(item: HeaderField) -> bytes:
    """Section 3.4.2."""
    value = item.octets.partition(b":")[2].replace(b"\r\n", b"")
    return item.key.encode() + b":" + _SPACES.sub(b" ", value).strip(b" ") + b"\r\n"


def _read(content: Content) -> tuple[list[HeaderField], bytes]:
    blocks = iter(content.blocks())
    start = b""
    while b"\r\n\r\n" not in start and (block := next(blocks, b"")):
        start += block
    fields, rest = split_message(start)
    return fields, body_hash(chain((rest[2:],), blocks))


def body_hash(blocks: Iterable[bytes]) -> bytes:
    """The SHA-256 of a body of CRLF lines (section 3.4.4)."""
    digest, ends, held = hashlib.sha256(), 0, b""
    for block in chain(blocks, (b"",)):
        data = held + block if held else block
        if b" " in data or b"\t" in data:  # base64 has none
            whole = data.rfind(b"\n") + 1 if block else len(data)
            data, held = _SPACES.sub(b" ", data[:whole]).replace(b" \r\n", b"\r\n"), data[whole:]
        else:
            held = b""
        last = data.rstrip(b"\r\n")
        if last:
            digest.update(b"\r\n" * ends)
            digest.update(last)
            ends = 0
        ends += (len(data) - len(last)) // 2
    if digest.digest() != hashlib.sha256().digest():
        digest.update(b"\r\n")
    return digest.digest()


def _chunks(text: str) -> str:
    return "\r\n ".join(text[start : start + 72] for start in range(0, len(text), 72))


def _folded(text: str, at: str) -> str:
    """Folded behind the sign `at` in lines of about 70 characters."""
    lines = [""]
    for piece in text.split(at):
        if len(lines[-1]) + len(piece) > 68:
            lines.append("")
        lines[-1] += piece + at
    return "\r\n  ".join(lines).removesuffix(at)
