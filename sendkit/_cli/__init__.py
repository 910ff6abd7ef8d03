"""The command `sendkit`: a thin skin over the library, for shells, cron and people.

Knows: arguments, standard streams, exit codes, and how to say in plain words what the library says in values.
Must not know: SMTP, or anything that the library could know instead. No secret stands in an argument or an output.
Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

from sendkit._cli.app import main

__all__ = ["main"]
