"""One letter to many readers: a progress bar, a JSON line for every result, and a file of those still to be served.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=news@example.com \
    python bulk_send.py letter.txt readers.txt

letter.txt: the subject, then the text. readers.txt: a mailbox a line. Written beside it: readers.txt.results.jsonl,
and readers.txt.unsettled with whoever provably has no copy, to be given as the readers of the next run. Whom a Ctrl-C
leaves in neither file may have a copy.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sendkit import DeliveryResult, Mailer, Message, errors

WIDTH = 30


def main(letter: Path, readers: Path) -> int:
    """Send, and return 0 when every reader was served."""
    messages = written(letter, readers)
    waiting, counts = deque(messages), Counter[str]()
    problem = None
    with Mailer.from_env() as mailer, beside(readers, ".results.jsonl") as log, beside(readers, ".unsettled") as left:
        try:
            for result in mailer.send_many(taken_from(waiting)):
                log.write(result.model_dump_json() + "\n")
                if result.unsettled() or result.error:
                    left.write(f"{messages[result.index or 0].to[0]}\n")
                if problem := obstacle(result) or problem:
                    put_back(waiting, left)
                counts[outcome(result)] += 1
                show(counts, len(messages))
        finally:
            put_back(waiting, left)
    print(f"\n{summary(counts)}", *filter(None, [problem]), sep="\n", file=sys.stderr)
    return 0 if counts["accepted"] == len(messages) else 1


def written(letter: Path, readers: Path) -> list[Message]:
    """All messages, made before the first goes out, so that a line that is no mailbox stops nothing half-way."""
    subject, _, text = letter.read_text(encoding="utf-8").partition("\n")
    lines = readers.read_text(encoding="utf-8").splitlines()
    return [Message(to=line, subject=subject, text=text.strip()) for line in lines if line.strip()]


def beside(path: Path, ending: str) -> TextIO:
    """A file to append to, written line by line, so that a crash loses nothing that is known."""
    return path.with_name(path.name + ending).open("a", buffering=1, encoding="utf-8")


def taken_from(waiting: deque[Message]) -> Iterator[Message]:
    """The messages, each taken away as its sending begins."""
    while waiting:
        yield waiting.popleft()


def put_back(waiting: deque[Message], left: TextIO) -> None:
    """Write down for the next run whoever was never begun."""
    left.writelines(f"{message.to[0]}\n" for message in waiting)
    waiting.clear()


def obstacle(result: DeliveryResult) -> str | None:
    """What a person must mend first, since it would befall all others too: no password, a refused login."""
    if result.error:
        return str(result.error)
    return next((f"{one}\n  hint: {one.hint}" for one in result.deferred if not one.retryable), None)


def outcome(result: DeliveryResult) -> str:
    """What became of the one recipient of a message, in a word."""
    return "not begun" if result.error else next(iter(result.recipients.values())).outcome.value.replace("_", " ")


def show(counts: Counter[str], total: int) -> None:
    """Draw the progress bar, where somebody watches."""
    if sys.stderr.isatty():
        done = counts.total() * WIDTH // total
        print(f"\r[{'█' * done}{'·' * (WIDTH - done)}] {counts.total()}/{total}", end="", file=sys.stderr, flush=True)


def summary(counts: Counter[str]) -> str:
    """How it went, and what to do."""
    lines = [", ".join(f"{count} {word}" for word, count in counts.items())]
    if counts["in doubt"]:
        lines.append("in doubt: the server may have them; ask there before you write to these again (results.jsonl)")
    if counts["deferred"] or counts["not begun"]:
        lines.append("the readers in the file .unsettled have no copy; run it again with that file")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
    except errors.SendkitError as error:
        sys.exit(f"nothing was sent: {error}")
