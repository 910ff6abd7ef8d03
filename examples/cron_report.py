"""How full the disks are, mailed by cron: a table, the same as CSV, and an exit code that says what became of it.

    SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_PASSWORD_FILE=/etc/report.password \
    SENDKIT_FROM=ana@example.com REPORT_TO='luis@example.com, ops@example.net' python cron_report.py / /home

cron mails to its owner what a job prints, so nothing is printed unless somebody has to do something.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from html import escape

import sendkit
from sendkit import Attachment, Message, errors

Row = tuple[str, str, str, str]

COLUMNS: Row = ("folder", "size (GB)", "free (GB)", "used")


def main(folders: list[str]) -> int:
    """Send the report, and return the exit code."""
    try:
        sendkit.send(report([usage(folder) for folder in folders]), deadline=300)
    except errors.SendkitError as error:
        print("The report on the disks:", what_to_do(error), sep="\n", file=sys.stderr)
        return exit_code(error)
    return 0


def usage(folder: str) -> Row:
    """One row of the report."""
    disk = shutil.disk_usage(folder)
    return folder, f"{disk.total / 1e9:.1f}", f"{disk.free / 1e9:.1f}", f"{disk.used / disk.total:.0%}"


def report(rows: list[Row]) -> Message:
    """The message; its sender is SENDKIT_FROM."""
    cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    return Message(
        to=os.environ.get("REPORT_TO"),
        subject=f"Disks: {', '.join(row[0] for row in rows)}",
        html=f"<h1>Disks</h1><table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>",
        attachments=[Attachment.from_bytes(as_csv(rows), filename="disks.csv")],
    )


def as_csv(rows: list[Row]) -> bytes:
    """The rows for a spreadsheet."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([COLUMNS, *rows])
    return file.getvalue().encode("utf-8-sig")  # without the mark, Excel takes it for a national code page


def what_to_do(error: errors.SendkitError) -> str:
    """For the person who reads the mail of cron."""
    if not isinstance(error, errors.DeliveryError):
        return str(error)
    result = error.result
    lines = [f"{one}\n  hint: {one.hint}" for one in result.in_doubt + result.deferred + result.rejected]
    if left := result.unsettled():
        lines.append(f"To send it again to who has no copy: REPORT_TO={','.join(left.recipients)}")
    return "\n".join(lines)


def exit_code(error: errors.SendkitError) -> int:
    """The same numbers as the command `sendkit send` (sysexits.h)."""
    match error:
        case errors.MessageError():
            return 65
        case errors.ConfigurationError():
            return 78
        case errors.CredentialsError() | errors.AuthenticationError(transient=False):
            return 77
        case errors.InDoubtError():
            return 76  # the one after which no wrapper may just run the job again
        case errors.DeliveryError(result=result) if result and not result.deferred:
            return 69
        case _:
            return 75


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["/"]))
