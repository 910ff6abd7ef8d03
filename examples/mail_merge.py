"""A letter with `$name` in it, to each row of a table, with files that are read once for all of them.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=billing@example.com \
    python mail_merge.py letter.txt readers.csv terms.pdf

letter.txt: the subject, then the text. readers.csv: its first line names the columns; one of them is `address`, the
others are what the letter asks for.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from sendkit import Mailer, Message, errors


def main(letter: Path, readers: Path, *files: Path) -> int:
    """Send, say what became of each, and return 0 when every reader was served."""
    messages = written(letter, readers, *files)
    served = 0
    with Mailer.from_env() as mailer:
        for result in mailer.send_many(messages):
            for one in result.recipients.values():
                print(f"{one.address}: {one.outcome.value}")
            if result.error:
                print(f"{messages[result.index or 0].to[0]}: {result.error}", file=sys.stderr)
            served += result.ok
    return 0 if served == len(messages) else 1


def written(letter: Path, readers: Path, *files: Path) -> list[Message]:
    """All messages, made before the first goes out, so that a row with a gap in it stops nothing half-way."""
    subject, _, text = letter.read_text(encoding="utf-8").partition("\n")
    template = Message.template(subject=subject, text=text, attachments=files)
    with readers.open(encoding="utf-8", newline="") as table:
        return [template.merge(row, to=row["address"]) for row in csv.DictReader(table)]


if __name__ == "__main__":
    try:
        sys.exit(main(*map(Path, sys.argv[1:])))
    except errors.SendkitError as error:
        sys.exit(f"nothing was sent: {error}")
