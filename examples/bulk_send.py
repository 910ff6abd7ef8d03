"""One letter to many readers: run it again after a crash, a Ctrl-C or a bad night, and nobody gets two.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=news@example.com \
    python bulk_send.py letter.txt readers.txt

letter.txt: the subject, then the text. readers.txt: a mailbox a line. Beside it stands readers.outbox, which knows what
became of every letter: `sendkit outbox list --database readers.outbox`.
"""

import sys
import time
from collections import Counter
from pathlib import Path

from sendkit import Mailer, Message, errors
from sendkit.outbox import Letter, Outbox

letter, readers = map(Path, sys.argv[1:])
subject, _, text = letter.read_text(encoding="utf-8").partition("\n")
lines = list(filter(str.strip, readers.read_text(encoding="utf-8").splitlines()))
try:
    letters = [Letter(Message(to=line, subject=subject, text=text.strip()), f"{letter.name}: {line}") for line in lines]
    with Outbox(readers.with_suffix(".outbox")) as outbox, Mailer.from_env() as mailer, outbox.worker(mailer):
        ids = {receipt.id for receipt in outbox.put_many(letters)}
        while (counts := outbox.counts().letters)["ready"] + counts["working"]:
            print(f"\r{counts['settled']} of {len(ids)}", end="", file=sys.stderr)
            time.sleep(0.1)
        found = [outbox.status(one) for one in ids]
except errors.SendkitError as error:
    sys.exit(f"nothing was sent: {error}")
states = Counter(one.recipients[0].state.replace("_", " ") for one in found)
print("\r" + ", ".join(f"{count} {state}" for state, count in states.items()), file=sys.stderr)
sys.exit("\n".join({one.reason for one in found if one.reason}) or int(states["accepted"] < len(ids)))
