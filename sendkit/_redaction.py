"""Takes secrets out of texts: the one place that knows which secrets this process has, and how each may be written.

Whatever a server, a provider or another program said passes here before it reaches a log, a transcript, a result or an
error, and so does the text of every error. A secret is looked for as it is, in base64 (at each of its three alignments,
so also inside the response of AUTH PLAIN: RFC 4648 section 4, RFC 4616) and percent-encoded (RFC 3986 section 2.1).
Two reaches: what every text of the process is searched for, and what only the words of the server are searched for that
was given the secret. The second has more: a word such as "password" would be found in honest sentences too.
Must not know: where a secret comes from, or what a text is for.
"""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Shorter secrets are found everywhere by chance, and are looked for nowhere."""
_MOST = 512
_FEW = 64
_HEAD = 4
_WORDS = re.compile(r"[^\W\d_]*(?: [^\W\d_]*)*")
Keep: TypeAlias = Callable[[str], int]
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")


class Redactor:
    """What is to be taken out of texts: forms as they stand, and forms within base64."""

    __slots__ = ("_forms", "_heads", "encoded", "plain")

    def __init__(self, plain: Iterable[str] = (), encoded: Iterable[str] = ()) -> None:
        self.plain, self.encoded = tuple(dict.fromkeys(plain)), tuple(dict.fromkeys(encoded))
        self._forms = forms = (*self.plain, *self.encoded)
        # Beyond a few, the first characters of all of them are looked for before any of them is.
        self._heads = frozenset(form[:_HEAD] for form in forms) if len(forms) > _FEW else None

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._forms)} forms>"

    def __bool__(self) -> bool:
        return bool(self._forms)

    @classmethod
    def of(cls, *secrets: str) -> Redactor:
        """All forms of these secrets, for the words of whoever was given them."""
        long = [secret for secret in secrets if _length(secret) >= SHORTEST]
        return cls((form for one in long for form in _plain(one)), (form for one in long for form in _base64(one)))

    @classmethod
    def joined(cls, redactors: Iterable[Redactor]) -> Redactor:
        """One that takes out what any of these does."""
        each = list(redactors)
        return cls((form for one in each for form in one.plain), (form for one in each for form in one.encoded))

    def distinct(self) -> Redactor:
        """Only those forms that honest sentences do not hold by chance: "password" they do, and "587" too."""
        plain = (f for f in self.plain if len(f) >= (16 if _WORDS.fullmatch(f) or f.isdigit() else 6))
        return Redactor(plain, (form for form in self.encoded if len(form) >= 7))

    def __call__(self, text: str, keep: Keep | None = None) -> str:
        """The text without the secrets. `keep` says how many of its first characters stay: a code is not a secret."""
        if self._heads is not None and not self._may_hold(text):
            return text
        for form in self._forms:
            if form in text:
                return _without(text, [*self._found(text)], 0 if keep is None else keep(text))
        return text

    def _may_hold(self, text: str) -> bool:
        heads = self._heads or ()
        return any(text[start : start + _HEAD] in heads for start in range(len(text) - _HEAD + 1))

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        for form in self.plain:
            if form in text:
                yield from ((at, at + len(form)) for at in _places(form, text))
        for form in self.encoded:
            if form in text:
                # What stands around it in the same base64 is of the same message, and may hold a part of the secret.
                yield from (_run_of_base64(text, at, at + len(form)) for at in _places(form, text))


def _places(form: str, text: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + 1)


def _run_of_base64(text: str, first: int, end: int) -> tuple[int, int]:
    while first and text[first - 1] in _BASE64:
        first -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    return first, end


def _without(text: str, spans: list[tuple[int, int]], keep: int) -> str:
    parts, done = [text[:keep]], keep
    for first, end in sorted(spans):
        if end > done:
            # Two that touch or overlap are one to the eye.
            parts += [text[done:first], MASK] if first > done or parts[-1] != MASK else []
            done = end
    return "".join((*parts, text[done:]))


def _length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _plain(secret: str) -> Iterator[str]:
    yield secret
    # Who reads replies may have taken its first octets for a code and a blank.
    if secret[:3].isdigit() and _length(secret[4:]) >= SHORTEST:
        yield secret[4:]
    for encode in (quote, quote_plus):
        written = encode(secret, safe="", errors="surrogatepass")
        if written != secret:
            yield written
            yield re.sub("%..", lambda octet: octet[0].lower(), written)


def _base64(secret: str) -> Iterator[str]:
    """The characters that are the same whatever stands around the secret, for each position in a group of three."""
    octets = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        first, end = -(-8 * before // 6), 8 * (before + len(octets)) // 6
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            yield alphabet(bytes(before) + octets)[first:end].decode()


# What follows is of the whole process.

# Re-entrant: a finalizer or a signal handler may make a mailer in the middle of it.
_lock = threading.RLock()
_secrets: dict[str, Redactor] = {}
_everywhere = Redactor()


def remember(secret: str) -> None:
    """From now on, take this secret out of every text of the process: the last 512 are remembered."""
    global _everywhere  # noqa: PLW0603 - one for the process, read without a lock
    with _lock:
        known = _secrets.pop(secret, None)
        _secrets[secret] = known or Redactor.of(secret).distinct()
        if known is None:
            if len(_secrets) > _MOST:
                _secrets.pop(next(iter(_secrets)), None)
            kept: list[Redactor] = []
            while kept != (kept := list(_secrets.values())):  # once more, if one came in between
                _everywhere = Redactor.joined(kept)


def redacted(text: str, keep: Keep | None = None) -> str:
    """The text without any secret of the process."""
    return _everywhere(text, keep) if _everywhere else text


def quoted(text: str) -> str:
    """A wrong setting in quotes, for the error that names it; not where a password may stand in it, as in a URL."""
    return "(not shown: it may hold a password)" if "@" in text or "://" in text else repr(redacted(text))


def everywhere() -> Redactor:
    """The redactor of the process as it is now."""
    return _everywhere


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
