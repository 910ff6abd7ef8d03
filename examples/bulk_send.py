"""One letter to many readers: run it again after a crash, a Ctrl-C or a bad night, and nobody gets two.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=news@example.com \
    python bulk_send.py letter.txt readers.txt

letter.txt: the subject, then the text. readers.txt: a mailbox a line. Beside it stands readers.outbox, which knows what
became of every letter: `sendkit outbox list --database readers.outbox`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from sendkit import Mailer, Message, Outbox, errors
from sendkit.outbox import Letter


def main(letter: Path, readers: Path) -> int:
    """Send, and return 0 when every reader was served."""
    subject, _, text = letter.read_text(encoding="utf-8").partition("\n")
    lines = [line for line in readers.read_text(encoding="utf-8").splitlines() if line.strip()]
    messages = [Message(to=line, subject=subject, text=text.strip()) for line in lines]  # all are checked first
    letters = [Letter(message, key=f"{letter.name}: {line}") for message, line in zip(messages, lines, strict=True)]
    with Outbox(readers.with_suffix(".outbox")) as outbox, Mailer.from_env() as mailer:
        ids = {receipt.id for receipt in outbox.put_many(letters)}
        with outbox.worker(mailer):
            while (counts := outbox.counts().letters)["ready"] + counts["working"]:
                print(f"\r{counts['settled']} of {len(ids)}", end="", file=sys.stderr)
                time.sleep(0.1)
        found = [one for one in outbox.letters(limit=sys.maxsize) if one.id in ids]
    states = Counter(one.recipients[0].state.replace("_", " ") for one in found)
    print("\r" + ", ".join(f"{count} {state}" for state, count in states.items()), file=sys.stderr)
    print("\n".join({one.reason for one in found if one.reason}), file=sys.stderr)
    return 0 if states["accepted"] == len(ids) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
    except errors.SendkitError as error:
        sys.exit(f"nothing was sent: {error}")
