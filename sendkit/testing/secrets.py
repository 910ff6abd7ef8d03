"""Looks for a secret wherever it must not be: in logs, texts, pickles, JSON, and tracebacks with their locals.

Knows the spellings in which a secret hides (as it is, escaped, in base64 at each of its three alignments, as in AUTH
PLAIN: RFC 4648 section 4, RFC 4616) and the kinds of evidence. It shows the secret nowhere: not in its own error, repr
or locals. Must not know: who sends mail, or how.
"""

from __future__ import annotations

import base64
import json
import logging
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType, TracebackType
from typing import Final, Self, cast
from urllib.parse import quote

__all__ = ["SecretWatch", "assert_no_secret_leaks"]

_SHORTEST: Final = 4
_SHOWN: Final = 20


def assert_no_secret_leaks(secret: str, *evidence: object) -> SecretWatch:
    """Fail when the secret is found in the evidence; in a `with` statement, watch the whole block too.

    Evidence may be anything: errors (with all that led to them), results, log records, text, octets (such as those sent
    before TLS), and collections of these. In a block every log record at DEBUG and the error that leaves the block are
    looked at, and what is given to `look_at()`:

        with assert_no_secret_leaks(PASSWORD) as watch, pytest.raises(AuthenticationError) as refused:
            mailer.send(message)
        watch.look_at(refused.value, server.octets)

    A function that still runs, such as the test itself, may hold the secret in its local variables; no other may.
    Raises AssertionError, which names each finding and how it was spelt, and ValueError for a secret of fewer than
    4 octets, which is found everywhere by chance.
    """
    __tracebackhide__ = True
    watch = SecretWatch(secret)
    leaks = watch.leaks(evidence)
    del secret, evidence  # this frame is shown when it fails
    if leaks:
        raise AssertionError(leaks)
    return watch


class SecretWatch:
    """What `assert_no_secret_leaks` returns: it goes on looking for the same secret."""

    def __init__(self, secret: str) -> None:
        self._spellings = _Spellings(secret)
        del secret
        self._records: list[logging.LogRecord] = []
        self._handler = _Keeper(self._records)
        self._levels: list[tuple[logging.Logger, int]] = []

    def look_at(self, *evidence: object) -> None:
        """Fail when the secret is found in one of these. Raises AssertionError."""
        __tracebackhide__ = True
        leaks = self.leaks(evidence)
        del evidence
        if leaks:
            raise AssertionError(leaks)

    def leaks(self, evidence: Iterable[object]) -> str | None:
        """Where the secret is in this evidence, in words, or None."""
        search = _Search(self._spellings)
        for number, item in enumerate(evidence, 1):
            search.look(f"evidence {number} ({type(item).__name__})", item)
        return search.report() if search.found else None

    def __enter__(self) -> Self:
        for name in (None, "sendkit"):
            logger = logging.getLogger(name)
            self._levels.append((logger, logger.level))
            logger.setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self._handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        logging.getLogger().removeHandler(self._handler)
        while self._levels:
            logger, level = self._levels.pop()
            logger.setLevel(level)
        leaks = self.leaks([error, self._records])
        del error, frames
        if leaks:
            raise AssertionError(leaks) from None


class _Keeper(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.NOTSET)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


class _Spellings:
    """Every way in which the secret may be written, and a name for each."""

    def __init__(self, secret: str) -> None:
        octets = secret.encode()
        if len(octets) < _SHORTEST:
            del secret, octets
            raise ValueError(f"a secret of fewer than {_SHORTEST} octets is found everywhere: take a longer one")
        self._names = {octets: "as it is"}
        for escaped in (repr(secret)[1:-1], repr(octets)[2:-1], json.dumps(secret)[1:-1], quote(secret, safe="")):
            self._names.setdefault(escaped.encode(), "escaped")
        for piece in _in_base64(octets):
            self._names.setdefault(piece, "in base64")

    def __repr__(self) -> str:
        return "<a secret>"

    def name_in(self, text: bytes) -> str | None:
        """How it is spelt in the text, or None where it is not."""
        return next((name for octets, name in self._names.items() if octets in text), None)

    def masked(self, text: str) -> str:
        """The text without it."""
        for octets in self._names:
            text = text.replace(octets.decode(), "***")
        return text


def _in_base64(octets: bytes) -> Iterator[bytes]:
    """The characters that are the same whatever stands around the octets, for each position in a group of three."""
    for before in range(3):
        first, end = -(-8 * before // 6), 8 * (before + len(octets)) // 6
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            yield alphabet(bytes(before) + octets)[first:end]


class _Search:
    """One search through any number of things, each of which is looked at once."""

    def __init__(self, spellings: _Spellings) -> None:
        self._spellings = spellings
        self._seen: dict[int, object] = {}
        self._running = {id(frame) for frame in _running_frames()}
        self.found: dict[str, None] = {}

    def report(self) -> str:
        """Where it was found; never what."""
        findings = [self._spellings.masked(holder) for holder in self.found]
        more = [f"and {len(findings) - _SHOWN} more findings"] if len(findings) > _SHOWN else []
        return "the secret leaks:\n  " + "\n  ".join(findings[:_SHOWN] + more)

    def look(self, holder: str, thing: object) -> None:
        """Look at a thing, and into it."""
        if thing is None or id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        if isinstance(thing, str | bytes | bytearray):
            self._text(holder, thing)
        elif isinstance(thing, int | float):
            self._text(holder, repr(thing))
        elif isinstance(thing, TracebackType):
            self._frames(holder, thing)
        else:
            for name, part in _parts(thing):
                self.look(f"{holder}{name}", part)
            for name, show in () if type(thing) in _CONTAINERS else _VIEWS.items():
                self._text(f"{holder}: its {name}", _attempt(show, thing))

    def _text(self, holder: str, text: str | bytes | bytearray) -> None:
        octets = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        if (name := self._spellings.name_in(octets)) is not None:
            self.found[f"{holder}, {name}"] = None

    def _frames(self, holder: str, frames: TracebackType) -> None:
        for frame, line in traceback.walk_tb(frames):
            if id(frame) not in self._running:
                where = f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{line})"
                for name, value in frame.f_locals.items():
                    # What an error reporter keeps of a local variable is its repr, and no more.
                    self._text(f"{holder}: the local {name!r} of {where}", _attempt(repr, value))


def _running_frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - inspect's own way
    while frame is not None:
        yield frame
        frame = frame.f_back


def _parts(thing: object) -> Iterator[tuple[str, object]]:
    """What is inside a thing that is made of others, and its name there."""
    if isinstance(thing, BaseException):
        yield "", thing.__traceback__
        yield ": its cause", thing.__cause__
        yield ": its context", thing.__context__
        yield from ((f".{name}", value) for name, value in vars(thing).items())
        yield from ((f".args[{i}]", value) for i, value in enumerate(thing.args))
    elif isinstance(thing, logging.LogRecord):
        yield f": the message of {thing.name}", _attempt(logging.LogRecord.getMessage, thing)
        yield from ((f": the {name!r} of {thing.name}", value) for name, value in vars(thing).items())
    elif isinstance(thing, Mapping):
        for key, value in cast("Mapping[object, object]", thing).items():
            yield " key", key
            yield f"[{_attempt(repr, key)!s}]", value
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"[{i}]", value) for i, value in enumerate(cast("Iterable[object]", thing)))


def _as_json(thing: object) -> str:
    dump: object = getattr(thing, "model_dump_json", None)
    return str(dump()) if callable(dump) and not isinstance(thing, type) else ""


_CONTAINERS: Final = (dict, list, tuple, set, frozenset)  # all that they show is shown by what is in them
_VIEWS: Final[Mapping[str, Callable[[object], str | bytes]]] = {
    "repr": repr,
    "str": str,
    "JSON": _as_json,
    "pickle": pickle.dumps,
}


def _attempt(show: Callable[..., str | bytes], thing: object) -> str | bytes:
    try:
        return show(thing)
    except Exception:  # noqa: BLE001 - what cannot be shown or pickled shows nothing of the secret either
        return ""
